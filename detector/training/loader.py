"""Batches of augmented images, made ahead in threads. What a step gets depends on the seed and the step alone."""

import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.boxes import Float32, Int64, clip
from detector.data.images import decode
from detector.errors import ImageError, OptionsError
from detector.training.augment import Augmentation, LabelledImage, compose, resize

AHEAD = 3  # batches in the making beside the one in use


@dataclass(frozen=True)
class Sample:
    """One labelled image on disk: boxes (N, 4) float32 xyxy in image pixels; labels (N,) int64 0-based channels;
    crowd (N,) bool, regions to ignore."""

    path: Path
    boxes: Float32
    labels: Int64
    crowd: NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """One step's inputs: images (B, S, S, 3) uint8 RGB; for each image boxes (N, 4) float32 xyxy in input pixels, none
    of them empty, labels (N,) int64 and crowd (N,) bool. Instead of images there may be features of them, one array
    (B, H, W, C) a level, from P3 on."""

    images: NDArray[np.uint8]
    boxes: list[Float32]
    labels: list[Int64]
    crowd: list[NDArray[np.bool_]]
    features: Sequence[NDArray[np.float16]] = ()


@dataclass(frozen=True)
class Replay:
    """Old images against forgetting: a loader's last `count` samples, which make up this `share` of its inputs."""

    count: int = 0
    share: float = 0.0


class Loader:
    """Endless shuffled epochs over `samples`, each sample once an epoch, without a short batch where epochs meet. Those
    of `replay` have epochs of their own, and come in between, evenly spread.

    `memory_limit` bounds, in bytes, the decoded images kept between steps. `augmentation` may be replaced between two
    calls of `batches` (no mosaic in the last steps, say). `failures` collects, once each, the pictures that could not
    be read and why.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        image_size: int,
        batch: int,
        seed: int,
        augmentation: Augmentation,
        fill: tuple[int, int, int],
        threads: int,
        memory_limit: int,
        share: tuple[int, int] = (0, 1),
        replay: Replay = Replay(),
    ) -> None:
        """share: i, n: the i-th of n equal parts of each batch are made here, the others in other processes.

        Raises OptionsError where there is nothing to train on.
        """
        if len(samples) <= replay.count:
            raise OptionsError("There are no images to train on: review some, or name a COCO file that lists images.")
        self.augmentation = augmentation
        self.failures: list[tuple[Path, str]] = []
        self._samples, self._size, self._batch, self._seed = samples, image_size, batch, seed
        self._replay, self._new = replay, len(samples) - replay.count
        part = batch // share[1]
        self.positions = range(share[0] * part, (share[0] + 1) * part)
        self._fill, self._threads, self._memory = fill, threads, memory_limit
        self._largest = image_size * augmentation.scale[1]
        self._cache: dict[Path, tuple[NDArray[np.uint8], Float32]] = {}
        self._failed: set[Path] = set()
        self._lock = threading.Lock()

    def batches(self, start: int, stop: int) -> Generator[Batch]:
        """The batches of steps start … stop − 1, the same ones whatever the threads and wherever training resumed.

        Closing the iterator stops its threads. A picture that cannot be read is replaced by the next sample's. Raises
        ImageError where no picture can be read.
        """
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="loader")
        pending: deque[list[Future[LabelledImage]]] = deque()
        try:
            for step in range(start, stop):
                pending.append([pool.submit(self._input, step, position) for position in self.positions])
                if len(pending) > AHEAD:
                    yield _collate(pending.popleft())
            while pending:
                yield _collate(pending.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _input(self, step: int, position: int) -> LabelledImage:
        """What stands at `position` in the batch of `step`."""
        _, index = self.place(step, position)
        return self.compose(index, np.random.default_rng((self._seed, step, position)))

    def place(self, step: int, position: int) -> tuple[int, int]:
        """The epoch, and the sample whose turn it is, at `position` in the batch of `step`."""
        number, share = step * self._batch + position, self._replay.share
        replayed = int(number * share)  # of all inputs before
        if int((number + 1) * share) > replayed:
            epoch, place = divmod(replayed, self._replay.count)
            return epoch, self._new + int(_shuffled(self._seed, epoch, self._replay.count)[place])
        epoch, place = divmod(number - replayed, self._new)
        return epoch, int(_shuffled(self._seed, epoch, self._new)[place])

    def compose(self, index: int, rng: np.random.Generator) -> LabelledImage:
        """A random input of the sample; its first numbers decide whether it is part of a mosaic."""
        chosen = [index]
        if rng.random() < self.augmentation.mosaic:
            chosen += rng.integers(len(self._samples), size=3).tolist()
        images = [self._load(index) for index in chosen]
        return compose(images, self.augmentation, rng, size=self._size, fill=self._fill)

    def _load(self, index: int) -> LabelledImage:
        """The sample's image with its boxes cut at its border; where it cannot be read, the next readable sample's."""
        for offset in range(len(self._samples)):
            sample = self._samples[(index + offset) % len(self._samples)]
            if sample.path in self._failed:
                continue
            try:
                image, ratios = self._decoded(sample.path)
            except ImageError as error:
                self._fail(sample.path, str(error))
                continue
            height, width = image.shape[:2]
            return LabelledImage(image, clip(sample.boxes * ratios, width, height), sample.labels, sample.crowd)
        raise ImageError(f"None of the {len(self._samples)} training images can be read. {self.failures[0][1]}")

    def _fail(self, path: Path, reason: str) -> None:
        with self._lock:
            if path not in self._failed:
                self.failures.append((path, reason))
                self._failed.add(path)

    def _decoded(self, path: Path) -> tuple[NDArray[np.uint8], Float32]:
        """The picture and the ratios (4,) by which its boxes shrank with it.

        A picture over 1.5 times as large as the largest view of it is kept shrunk to that view; nearer ones stay as
        they are, since resampling twice blurs. The cache never evicts: in shuffled epochs no image is likelier next.
        """
        if (kept := self._cache.get(path)) is not None:
            return kept
        image, ratios = decode(path), np.ones(4, np.float32)
        if max(image.shape[:2]) > 1.5 * self._largest:
            image, ratios = resize(image, self._largest / max(image.shape[:2]))
        with self._lock:
            if path not in self._cache and self._memory >= image.nbytes:
                self._memory -= image.nbytes
                self._cache[path] = (image, ratios)
        return image, ratios


@lru_cache(maxsize=8)
def _shuffled(seed: int, epoch: int, count: int) -> Int64:
    """The order (count,) of the samples in an epoch."""
    # A seed of four words: numpy pads short ones with zeros, so that three would be the stream of an input.
    return np.random.default_rng((seed, epoch, 0, 1)).permutation(count)


def _collate(inputs: list[Future[LabelledImage]]) -> Batch:
    done = [future.result() for future in inputs]
    images = np.stack([labelled.image for labelled in done])
    return Batch(images, [one.boxes for one in done], [one.labels for one in done], [one.crowd for one in done])
