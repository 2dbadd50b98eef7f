"""What a person does to one or many images as wholes: each verb is one transaction and one step of undo."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from app.document import Document
from app.edits import Edit
from app.image_filter import ImageFilter, ImageGroup
from app.long_edits import MANY, LongEdit
from app.verbs import navigation
from app.wording import count
from detector.data.project.records import Change, ProjectImage, State
from detector.data.split import Side


def reopen(document: Document, image_ids: Iterable[int]) -> None:
    """Nobody vouches for these images any more; their boxes and their sides stay."""

    def unreviewed(image: ProjectImage) -> ProjectImage:
        return replace(image, state=State.STARTED if document.tally.box_count(image.id) else State.UNLABELLED)

    chosen = _those(document, image_ids, lambda image: image.state is State.REVIEWED)
    _change(document, chosen, "Take back review", unreviewed)


def set_ignored(document: Document, image_ids: Iterable[int], ignored: bool) -> None:
    """Leave images out of review and training, or use them again."""
    chosen = _those(document, image_ids, lambda image: image.ignored is not ignored)
    _change(document, chosen, "Ignore" if ignored else "Use again", lambda image: replace(image, ignored=ignored))


def set_side(document: Document, image_ids: Iterable[int], side: Side) -> None:
    """Have images on a side, whatever their content said; the reviewed ones of it are trained on, or measured on."""
    text = "Use for training" if side is Side.TRAIN else "Use for validation"
    chosen = _those(document, image_ids, lambda image: image.split is not side)
    _change(document, chosen, text, lambda image: replace(image, split=side))


def unite_sides(document: Document, groups: Iterable[Sequence[int]]) -> None:
    """Have each group of images on one side: where most of it is, at a tie in training."""
    wanted: dict[int, Side] = {}
    for group in groups:
        known = [image_id for image_id in group if image_id in document.images]
        validating = sum(document.images[image_id].split is Side.VAL for image_id in known)
        wanted |= dict.fromkeys(known, Side.VAL if 2 * validating > len(known) else Side.TRAIN)
    chosen = _those(document, wanted, lambda image: image.split is not wanted[image.id])
    _change(document, chosen, "Move to one side", lambda image: replace(image, split=wanted[image.id]))


def set_note(document: Document, image_id: int, note: str) -> None:
    """Write a note on an image."""
    wanted = note.strip()
    chosen = _those(document, [image_id], lambda image: image.note != wanted)
    _change(document, chosen, "Note", lambda image: replace(image, note=wanted))


def ignore_trashed(document: Document, image_ids: Collection[int]) -> None:
    """The files of images are in the trash: the images are out of sight, and undo brings them back without a file."""
    chosen = _those(document, image_ids, lambda image: not image.ignored)
    _change(document, chosen, "Move to trash", lambda image: replace(image, ignored=True))
    if document.current in image_ids:
        navigation.step(document, 1 if navigation.place(document) + 1 < len(document.visible) else -1)


def show_group(document: Document, group: ImageGroup) -> None:
    """Show these images in the list, and the first one of them on the canvas, unless one of them is there."""
    document.set_filter(ImageFilter(among=group))
    if document.current not in group.ids and (first := [id for id in document.visible if id in group.ids]):
        document.show(first[0])


def push_change(document: Document, change: Change, text: str) -> None:
    """A change of many images, and of boxes on them, as one step."""
    size = max(len(change.images), len(change.boxes))
    document.push(
        Edit(document, change, text=text, image_id=None)
        if size <= MANY
        else LongEdit(document, lambda: change, text=text)
    )


def _those(document: Document, image_ids: Iterable[int], needs: Callable[[ProjectImage], bool]) -> list[int]:
    images = document.images
    return [image_id for image_id in image_ids if image_id in images and needs(images[image_id])]


def _change(document: Document, image_ids: list[int], text: str, after: Callable[[ProjectImage], ProjectImage]) -> None:
    """One step; on very many images a worker does it."""
    if not image_ids or document.refuse_editing():
        return
    images = document.images

    def make() -> Change:
        return Change(images=tuple((images[image_id], after(images[image_id])) for image_id in image_ids))

    words = text if len(image_ids) == 1 else f"{text}: {count(len(image_ids), 'image')}"
    only = image_ids[0] if len(image_ids) == 1 else None
    document.push(
        Edit(document, make(), text=words, image_id=only)
        if len(image_ids) <= MANY
        else LongEdit(document, make, text=words)
    )
