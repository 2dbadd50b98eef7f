"""Going through the images, in the order of the list."""

from app.document import Document


def step(document: Document, by: int) -> None:
    """Go on by so many images of the list, and no further than its ends."""
    if document.current is None or not document.visible:
        return
    document.show(document.visible[min(max(place(document) + by, 0), len(document.visible) - 1)])


def place(document: Document) -> int:
    """Where the current image is in the list, from 0."""
    return 0 if document.current is None else document.listing.place(document.current)


def neighbours(document: Document, *, after: int, before: int) -> list[int]:
    """The images around the current one in the list, the next one first."""
    if document.current is None:
        return []
    ids, here = document.visible, place(document)
    return [*ids[here + 1 : here + 1 + after], *reversed(ids[max(here - before, 0) : here])]


def from_current(document: Document) -> list[int]:
    """All images, from the current one on and round."""
    return [] if document.current is None else document.listing.all_from(document.current)


def image_before(document: Document) -> int | None:
    """The image before the current one in the order of all, whether the filter shows it or not."""
    return None if document.current is None else document.listing.before(document.current)


def show_next_to_review(document: Document) -> None:
    """Go to the next image that needs a look: one with proposals, else one that nobody has vouched for."""
    target = next_to_review(document)
    if target is None:
        document.refused.emit("Every image is reviewed.")
    else:
        document.show(target)


def next_to_review(document: Document) -> int | None:
    """From the current image on and round: one with proposals, else one that is not reviewed."""
    if document.current is None:
        return None
    unseen = None
    for image_id in document.listing.onwards(document.current):
        image = document.images[image_id]
        if image.missing or not image.is_open:
            continue
        if document.tally.proposals.get(image_id):
            return image_id
        unseen = image_id if unseen is None else unseen
    return unseen
