"""Which predictions are shown as proposals: computed from what is stored, never stored themselves."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detector.boxes import Detections, Float32, Int64, area, clip, iou
from detector.data.project.records import Pass, ProjectBox, Rectangle, Rejection

SAME = 0.7  # IoU from which two rectangles are taken for the same


@dataclass(frozen=True, slots=True)
class Proposal:
    """A prediction to look at: its row in the image's predictions, class, xyxy in image pixels, score, the model."""

    row: int
    class_id: int
    xyxy: Rectangle
    score: float
    model: str


@dataclass(frozen=True)
class _Candidates:
    """Predictions (N) that are proposals where the score is high enough; `margins`: score − the class's threshold."""

    rows: Int64
    class_ids: Int64
    boxes: Float32
    scores: Float32
    margins: Float32


def proposals(
    found: tuple[Pass, Detections],
    boxes: Iterable[ProjectBox],
    rejections: Iterable[Rejection],
    *,
    threshold: float | None,
    size: tuple[float, float] | None,
) -> tuple[Proposal, ...]:
    """The proposals of an image, best first.

    Predictions from `threshold` on (None: the pass's own, class by class), of classes that the project has, cut off at
    the image's borders (`size`: width, height), that match no rejection of their class (IoU ≥ 0.7) and no box of any.
    That reviewed images show none is left to the caller.
    """
    kept = _candidates(found, tuple(boxes), tuple(rejections), size)
    shown = _is_shown(kept.scores, kept.margins, threshold)
    model = found[0].model
    columns = (kept.rows, kept.class_ids, kept.boxes, kept.scores)
    return tuple(
        Proposal(row, class_id, tuple(xyxy), score, model)
        for row, class_id, xyxy, score in zip(*(column[shown].tolist() for column in columns), strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """An image's number in the index, and where its candidates are."""

    number: int
    start: int
    stop: int


class ProposalIndex:
    """How many proposals each image has at any threshold, for all images at once."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}
        self._ids = np.empty(0, np.int64)  # the image id of each place
        self._owners = np.empty(0, np.int32)  # (capacity,) the place that each candidate belongs to
        self._scores = np.empty(0, np.float32)
        self._margins = np.empty(0, np.float32)
        self._filled = 0

    def set(
        self,
        image_id: int,
        found: tuple[Pass, Detections],
        boxes: Iterable[ProjectBox],
        rejections: Iterable[Rejection],
        *,
        size: tuple[float, float] | None,
    ) -> None:
        """Takes in an image that is not reviewed, or what has changed about it; the arguments are `proposals`'."""
        kept = _candidates(found, tuple(boxes), tuple(rejections), size)
        self.remove(image_id)
        start, stop = self._room(image_id, len(kept.scores))
        self._scores[start:stop] = kept.scores
        self._margins[start:stop] = kept.margins

    def remove(self, image_id: int) -> None:
        """Forgets an image: it was reviewed, or no pass sees it any more."""
        if place := self._places.get(image_id):
            self._scores[place.start : place.stop] = -np.inf  # below every threshold
            self._margins[place.start : place.stop] = -np.inf

    def counts(self, threshold: float | None) -> dict[int, int]:
        """Image id → number of proposals, for images that have some."""
        scores, margins = self._scores[: self._filled], self._margins[: self._filled]
        numbers = np.bincount(self._owners[: self._filled][_is_shown(scores, margins, threshold)])
        some = np.flatnonzero(numbers)
        return dict(zip(self._ids[some].tolist(), numbers[some].tolist(), strict=True))

    def count(self, image_id: int, threshold: float | None) -> int:
        """Number of proposals of one image."""
        place = self._places.get(image_id)
        if place is None:
            return 0
        span = slice(place.start, place.stop)
        return int(np.count_nonzero(_is_shown(self._scores[span], self._margins[span], threshold)))

    def _room(self, image_id: int, size: int) -> tuple[int, int]:
        """Where to write `size` candidates of an image: where its former ones were, if they fit, else at the end."""
        place = self._places.get(image_id)
        if place is None or place.stop - place.start < size:
            number = len(self._places) if place is None else place.number
            place = self._places[image_id] = _Place(number, self._filled, self._filled + size)
            self._filled = place.stop
            self._ids = _grown(self._ids, number + 1)
            self._owners, self._scores, self._margins = (
                _grown(column, place.stop) for column in (self._owners, self._scores, self._margins)
            )
            self._ids[number] = image_id
            self._owners[place.start : place.stop] = number
        return place.start, place.start + size


def _candidates(
    found: tuple[Pass, Detections],
    boxes: Collection[ProjectBox],
    rejections: Collection[Rejection],
    size: tuple[float, float] | None,
) -> _Candidates:
    pass_, detections = found
    class_of, threshold_of = _tables(tuple(pass_.class_ids.items()), tuple(pass_.thresholds.items()))
    class_ids = class_of[np.minimum(detections.channels, len(class_of) - 1)]
    rectangles = detections.boxes if size is None else clip(detections.boxes, *size)
    keep = (class_ids >= 0) & (area(rectangles) > 0)
    if rejections:
        same_class = class_ids[:, None] == np.array([item.class_id for item in rejections])
        keep &= ~((iou(rectangles, _corners(rejections)) >= SAME) & same_class).any(axis=1)
    if boxes:
        keep &= ~(iou(rectangles, _corners(boxes)) >= SAME).any(axis=1)
    rows = np.flatnonzero(keep)
    scores = detections.scores[rows]
    thresholds = threshold_of[np.minimum(detections.channels[rows], len(class_of) - 1)]
    return _Candidates(rows, class_ids[rows], rectangles[rows], scores, scores - thresholds)


@lru_cache(maxsize=64)
def _tables(class_ids: tuple[tuple[int, int], ...], thresholds: tuple[tuple[int, float], ...]) -> tuple[Int64, Float32]:
    """By channel: the class id, −1 for none, and the threshold. The last entry stands for all channels beyond."""
    channels = max((channel for channel, _ in class_ids), default=-1) + 2
    class_of = np.full(channels, -1, np.int64)
    threshold_of = np.ones(channels, np.float32)
    by_class = dict(thresholds)
    for channel, class_id in class_ids:
        class_of[channel], threshold_of[channel] = class_id, by_class[class_id]
    return class_of, threshold_of


def _is_shown(scores: Float32, margins: Float32, threshold: float | None) -> NDArray[np.bool_]:
    return margins >= 0 if threshold is None else scores >= np.float32(threshold)


def _corners(items: Collection[ProjectBox] | Collection[Rejection]) -> Float32:
    return np.array([item.xyxy for item in items], np.float32)


def _grown(column: NDArray, size: int) -> NDArray:
    """The column, where it has room for `size`, or else a copy with twice that, so that growing is rare."""
    if size <= len(column):
        return column
    grown = np.empty(max(1024, 2 * size), column.dtype)
    grown[: len(column)] = column
    return grown
