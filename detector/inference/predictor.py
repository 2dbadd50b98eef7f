"""Pictures in, detections out, in order: decoding and resizing ahead of an engine."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
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
from detector.inference.preprocess import Prepared, prepare, prepare_tile
from detector.inference.tiles import Window, merge, tiles
from detector.loading import TICK, pauses
from detector.model.info import ModelInfo

WORKERS = min(16, cores())
AHEAD_IN_FULL = 2  # pictures of which all pixels are kept
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


@dataclass(frozen=True)
class _Part:
    """All of a picture, or a tile of it, ready for the engine."""

    window: Window
    prepared: Prepared


@dataclass
class _Slot:
    """One source's place in the line, and what becomes of its parts."""

    source: Path | int
    parts: Future[list[_Part]]
    found: list[tuple[Future[list[Detections]], int]] = field(default_factory=list)  # for each a batch, and where in it

    @property
    def waiting(self) -> list[_Part]:
        """The parts that are in no batch yet; none where the picture cannot be decoded."""
        return [] if self.parts.exception() is not None else self.parts.result()[len(self.found) :]


class Predictor:
    """An engine at work on a stream of pictures."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(
        self, sources: Iterable[Path | NDArray[np.uint8]], *, tiled: bool = False
    ) -> Generator[Prediction | Failure]:
        """What `steps` gives, without its pauses."""
        with closing(self.steps(sources, tiled=tiled)) as steps:
            for outcome in steps:
                if outcome is not None:
                    yield outcome

    def steps(
        self, sources: Iterable[Path | NDArray[np.uint8]], *, tiled: bool = False
    ) -> Generator[Prediction | Failure | None]:
        """A Prediction, or a Failure where a file cannot be decoded, for each source, in their order; None ten times a
        second while the next is not there yet, for a caller who may want to leave.

        Sources are paths, or arrays (H, W, 3) RGB uint8; they are read a few batches ahead and no further. Closing the
        generator ends its threads, and what the engine computes. tiled: besides the whole of each picture the engine
        sees tiles of it in full resolution, see `tiles`: so small objects in large pictures are found, in as much
        longer as there are tiles. Raises OptionsError where the memory does not hold even one image.
        """
        decoders = ThreadPoolExecutor(WORKERS, thread_name_prefix="prepare")
        runners = ThreadPoolExecutor(self.engine.lanes, thread_name_prefix="engine")
        line: deque[_Slot] = deque()
        try:
            waiting = enumerate(sources)
            look_ahead = AHEAD_IN_FULL if tiled else max(4 * self.engine.batch, 2 * WORKERS)
            while True:
                for index, source in islice(waiting, look_ahead - len(line)):
                    name = index if isinstance(source, np.ndarray) else source
                    line.append(_Slot(name, decoders.submit(self._prepare, source, tiled)))
                if not line:
                    return
                yield from pauses({line[0].parts})
                under_way = self._start(line, runners)
                while line[0].waiting:
                    yield from pauses(under_way, until=FIRST_COMPLETED)
                    under_way = self._start(line, runners)
                yield from pauses({batch for batch, _ in line[0].found})
                yield _outcome(line.popleft())
        finally:
            self._end(line, runners)
            decoders.shutdown(cancel_futures=True)

    def _end(self, line: Iterable[_Slot], runners: ThreadPoolExecutor) -> None:
        """Let the engine begin no further batch, and interrupt it: again and again, since a thread may just begin."""
        runners.shutdown(wait=False, cancel_futures=True)
        batches = {batch for slot in line for batch, _ in slot.found}
        while under_way := [batch for batch in batches if not batch.done()]:
            self.engine.interrupt()
            wait(under_way, timeout=TICK / 10)
        runners.shutdown()

    def _prepare(self, source: Path | NDArray[np.uint8], tiled: bool) -> list[_Part]:
        info, exact = self.engine.info, self.engine.exact
        if isinstance(source, np.ndarray):
            pixels, displayed = source, (source.shape[1], source.shape[0])
        else:
            pixels, displayed = read(source, info, in_full=exact or tiled)
        whole = _Part(Window(0, 0, *displayed), prepare(pixels, info, exact=exact, displayed=displayed))
        windows = tiles(*displayed, info.image_size) if tiled else []
        return [whole, *(_Part(window, prepare_tile(pixels, window, info)) for window in windows)]

    def _start(self, line: Iterable[_Slot], runners: ThreadPoolExecutor) -> set[Future[list[Detections]]]:
        """Give the engine batches from the front of the line until it has enough to do: those under way."""
        under_way = {batch for slot in line for batch, _ in slot.found if not batch.done()}
        while len(under_way) <= self.engine.lanes and (chosen := self._batch(line)):
            batch = runners.submit(self.engine.detect, [part.prepared for _, part in chosen])
            for place, (slot, _) in enumerate(chosen):
                slot.found.append((batch, place))
            under_way.add(batch)
        return under_way

    def _batch(self, line: Iterable[_Slot]) -> list[tuple[_Slot, _Part]]:
        """The first part that waits, and those behind it that share its input shape, as many as fit."""
        chosen: list[tuple[_Slot, _Part]] = []
        for slot in line:
            for part in slot.waiting:
                if chosen and part.prepared.pixels.shape != chosen[0][1].prepared.pixels.shape:
                    break  # the parts of a picture keep their order
                chosen.append((slot, part))
                if len(chosen) == self.engine.batch:
                    return chosen
        return chosen


def read(path: Path, info: ModelInfo, *, in_full: bool) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A picture for a model, with its width and height: a large JPEG reduced, unless in full. Raises ImageError."""
    if not in_full:
        return decode_reduced(path, info.image_size)
    pixels = decode(path)
    return pixels, (pixels.shape[1], pixels.shape[0])


def _outcome(slot: _Slot) -> Prediction | Failure:
    """What became of a slot, once that is known."""
    try:
        parts = slot.parts.result()
    except StudioError as error:
        return Failure(slot.source, error)
    width, height = parts[0].prepared.width, parts[0].prepared.height
    found = [batch.result()[place] for batch, place in slot.found]
    if len(found) == 1:
        return Prediction(slot.source, width, height, found[0])
    windows = [part.window for part in parts]
    return Prediction(slot.source, width, height, merge(list(zip(windows, found, strict=True)), width, height))
