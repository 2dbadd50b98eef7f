"""Boxes under the pointer, on the move and beside their labels: pure functions of numbers.

Boxes are (x1, y1, x2, y2). Whether they are in image or in screen pixels is the caller's choice, where not said.
"""

from collections.abc import Collection, Iterable, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
Size = tuple[float, float]  # width, height
Boxes = NDArray[np.float64]  # (N, 4)

MIN_SIDE = 1.0  # image px; a box that a person pulls together keeps this much
CORNER_REACH, EDGE_REACH = 12.0, 4.0  # screen px around a handle's centre, and around the edges between handles
LEAST_INSIDE = 12.0  # screen px between the handles of a small box, which stay free for moving it
STAND_OFF = 4.0  # screen px that the handles of a tiny box stand off from it, to leave that room
ROOM_FOR_MIDDLE = 28.0  # screen px that a side needs to show the handle in its middle


class Handle(Enum):
    """What of a box a handle moves: (−1 left | 0 | 1 right, −1 top | 0 | 1 bottom)."""

    NORTH_WEST = (-1, -1)
    NORTH = (0, -1)
    NORTH_EAST = (1, -1)
    EAST = (1, 0)
    SOUTH_EAST = (1, 1)
    SOUTH = (0, 1)
    SOUTH_WEST = (-1, 1)
    WEST = (-1, 0)


def drawn(start: tuple[float, float], end: tuple[float, float], size: Size) -> Box | None:
    """The box between two points of an image, cut off at its borders and at least MIN_SIDE wide and high.

    None where it lies beside the image.
    """
    if any(max(a, b) < 0 or min(a, b) > limit for a, b, limit in zip(start, end, size, strict=True)):
        return None
    (x1, x2), (y1, y2) = (_kept(a, b, limit) for a, b, limit in zip(start, end, size, strict=True))
    return x1, y1, x2, y2


def moved(boxes: Boxes, by: tuple[float, float], size: Size) -> Boxes:
    """Boxes (N, 4) moved together as far as the image's borders let them; what is outside already may only come in."""
    lowest = np.minimum(-boxes[:, :2].min(axis=0), 0)
    highest = np.maximum(np.asarray(size) - boxes[:, 2:].max(axis=0), 0)
    return boxes + np.tile(np.clip(by, lowest, highest), 2)


def resized(box: Box, handle: Handle, *, by: tuple[float, float], size: Size) -> Box:
    """A box whose handle was pulled, cut off at the image's borders; an edge that passes its opposite swaps with it."""
    x1, x2 = _pulled(box[0], box[2], side=handle.value[0], by=by[0], limit=size[0])
    y1, y2 = _pulled(box[1], box[3], side=handle.value[1], by=by[1], limit=size[1])
    return x1, y1, x2, y2


def stack_at(boxes: Boxes, point: tuple[float, float], *, reach: float) -> list[int]:
    """The indices of the boxes (N, 4) that are within `reach` of a point, the smallest area first."""
    x, y = point
    found = np.array(touching(boxes, (x - reach, y - reach, x + reach, y + reach)), int)
    areas = (boxes[found, 2] - boxes[found, 0]) * (boxes[found, 3] - boxes[found, 1])
    return found[np.argsort(areas, kind="stable")].tolist()


def next_in_stack(stack: Sequence[int], selected: Collection[int]) -> int:
    """Which of the keys under the pointer one more click selects: the one after the selected one, round and round."""
    for place, key in enumerate(stack):
        if key in selected:
            return stack[(place + 1) % len(stack)]
    return stack[0]


def touching(boxes: Boxes, band: Box) -> list[int]:
    """The indices of the boxes (N, 4) that share a point with a rubber band."""
    apart = (boxes[:, 0] > band[2]) | (boxes[:, 2] < band[0]) | (boxes[:, 1] > band[3]) | (boxes[:, 3] < band[1])
    return np.flatnonzero(~apart).tolist()


