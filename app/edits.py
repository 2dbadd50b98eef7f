"""What each verb of a person changes, as pure functions; and the steps of undo that apply and revert them.

Undo changes the document, never what is drawn.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from app.history import Step
from app.page import Page
from detector.data.project.colours import class_colour
from detector.data.project.proposals import Proposal
from detector.data.project.records import (
    Change,
    Origin,
    PassClasses,
    ProjectBox,
    ProjectClass,
    ProjectImage,
    Rectangle,
    Rejection,
    State,
)
from detector.data.split import Side

NewId = Callable[[], int]
GEOMETRY_KEYS = ("segmentation", "area")  # of an imported box; wrong once it was moved


def add(page: Page, boxes: Collection[ProjectBox]) -> Change:
    """New boxes."""
    return Change(boxes=tuple((None, box) for box in boxes), images=_state(page, len(page.boxes) + len(boxes)))


def reshape(page: Page, rectangles: Mapping[int, Rectangle], new_id: NewId) -> tuple[Change, dict[int, int]]:
    """Other rectangles for boxes and proposals; a changed proposal becomes a box. Gives the new keys, too."""
    return _edited(page, {key: {"xyxy": xyxy} for key, xyxy in rectangles.items()}, new_id)


def relabel(page: Page, keys: Iterable[int], *, class_id: int, new_id: NewId) -> tuple[Change, dict[int, int]]:
    """Another class for boxes and proposals; a changed proposal becomes a box."""
    return _edited(page, {key: {"class_id": class_id} for key in keys}, new_id)


def accept(page: Page, keys: Iterable[int], new_id: NewId) -> tuple[Change, dict[int, int]]:
    """Proposals become boxes as they are; boxes among the keys stay as they are."""
    return _edited(page, {key: {} for key in keys if key < 0}, new_id)


def delete(page: Page, keys: Collection[int], new_id: NewId) -> Change:
    """Boxes go; what a model had said is rejected, so that no model brings it back."""
    gone = [page.boxes[key] for key in keys if key in page.boxes]
    offered = [page.proposals[key] for key in keys if key in page.proposals]
    refused = [*(box for box in gone if box.model is not None), *offered]
    return Change(
        boxes=tuple((box, None) for box in gone),
        rejections=tuple((None, _rejection(page.image.id, item, new_id())) for item in refused),
        images=_state(page, len(page.boxes) - len(gone)) if gone else (),
    )


def flag(page: Page, keys: Collection[int], *, name: str, on: bool, new_id: NewId) -> tuple[Change, dict[int, int]]:
    """One of FLAGS set or taken away. It says nothing against the model's box: a proposal is accepted with it."""
    made, new_keys = accept(page, [key for key in keys if key in page.proposals], new_id)
    kept = [key for key in keys if key in page.boxes]
    rows = [(before, replace(after, **{name: on})) for before, after in made.boxes if after is not None]
    rows += [(page.boxes[key], replace(page.boxes[key], **{name: on})) for key in kept]
    return replace(made, boxes=tuple(rows)), {**new_keys, **{key: key for key in kept}}


def review(page: Page, side: Side, new_id: NewId) -> Change:
    """The person vouches for all that is shown: proposals become boxes, the image is reviewed."""
    change, _ = accept(page, page.proposals, new_id)
    return replace(change, images=_reviewed(page, side))


def mark_empty(page: Page, side: Side, new_id: NewId) -> Change:
    """Reviewed, and nothing is on it: proposals are rejected."""
    return replace(delete(page, tuple(page.proposals), new_id), images=_reviewed(page, side))


def started(image: ProjectImage, boxes: int) -> ProjectImage:
    """An image that nobody has vouched for is started as long as it has a person's boxes."""
    if image.state is State.REVIEWED:
        return image
    return replace(image, state=State.STARTED if boxes else State.UNLABELLED)


def vouched(image: ProjectImage, side: Side) -> ProjectImage:
    """The image as reviewed; the side that it has stays."""
    return replace(image, state=State.REVIEWED, split=image.split or side)


def new_class(name: str, others: Collection[ProjectClass], *, class_id: int) -> ProjectClass:
    """A class behind the others, with a colour and a COCO category that none of them has."""
    position = max((item.position for item in others), default=-1) + 1
    category_id = max((item.category_id for item in others), default=0) + 1
    return ProjectClass(class_id, name, class_colour(position), position, max(category_id, 1))


