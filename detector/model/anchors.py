"""Anchor boxes, and the coding of boxes relative to them (RetinaNet's, without variances and clamps)."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from detector.model.variants import Variant

OCTAVES = (0.0, 1 / 3, 2 / 3)
ASPECTS = ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))  # width, height
ANCHORS_PER_CELL = len(OCTAVES) * len(ASPECTS)


def count_anchors(variant: Variant, height: int, width: int) -> int:
    """How many anchors an input of height × width pixels has."""
    return ANCHORS_PER_CELL * sum((height >> level) * (width >> level) for level in variant.levels)


@lru_cache(maxsize=32)
def anchor_boxes(variant: Variant, height: int, width: int) -> Tensor:
    """All anchors of an input of height × width pixels: (N, 4) float32 xyxy, ordered level → y → x → octave → aspect.

    Do not write into the result: it is shared.
    """
    levels = []
    for level in variant.levels:
        stride = 2**level
        sizes = np.array(
            [
                [variant.anchor_scale * stride * 2**octave * side for side in aspect]
                for octave in OCTAVES
                for aspect in ASPECTS
            ]
        )
        ys = (np.arange(height // stride) + 0.5) * stride
        xs = (np.arange(width // stride) + 0.5) * stride
        centres = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 1, 2)
        levels.append(np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1).reshape(-1, 4))
    return torch.from_numpy(np.concatenate(levels).astype(np.float32))


def decode(regression: Tensor, anchors: Tensor) -> Tensor:
    """Regressions (…, 4) ty, tx, th, tw against anchors (…, 4) xyxy → boxes (…, 4) xyxy, in input pixels."""
    lower, upper = anchors[..., :2], anchors[..., 2:]
    size = upper - lower
    centre = regression[..., [1, 0]] * size + (lower + upper) / 2
    half = regression[..., [3, 2]].exp() * size / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Boxes (…, 4) xyxy of positive size against anchors (…, 4) xyxy → regressions (…, 4) ty, tx, th, tw. The inverse
    of `decode`.
    """
    size = anchors[..., 2:] - anchors[..., :2]
    shift = ((boxes[..., :2] + boxes[..., 2:]) - (anchors[..., :2] + anchors[..., 2:])) / 2 / size
    scale = ((boxes[..., 2:] - boxes[..., :2]) / size).log()
    return torch.cat([shift.flip(-1), scale.flip(-1)], dim=-1)
