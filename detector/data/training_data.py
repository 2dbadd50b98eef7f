"""What a fine-tuning would learn from and be measured on, in columns, and what a person should know of it first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detector.data.annotations import Dataset

FEWEST = 10  # boxes of a class from which it can be learnt; a handful shows one object, not a kind
CELL = 8  # px: the stride of the finest level; what is smaller lies within one of its cells
SMALL_SHARE = 0.05  # of the boxes: fewer small ones are not worth a word
LARGEST_SIZE = 1536  # px: what is proposed at most, D7's native size
NAMED = 4  # classes of a sentence
AP_LOOKS_BETTER = "what is learnt by heart makes AP look better than it is."


class Fault(StrEnum):
    """What may be wrong with the data of a fine-tuning."""

    FEW = "few"
    UNMEASURED = "unmeasured"
    FLAT = "flat"
    SMALL = "small"
    NEAR_DUPLICATES = "near-duplicates"


@dataclass(frozen=True)
class Finding:
    """One sentence on the data; the ids of the images that it is about; for SMALL the image size in px that would do,
    None where none would; for NEAR_DUPLICATES the images that look alike, group by group.
    """

    fault: Fault
    text: str
    image_ids: tuple[int, ...]
    image_size: int | None = None
    groups: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class TrainingData:
    """Images and boxes in columns, without crowd regions.

    image_ids (N,) int64; long_sides (N,) float64 px, NaN where unknown; validates (N,) bool: measured on, not learnt
    from; boxes (M, 4) float64 xyxy; owners (M,) int64, each box's place among the images; kinds (M,) int64, its class
    id; names: class id → name.
    """

    image_ids: NDArray[np.int64]
    long_sides: NDArray[np.float64]
    validates: NDArray[np.bool_]
    boxes: NDArray[np.float64]
    owners: NDArray[np.int64]
    kinds: NDArray[np.int64]
    names: Mapping[int, str]

    @cached_property
    def sides(self) -> NDArray[np.float64]:
        """(M,) the side of a square of each box's area, as a share of the long side of its picture."""
        spans = np.clip(self.boxes[:, 2:] - self.boxes[:, :2], 0, None)
        return np.sqrt(spans.prod(axis=1)) / self.long_sides[self.owners]

    @cached_property
    def lasting(self) -> tuple[Finding, ...]:
        """What is worth a word at any image size."""
        found = (too_few(self), unmeasured(self), flat(self))
        return tuple(finding for finding in found if finding is not None)

    def images_with(self, which: NDArray[np.bool_]) -> tuple[int, ...]:
        """The ids of the images that have some of these boxes (M,), in order."""
        has = np.zeros(len(self.image_ids), bool)
        has[self.owners[which]] = True
        return tuple(self.image_ids[has].tolist())


def tabulate(train: Dataset, validation: Dataset | None) -> TrainingData:
    """The table of data sets whose class ids mean the same; the images are those of `train`, then of `validation`."""
    parts = [train] if validation is None else [train, validation]
    images = [image for part in parts for image in part.images]
    starts = (0, len(train.images))
    rows = [
        (*box.xyxy, place[box.image_id], box.class_id)
        for part, start in zip(parts, starts, strict=False)
        for place in ({image.id: start + number for number, image in enumerate(part.images)},)
        for box in part.boxes
        if not box.iscrowd
    ]
    table = np.array(rows, np.float64).reshape(-1, 6)
    return TrainingData(
        np.array([image.id for image in images], np.int64),
        np.array([max(image.width or 0, image.height or 0) or np.nan for image in images], np.float64),
        np.arange(len(images)) >= len(train.images),
        table[:, :4],
        table[:, 4].astype(np.int64),
        table[:, 5].astype(np.int64),
        {item.id: item.name for part in reversed(parts) for item in part.classes},
    )


def findings(of: TrainingData, *, image_size: int, stride: int) -> list[Finding]:
    """What is worth a word before a run at an image size in px, a multiple of `stride`.

    Once `sides` and `lasting` are known, another size costs some milliseconds for a million boxes.
    """
    small = too_small(of, image_size=image_size, stride=stride)
    return [*of.lasting, *([] if small is None else [small])]


