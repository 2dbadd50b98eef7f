"""Boxes on their way to another image: as the clipboard's text, and where they land there."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.boxes import area, iou
from detector.data.project.records import Rectangle

KEY = "efficientdet-studio-boxes"  # marks a text as ours
LONGEST = 20_000_000  # characters; a longer text is somebody else's
SAME = 0.95  # IoU from which a box is there already
SAME_SHAPE = 0.01  # how far the width-to-height ratios of two images may be apart for one to be a scaled copy
STEP, LEAST_STEP = 0.02, 4.0  # how far a pasted box steps aside: a share of the image's shorter side, at least px
TRIES = 40  # steps in one direction before the next one is tried
DIRECTIONS = ((1, 1), (-1, -1), (1, -1), (-1, 1))
CROWD = "iscrowd"
FLAGS = (CROWD, "occluded", "truncated", "difficult")

Boxes = NDArray[np.float64]  # (N, 4) xyxy in image pixels
Size = tuple[float, float]  # width, height in px


@dataclass(frozen=True, slots=True)
class CopiedBox:
    """A rectangle in pixels of the image that it was copied from, its class by name, and the flags that it has."""

    name: str
    xyxy: Rectangle
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CopiedBoxes:
    """Boxes of one image, whose size is None where nobody has decoded it yet."""

    boxes: tuple[CopiedBox, ...]
    size: Size | None


def to_text(copied: CopiedBoxes) -> str:
    """As text that other windows, and people, can read."""
    boxes = [
        {"class": box.name, "xyxy": list(box.xyxy), **{flag: True for flag in FLAGS if flag in box.flags}}
        for box in copied.boxes
    ]
    return json.dumps({KEY: 1, "image_size": copied.size, "boxes": boxes}, ensure_ascii=False, indent=1)


def from_text(text: str) -> CopiedBoxes | None:
    """What `to_text` wrote; None for any other text."""
    if len(text) > LONGEST or KEY not in text[:200]:
        return None
    try:
        said = json.loads(text)
        size, boxes = said["image_size"], tuple(_box(item) for item in said["boxes"])
        return CopiedBoxes(boxes, None if size is None else _size(size)) if boxes else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def landed(boxes: Boxes, *, source: Size | None, target: Size | None) -> Boxes:
    """Where boxes of one image come to lie in another one, whose size may be unknown (None): at the same place.

    They scale with an image of the same shape and another size. Elsewhere each is moved inside, if it fits, and cut
    off at the borders.
    """
    if target is None:
        return boxes
    if source is not None and math.isclose(source[0] * target[1], source[1] * target[0], rel_tol=SAME_SHAPE):
        boxes = boxes * np.tile(np.divide(target, source), 2)
    low = np.minimum(0, np.asarray(target) - boxes[:, 2:])
    shift = np.maximum(low, -boxes[:, :2])
    return np.clip(boxes + np.tile(shift, 2), 0, np.tile(target, 2))


def set_aside(boxes: Boxes, others: Boxes, *, size: Size | None) -> Boxes:
    """Boxes (N, 4) that have stepped aside together until none lies exactly on one of the others (M, 4); where there is
    no room for that, they stay.
    """
    taken = _to_the_pixel(others)
    step = round(max(STEP * min(size), LEAST_STEP) if size else LEAST_STEP)
    lowest = np.full(2, -np.inf) if size is None else np.minimum(-boxes[:, :2].min(axis=0), 0)
    highest = np.full(2, np.inf) if size is None else np.maximum(np.asarray(size) - boxes[:, 2:].max(axis=0), 0)
    for direction in ((0, 0), *DIRECTIONS):
        for number in range(1, TRIES if any(direction) else 2):
            by = np.clip(np.multiply(direction, number * step), lowest, highest)
            moved = boxes + np.tile(by, 2)
            if taken.isdisjoint(_to_the_pixel(moved)):
                return moved
    return boxes


def is_there(boxes: Boxes, others: Boxes) -> NDArray[np.bool_]:
    """Which of the boxes (N, 4) lie where one of the others (M, 4) does, at an IoU of SAME."""
    others = others[np.argsort(others[:, 0], kind="stable")]
    reach = (boxes[:, 2] - boxes[:, 0]) * (1 / SAME - 1)  # further apart on one axis no two boxes are the same
    first = np.searchsorted(others[:, 0], boxes[:, 0] - reach, side="left")
    last = np.searchsorted(others[:, 0], boxes[:, 0] + reach, side="right")
    found = np.zeros(len(boxes), bool)
    for row in np.flatnonzero(first < last):
        found[row] = (iou(boxes[row : row + 1], others[first[row] : last[row]]) >= SAME).any()
    return found


def as_array(rectangles: Sequence[Rectangle]) -> Boxes:
    """Rectangles as an array (N, 4)."""
    return np.array(rectangles, float).reshape(-1, 4)


def as_rectangles(boxes: Boxes) -> list[Rectangle | None]:
    """An array's rows as rectangles, None for those without area, of which nothing is left."""
    return [
        (row[0], row[1], row[2], row[3]) if size > 0 else None
        for row, size in zip(boxes.tolist(), area(boxes), strict=True)
    ]


def _to_the_pixel(boxes: Boxes) -> set[tuple[float, ...]]:
    return set(map(tuple, np.round(boxes).tolist()))


def _box(item: Mapping[str, Any]) -> CopiedBox:
    name, (x1, y1, x2, y2) = item["class"], (float(value) for value in item["xyxy"])
    if not isinstance(name, str) or not name.strip() or not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise ValueError("no box of ours")
    if x1 >= x2 or y1 >= y2:
        raise ValueError("no area")
    return CopiedBox(" ".join(name.split()), (x1, y1, x2, y2), frozenset(f for f in FLAGS if item.get(f) is True))


def _size(said: Sequence[float]) -> Size:
    width, height = (float(value) for value in said)
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise ValueError("no size")
    return width, height
