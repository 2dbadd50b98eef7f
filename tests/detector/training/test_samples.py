"""What is shown of a model in training."""

from pathlib import Path

import numpy as np

from detector.boxes import Detections
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.training.dataset import ValidationSet
from detector.training.samples import LEAST_SCORE, MOST_BOXES, choose

NUT = ObjectClass(7, "nut")


def detections(*scores: float) -> Detections:
    number = len(scores)
    boxes = np.tile(np.array([1.04, 2, 30, 40], np.float32), (number, 1))
    return Detections(boxes, np.array(scores, np.float32), np.arange(number) % 2, np.arange(number))


def data(filled: list[int], *, images: int = 20) -> ValidationSet:
    """Numbered images, of which some have a box each."""
    entries = tuple(ImageEntry(number, f"{number}.jpg") for number in range(images))
    boxes = tuple(Box(number, 7, (1.5, 2, 3, 4)) for number in filled)
    paths = {number: Path(f"/p/{number}.jpg") for number in range(images)}
    return ValidationSet(Dataset(entries, (NUT,), boxes), paths)


def names(filled: list[int], found: range) -> list[str]:
    return [
        Path(image.path).name for image in choose(dict.fromkeys(found, detections(0.5)), data(filled), ["nut", None])
    ]


def test_images_with_boxes_are_chosen_far_apart_and_always_the_same() -> None:
    assert names([3, 5, 8, 11, 17], range(20)) == ["3.jpg", "8.jpg", "17.jpg"]
    assert names([3, 5], range(20)) == ["3.jpg", "5.jpg"]
    assert names([3], range(20)) == ["3.jpg"]
    assert names([], range(20)) == []
    assert names([3, 5, 8, 11], range(5, 20)) == ["5.jpg", "8.jpg", "11.jpg"]  # 3 could not be read


def test_what_is_hardly_believed_is_left_out() -> None:
    (image,) = choose({3: detections(0.9, 0.4, LEAST_SCORE - 0.01)}, data([3]), ["nut", None])
    assert (image.scores, image.names) == ((0.9, 0.4), ("nut", ""))
    assert image.boxes[0] == (1.0, 2.0, 30.0, 40.0)
    assert image.truth == ((1.5, 2, 3, 4),)
    (crowded,) = choose({3: detections(*[0.5] * 99)}, data([3]), ["nut", None])
    assert len(crowded.boxes) == len(crowded.scores) == len(crowded.names) == MOST_BOXES
