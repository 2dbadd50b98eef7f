"""One image as the person sees it: its boxes, and the proposals of the model that saw it last."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from detector.data.project.proposals import Proposal, proposals
from detector.data.project.records import Origin, ProjectBox, ProjectImage, Rectangle, State
from detector.data.project.store import Project


@dataclass(frozen=True, slots=True)
class ShownBox:
    """A box of the current image, or a proposal (`key` below 0, no `origin`)."""

    key: int
    class_id: int
    xyxy: Rectangle
    score: float | None = None
    origin: Origin | None = None
    model: str | None = None
    iscrowd: bool = False

    @property
    def is_proposal(self) -> bool:
        """Whether a model says so and no person yet."""
        return self.key < 0


@dataclass(frozen=True)
class Page:
    """An image with its boxes by id and its proposals by their (negative) keys; `predicted`: a model has seen it."""

    image: ProjectImage
    boxes: Mapping[int, ProjectBox] = field(default_factory=dict)
    proposals: Mapping[int, Proposal] = field(default_factory=dict)
    predicted: bool = False

    def __contains__(self, key: int) -> bool:
        return key in self.boxes or key in self.proposals

    def rectangle(self, key: int) -> Rectangle:
        """Where a box or proposal is."""
        return self.boxes[key].xyxy if key in self.boxes else self.proposals[key].xyxy

    def shown(self) -> tuple[ShownBox, ...]:
        """Boxes in the order of their ids, then proposals, best first."""
        boxes = (
            ShownBox(box.id, box.class_id, box.xyxy, box.score, box.origin, box.model, box.iscrowd)
            for box in self.boxes.values()
        )
        offered = (
            ShownBox(key, item.class_id, item.xyxy, item.score, None, item.model)
            for key, item in self.proposals.items()
        )
        return (*boxes, *offered)


def proposal_key(row: int) -> int:
    """The key of the proposal in row 0, 1, … of an image's predictions: −1, −2, …; keys above 0 are boxes' ids."""
    return -1 - row


def read_page(project: Project, image: ProjectImage, *, threshold: float | None) -> Page:
    """An image's boxes, and its proposals from a score on; reviewed images have none. Raises ProjectError."""
    boxes = {box.id: box for box in project.boxes(image.id)}
    found = project.predictions(image.id)
    if found is None or image.state is State.REVIEWED:
        return Page(image, boxes, predicted=found is not None)
    rejections = project.rejections(image.id)
    offered = proposals(found, boxes.values(), rejections, threshold=threshold, size=image.size)
    return Page(image, boxes, {proposal_key(item.row): item for item in offered}, predicted=True)
