"""The verbs with which a person vouches for images."""

from collections.abc import Mapping

from app import edits
from app.document import Document
from app.edits import Edit
from app.page import Page
from app.verbs import navigation
from app.wording import count
from detector.data.project.records import Change, State
from detector.data.split import Side


def review(document: Document) -> bool:
    """Vouch for all that is shown and go on to the next image that needs a look.

    An image that also has what is not shown, of hidden classes, is accepted as far as it is shown and stays unreviewed:
    nobody vouches for what they do not see, and what they do not see is no background either.
    """
    page, project = document.page_to_edit(), document.project
    if page is None or project is None:
        return False
    if not page.boxes and not page.proposals and not page.predicted and page.image.state is not State.REVIEWED:
        document.refused.emit("No box is here and no model has looked: draw one, or press E if the image is empty.")
        return False
    if page.unseen and page.image.state is not State.REVIEWED:
        _accept_shown(document, page)
    else:
        class_ids = {item.class_id for item in (*page.boxes.values(), *page.proposals.values())}
        side = project.sides.of(page.image.id, class_ids)
        _do_and_go_on(document, "Review", edits.review(page, side, document.opened.new_id))
    return True


def mark_empty(document: Document) -> bool:
    """Record that nothing is on the image, and go on."""
    page, project = document.page_to_edit(), document.project
    if page is None or project is None:
        return False
    if page.boxes:
        document.refused.emit(
            f"This image has {count(len(page.boxes), 'box', 'boxes')}, so it is not empty; delete them first."
        )
        return False
    if page.unseen:
        document.refused.emit(f"{count(page.unseen, 'proposal')} of hidden classes wait here; show them first.")
        return False
    side = project.sides.of(page.image.id, ())
    _do_and_go_on(document, "Mark empty", edits.mark_empty(page, side, document.opened.new_id))
    return True


def started(document: Document) -> dict[int, set[int]]:
    """The images with boxes that nobody has vouched for, and the classes of these boxes."""
    tally = document.tally
    return {image_id: set(+tally.boxes[image_id]) for image_id in sorted(tally.states[State.STARTED])}


def vouch(document: Document, sides: Mapping[int, Side]) -> None:
    """Vouch for the boxes of many images, each of which gets its side, as one step of undo."""
    if not document.refuse_editing():
        images = document.images
        rows = tuple((images[id], edits.vouched(images[id], side)) for id, side in sides.items())
        document.push(Edit(document, Change(images=rows), text="Vouch for started images", image_id=None))


def _do_and_go_on(document: Document, text: str, change: Change) -> None:
    target = navigation.next_to_review(document)
    document.do(text, change)
    if target is None:
        document.refused.emit("Every image is reviewed.")
    else:
        document.show(target)


def _accept_shown(document: Document, page: Page) -> None:
    target = navigation.next_to_review(document)
    if page.proposals:
        document.do("Accept what is shown", edits.accept(page, page.proposals, document.opened.new_id)[0])
    unseen = count(page.unseen, "box or proposal", "boxes and proposals")
    document.refused.emit(f"{unseen} of hidden classes: accepted as far as it is shown, the image stays unreviewed.")
    if target is not None:
        document.show(target)
