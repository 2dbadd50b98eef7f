"""What workers found out, for the document to take in."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from app.document import Document
from app.edits import PassEdit
from detector.errors import ProjectError


def note_decoded(document: Document, image_id: int, *, width: int, height: int, key: str) -> None:
    """An image was decoded for the first time: its size as displayed, and the hash of its content."""
    image = document.images.get(image_id)
    if image is not None and (image.width, image.height) != (width, height):
        document.tally.take_image(replace(image, width=width, height=height))
        if not document.read_only:
            with suppress(ProjectError):  # found out again the next time
                document.opened.note_decoded(image_id, width=width, height=height, key=key)
        if image_id == document.current:
            document.reread()


def note_labelled(document: Document, image_ids: Iterable[int]) -> None:
    """A worker has stored predictions for these images."""
    touched = [image_id for image_id in image_ids if image_id in document.images]
    document.reindex(touched)
    if document.current in touched:
        document.reread()


def end_pass(document: Document, pass_id: int, name: str) -> None:
    """A pass is over: from now on it can be undone. It changed no box, so edits that were undone stay redoable."""
    document.undo_stack.insert(PassEdit(document, pass_id, text=f"Auto-label with {name}"))