def too_few(of: TrainingData) -> Finding | None:
    """Classes with so few boxes to learn from that chance decides."""
    learnt = ~of.validates[of.owners]
    counts = _counts(of.kinds[learnt])
    scarce = sorted((number, of.names[kind], kind) for kind, number in counts.items() if number < FEWEST)
    if not scarce:
        return None
    told = _listed([f"{number} of “{name}”" for number, name, _ in scarce])
    which = learnt & np.isin(of.kinds, [kind for *_, kind in scarce])
    text = f"Few boxes to learn from: {told}. With {FEWEST} or more of a class it gets dependable; label some more."
    return Finding(Fault.FEW, text, of.images_with(which))


def unmeasured(of: TrainingData) -> Finding | None:
    """Classes that are learnt, and that no validation image has."""
    on_side = of.validates[of.owners]
    learnt, measured = _counts(of.kinds[~on_side]), _counts(of.kinds[on_side])
    missing = sorted(learnt.keys() - measured.keys(), key=lambda kind: (-learnt[kind], kind))
    if not missing or not measured:  # where nothing at all is measured, the run says so
        return None
    told = _listed([f"“{of.names[kind]}”" for kind in missing])
    text = f"No validation image shows {told}, so how well that is learnt cannot be measured."
    return Finding(Fault.UNMEASURED, text, of.images_with(np.isin(of.kinds, missing)))


def flat(of: TrainingData) -> Finding | None:
    """Boxes without an area: no anchor can match them."""
    which = np.asarray((of.boxes[:, 2:] <= of.boxes[:, :2]).any(axis=1))
    number = int(which.sum())
    if not number:
        return None
    told = "A box has no area and teaches" if number == 1 else f"{number:,} boxes have no area and teach"
    return Finding(Fault.FLAT, f"{told} nothing: redraw or delete {_it(number)}.", of.images_with(which))


def too_small(of: TrainingData, *, image_size: int, stride: int) -> Finding | None:
    """Boxes that lie within one cell of the finest level at that size, where they are more than a few."""
    which = of.sides * image_size < CELL
    which &= of.sides > 0  # those without an area are another matter
    number = int(which.sum())
    if number <= SMALL_SHARE * len(of.sides):
        return None
    share = f"{number:,} of {len(of.sides):,} boxes are" if number > 1 else f"1 of {len(of.sides):,} boxes is"
    text = f"{share} smaller than {CELL} px at {image_size} px, too small to be found dependably."
    larger = _size_for(of.sides[of.sides > 0], above=image_size, stride=stride)
    if larger is None:
        text += " Cutting the pictures into parts would help; a larger image size alone does not."
    return Finding(Fault.SMALL, text, of.images_with(which), larger)


def near_duplicates_across(of: TrainingData, groups: Iterable[Sequence[int]]) -> Finding | None:
    """Pictures that look alike, groups of image ids, of which some train and some validate."""
    side = dict(zip(of.image_ids.tolist(), of.validates.tolist(), strict=True))
    torn = [tuple(group) for group in groups if len({side[image_id] for image_id in group}) == 2]
    measured = sum(side[image_id] for group in torn for image_id in group)
    if not measured:
        return None
    told = "A validation image looks" if measured == 1 else f"{measured:,} validation images look"
    text = f"{told} like images that train: {AP_LOOKS_BETTER}"
    return Finding(
        Fault.NEAR_DUPLICATES, text, tuple(image_id for group in torn for image_id in group), groups=tuple(torn)
    )


def _size_for(sides: NDArray[np.float64], *, above: int, stride: int) -> int | None:
    """The least size at which no more than a few boxes are small."""
    known = sides[np.isfinite(sides)]
    wanted = CELL / float(np.quantile(known, SMALL_SHARE))
    size = max(above + stride, int(np.ceil(wanted / stride)) * stride)
    return size if size <= LARGEST_SIZE else None


def _counts(kinds: NDArray[np.int64]) -> dict[int, int]:
    ids, numbers = np.unique(kinds, return_counts=True)
    return dict(zip(ids.tolist(), numbers.tolist(), strict=True))


def _listed(parts: list[str]) -> str:
    """The first of the parts as a list, and how many more there are."""
    more = len(parts) - NAMED
    return ", ".join(parts[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _it(number: int) -> str:
    return "it" if number == 1 else "them"
