"""The verb that says of boxes that their object is occluded, cut off by the border, or difficult."""

from collections.abc import Collection

from app import edits
from app.document import Document
from app.page import ShownBox
from app.verbs import box_verbs


def set_flag(document: Document, keys: Collection[int], name: str, on: bool) -> dict[int, int]:
    """One of FLAGS for boxes and proposals of the current image; proposals are accepted by it. Old keys → new ones."""
    page = document.page_to_edit()
    shown = {box.key: box for box in document.shown}
    chosen = [key for key in keys if key in shown and (name in shown[key].flags) != on]
    if page is None or not chosen:
        return {}
    text = f"Mark as {name}" if on else f"No longer {name}"
    return box_verbs.do_keyed(
        document, text, *edits.flag(page, chosen, name=name, on=on, new_id=document.opened.new_id)
    )


def toggle_flag(document: Document, name: str) -> dict[int, int]:
    """Give the selected boxes a flag, or take it from them where all have it."""
    chosen = [box for box in document.shown if box.key in document.selection]
    return set_flag(document, [box.key for box in chosen], name, not all_have(chosen, name))


def all_have(boxes: Collection[ShownBox], name: str) -> bool:
    """Whether there are boxes, and all of them have a flag."""
    return bool(boxes) and all(name in box.flags for box in boxes)
