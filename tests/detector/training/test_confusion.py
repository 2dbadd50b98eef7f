"""What became of objects and detections."""

import numpy as np

from detector.boxes import Detections
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass, Rectangle
from detector.training.confusion import Outcome, outcomes

NUT, BOLT = 7, 9
CLASSES = {0: NUT, 1: BOLT}  # by channel; channel 2 stands for nothing
A, B = (0.0, 0.0, 10.0, 10.0), (50.0, 50.0, 70.0, 70.0)
SHOWN = {NUT: 0.5, BOLT: 0.3}


def told(objects: list[tuple[int, Rectangle]], found: list[tuple[int, float, Rectangle]], **crowd: Rectangle) -> list:
    boxes = [Box(1, kind, xyxy) for kind, xyxy in objects] + [
        Box(1, NUT, xyxy, iscrowd=True) for xyxy in crowd.values()
    ]
    data = Dataset((ImageEntry(1, "a"),), (ObjectClass(NUT, "nut"), ObjectClass(BOLT, "bolt")), tuple(boxes))
    detections = Detections(
        np.array([xyxy for *_, xyxy in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        np.array([channel for channel, *_ in found], np.int64),
        np.arange(len(found)),
    )
    result = outcomes({1: detections}, data, CLASSES, SHOWN)
    assert all(item.image_id == 1 for item in result)
    return [(item.truth, item.found) for item in result]


def test_found_confused_missed_and_seen_where_nothing_is() -> None:
    assert told([(NUT, A)], [(0, 0.9, A)]) == [(NUT, NUT)]
    assert told([(NUT, A)], [(1, 0.9, A)]) == [(NUT, BOLT)]
    assert told([(NUT, A)], []) == [(NUT, None)]
    assert told([], [(1, 0.9, A)]) == [(None, BOLT)]
    assert told([(NUT, A)], [(0, 0.9, B)]) == [(NUT, None), (None, NUT)]


def test_each_class_has_its_own_threshold() -> None:
    assert told([(NUT, A), (BOLT, B)], [(0, 0.49, A), (1, 0.31, B)]) == [(NUT, None), (BOLT, BOLT)]
    assert told([(NUT, A)], [(2, 0.9, A)]) == [(NUT, None)]


def test_a_detection_of_the_own_class_comes_first_then_the_one_that_overlaps_most() -> None:
    near = (0.0, 0.0, 10.0, 8.0)
    assert told([(NUT, A)], [(1, 0.9, A), (0, 0.6, near)]) == [(NUT, NUT), (None, BOLT)]
    assert told([(NUT, A), (NUT, near)], [(0, 0.9, near)]) == [(NUT, None), (NUT, NUT)]
    assert told([(NUT, A)], [(0, 0.9, A), (0, 0.8, A)]) == [(NUT, NUT), (None, NUT)]


def test_what_lies_in_a_crowd_region_counts_for_nothing() -> None:
    assert told([], [(0, 0.9, (40.0, 50.0, 60.0, 70.0))], region=B) == []
    assert told([], [(0, 0.9, (30.0, 50.0, 55.0, 70.0))], region=B) == [(None, NUT)]


def test_images_without_predictions_are_not_judged() -> None:
    data = Dataset((ImageEntry(1, "a"), ImageEntry(2, "b")), (ObjectClass(NUT, "nut"),), (Box(2, NUT, A),))
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros(0, int))
    assert outcomes({1: nothing}, data, CLASSES, SHOWN) == []
    assert outcomes({2: nothing}, data, CLASSES, SHOWN) == [Outcome(2, NUT, None)]
