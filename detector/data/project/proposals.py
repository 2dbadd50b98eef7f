"""Which predictions are shown as proposals: computed from what is stored, never stored themselves."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.boxes import Detections, Float32, Int64, area, clip, iou
from detector.data.project.records import Pass, ProjectBox, Rectangle, Rejection

SAME = 0.7  # IoU from which two rectangles are taken for the same
TWINS = 0.5  # IoU from which two of a model's classes that are one class here have found one thing, as in its own NMS


@dataclass(frozen=True, slots=True)
class Proposal:
    """A prediction to look at: its row in the image's predictions, class, xyxy in image pixels, score, the model."""

    row: int
    class_id: int
    xyxy: Rectangle
    score: float
    model: str


@dataclass(frozen=True)
class Limits:
    """From which score on predictions are proposals: `overall` (None: the model's own, class by class), but `by_class`
    where a class id is in it; predictions of `hidden` classes never are.
    """

    overall: float | None = None
    by_class: Mapping[int, float] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()

    def table(self, class_ids: Iterable[int]) -> Float32:
        """The lowest score for each class; NaN where the model decides."""
        scores = (self._of(class_id) for class_id in class_ids)
        return np.array([np.nan if score is None else score for score in scores], np.float32)

    def _of(self, class_id: int) -> float | None:
        return np.inf if class_id in self.hidden else self.by_class.get(class_id, self.overall)


