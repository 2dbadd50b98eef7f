"""The verbs on boxes and proposals of the current image; each is one step of undo."""

from collections.abc import Iterable, Mapping

from app import edits
from app.document import Document
from detector.data.project.records import Change, Origin, ProjectBox, Rectangle


def draw(document: Document, xyxy: Rectangle) -> int | None:
    """A new box of the active class; its key."""
    page = document.page_to_edit()
    if page is None:
        return None
    if document.active_class is None:
        document.refused.emit("A box needs a class: add one in the Classes panel first.")
        return None
    x1, y1, x2, y2 = edits.clamped(xyxy, page.image)
    if x1 >= x2 or y1 >= y2:
        return None
    box = ProjectBox(
        id=document.opened.new_id(),
        image_id=page.image.id,
        class_id=document.active_class,
        xyxy=(x1, y1, x2, y2),
        origin=Origin.DRAWN,
    )
    document.do("Draw box", edits.add(page, [box]))
    document.set_selection([box.id])
    return box.id


def reshape(document: Document, rectangles: Mapping[int, Rectangle]) -> dict[int, int]:
    """Move and resize; old keys → new ones, for a changed proposal becomes a box."""
    page = document.page_to_edit()
    if page is None:
        return {}
    cut = {key: edits.clamped(xyxy, page.image) for key, xyxy in rectangles.items() if key in page}
    kept = {key: r for key, r in cut.items() if r[0] < r[2] and r[1] < r[3] and r != page.rectangle(key)}
    return do_keyed(document, "Move box", *edits.reshape(page, kept, document.opened.new_id)) if kept else {}


def relabel(document: Document, keys: Iterable[int], class_id: int) -> dict[int, int]:
    """Give boxes and proposals another class, which is then the active one."""
    page = document.page_to_edit()
    if page is None:
        return {}
    document.set_active_class(class_id)
    change = [key for key in keys if key in page]
    if not change:
        return {}
    change_keys = edits.relabel(page, change, class_id=class_id, new_id=document.opened.new_id)
    return do_keyed(document, "Change class", *change_keys)


def accept(document: Document, keys: Iterable[int]) -> dict[int, int]:
    """Vouch for proposals as they are."""
    page = document.page_to_edit()
    chosen = [key for key in keys if page and key in page.proposals]
    if page is None or not chosen:
        return {}
    return do_keyed(document, "Accept", *edits.accept(page, chosen, document.opened.new_id))


def delete(document: Document, keys: Iterable[int]) -> None:
    """Delete boxes, reject proposals."""
    page = document.page_to_edit()
    chosen = [key for key in keys if page and key in page]
    if page is not None and chosen:
        text = "Delete box" if any(key > 0 for key in chosen) else "Reject"
        document.do(text, edits.delete(page, chosen, document.opened.new_id))


def do_keyed(document: Document, text: str, change: Change, keys: dict[int, int]) -> dict[int, int]:
    """As do; the selection follows the boxes to their new keys."""
    wanted = {keys.get(key, key) for key in document.selection}
    document.do(text, change)
    document.set_selection(wanted)
    return keys
