"""Boxes as arrays: xyxy float, in image pixels, everywhere inside the program. Pure numpy functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEFAULT_THRESHOLD = 0.35  # the score from which a prediction is shown where its model does not say

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Detections:
    """What a model found in one image, best first.

    boxes (N, 4) float32 xyxy in image pixels; scores (N,) float32 in 0..1; channels (N,) int64, the model's class
    channels; anchors (N,) int64, the index of the anchor that each box was decoded from.
    """

    boxes: Float32
    scores: Float32
    channels: Int64
    anchors: Int64

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, which: NDArray[np.bool_] | Int64) -> "Detections":
        """The detections that a mask (N,) or an index array picks, in that order."""
        return Detections(self.boxes[which], self.scores[which], self.channels[which], self.anchors[which])


def concatenate(parts: Sequence[Detections]) -> Detections:
    """The detections of several parts, at least one, in their order."""
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.channels for part in parts]),
        np.concatenate([part.anchors for part in parts]),
    )


def area(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Areas (N,) of boxes (N, 4); inverted boxes count 0."""
    return np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)


def clip(boxes: NDArray[np.floating], width: float, height: float) -> NDArray[np.floating]:
    """Boxes (N, 4) cut off at the borders of an image of width × height pixels."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


def intersection(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """The areas (N, M) that boxes (N, 4) and (M, 4) have in common."""
    lower = np.maximum(a[:, None, :2], b[None, :, :2])
    upper = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.clip(upper - lower, 0, None).prod(axis=2)


def iou(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4); 0 where both are empty."""
    common = intersection(a, b)
    union = area(a)[:, None] + area(b)[None, :] - common
    return np.where(union > 0, common / np.where(union > 0, union, 1), 0)
