"""How fast earlier runs have been, to say how long the next one takes; before the first one, a rough guess."""

import math
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.background.training_process import Run
from detector.device import cores
from detector.events import RunStarted, StepDone, from_json
from detector.model.variants import VARIANTS, Variant
from detector.training.options import FineTuneOptions, Freeze
from detector.training.run_folder import EVENTS

TAIL = 16 * 1024  # bytes at the end of the events in which a step is looked for
KEPT = 20  # paces that are remembered from project to project
# What a run of D0 on two cores of a laptop's kind comes to, and on one larger GPU, in 10⁹ multiply-adds a second of
# the forward pass. Rough: machines differ by more than twice.
PER_CORE, PER_GPU = 2.5, 250.0
FROZEN_SHARE = 0.5  # of the work of a step, where the backbone is not trained


@dataclass(frozen=True)
class Pace:
    """How long one device took for an image of a training step, in seconds; its evaluations come on top. `share`: of
    the work that training everything is, which its options left over.
    """

    variant: str
    image_size: int
    device: str
    seconds_per_image: float
    share: float = 1.0


@dataclass(frozen=True)
class Estimate:
    """How long an image of a training step is likely to take, in seconds, and what that rests on, in words."""

    seconds_per_image: float
    basis: str


def paces(runs: Iterable[Run]) -> tuple[Pace, ...]:
    """The pace of each run, in their order; those that never came to a step, and quick ones, are passed over."""
    return tuple(pace for run in runs if (pace := _pace(run)))


def estimate(
    known: Iterable[Pace], variant: Variant | None, image_size: int | None, options: FineTuneOptions, *, gpus: int
) -> Estimate | None:
    """On so many GPUs, 0: on the CPU; from the newest pace of these (newest first) that fits, else scaled from the
    nearest, else a guess. Several GPUs count as if nothing were lost between them.
    """
    found = _on_one(known, variant, image_size, options, on_gpu=gpus > 0)
    return found and replace(found, seconds_per_image=found.seconds_per_image / max(1, gpus))


def _on_one(
    known: Iterable[Pace], variant: Variant | None, image_size: int | None, options: FineTuneOptions, *, on_gpu: bool
) -> Estimate | None:
    if variant is None or image_size is None:
        return None
    share, work = _share(options.freeze), _work(variant.name, image_size)
    known = [pace for pace in known if pace.device.startswith("CPU") is not on_gpu]
    same = [pace for pace in known if (pace.variant, pace.image_size) == (variant.name, image_size)]
    for pace in same:
        if pace.share == share:
            return Estimate(pace.seconds_per_image, f"at the pace of the last run at this size ({pace.device})")
    if not work:
        return None
    alike = [(pace, before) for pace in (*same, *known) if (before := _work(pace.variant, pace.image_size))]
    if alike:
        pace, before = min(alike, key=lambda item: abs(math.log(work / item[1])))
        seconds = pace.seconds_per_image * work * share / (before * pace.share)
        told = f"{pace.variant.upper()} at {pace.image_size} px"
        return Estimate(seconds, f"roughly, judged by an earlier run of {told} ({pace.device})")
    speed = PER_GPU if on_gpu else PER_CORE * max(1, cores() - 1)
    return Estimate(work * share / speed, "a rough guess until a first run here has shown the pace")


def remembered(values: Sequence[Any]) -> tuple[Pace, ...]:
    """The paces that `remember` made values of; what is no pace is passed over."""
    found: list[Pace] = []
    for value in values:
        with suppress(TypeError, ValueError):
            pace = Pace(**value)
            if isinstance(pace.variant, str) and isinstance(pace.device, str) and pace.seconds_per_image > 0:
                found.append(pace)
    return tuple(found)


def remember(newest: Iterable[Pace], values: Sequence[Any]) -> list[dict[str, Any]]:
    """The remembered values with new paces in front; of each kind of run only the newest."""
    kinds = {(pace.variant, pace.image_size, pace.device, pace.share): pace for pace in reversed(remembered(values))}
    for pace in reversed(tuple(newest)):
        kind = (pace.variant, pace.image_size, pace.device, pace.share)
        kinds.pop(kind, None)
        kinds[kind] = pace
    return [asdict(pace) for pace in reversed(kinds.values())][:KEPT]


def _pace(run: Run) -> Pace | None:
    """From the first event of a run and the last of its steps."""
    try:
        with (run.folder / EVENTS).open("rb") as file:
            first = from_json(file.readline())
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            last = [event for line in file.read().split(b"\n") if isinstance(event := from_json(line), StepDone)]
    except OSError:
        return None
    if not isinstance(first, RunStarted) or not last or not last[-1].images_per_second > 0:
        return None
    if first.quick:  # whose pace changes from stage to stage, and whose budget is time
        return None
    seconds, share = run.processes / last[-1].images_per_second, _share(run.options.get("freeze", Freeze.NONE))
    return Pace(first.variant, first.image_size, first.device, seconds, share)


def _share(freeze: str) -> float:
    return FROZEN_SHARE if freeze == Freeze.BACKBONE else 1.0


def _work(name: str, image_size: int) -> float:
    """10⁹ multiply-adds of an image; 0 for variants of which nothing is published."""
    row = VARIANTS.get(name.partition("+")[0])
    return row.gigamacs * (image_size / row.image_size) ** 2 if row and row.gigamacs else 0.0
