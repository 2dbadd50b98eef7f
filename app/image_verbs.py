"""What a person does to one or many images as wholes: each verb is one transaction and one step of undo."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from app.document import Document
from app.edits import Edit
from app.wording import count
from detector.data.project.records import Change, ProjectImage, State
from detector.data.split import Side


def reopen(document: Document, image_ids: Iterable[int]) -> None:
    """Nobody vouches for these images any more; their boxes and their sides stay."""

    def unreviewed(image: ProjectImage) -> ProjectImage:
        if image.state is not State.REVIEWED:
            return image
        return replace(image, state=State.STARTED if document.box_count(image.id) else State.UNLABELLED)

    _change(document, image_ids, "Take back review", unreviewed)


def set_ignored(document: Document, image_ids: Iterable[int], ignored: bool) -> None:
    """Leave images out of review and training, or use them again."""
    text = "Ignore" if ignored else "Use again"
    _change(document, image_ids, text, lambda image: replace(image, ignored=ignored))


def set_side(document: Document, image_ids: Iterable[int], side: Side) -> None:
    """Have images on a side, whatever their content said; the reviewed ones of it are trained on, or measured on."""
    text = "Use for training" if side is Side.TRAIN else "Use for validation"
    _change(document, image_ids, text, lambda image: replace(image, split=side))


def set_note(document: Document, image_id: int, note: str) -> None:
    """Write a note on an image."""
    if image_id in document.images:
        _change(document, [image_id], "Note", lambda image: replace(image, note=note.strip()))


def note_trashed(document: Document, image_ids: Collection[int]) -> None:
    """The files of images are in the trash: the images are out of sight, and undo brings them back without a file."""
    if document.project is None or not image_ids:
        return
    document.project.note_gone(list(image_ids))
    gone = [replace(document.images[image_id], missing=True) for image_id in image_ids]
    document.add_images(gone, keys={}, counts={})
    _change(document, image_ids, "Move to trash", lambda image: replace(image, ignored=True))
    if document.current in image_ids:
        document.step(1 if document.place + 1 < len(document.visible) else -1)


def _change(
    document: Document, image_ids: Iterable[int], text: str, after: Callable[[ProjectImage], ProjectImage]
) -> None:
    """One step; images that it leaves as they are have no part in it."""
    images = document.images
    pairs = ((images[image_id], after(images[image_id])) for image_id in image_ids if image_id in images)
    rows = tuple((before, changed) for before, changed in pairs if changed != before)
    if not rows or document.refuse_editing():
        return
    words = text if len(rows) == 1 else f"{text}: {count(len(rows), 'image')}"
    only = rows[0][0].id if len(rows) == 1 else None
    document.push(Edit(document, Change(images=rows), text=words, image_id=only))
