"""How fast an engine is on pictures of a folder, stage by stage and end to end, and the memory that it takes."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import psutil

from detector.inference.engines import Engine
from detector.inference.predictor import Failure, Predictor, read
from detector.inference.preprocess import prepare

WARM_UP = 3  # pictures that count for nothing: memory is taken, kernels are chosen


@dataclass(frozen=True)
class Measurement:
    """Medians in milliseconds for one picture by itself: decode, resize, detect (the network and all behind it);
    and images_per_second of all `images` together, as a folder is labelled. peak_mb: the process's memory at most.
    """

    device: str
    images: int
    decode_ms: float
    resize_ms: float
    detect_ms: float
    images_per_second: float
    peak_mb: float


def measure(engine: Engine, paths: Sequence[Path]) -> Measurement:
    """Label the pictures at `paths`, each stage by itself first, then as a stream. Raises StudioError where one cannot
    be read.
    """
    info, exact = engine.info, engine.exact
    rows = []
    for path in paths:
        times = [time.perf_counter()]
        pixels, displayed = read(path, info, in_full=exact)
        times.append(time.perf_counter())
        prepared = prepare(pixels, info, exact=exact, displayed=displayed)
        times.append(time.perf_counter())
        engine.detect([prepared])
        times.append(time.perf_counter())
        rows.append([after - before for before, after in pairwise(times)])
    began = time.perf_counter()
    for outcome in Predictor(engine).run(paths):
        if isinstance(outcome, Failure):
            raise outcome.error
    rate = len(paths) / (time.perf_counter() - began)
    stages = [1000 * median(column) for column in zip(*rows[min(WARM_UP, len(rows) - 1) :], strict=True)]
    return Measurement(engine.device, len(paths), *stages, images_per_second=rate, peak_mb=peak_memory() / 1e6)


def peak_memory() -> float:
    """The most memory that this process has had so far, in bytes."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
