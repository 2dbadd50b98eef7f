"""Inputs for training, composed as they are needed, in processes of their own (spawned, never forked).

Without torch, so that such a process is small.
"""

import multiprocessing
import multiprocessing.sharedctypes
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace

import cv2
import numpy as np

from detector.boxes import area, clip
from detector.data.images import decode
from detector.data.workbench.sittings import Scene, Sitting
from detector.model.info import IMAGENET
from detector.starter.curriculum import LEARNT, Lesson
from detector.training.augment import Augmentation, LabelledImage, compose, crop, resize
from detector.training.loader import Batch, Sample

AHEAD = 3
SITTINGS = 6  # at a time; a batch sees several cameras and boxes of parts
SCENES_OF_A_SITTING = 16
MOST_COVERED = 0.6  # of a person's box
PHOTOGRAPHED = Augmentation(scale=(0.7, 2.0), photometric=0.3, mosaic=0.2)


class Composer:
    """Makes the inputs of one process. `photographs` are of people, labelled with LEARNT's channels."""

    def __init__(self, photographs: Sequence[Sample], seed: int) -> None:
        self._photographs, self._rng = photographs, np.random.default_rng(seed)
        self._sittings: dict[int, tuple[Sitting, int]] = {}
        self._lesson: Lesson | None = None

    def batch(self, lesson: Lesson, count: int) -> Batch:
        """`count` inputs of a lesson."""
        made = [self._input(lesson) for _ in range(count)]
        images = np.stack([labelled.image for labelled in made])
        return Batch(images, [one.boxes for one in made], [one.labels for one in made], [one.crowd for one in made])

    def _input(self, lesson: Lesson) -> LabelledImage:
        if self._photographs and self._rng.random() < lesson.photographs:
            count = 4 if self._rng.random() < PHOTOGRAPHED.mosaic else 1
            chosen = [self._photograph() for _ in range(count)]
            return compose(chosen, PHOTOGRAPHED, self._rng, size=lesson.size, fill=IMAGENET.fill)
        sitting = self._sitting(lesson)
        if not self._photographs or self._rng.random() < 0.5:
            return _labelled(sitting.scene(self._rng))
        ground = self._ground(lesson.size)
        scene = sitting.scene(self._rng, ground=ground.image)
        return _joined(_labelled(scene), _uncovered(ground, scene))

    def _photograph(self) -> LabelledImage:
        sample = self._photographs[int(self._rng.integers(len(self._photographs)))]
        image = decode(sample.path)
        return LabelledImage(image, clip(sample.boxes, image.shape[1], image.shape[0]), sample.labels, sample.crowd)

    def _ground(self, size: int) -> LabelledImage:
        """A size × size piece of a photograph."""
        whole = self._photograph()
        factor = 1.001 * size / min(whole.image.shape[:2]) * self._rng.uniform(1, 1.4)
        image, ratios = resize(whole.image, factor)
        x, y = (int(self._rng.integers(length - size + 1)) for length in (image.shape[1], image.shape[0]))
        return crop(replace(whole, image=image, boxes=whole.boxes * ratios), x, y, width=size, height=size)

    def _sitting(self, lesson: Lesson) -> Sitting:
        """One of the sittings under way; a new one in place of one that has given all its scenes."""
        if lesson != self._lesson:
            self._sittings.clear()
            self._lesson = lesson
        place = int(self._rng.integers(SITTINGS))
        sitting, left = self._sittings.get(place, (None, 0))
        if sitting is None or not left:
            seed = (int(self._rng.integers(2**62)),)
            size, closeness = lesson.size, lesson.closeness
            sitting, left = (
                Sitting(seed, width=size, height=size, closeness=closeness, others=lesson.others, labelled=LEARNT),
                SCENES_OF_A_SITTING,
            )
        self._sittings[place] = sitting, left - 1
        return sitting


def _labelled(scene: Scene) -> LabelledImage:
    boxes = np.array([box for _, box in scene.seen], np.float32).reshape(-1, 4)
    labels = np.array([LEARNT.index(kind) for kind, _ in scene.seen], np.int64)
    return LabelledImage(scene.picture, boxes, labels, np.zeros(len(boxes), bool))


def _uncovered(ground: LabelledImage, scene: Scene) -> LabelledImage:
    """The ground's people who are still to be seen."""
    covered = cv2.integral(scene.covered.astype(np.uint8)).astype(np.float64)
    left, top, right, bottom = np.rint(ground.boxes).astype(int).T
    hidden = covered[bottom, right] - covered[top, right] - covered[bottom, left] + covered[top, left]
    keep = hidden <= MOST_COVERED * np.maximum(area(ground.boxes), 1)
    return replace(ground, boxes=ground.boxes[keep], labels=ground.labels[keep], crowd=ground.crowd[keep])


def _joined(one: LabelledImage, other: LabelledImage) -> LabelledImage:
    """The first image with the boxes of both."""
    return LabelledImage(
        one.image,
        np.concatenate([one.boxes, other.boxes]),
        np.concatenate([one.labels, other.labels]),
        np.concatenate([one.crowd, other.crowd]),
    )


def batches(
    photographs: Sequence[Sample], wanted: Callable[[], tuple[Lesson, int]], *, seed: int, workers: int
) -> Generator[Batch]:
    """Batches without end, made by `workers` processes; `wanted` says of which lesson and size the next ones are to be.

    A batch of an earlier lesson may still be on its way when the lesson changes. Closing the generator ends the
    processes.
    """
    context = multiprocessing.get_context("spawn")
    numbers = context.Value("q", seed * 1000)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(photographs, numbers))
    pending: deque[Future[Batch]] = deque()
    try:
        while True:
            while len(pending) < AHEAD + workers:
                pending.append(pool.submit(_make, *wanted()))
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_composer: Composer | None = None


def _begin(photographs: Sequence[Sample], numbers: multiprocessing.sharedctypes.Synchronized) -> None:
    """In a new process."""
    global _composer
    cv2.setNumThreads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with numbers.get_lock():
        numbers.value += 1
        seed = numbers.value
    _composer = Composer(photographs, seed)


def _leave_with_parent() -> None:
    """Ends this process where the one that wanted its batches was killed: its queue alone would hold it for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _make(lesson: Lesson, count: int) -> Batch:
    assert _composer is not None
    return _composer.batch(lesson, count)