class _Tables(NamedTuple):
    """By channel: the class id, −1 for none; the threshold; whether it shares its class with another channel. The last
    entry stands for all channels beyond.
    """

    class_of: Int64
    threshold_of: Float32
    shares: NDArray[np.bool_]


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
    limits: Limits,
    size: tuple[float, float] | None,
) -> tuple[Proposal, ...]:
    """The proposals of an image, best first.

    Predictions within the limits, of classes that the project has, cut off at the image's borders (`size`: width,
    height), that match no rejection of their class (IoU ≥ 0.7) and no box of any; where several of the model's classes
    are one here, one of those that found the same thing. That reviewed images show none is left to the caller.
    """
    kept = _candidates(found, tuple(boxes), tuple(rejections), size)
    shown = _is_shown(kept.scores, kept.margins, limits.table(kept.class_ids.tolist()))
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
        self._slots = np.empty(0, np.int16)  # the number of its class
        self._slot_of: dict[int, int] = {}  # class id → that number
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
        slot_of = self._slot_of
        self._slots[start:stop] = [slot_of.setdefault(class_id, len(slot_of)) for class_id in kept.class_ids.tolist()]

    def remove(self, image_id: int) -> None:
        """Forgets an image: it was reviewed, or no pass sees it any more."""
        if place := self._places.get(image_id):
            self._scores[place.start : place.stop] = -np.inf  # below every threshold
            self._margins[place.start : place.stop] = -np.inf

    def counts(self, limits: Limits) -> dict[int, int]:
        """Image id → number of proposals, for images that have some."""
        shown = np.flatnonzero(self._shown(slice(self._filled), limits))  # to take by number is ten times as quick
        numbers = np.bincount(self._owners[shown])
        some = np.flatnonzero(numbers)
        return dict(zip(self._ids[some].tolist(), numbers[some].tolist(), strict=True))

    def class_counts(self, limits: Limits) -> dict[int, int]:
        """Class id → number of proposals, 0 for classes that would have some at a lower limit."""
        slots = self._slots[: self._filled]
        shown = np.flatnonzero(self._shown(slice(self._filled), limits))
        numbers = np.bincount(slots[shown], minlength=len(self._slot_of))
        known = np.bincount(slots[np.flatnonzero(self._scores[: self._filled] >= 0)], minlength=len(self._slot_of))
        return {class_id: int(numbers[slot]) for class_id, slot in self._slot_of.items() if known[slot]}

    def count(self, image_id: int, limits: Limits) -> int:
        """Number of proposals of one image."""
        place = self._places.get(image_id)
        return 0 if place is None else int(np.count_nonzero(self._shown(slice(place.start, place.stop), limits)))

    def classes_shown(self, image_id: int, limits: Limits) -> Counter[int]:
        """Class id → number of proposals of one image."""
        place = self._places.get(image_id)
        if place is None:
            return Counter()
        span, class_ids = slice(place.start, place.stop), list(self._slot_of)  # which has the classes slot by slot
        return Counter(class_ids[slot] for slot in self._slots[span][self._shown(span, limits)].tolist())

    def _shown(self, span: slice, limits: Limits) -> NDArray[np.bool_]:
        """Which candidates are proposals."""
        table = limits.table(self._slot_of)
        scores, margins = self._scores[span], self._margins[span]
        is_alike = not limits.by_class and not limits.hidden
        lowest = _limit(limits.overall) if is_alike else np.take(table, self._slots[span], mode="clip")
        return _is_shown(scores, margins, lowest)

    def with_class(self, class_id: int, limits: Limits) -> list[int]:
        """Ids of the images that have a proposal of a class."""
        slots = self._slots[: self._filled]
        of_class = np.flatnonzero(slots == self._slot_of.get(class_id, -1))
        shown = self._shown(slice(self._filled), limits)[of_class]
        has_some = np.zeros(len(self._places), np.bool_)
        has_some[self._owners[of_class[shown]]] = True
        return self._ids[: len(has_some)][has_some].tolist()

    def best_scores(self, limits: Limits) -> dict[int, float]:
        """Image id → highest score of its proposals, for images that have some."""
        shown = np.flatnonzero(self._shown(slice(self._filled), limits))
        return self._most(self._scores[shown], shown)

    def worst_scores(self, limits: Limits) -> dict[int, float]:
        """Image id → lowest score of its proposals, for images that have some."""
        shown = np.flatnonzero(self._shown(slice(self._filled), limits))
        return {image_id: -score for image_id, score in self._most(-self._scores[shown], shown).items()}

    def doubts(self, limits: Limits) -> dict[int, float]:
        """Image id → how far from its limit the nearest prediction is, above or below, for images that have some: a
        little more or less would have made another decision.
        """
        rows = np.flatnonzero(np.isfinite(self._scores[: self._filled]))
        lowest = limits.table(self._slot_of)[self._slots[rows]] if self._slot_of else np.empty(0, np.float32)
        is_own = np.isnan(lowest)
        distances = np.abs(np.where(is_own, self._margins[rows], self._scores[rows] - lowest))
        return {image_id: -distance for image_id, distance in self._most(-distances, rows).items()}

    def _most(self, values: Float32, rows: NDArray[np.intp]) -> dict[int, float]:
        """Image id → the highest of the values of these candidates, for images that have some."""
        most = np.full(len(self._places), -np.inf, np.float32)
        np.maximum.at(most, self._owners[rows], values)
        some = np.flatnonzero(np.isfinite(most))
        return dict(zip(self._ids[some].tolist(), most[some].tolist(), strict=True))

    def _room(self, image_id: int, size: int) -> tuple[int, int]:
        """Where to write `size` candidates of an image: where its former ones were, if they fit, else at the end."""
        place = self._places.get(image_id)
        if place is None or place.stop - place.start < size:
            number = len(self._places) if place is None else place.number
            place = self._places[image_id] = _Place(number, self._filled, self._filled + size)
            self._filled = place.stop
            self._ids = _grown(self._ids, number + 1)
            self._owners, self._slots, self._scores, self._margins = (
                _grown(column, place.stop) for column in (self._owners, self._slots, self._scores, self._margins)
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
    tables = _tables(tuple(pass_.class_ids.items()), tuple(pass_.thresholds.items()))
    channels = np.minimum(detections.channels, len(tables.class_of) - 1)
    class_ids = tables.class_of[channels]
    rectangles = detections.boxes if size is None else clip(detections.boxes, *size)
    keep = (class_ids >= 0) & (area(rectangles) > 0)
    _drop_twins(keep, rectangles, np.where(tables.shares[channels], class_ids, -1), channels)
    if rejections:
        same_class = class_ids[:, None] == np.array([item.class_id for item in rejections])
        keep &= ~((iou(rectangles, _corners(rejections)) >= SAME) & same_class).any(axis=1)
    if boxes:
        keep &= ~(iou(rectangles, _corners(boxes)) >= SAME).any(axis=1)
    rows = np.flatnonzero(keep)
    scores = detections.scores[rows]
    return _Candidates(rows, class_ids[rows], rectangles[rows], scores, scores - tables.threshold_of[channels[rows]])


def _drop_twins(keep: NDArray[np.bool_], rectangles: Float32, shared: Int64, channels: Int64) -> None:
    """Of things found on several channels of one class (`shared`: its id, else −1) keeps the best, which is first."""
    rows = np.flatnonzero(keep & (shared >= 0))
    if len(rows) < 2:
        return
    overlap = iou(rectangles[rows], rectangles[rows]) >= TWINS
    twins = overlap & (shared[rows][:, None] == shared[rows]) & (channels[rows][:, None] != channels[rows])
    for place in np.flatnonzero(np.tril(twins, -1).any(axis=1)).tolist():  # the others have no better one
        keep[rows[place]] = not (twins[place, :place] & keep[rows[:place]]).any()


@lru_cache(maxsize=64)
def _tables(class_ids: tuple[tuple[int, int], ...], thresholds: tuple[tuple[int, float], ...]) -> _Tables:
    """The tables of a pass, from its items."""
    channels = max((channel for channel, _ in class_ids), default=-1) + 2
    class_of = np.full(channels, -1, np.int64)
    threshold_of = np.ones(channels, np.float32)
    shares = np.zeros(channels, bool)
    by_class, uses = dict(thresholds), Counter(class_id for _, class_id in class_ids)
    for channel, class_id in class_ids:
        class_of[channel], threshold_of[channel], shares[channel] = class_id, by_class[class_id], uses[class_id] > 1
    return _Tables(class_of, threshold_of, shares)


def _limit(score: float | None) -> Float32:
    return np.array(np.nan if score is None else score, np.float32)


def _is_shown(scores: Float32, margins: Float32, lowest: Float32) -> NDArray[np.bool_]:
    """`lowest`: the score for all or each, NaN where the model decides."""
    is_own = np.isnan(lowest)
    if is_own.all():
        return margins >= 0
    return (scores >= lowest) | (is_own & (margins >= 0)) if is_own.any() else scores >= lowest


def _corners(items: Collection[ProjectBox] | Collection[Rejection]) -> Float32:
    return np.array([item.xyxy for item in items], np.float32)


def _grown(column: NDArray, size: int) -> NDArray:
    """The column, where it has room for `size`, or else a copy with twice that, so that growing is rare."""
    if size <= len(column):
        return column
    grown = np.empty(max(1024, 2 * size), column.dtype)
    grown[: len(column)] = column
    return grown
