"""Large pictures in tiles: where the tiles lie, and how what is found in them becomes one picture's detections.

Pure geometry. Tiles are as large as a model's input and overlap by a quarter of that. So an object up to this size, but
for a margin, lies whole in one of them; what is larger a look at the whole picture finds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detector.boxes import Detections, Float32, Int64, area, concatenate, intersection, iou

OVERLAP = 4  # tiles have a side's fourth in common
MARGIN = 64  # a box that ends within a side's 64th of a seam is cut by it: boxes are not exact
SAME = 0.5  # the intersection over union from which two boxes of a class are one object
PORTION = 256  # pieces that are compared with all whole boxes at once
HELD = 0.5  # the part of a cut box that lies in a whole one of its class, from which it is a piece of that


@dataclass(frozen=True)
class Window:
    """A part of a picture, in its pixels: left ≤ x < right, top ≤ y < bottom."""

    left: int
    top: int
    right: int
    bottom: int


def tiles(width: int, height: int, side: int) -> list[Window]:
    """The tiles of a picture of width × height pixels, row by row: side × side, or as much as there is.

    Neighbours have at least ⌊side / 4⌋ in common. A picture that fits into one tile gets none.
    """
    if max(width, height) <= side:
        return []
    rows, columns = _spans(height, side), _spans(width, side)
    return [Window(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _spans(length: int, side: int) -> list[tuple[int, int]]:
    """Parts of a line that are `side` long, at equal distances; all of it where it is shorter."""
    if length <= side:
        return [(0, length)]
    steps = -(-(length - side) // (side - side // OVERLAP))
    starts = [i * (length - side) // steps for i in range(steps + 1)]
    return [(start, start + side) for start in starts]


def merge(parts: Sequence[tuple[Window, Detections]], width: int, height: int) -> Detections:
    """Detections in parts of a picture, the whole of it among them, become the picture's: in its pixels, best first.

    Of boxes of a class that overlap (IoU ≥ 0.5) the best stays. One that a part's inner edge cuts goes where another,
    which none cuts, holds half of it; those that stay become one where they agree on what both their parts see.
    `anchors` are those of the part in which a box was found.
    """
    corners = np.array([[part.left, part.top, part.right, part.bottom] for part, _ in parts], np.float32)
    within = np.repeat(corners, [len(found) for _, found in parts], axis=0)
    every = concatenate([found for _, found in parts])
    every = replace(every, boxes=every.boxes + within[:, [0, 1, 0, 1]])
    size = np.array([width, height], np.float32)
    each = [np.flatnonzero(every.channels == channel) for channel in np.unique(every.channels)]
    merged = concatenate(
        [every.select(np.zeros(0, np.int64)), *(_merged(every.select(rows), within[rows], size) for rows in each)]
    )
    return merged.select(np.argsort(-merged.scores, kind="stable"))


def _merged(found: Detections, within: Float32, size: Float32) -> Detections:
    """The detections of one class, each found within a part of the picture."""
    cut = _cut(found.boxes, within, size)
    intact, pieces = found.select(~cut), found.select(cut)
    intact = intact.select(_best(intact))
    alone = _most_held(pieces.boxes, intact.boxes) < HELD * area(pieces.boxes)
    joined = _joined(pieces.select(alone), within[cut][alone])
    both = concatenate([intact, joined])
    return both.select(_best(both))


def _most_held(pieces: Float32, intact: Float32) -> Float32:
    """How much of each piece (N, 4) one of the boxes (M, 4) holds at most, in px²; both may be many, hence portions."""
    portions = [pieces[start : start + PORTION] for start in range(0, len(pieces), PORTION)]
    held = [intersection(portion, intact).max(axis=1, initial=0) for portion in portions]
    return np.concatenate([np.zeros(0, np.float32), *held])


def _cut(boxes: Float32, within: Float32, size: Float32) -> NDArray[np.bool_]:
    """Which boxes (N, 4) end at an edge of their part (N, 4) that is none of the picture's."""
    near = (within[:, 2:] - within[:, :2]) / MARGIN
    lower = (boxes[:, :2] - within[:, :2] < near) & (within[:, :2] > 0)
    upper = (within[:, 2:] - boxes[:, 2:] < near) & (within[:, 2:] < size)
    return np.any(lower | upper, axis=1)


def _best(found: Detections) -> Int64:
    """Which of one class's detections stay where those go that a better one overlaps; best first."""
    order, kept = np.argsort(-found.scores, kind="stable"), []
    while len(order):
        first, order = order[0], order[1:]
        kept.append(first)
        order = order[iou(found.boxes[[first]], found.boxes[order])[0] < SAME]
    return np.array(kept, np.int64)


def _joined(pieces: Detections, within: Float32) -> Detections:
    """Pieces of objects that no part holds whole, put together; the best one gives score and anchor."""
    groups = list(_groups(pieces, within))
    boxes = [np.r_[pieces.boxes[rows, :2].min(0), pieces.boxes[rows, 2:].max(0)] for rows in groups]
    first = pieces.select(np.array([rows[0] for rows in groups], np.int64))
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), first.scores, first.channels, first.anchors)


def _groups(pieces: Detections, within: Float32) -> Iterator[list[int]]:
    """Rows of pieces that belong together, the best first: each agrees with another one of its group."""
    left = np.argsort(-pieces.scores, kind="stable")
    while len(left):
        group, left = [int(left[0])], left[1:]
        for row in group:  # which grows meanwhile
            agrees = _agrees(pieces.boxes, within, row, left)
            group += left[agrees].tolist()
            left = left[~agrees]
        yield group


def _agrees(boxes: Float32, within: Float32, row: int, others: Int64) -> NDArray[np.bool_]:
    """Whether other boxes are the same as one box, of another part, as far as both parts see them."""
    lower = np.maximum(within[row, :2], within[others, :2])
    upper = np.minimum(within[row, 2:], within[others, 2:])
    one, other = (
        np.c_[np.maximum(item[:, :2], lower), np.minimum(item[:, 2:], upper)] for item in (boxes[[row]], boxes[others])
    )
    common = area(np.c_[np.maximum(one[:, :2], other[:, :2]), np.minimum(one[:, 2:], other[:, 2:])])
    is_same = (common > 0) & (common >= SAME * (area(one) + area(other) - common))
    return is_same & (within[others] != within[row]).any(axis=1)
