"""What a person should know of their data before a fine-tuning."""

import time
from collections.abc import Sequence

import numpy as np
import pytest

from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass, Rectangle
from detector.data.training_data import FEWEST, Fault, Finding, TrainingData, findings, near_duplicates_across, tabulate

CLASSES = (ObjectClass(1, "nut"), ObjectClass(7, "bolt"))
LARGE = (0.0, 0.0, 300.0, 300.0)
TRAIN, VAL = 10, 900  # ids of the first images on either side


def data(first: int, boxes: Sequence[tuple[int, Rectangle]], *, size: int | None = 1000) -> Dataset:
    """An image of `size` × 600 for each box, which is of a class and somewhere; ids count up from `first`."""
    images = tuple(ImageEntry(first + place, f"{first + place}.jpg", size, 600) for place in range(len(boxes)))
    rows = (Box(first + place, kind, xyxy) for place, (kind, xyxy) in enumerate(boxes))
    return Dataset(images, CLASSES, tuple(rows))


def found(train: Dataset, validation: Dataset | None, size: int = 512) -> dict[Fault, Finding]:
    told = findings(tabulate(train, validation), image_size=size, stride=128)
    assert len({finding.fault for finding in told}) == len(told)
    return {finding.fault: finding for finding in told}


GOOD = data(TRAIN, [(1, LARGE)] * FEWEST + [(7, LARGE)] * FEWEST)
MEASURED = data(VAL, [(1, LARGE), (7, LARGE)])


def test_good_data_are_worth_no_word() -> None:
    assert found(GOOD, MEASURED) == {}
    assert found(GOOD, None) == {}
    assert found(data(TRAIN, []), None) == {}


def test_classes_with_few_boxes_to_learn_from_are_named() -> None:
    train = data(TRAIN, [(1, LARGE)] * (FEWEST - 1) + [(7, LARGE)] * FEWEST)
    told = found(train, data(VAL, [(1, LARGE)] * FEWEST + [(7, LARGE)]))  # what validates is not learnt
    assert set(told) == {Fault.FEW}
    assert told[Fault.FEW].text.startswith("Few boxes to learn from: 9 of “nut”. ")
    assert told[Fault.FEW].image_ids == tuple(range(TRAIN, TRAIN + FEWEST - 1))


def test_crowd_regions_are_no_boxes_to_learn_from() -> None:
    crowd = Box(TRAIN, 7, LARGE, iscrowd=True)
    train = Dataset(GOOD.images, CLASSES, (*GOOD.boxes[:FEWEST], *[crowd] * FEWEST))
    assert found(train, data(VAL, [(1, LARGE)])) == {}


def test_classes_that_are_learnt_and_not_measured_are_named() -> None:
    told = found(GOOD, data(VAL, [(1, LARGE)]))
    assert set(told) == {Fault.UNMEASURED}
    assert "No validation image shows “bolt”" in told[Fault.UNMEASURED].text
    assert told[Fault.UNMEASURED].image_ids == tuple(range(TRAIN + FEWEST, TRAIN + 2 * FEWEST))


@pytest.mark.parametrize("xyxy", [(5, 5, 5, 9), (5, 5, 9, 5), (9, 5, 5, 9)])
def test_boxes_without_area_are_counted(xyxy: Rectangle) -> None:
    told = found(Dataset(GOOD.images, CLASSES, (*GOOD.boxes, Box(TRAIN + 3, 1, xyxy))), MEASURED)
    assert set(told) == {Fault.FLAT}
    assert told[Fault.FLAT].text.startswith("A box has no area and teaches nothing: redraw or delete it.")
    assert told[Fault.FLAT].image_ids == (TRAIN + 3,)


def test_objects_too_small_for_the_size_name_a_size_that_does() -> None:
    small = (0.0, 0.0, 10.0, 10.0)  # of 1000 px: 5.1 px at 512, 8.96 px at 896
    train = data(TRAIN, [(1, LARGE)] * FEWEST + [(7, small)] * FEWEST)
    told = found(train, MEASURED)
    assert set(told) == {Fault.SMALL}
    assert told[Fault.SMALL].text.startswith(f"{FEWEST} of {2 * FEWEST + 2} boxes are smaller than 8 px at 512 px")
    assert told[Fault.SMALL].image_size == 896
    assert told[Fault.SMALL].image_ids == tuple(range(TRAIN + FEWEST, TRAIN + 2 * FEWEST))
    assert found(train, MEASURED, 896) == {}
    assert found(data(TRAIN, [(1, LARGE)] * 99 + [(7, small)] * 5), MEASURED).keys() == {Fault.FEW}  # 5 are few


def test_objects_too_small_for_any_size_ask_for_parts() -> None:
    speck = (0.0, 0.0, 1.0, 1.0)
    told = found(data(TRAIN, [(1, speck)] * FEWEST), data(VAL, [(1, speck)]))
    assert told[Fault.SMALL].image_size is None
    assert "Cutting the pictures into parts" in told[Fault.SMALL].text


def test_a_size_that_nobody_knows_is_no_small_object() -> None:
    train = data(TRAIN, [(1, (0.0, 0.0, 2.0, 2.0))] * FEWEST, size=None)
    unknown = Dataset(tuple(ImageEntry(image.id, image.path) for image in train.images), CLASSES, train.boxes)
    assert found(unknown, data(VAL, [(1, LARGE)])) == {}


def test_near_duplicates_on_both_sides_are_told() -> None:
    of = tabulate(GOOD, MEASURED)
    told = near_duplicates_across(of, [(TRAIN, TRAIN + 1), (TRAIN + 5, VAL), (TRAIN + 7, VAL + 1, TRAIN + 8)])
    assert told is not None
    assert told.text.startswith("2 validation images look like images that train")
    assert told.image_ids == (TRAIN + 5, VAL, TRAIN + 7, VAL + 1, TRAIN + 8)
    assert near_duplicates_across(of, [(TRAIN, TRAIN + 1)]) is None


def test_a_million_boxes_take_little_time() -> None:
    chance = np.random.default_rng(0)
    corners = chance.uniform(0, 900, (1_000_000, 2))
    boxes = np.hstack([corners, corners + chance.uniform(1, 90, (1_000_000, 2))])
    of = TrainingData(
        np.arange(100_000), np.full(100_000, 1000.0), np.arange(100_000) % 5 == 0, boxes,
        np.repeat(np.arange(100_000), 10), chance.integers(0, 20, 1_000_000), {n: str(n) for n in range(20)},
    )  # fmt: skip
    began = time.process_time()
    told = findings(of, image_size=256, stride=128)
    assert time.process_time() - began < 2  # 0.1 s where nothing else runs
    assert [finding.fault for finding in told] == [Fault.SMALL]
