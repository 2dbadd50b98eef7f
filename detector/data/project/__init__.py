"""A project: a folder of pictures and all that is known about them, in a store that loses nothing."""
