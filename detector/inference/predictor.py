"""Pictures in, detections out, in order: decoding and resizing ahead of an engine."""

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.boxes import Detections
from detector.data.images import decode, decode_reduced
from detector.device import cores
from detector.errors import StudioError
from detector.inference.engines import Engine
from detector.inference.preprocess import Prepared, prepare
from detector.model.info import ModelInfo

WORKERS = min(16, cores())
cv2.setNumThreads(1)  # the pictures themselves are spread over the cores


@dataclass(frozen=True)
class Prediction:
    """What a model found in one image of width × height pixels; `source` is its path, or an array's place in line."""

    source: Path | int
    width: int
    height: int
    detections: Detections


@dataclass(frozen=True)
class Failure:
    """An image that could not be looked at, and why."""

    source: Path | int
    error: StudioError


@dataclass
class _Slot:
    """One source's place in the line, and what becomes of it."""

    source: Path | int
    prepared: Future[Prepared]
    found: "Future[list[Detections]] | None" = None  # of its whole batch
    place: int = 0  # in the batch


class Predictor:
    """An engine at work on a stream of pictures."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, sources: Iterable[Path | NDArray[np.uint8]]) -> Generator[Prediction | Failure, None, None]:
        """A Prediction, or a Failure where a file cannot be decoded, for each source, in their order.

        Sources are paths, or arrays (H, W, 3) RGB uint8; they are read a few batches ahead and no further. Closing the
        generator ends its threads. Raises OptionsError where the memory does not hold even one image.
        """
        lanes = self.engine.lanes
        decoders = ThreadPoolExecutor(WORKERS, thread_name_prefix="prepare")
        runners = ThreadPoolExecutor(lanes, thread_name_prefix="engine")
        try:
            line: deque[_Slot] = deque()
            waiting = enumerate(sources)
            look_ahead = max(4 * self.engine.batch, 2 * WORKERS)
            while True:
                for index, source in islice(waiting, look_ahead - len(line)):
                    name = index if isinstance(source, np.ndarray) else source
                    line.append(_Slot(name, decoders.submit(self._prepare, source)))
                if not line:
                    return
                self._start(line, runners, at_most=lanes + 1)
                yield _outcome(line.popleft())
        finally:
            runners.shutdown(cancel_futures=True)
            decoders.shutdown(cancel_futures=True)

    def _prepare(self, source: Path | NDArray[np.uint8]) -> Prepared:
        info, exact = self.engine.info, self.engine.exact
        if isinstance(source, np.ndarray):
            return prepare(source, info, exact=exact)
        pixels, displayed = read(source, info, exact=exact)
        return prepare(pixels, info, exact=exact, displayed=displayed)

    def _start(self, line: Iterable[_Slot], runners: ThreadPoolExecutor, *, at_most: int) -> None:
        """Give the engine batches from the front of the line until so many are under way, and the first slot's is."""
        slots = [slot for slot in line if slot.found is None]
        under_way = len({id(slot.found) for slot in line if slot.found is not None and not slot.found.done()})
        while slots and under_way < at_most:
            batch = self._batch(slots)
            if not batch:
                return
            found = runners.submit(self.engine.detect, [slot.prepared.result() for slot in batch])
            for place, slot in enumerate(batch):
                slot.found, slot.place = found, place
            slots = [slot for slot in slots if slot.found is None]
            under_way += 1

    def _batch(self, slots: Sequence[_Slot]) -> list[_Slot]:
        """The first slot that could be decoded, and those behind it that share its input shape, as many as fit."""
        batch: list[_Slot] = []
        for slot in slots:
            if slot.prepared.exception() is not None:
                continue
            shape = slot.prepared.result().pixels.shape
            if not batch or shape == batch[0].prepared.result().pixels.shape:
                batch.append(slot)
            if len(batch) == self.engine.batch:
                break
        return batch


def read(path: Path, info: ModelInfo, *, exact: bool) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A picture for a model, with its width and height: a large JPEG reduced, unless exact. Raises ImageError."""
    if not exact:
        return decode_reduced(path, info.image_size)
    pixels = decode(path)
    return pixels, (pixels.shape[1], pixels.shape[0])


def _outcome(slot: _Slot) -> Prediction | Failure:
    """What became of a slot, once that is known."""
    try:
        prepared = slot.prepared.result()
    except StudioError as error:
        return Failure(slot.source, error)
    assert slot.found is not None
    return Prediction(slot.source, prepared.width, prepared.height, slot.found.result()[slot.place])
