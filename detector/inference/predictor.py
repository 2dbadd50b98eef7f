"""Pictures in, detections out, in order: decoding, resizing and batching ahead of the network."""

import os
from collections import deque
from collections.abc import Collection, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from detector.boxes import Detections
from detector.data.images import decode
from detector.errors import OptionsError, StudioError
from detector.inference.engines import Engine, TorchEngine
from detector.inference.postprocess import detections
from detector.inference.preprocess import Prepared, prepare
from detector.model.anchors import anchor_boxes
from detector.model.checkpoint import Model
from detector.model.variants import find_variant

WORKERS = min(16, os.cpu_count() or 1)


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
    """One source's place in the line."""

    source: Path | int
    prepared: Future[Prepared]
    outcome: Prediction | Failure | None = None


class Predictor:
    """One model, ready to look at pictures.

    exact: the reference's preprocessing and its choice of candidates, in float32. floor: the lowest score that comes
    out. channels: the model's channels to look for, None for all. batch: images per forward pass at most; None: 1 on
    the CPU, where more are slower (the allocator takes new pages for each large feature map), else 8.
    """

    def __init__(
        self,
        model: Model,
        *,
        device: torch.device,
        exact: bool = False,
        floor: float = 0.05,
        channels: Collection[int] | None = None,
        batch: int | None = None,
    ) -> None:
        self._info = model.info
        self._exact = exact
        self._floor = floor
        named = [c for c, name in enumerate(model.info.classes) if name is not None]
        self._channels = [c for c in named if channels is None or c in channels]
        if not self._channels:
            raise OptionsError("None of the classes asked for is one of the model's; ask for some that are.")
        self._batch = batch or (1 if device.type == "cpu" else 8)
        self._engine: Engine = TorchEngine(model, device, exact=exact)

    def run(self, sources: Iterable[Path | NDArray[np.uint8]]) -> Generator[Prediction | Failure, None, None]:
        """A Prediction, or a Failure where a file cannot be decoded, for each source, in their order.

        Sources are paths, or arrays (H, W, 3) RGB uint8; they are read a few batches ahead and no further. Closing the
        generator ends its threads. Raises OptionsError where the GPU's memory does not hold even one image.
        """
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="prepare")
        try:
            line: deque[_Slot] = deque()
            waiting = enumerate(sources)
            look_ahead = max(4 * self._batch, 2 * WORKERS)
            while True:
                for index, source in islice(waiting, look_ahead - len(line)):
                    name = index if isinstance(source, np.ndarray) else source
                    line.append(_Slot(name, pool.submit(self._prepare, source)))
                if not line:
                    return
                if line[0].outcome is None:
                    self._advance(line)
                outcome = line.popleft().outcome
                assert outcome is not None
                yield outcome
        finally:
            pool.shutdown(cancel_futures=True)

    def _prepare(self, source: Path | NDArray[np.uint8]) -> Prepared:
        image = source if isinstance(source, np.ndarray) else decode(source)
        return prepare(image, self._info, exact=self._exact)

    def _advance(self, line: Iterable[_Slot]) -> None:
        """Give the first slot its outcome, and with it those behind it that share its batch, having its input shape.

        None of those has an outcome yet: batches fill from the front.
        """
        batch: list[tuple[_Slot, Prepared]] = []
        for slot in line:
            try:
                prepared = slot.prepared.result()
            except StudioError as error:
                slot.outcome = Failure(slot.source, error)
                continue
            if not batch or prepared.pixels.shape == batch[0][1].pixels.shape:
                batch.append((slot, prepared))
            if len(batch) == self._batch:
                break
        found = self._detect([prepared for _, prepared in batch])
        for (slot, prepared), result in zip(batch, found, strict=True):
            slot.outcome = Prediction(slot.source, prepared.width, prepared.height, result)

    def _detect(self, images: list[Prepared]) -> list[Detections]:
        """Detections in images of one shape; where the GPU's memory does not hold them all, in halves from now on."""
        if not images:
            return []
        height, width = images[0].pixels.shape[:2]
        try:
            outputs = self._engine(np.stack([image.pixels for image in images]))
            anchors = anchor_boxes(find_variant(self._info.variant), height, width)
            return detections(outputs, anchors, images, channels=self._channels, floor=self._floor, exact=self._exact)
        except torch.cuda.OutOfMemoryError as error:
            if len(images) == 1:
                lack = f"The GPU's memory does not hold one image of {width} × {height} px"
                raise OptionsError(f"{lack}; take a smaller model, or the CPU.") from error
        torch.cuda.empty_cache()  # out here: the exception would keep the failed batch alive
        half = self._batch = (len(images) + 1) // 2
        return self._detect(images[:half]) + self._detect(images[half:])
