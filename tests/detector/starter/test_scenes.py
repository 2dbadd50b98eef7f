"""What the starter is trained on: scenes and photographs with their boxes, made in processes of their own."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.data.workbench.sittings import HARDWARE
from detector.starter.curriculum import KEPT, LEARNT, LESSONS, PERSON, Lesson, lesson_at
from detector.starter.scenes import Composer, batches
from detector.training.loader import Sample

LESSON = Lesson(since=0.0, until=1.0, rate=(0.0, 1.0), size=128, closeness=1.6, others=0.3)
GREEN = (20, 220, 40)


@pytest.fixture
def photographs(tmp_path: Path) -> list[Sample]:
    """Grey pictures in which people are green rectangles."""
    samples = []
    for number in range(3):
        image = np.full((120, 160, 3), 90 + 20 * number, np.uint8)
        box = (30 + 10 * number, 20, 80 + 10 * number, 90)
        image[box[1] : box[3], box[0] : box[2]] = GREEN
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image[..., ::-1])
        boxes, labels = np.array([box], np.float32), np.array([LEARNT.index(PERSON)])
        samples.append(Sample(path, boxes, labels, np.zeros(1, bool)))
    return samples


def greenness(image: np.ndarray) -> float:
    red, green, blue = image.reshape(-1, 3).astype(float).mean(axis=0)
    return green / (red + green + blue + 1)


def people(batch):
    """The pieces of the inputs in which there should be people."""
    for image, boxes, labels in zip(batch.images, batch.boxes, batch.labels, strict=True):
        for left, top, right, bottom in np.rint(boxes[labels == LEARNT.index(PERSON)]).astype(int):
            yield image[top:bottom, left:right]


def test_photographs_and_grounds_bring_their_people_along(photographs: list[Sample]) -> None:
    batch = Composer(photographs, 0).batch(replace(LESSON, photographs=0.4), 24)
    found = list(people(batch))
    assert len(found) > 8
    assert np.mean([greenness(piece) > 0.45 for piece in found]) > 0.9
    both = [set(labels.tolist()) for labels in batch.labels]
    assert any(LEARNT.index(PERSON) in labels and len(labels) > 2 for labels in both)  # parts laid on a photograph
    assert any(labels and LEARNT.index(PERSON) not in labels for labels in both)  # a bench


def test_people_who_are_covered_by_parts_are_left_out(photographs: list[Sample]) -> None:
    """Parts so large that hardly anything of the ground is left."""
    lesson = replace(LESSON, photographs=0.0, closeness=6.0)
    pieces = list(people(Composer(photographs, 1).batch(lesson, 24)))
    assert all(np.mean([greenness(row) > 0.45 for row in piece[:, :, None]]) > 0.25 for piece in pieces)


def test_boxes_lie_in_their_inputs(photographs: list[Sample]) -> None:
    for lesson in (LESSON, replace(LESSON, size=256)):
        batch = Composer(photographs, 2).batch(lesson, 12)
        assert batch.images.shape == (12, lesson.size, lesson.size, 3)
        boxes = np.concatenate(batch.boxes)
        assert boxes.min() >= 0
        assert boxes.max() <= lesson.size
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert [len(boxes) for boxes in batch.boxes] == [len(labels) for labels in batch.labels]


def test_without_photographs_there_are_parts_alone() -> None:
    batch = Composer((), 3).batch(LESSON, 8)
    labels = np.concatenate(batch.labels)
    assert LEARNT.index(PERSON) not in labels
    assert np.mean(labels < len(HARDWARE)) == pytest.approx(0.7, abs=0.15)
    assert all(len(labels) >= 6 for labels in batch.labels)


def test_a_process_makes_batches_of_the_lesson_that_is_wanted(photographs: list[Sample]) -> None:
    lessons = iter([LESSON] * 5 + [replace(LESSON, size=256)] * 50)
    with closing(batches(photographs, lambda: (next(lessons), 2), seed=1, workers=1)) as feed:
        made = [next(feed) for _ in range(7)]
    assert [batch.images.shape[1] for batch in made] == [128] * 5 + [256] * 2
    assert not np.array_equal(made[0].images, made[1].images)


def test_the_course_has_lessons_to_its_end() -> None:
    assert [lesson_at(share) for share in (0, 0.3, 0.5, 0.79, 0.8, 0.9, 1.0)] == [
        LESSONS[i] for i in (0, 0, 1, 1, 2, 2, 2)
    ]
    assert LESSONS[-1].size == 512
    assert len(LEARNT) == len(set(LEARNT)) == 26
    assert set(KEPT) < set(LEARNT)
