"""One image as the person sees it: its boxes, and the proposals of the model that saw it last."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from detector.data.project.proposals import Limits, Proposal, proposals
from detector.data.project.records import Origin, ProjectBox, ProjectImage, Rectangle
from detector.data.project.store import Project

FLAGS = ("occluded", "truncated", "difficult")


@dataclass(frozen=True, slots=True)
class ShownBox:
    """A box of the current image, or a proposal (`key` below 0, no `origin`).

    flags: those of FLAGS that it has. segmentation: what an imported file says of its outline, as it stands there.
    """

    key: int
    class_id: int
    xyxy: Rectangle
    score: float | None = None
    origin: Origin | None = None
    model: str | None = None
    iscrowd: bool = False
    flags: tuple[str, ...] = ()
    segmentation: object = None

    @property
    def is_proposal(self) -> bool:
        """Whether a model says so and no person yet."""
        return self.key < 0


@dataclass(frozen=True)
class Page:
    """An image with its boxes by id and its proposals by their (negative) keys; `predicted`: a model has seen it.

    Of `hidden` classes nothing is shown: `proposals` has none of theirs, `hidden_proposals` is how many there are.
    """

    image: ProjectImage
    boxes: Mapping[int, ProjectBox] = field(default_factory=dict)
    proposals: Mapping[int, Proposal] = field(default_factory=dict)
    predicted: bool = False
    hidden: frozenset[int] = frozenset()
    hidden_proposals: int = 0

    @property
    def unseen(self) -> int:
        """Boxes and proposals that are not shown."""
        return self.hidden_proposals + sum(box.class_id in self.hidden for box in self.boxes.values())

    def __contains__(self, key: int) -> bool:
        return key in self.boxes or key in self.proposals

    def rectangle(self, key: int) -> Rectangle:
        """Where a box or proposal is."""
        return self.boxes[key].xyxy if key in self.boxes else self.proposals[key].xyxy

    def shown(self) -> tuple[ShownBox, ...]:
        """Boxes in the order of their ids, then proposals, best first."""
        boxes = (
            ShownBox(
                box.id,
                box.class_id,
                box.xyxy,
                box.score,
                box.origin,
                box.model,
                box.iscrowd,
                flags_of(box),
                box.extra.get("segmentation") or None,
            )
            for box in self.boxes.values()
            if box.class_id not in self.hidden
        )
        offered = (
            ShownBox(key, item.class_id, item.xyxy, item.score, None, item.model)
            for key, item in self.proposals.items()
        )
        return (*boxes, *offered)


def proposal_key(row: int) -> int:
    """The key of the proposal in row 0, 1, … of an image's predictions: −1, −2, …; keys above 0 are boxes' ids."""
    return -1 - row


def flags_of(box: ProjectBox) -> tuple[str, ...]:
    """The flags that a box has."""
    return tuple(flag for flag in FLAGS if getattr(box, flag))


def read_page(project: Project, image: ProjectImage, limits: Limits) -> Page:
    """An image's boxes, and its proposals within limits; only open images have some. Raises ProjectError."""
    boxes = {box.id: box for box in project.boxes(image.id)}
    found = project.predictions.of(image.id)
    if found is None or not image.is_open:
        return Page(image, boxes, predicted=found is not None, hidden=limits.hidden)
    rejections = project.rejections(image.id)
    unhidden = replace(limits, hidden=frozenset())
    offered = proposals(found, boxes.values(), rejections, limits=unhidden, size=image.size)
    shown = {proposal_key(item.row): item for item in offered if item.class_id not in limits.hidden}
    return Page(image, boxes, shown, predicted=True, hidden=limits.hidden, hidden_proposals=len(offered) - len(shown))
