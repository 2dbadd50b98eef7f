"""Taking steps back, and forth again."""

from app.document import Document


def undo(document: Document) -> None:
    """Take the last verb back, on the image that it was on."""
    if _goes_to_step(document, document.undo_stack.index() - 1):
        document.undo_stack.undo()


def redo(document: Document) -> None:
    """Do what was taken back once more."""
    if _goes_to_step(document, document.undo_stack.index()):
        document.undo_stack.redo()


def _goes_to_step(document: Document, place: int) -> bool:
    """Whether there is a step at a place of the stack, and it may be moved now; then its image is shown."""
    if document.busy:
        document.refused.emit(document.busy)
        return False
    step = document.undo_stack.command(place)
    if step is not None and step.image_id is not None:
        document.show(step.image_id)
    return step is not None
