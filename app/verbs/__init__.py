"""What a person does to the open project: each verb is one transaction of the store and one step of undo."""
