"""How fast earlier runs have been, to say how long the next one takes."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.background.training_process import Run
from detector.events import RunStarted, StepDone, from_json
from detector.training.run_folder import EVENTS

TAIL = 16 * 1024  # bytes at the end of the events in which a step is looked for


@dataclass(frozen=True)
class Pace:
    """How long a run took for an image of a training step, in seconds; its evaluations come on top."""

    variant: str
    image_size: int
    device: str
    seconds_per_image: float


def paces(runs: Iterable[Run]) -> tuple[Pace, ...]:
    """The pace of each run, in their order; those that never came to a step are passed over."""
    return tuple(pace for run in runs if (pace := _pace(run.folder / EVENTS)))


def _pace(path: Path) -> Pace | None:
    """From the first event of a run and the last of its steps."""
    try:
        with path.open("rb") as file:
            first = from_json(file.readline())
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            last = [event for line in file.read().split(b"\n") if isinstance(event := from_json(line), StepDone)]
    except OSError:
        return None
    if not isinstance(first, RunStarted) or not last or not last[-1].images_per_second > 0:
        return None
    return Pace(first.variant, first.image_size, first.device, 1 / last[-1].images_per_second)
