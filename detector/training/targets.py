"""Which anchor learns which box (RetinaNet's matching, as google/automl does it)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou

from detector.model.anchors import encode

BACKGROUND = -1
IGNORED = -2
POSITIVE_IOU = 0.5


@dataclass(frozen=True)
class Truth:
    """One image's boxes (n, 4) xyxy in input pixels, their class channels (n,), and which of them are crowds (n,)."""

    boxes: Tensor
    labels: Tensor
    crowd: Tensor


@dataclass(frozen=True)
class Targets:
    """labels (B, N): class channel, BACKGROUND or IGNORED; regressions (B, N, 4), zero where there is no box."""

    labels: Tensor
    regressions: Tensor

    @property
    def positives(self) -> Tensor:
        """How many anchors of the batch have a box, as a scalar tensor."""
        return (self.labels >= 0).sum()


def assign(anchors: Tensor, truths: Sequence[Truth]) -> Targets:
    """Targets of a batch for anchors (N, 4) xyxy.

    An anchor learns the box that it overlaps most, from an IoU of 0.5; there is no band of ignored anchors below. Every
    box also takes the anchor that overlaps it most, so that none is without. Anchors mostly inside a crowd region are
    ignored.
    """
    pairs = [_assign_one(anchors, truth) for truth in truths]
    labels, regressions = zip(*pairs, strict=True)
    return Targets(torch.stack(labels), torch.stack(regressions))


def _assign_one(anchors: Tensor, truth: Truth) -> tuple[Tensor, Tensor]:
    labels = torch.full((len(anchors),), BACKGROUND, device=anchors.device)
    regressions = torch.zeros_like(anchors)
    # A box without area would still force-match an anchor and teach it log(0).
    solid = (truth.boxes[:, 2:] > truth.boxes[:, :2]).all(1)
    regions = truth.boxes[truth.crowd & solid]
    if len(regions):
        labels[(_covered(anchors, regions) >= POSITIVE_IOU).any(1)] = IGNORED
    wanted = ~truth.crowd & solid
    boxes = truth.boxes[wanted]
    if len(boxes):
        matches = _match(box_iou(boxes, anchors))
        positive = matches >= 0
        labels[positive] = truth.labels[wanted][matches[positive]]
        regressions[positive] = encode(boxes[matches[positive]], anchors[positive])
    return labels, regressions


def _match(iou: Tensor) -> Tensor:
    """Overlaps (boxes, anchors) → the box of each anchor, or −1."""
    count = len(iou)
    best, matches = iou.max(0)
    matches = torch.where(best >= POSITIVE_IOU, matches, -1)
    # Where two boxes want the same anchor the first one has it, as in the reference.
    forced = torch.full_like(matches, count)
    forced.scatter_reduce_(0, iou.argmax(1), torch.arange(count, device=iou.device), "amin")
    return torch.where(forced < count, forced, matches)


def _covered(anchors: Tensor, regions: Tensor) -> Tensor:
    """The share (N, R) of each anchor's area that lies inside each region."""
    lower = torch.maximum(anchors[:, None, :2], regions[None, :, :2])
    upper = torch.minimum(anchors[:, None, 2:], regions[None, :, 2:])
    inside = (upper - lower).clamp(min=0).prod(2)
    return inside / (anchors[:, 2:] - anchors[:, :2]).prod(1)[:, None]