def clamped(xyxy: Rectangle, image: ProjectImage) -> Rectangle:
    """The rectangle with its corners in order, cut off at the image's borders where its size is known."""
    (x1, x2), (y1, y2) = sorted((xyxy[0], xyxy[2])), sorted((xyxy[1], xyxy[3]))
    if image.width is None or image.height is None:
        return x1, y1, x2, y2
    width, height = image.width, image.height
    return min(max(x1, 0), width), min(max(y1, 0), height), min(max(x2, 0), width), min(max(y2, 0), height)


def passes_touched(change: Change, read: Callable[[], Iterable[PassClasses]]) -> set[int]:
    """Ids of the passes whose proposals a change may make others: it changes what their channels stand for, or a class
    comes or goes that they know. `read` gives what all passes know.
    """
    touched = {after.pass_id for _, after in change.passes}
    moved = {item.id for pair in change.classes if None in pair for item in pair if item is not None}
    if moved:
        touched |= {each.pass_id for each in read() if moved.intersection(each.class_ids.values())}
    return touched


def _edited(page: Page, changes: Mapping[int, dict[str, Any]], new_id: NewId) -> tuple[Change, dict[int, int]]:
    rows: list[tuple[ProjectBox | None, ProjectBox | None]] = []
    refused: list[tuple[None, Rejection]] = []
    keys: dict[int, int] = {}
    for key, values in changes.items():
        if key in page.boxes:
            box = page.boxes[key]
            rows.append((box, _changed_box(box, values)))
            keys[key] = key
            corrected = box if box.origin is Origin.ACCEPTED else None
        else:
            proposal = page.proposals[key]
            made = _accepted(page.image.id, proposal, new_id())
            rows.append((None, replace(made, origin=Origin.EDITED, **values) if values else made))
            keys[key] = made.id
            corrected = proposal if values else None
        if corrected:  # what the model said is wrong, and must not be proposed beside the box
            refused.append((None, _rejection(page.image.id, corrected, new_id())))
    boxes = len(page.boxes) + sum(before is None for before, _ in rows)
    return Change(boxes=tuple(rows), rejections=tuple(refused), images=_state(page, boxes)), keys


def _changed_box(box: ProjectBox, values: dict[str, Any]) -> ProjectBox:
    extra = box.extra
    if "xyxy" in values:
        extra = {key: value for key, value in extra.items() if key not in GEOMETRY_KEYS}
    origin = Origin.DRAWN if box.origin is Origin.DRAWN else Origin.EDITED
    return replace(box, origin=origin, extra=extra, **values)


def _accepted(image_id: int, proposal: Proposal, box_id: int) -> ProjectBox:
    return ProjectBox(
        id=box_id,
        image_id=image_id,
        class_id=proposal.class_id,
        xyxy=proposal.xyxy,
        origin=Origin.ACCEPTED,
        model=proposal.model,
        score=proposal.score,
    )


def _rejection(image_id: int, item: Proposal | ProjectBox, rejection_id: int) -> Rejection:
    return Rejection(id=rejection_id, image_id=image_id, class_id=item.class_id, xyxy=item.xyxy)


def _state(page: Page, boxes: int) -> tuple[tuple[ProjectImage, ProjectImage], ...]:
    after = started(page.image, boxes)
    return ((page.image, after),) if after != page.image else ()


def _reviewed(page: Page, side: Side) -> tuple[tuple[ProjectImage, ProjectImage], ...]:
    return ((page.image, vouched(page.image, side)),)


class Target(Protocol):
    """What steps of undo act on: the document."""

    def apply(self, change: Change) -> None:
        """Store a change and show it."""

    def switch_pass(self, pass_id: int, active: bool) -> None:
        """Show the predictions of a pass, or those from before it."""


class Edit(Step):
    """One verb of a person, on one image where it is on one."""

    def __init__(self, target: Target, change: Change, *, text: str, image_id: int | None) -> None:
        super().__init__(text)
        self.image_id = image_id
        self.is_about_boxes = not change.classes and not change.passes
        self._target, self._change = target, change

    def _do(self) -> None:
        self._target.apply(self._change)

    def _take_back(self) -> None:
        self._target.apply(self._change.inverse())


class PassEdit(Step):
    """One auto-labelling, which has been done when it comes onto the stack."""

    def __init__(self, target: Target, pass_id: int, *, text: str) -> None:
        super().__init__(text, is_done=True)
        self._target, self._pass_id = target, pass_id

    def _do(self) -> None:
        self._target.switch_pass(self._pass_id, True)

    def _take_back(self) -> None:
        self._target.switch_pass(self._pass_id, False)