def stretched(boxes: Boxes, by: tuple[float, float], size: Size, *, far: bool) -> Boxes:
    """Boxes (N, 4) whose right and lower sides (`far`), or left and upper ones, went so far, no further than the
    image's borders and than MIN_SIDE before the opposite side. A side that is not to move stays, wherever it is.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    if far:
        high = np.clip(high + by, low + MIN_SIDE, np.maximum(high, size))
    else:
        low = np.clip(low + by, np.minimum(low, 0), high - MIN_SIDE)
    return np.where(np.tile(by, 2) == 0, boxes, np.hstack([low, high]))


def grip_frame(box: Box) -> Box:
    """Where a box has its handles, in screen pixels: around itself, at a little distance where it is tiny."""
    across, down = (min(max((LEAST_INSIDE - side) / 2, 0.0), STAND_OFF) for side in (box[2] - box[0], box[3] - box[1]))
    return box[0] - across, box[1] - down, box[2] + across, box[3] + down


def handle_at(box: Box, point: tuple[float, float]) -> Handle | None:
    """The handle of a box that a point takes hold of, in screen pixels: a corner, an edge, or None inside and beyond.

    Handles reach out of the box as far as they like but into it only as far as leaves room to move a small box.
    """
    box = grip_frame(box)
    beside = _side(box[0], box[2], point[0]), _side(box[1], box[3], point[1])
    if None in beside or beside == (0, 0):
        return None
    if 0 in beside:  # an edge, not a corner
        axis = 0 if beside[0] else 1
        low, high, along = box[1 - axis], box[3 - axis], point[1 - axis]
        away = min(abs(point[axis] - box[axis]), abs(point[axis] - box[axis + 2]))
        if away > EDGE_REACH and abs(along - (low + high) / 2) > CORNER_REACH:
            return None
    return Handle(beside)


def handle_points(box: Box) -> dict[Handle, tuple[float, float]]:
    """Where a box shows its handles, in screen pixels: at its corners, and in the middle of sides with room for one."""
    box = grip_frame(box)
    across = {-1: box[0], 0: (box[0] + box[2]) / 2, 1: box[2]}
    down = {-1: box[1], 0: (box[1] + box[3]) / 2, 1: box[3]}
    cramped = [box[2] - box[0] < ROOM_FOR_MIDDLE, box[3] - box[1] < ROOM_FOR_MIDDLE]
    return {
        handle: (across[handle.value[0]], down[handle.value[1]])
        for handle in Handle
        if not any(side == 0 and narrow for side, narrow in zip(handle.value, cramped, strict=True))
    }


def place_chip(box: Box, chip: Size, *, bounds: Box, taken: Iterable[Box], must: bool) -> Box | None:
    """Where the label of a box goes, in screen pixels: above it, else below it, else beside it, so that it hides
    nothing of the object.

    Inside, at what is seen of the top, only where none of these is in `bounds`. Labels in `taken` are avoided; where
    that cannot be, a label that `must` be seen covers them and any other is left out (None).
    """
    width, height = chip
    left, top = (min(max(box[axis], bounds[axis]), bounds[axis + 2] - chip[axis]) for axis in (0, 1))
    right = min(max(box[2] - width, bounds[0]), bounds[2] - width)
    tops = [y for y in (box[1] - height, box[3]) if bounds[1] <= y <= bounds[3] - height]
    lefts = [x for x in (box[2], box[0] - width) if bounds[0] <= x <= bounds[2] - width]
    outside = [(x, y) for y in tops for x in (left, right)] + [(x, top) for x in lefts]
    places = [(x, y, x + width, y + height) for x, y in outside or [(left, top), (right, top)]]
    others = list(taken)
    free = next((place for place in places if not any(_overlap(place, other) for other in others)), None)
    return places[0] if free is None and must else free


def fitting_scale(image: Size, room: Size) -> float:
    """Screen pixels per image pixel at which the whole image just fits into a room."""
    return max(min(room[0] / image[0], room[1] / image[1]), 1e-6)


def scrolled(low: float, high: float, *, by: float, length: float, margin: float) -> float:
    """How far a wheel may take a picture from `low` to `high` in a window of `length`, all in screen pixels.

    Its edges come into the window by `margin` at most; a picture that is wholly in sight stays.
    """
    return min(by, max(margin - low, 0.0)) if by > 0 else max(by, min(length - margin - high, 0.0))


def _kept(a: float, b: float, limit: float) -> tuple[float, float]:
    """The part between `a` (which stays) and `b`, in order, within 0 … limit and MIN_SIDE long if the image is."""
    fixed, free = (min(max(value, 0.0), limit) for value in (a, b))
    if abs(free - fixed) >= MIN_SIDE:
        return min(fixed, free), max(fixed, free)
    low = min(max(fixed - MIN_SIDE if b < a else fixed, 0.0), max(limit - MIN_SIDE, 0.0))
    return low, min(low + MIN_SIDE, limit)


def _pulled(low: float, high: float, *, side: int, by: float, limit: float) -> tuple[float, float]:
    if side == 0:
        return low, high
    return _kept(high, low + by, limit) if side < 0 else _kept(low, high + by, limit)


def _side(low: float, high: float, at: float) -> int | None:
    """−1 at the low edge, 1 at the high one, 0 between them, None beyond both."""
    inwards = min(CORNER_REACH, max(high - low - LEAST_INSIDE, 0.0) / 4)
    if low - CORNER_REACH <= at <= low + inwards:
        return -1
    if high - inwards <= at <= high + CORNER_REACH:
        return 1
    return 0 if low < at < high else None


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
