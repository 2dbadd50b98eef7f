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

NOTHING = 1.0  # a score that none reaches
WARM_UP = 3  # pictures that count for nothing: memory is taken, kernels are chosen


@dataclass(frozen=True)
class Measurement:
    """Medians in milliseconds for one picture by itself: decode, resize, forward (the network, with a look at its
    outputs that finds nothing), post (what it takes longer where something is found); and images_per_second of all
    `images` together, as a folder is labelled. peak_mb: the process's memory at most; gpu_mb: PyTorch's on CUDA.
    """

    device: str
    images: int
    decode_ms: float
    resize_ms: float
    forward_ms: float
    post_ms: float
    images_per_second: float
    peak_mb: float
    gpu_mb: float | None


def measure(engine: Engine, paths: Sequence[Path]) -> Measurement:
    """Label the pictures at `paths`, each stage by itself first, then as a stream. Raises StudioError where one cannot
    be read.
    """
    info, exact, blind = engine.info, engine.exact, engine.with_floor(NOTHING)
    rows = []
    for path in paths:
        times = [time.perf_counter()]
        pixels, displayed = read(path, info, in_full=exact)
        times.append(time.perf_counter())
        prepared = prepare(pixels, info, exact=exact, displayed=displayed)
        times.append(time.perf_counter())
        blind.detect([prepared])
        times.append(time.perf_counter())
        engine.detect([prepared])
        times.append(time.perf_counter())
        rows.append([after - before for before, after in pairwise(times)])
    began = time.perf_counter()
    for outcome in Predictor(engine).run(paths):
        if isinstance(outcome, Failure):
            raise outcome.error
    rate = len(paths) / (time.perf_counter() - began)
    counted = rows[min(WARM_UP, len(rows) - 1) :]
    decode, resize, forward, detect = (1000 * median(column) for column in zip(*counted, strict=True))
    return Measurement(
        engine.device,
        len(paths),
        decode_ms=decode,
        resize_ms=resize,
        forward_ms=forward,
        post_ms=max(0.0, detect - forward),
        images_per_second=rate,
        peak_mb=peak_memory() / 1e6,
        gpu_mb=peak_gpu_mb(),
    )


def peak_memory() -> float:
    """The most memory that this process has had so far, in bytes."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peak_gpu_mb() -> float | None:
    """The most memory that PyTorch has had so far on the current CUDA device, in MB; None without one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return torch.cuda.max_memory_allocated() / 1e6
