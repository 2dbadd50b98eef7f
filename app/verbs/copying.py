"""Copying boxes: over the clipboard, beside themselves, from the image before. Each verb is one step of undo."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from PySide6.QtGui import QClipboard

from app import edits
from app.document import Document
from app.page import Page
from app.verbs import box_verbs, navigation
from app.verbs.copied_boxes import (
    CROWD,
    Boxes,
    CopiedBox,
    CopiedBoxes,
    as_array,
    as_rectangles,
    from_text,
    is_there,
    landed,
    set_aside,
    to_text,
)
from app.wording import count
from detector.data.annotations import ObjectClass
from detector.data.classes import match
from detector.data.project.records import Origin, ProjectBox, ProjectClass

NOTHING_SELECTED = "Nothing is selected to copy; Ctrl+A selects all boxes."
NOT_OURS = "The clipboard holds no boxes; select some and press Ctrl+C first."


def copy(document: Document, clipboard: QClipboard) -> int:
    """The selected boxes and proposals as text for this and other windows; how many."""
    copied = selected(document)
    if copied is None:
        document.refused.emit(NOTHING_SELECTED)
        return 0
    clipboard.setText(to_text(copied))
    return len(copied.boxes)


def cut(document: Document, clipboard: QClipboard) -> None:
    """Copy, then delete."""
    if document.page_to_edit() is not None and copy(document, clipboard):
        box_verbs.delete(document, document.selection)


def paste(document: Document, text: str) -> list[int]:
    """The clipboard's boxes at the same place of the current image, or a little aside where they cover what is there.

    They are drawn boxes, of the classes that bear their names; what has no class yet gets one. Gives their keys.
    """
    copied = from_text(text)
    if copied is None:
        document.refused.emit(NOT_OURS)
        return []
    return _put(document, "Paste", copied)


def duplicate(document: Document) -> list[int]:
    """The selected boxes and proposals once more, a little aside; the keys of the new ones."""
    copied = selected(document)
    if copied is None:
        document.refused.emit(NOTHING_SELECTED)
        return []
    return _put(document, "Duplicate", copied)


def copy_previous(document: Document) -> list[int]:
    """The boxes of the image before, but for those that this one has already, and those of classes that are out of
    sight; the keys of the new ones.
    """
    page, before = document.page_to_edit(), navigation.image_before(document)
    if page is None or document.project is None:
        return []
    if before is None:
        document.refused.emit("This is the first image; there is none before it.")
        return []
    image = document.images[before]
    found = [box for box in document.project.boxes(before) if box.class_id not in document.limits.hidden]
    rectangles = landed(as_array([box.xyxy for box in found]), source=image.size, target=page.image.size)
    boxes = fresh(found, rectangles, page.boxes.values())
    if not boxes:
        why = f"All boxes of {image.path} are here already." if found else f"{image.path} has no boxes to copy."
        document.refused.emit(why)
        return []
    made = [replace(box, id=document.opened.new_id(), image_id=page.image.id) for box in boxes]
    return _add(document, page, f"Copy {count(len(made), 'box', 'boxes')} of the image before", made)


def selected(document: Document) -> CopiedBoxes | None:
    """What is selected, as it is copied; None where nothing is."""
    boxes = tuple(
        CopiedBox(
            document.class_of(box.class_id).name, box.xyxy, frozenset((*box.flags, *([CROWD] if box.iscrowd else [])))
        )
        for box in document.shown
        if box.key in document.selection
    )
    image = None if document.current is None else document.images[document.current]
    return CopiedBoxes(boxes, image.size) if boxes and image else None


def fresh(boxes: Sequence[ProjectBox], rectangles: Boxes, present: Iterable[ProjectBox]) -> list[ProjectBox]:
    """The boxes as drawn ones at other rectangles (N, 4), without those that would lie on one of their class, and
    without those that lost their area at a border.
    """
    by_class: dict[int, list[ProjectBox]] = {}
    for box in present:
        by_class.setdefault(box.class_id, []).append(box)
    kept = []
    for class_id in {box.class_id for box in boxes}:
        rows = [row for row, box in enumerate(boxes) if box.class_id == class_id]
        others = as_array([box.xyxy for box in by_class.get(class_id, ())])
        kept += [row for row, there in zip(rows, is_there(rectangles[rows], others), strict=True) if not there]
    places = as_rectangles(rectangles)
    return [as_drawn(boxes[row], place) for row in sorted(kept) if (place := places[row]) is not None]


def as_drawn(box: ProjectBox, xyxy: tuple[float, float, float, float]) -> ProjectBox:
    """A box as if a person had drawn it there: no model has a part in it, and no outline from a file."""
    return replace(box, xyxy=xyxy, origin=Origin.DRAWN, model=None, score=None, extra={})


def _put(document: Document, text: str, copied: CopiedBoxes) -> list[int]:
    """New boxes on the current image, where nothing is covered exactly."""
    page = document.page_to_edit()
    if page is None:
        return []
    size = page.image.size
    rectangles = landed(as_array([box.xyxy for box in copied.boxes]), source=copied.size, target=size)
    shown = as_array([box.xyxy for box in document.shown])
    places = as_rectangles(set_aside(rectangles, shown, size=size))
    kept = [(box, place) for box, place in zip(copied.boxes, places, strict=True) if place is not None]
    class_ids, added = _classes(document, [box.name for box, _ in kept])
    made = [
        ProjectBox(
            id=document.opened.new_id(),
            image_id=page.image.id,
            class_id=class_ids[box.name],
            xyxy=place,
            origin=Origin.DRAWN,
            iscrowd=CROWD in box.flags,
            occluded="occluded" in box.flags,
            truncated="truncated" in box.flags,
            difficult="difficult" in box.flags,
        )
        for box, place in kept
    ]
    return _add(document, page, f"{text} {count(len(made), 'box', 'boxes')}", made, classes=added)


def _add(
    document: Document, page: Page, text: str, boxes: Sequence[ProjectBox], *, classes: Sequence[ProjectClass] = ()
) -> list[int]:
    """One step of undo; the new boxes are selected, so that arrows and digits are about them."""
    document.do(text, replace(edits.add(page, boxes), classes=tuple((None, item) for item in classes)))
    keys = [box.id for box in boxes]
    document.set_selection(keys)
    return keys


def _classes(document: Document, names: Sequence[str]) -> tuple[dict[str, int], list[ProjectClass]]:
    """The class id of each name, and the classes that are missing."""
    wanted = list(dict.fromkeys(names))
    matched = match(wanted, [ObjectClass(item.id, item.name) for item in document.classes])
    ids = {wanted[place]: class_id for place, class_id in matched.items()}
    by_name = {item.name: item.id for item in reversed(document.classes)}
    added: list[ProjectClass] = []
    for name in wanted:
        if name not in ids and name not in by_name:
            added.append(edits.new_class(name, [*document.classes, *added], class_id=document.opened.new_id()))
            by_name[name] = added[-1].id
    return by_name | ids, added
