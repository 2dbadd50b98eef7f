"""What a run's events add up to: its curves, how far it is, and what to do with the model at its end."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.background.run_watcher import RunState
from app.wording import count, duration
from detector.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    RunFinished,
    RunStarted,
    SampleImage,
    SamplesFound,
    StepDone,
    Warned,
)
from detector.training.options import FEW_VALIDATION_IMAGES
from detector.training.run_folder import LAST

QUESTION = "Use the new model?"
WORTH_A_WORD = 0.005  # AP: what two digits show
NAMED = 3  # classes of a sentence
STRETCHES = 400  # of a curve as drawn
SMOOTHING = 8  # steps to either side that the drawn loss is averaged over


@dataclass(frozen=True)
class Verdict:
    """How a run ended, in a sentence or two, and the checkpoint that can be used, by its name in the run's folder.

    use, keep: the words on the buttons, "" for none. recommended: whether using it is the better choice, None where
    that is open. question: the end of the text, which is no news once it is answered.
    """

    text: str
    checkpoint: str | None = None
    use: str = ""
    keep: str = ""
    recommended: bool | None = None
    question: str = ""

    @property
    def outcome(self) -> str:
        """The text without its question."""
        return self.text.removesuffix(self.question).rstrip()


@dataclass(frozen=True)
class ClassChange:
    """AP of a class before and after a run, on the same images; None where it was not measured."""

    name: str
    before: float | None
    after: float | None

    @property
    def gain(self) -> float:
        """After less before; a class that was not known before began from nothing."""
        return (self.after or 0.0) - (self.before or 0.0)


@dataclass
class Course:
    """The curves of a run so far; `add` takes in what it says."""

    started: RunStarted | None = None
    finished: RunFinished | None = None
    newest: StepDone | None = None
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    evaluated: list[int] = field(default_factory=list)
    aps: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    start_class_ap: Mapping[str, float] = field(default_factory=dict)
    class_aps: list[Mapping[str, float]] = field(default_factory=list)
    start_ap: float | None = None
    blended: bool = False
    checkpoint: CheckpointSaved | None = None
    samples: tuple[SampleImage, ...] = ()
    warnings: list[str] = field(default_factory=list)

    def add(self, events: Iterable[Event]) -> None:
        """Take in events, in order."""
        for event in events:
            match event:
                case RunStarted():
                    self._begin(event)
                case StepDone():
                    self.newest = event
                    self.steps.append(event.step)
                    self.losses.append(event.loss)
                    self.rates.append(event.learning_rate)
                case Evaluated():
                    self._measure(event)
                case SamplesFound():
                    self.samples = event.images
                case CheckpointSaved() if event.kind == "last":
                    self.checkpoint = event
                case Warned():
                    self.warnings.append(event.message)
                case RunFinished():
                    self.finished = event

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self.newest.step if self.newest else self.started.step if self.started else 0

    @property
    def share(self) -> float | None:
        """How far it is, 0..1 of its steps or its time; None before it has begun."""
        if self.started is None:
            return None
        return self.step / self.started.steps if self.started.steps else self.newest.done if self.newest else 0.0

    def smooth_losses(self) -> NDArray[np.float64]:
        """The losses as a curve that can be read: averages over the steps around each."""
        sums = np.cumsum([0.0, *self.losses])
        places = np.arange(len(self.losses))
        first, end = np.maximum(places - SMOOTHING, 0), np.minimum(places + SMOOTHING + 1, len(self.losses))
        return (sums[end] - sums[first]) / (end - first)

    def class_changes(self) -> list[ClassChange]:
        """AP by class, at the start and of the best model so far, what got worse first, then what gained most."""
        if self.start_ap is None or len(self.aps) < 2:
            return []
        wanted = self.finished.metrics.get("AP") if self.finished else None
        later = range(len(self.aps) - 1 if self.blended else 1, len(self.aps))
        same = [place for place in later if self.aps[place] == wanted]
        before, after = self.start_class_ap, self.class_aps[same[0] if same else max(later, key=self.aps.__getitem__)]
        changes = [ClassChange(name, before.get(name), after.get(name)) for name in {**before, **after}]
        return sorted(changes, key=lambda change: (change.gain >= 0, change.gain if change.gain < 0 else -change.gain))

    def progress_text(self, state: RunState) -> str:
        """How far, how fast and how long still as long as it runs, on what."""
        if self.started is None:
            return "Reading the model and the images"
        steps, minutes = self.started.steps, self.started.minutes
        parts = [f"step {self.step:,}" if steps is None else f"step {self.step:,} of {steps:,}"]
        if state is RunState.RUNNING and self.newest is not None and self.newest.images_per_second > 0:
            parts.append(f"{self.newest.images_per_second:.1f} images/s")
            left = 60 * (minutes or 0) * (1 - self.newest.done)
            if steps is not None:
                left = (steps - self.step) * self.started.batch / self.newest.images_per_second
            parts.append(f"{duration(left)} left")
        return " · ".join([*parts, self.started.device])

    def verdict(self, state: RunState, *, reason: str = "") -> Verdict | None:
        """What the end means; None before it."""
        if not state.has_ended:
            return None
        if self.finished is not None:
            return self._measured_verdict(self.finished)
        died = f"The run ended unexpectedly: {reason.rstrip('.')}."
        what = died if state is RunState.DIED else "The run was ended at once."
        if self.checkpoint is None:
            return Verdict(f"{what} It had not written a checkpoint yet.", keep="Close")
        go_on = "It can go on where it was (Runs, Go on). " if state is RunState.DIED else ""
        text = f"{what} {go_on}The last checkpoint (step {self.checkpoint.step:,}) can be used."
        return Verdict(text, LAST, "Use last checkpoint", "Keep the old model")

    def _begin(self, event: RunStarted) -> None:
        """A new run; or one that goes on after `event.step`: what it told after that is told again."""
        self.started, self.finished, self.blended = event, None, False
        steps, evaluations = bisect_right(self.steps, event.step), bisect_right(self.evaluated, event.step)
        self.steps, self.losses, self.rates = self.steps[:steps], self.losses[:steps], self.rates[:steps]
        self.evaluated, self.aps = self.evaluated[:evaluations], self.aps[:evaluations]
        self.class_aps = self.class_aps[:evaluations]
        self.newest = None

    def _measure(self, event: Evaluated) -> None:
        if (ap := event.metrics.get("AP")) is None:
            return
        if event.step == 0:
            self.start_ap, self.start_class_ap = ap, event.class_ap
        self.blended = event.blended
        self.evaluated.append(event.step)
        self.aps.append(ap)
        self.class_aps.append(event.class_ap)

    def _measured_verdict(self, finished: RunFinished) -> Verdict:
        before, after = finished.start_metrics.get("AP"), finished.metrics.get("AP")
        name = PurePath(finished.best).name if finished.best else None
        if name is None:
            return Verdict(f"{self._how(finished)}It wrote no checkpoint that could be used.", keep="Close")
        use, keep = "Use the new model", "Keep the old one"
        if after is None:
            stopped = finished.reason == "stopped"
            why = (
                "The new model was not measured yet"
                if stopped
                else "Nothing was measured: no validation images with boxes"
            )
            return Verdict(f"{self._how(finished)}{why}. {QUESTION}", name, use, keep, question=QUESTION)
        images = self.started.validation_images if self.started else 0
        measured = f"{ap_change(before, after)} on your {count(images, 'validation image')}"
        measured += ", a rough number for so few" if images < FEW_VALIDATION_IMAGES else ""
        if told := told_changes(self.class_changes()):
            measured += f". By class: {told}"
        if self.blended:
            measured += ". Its weights are a blend of the old model's and the new ones, which is steadier"
        if before is not None and after <= before:
            worse = "worse" if after < before else "no better"
            advice = f"The new model is {worse}: better keep the old one."
            text = f"{self._how(finished)}{measured}. {advice}"
            return Verdict(text, name, "Use it anyway", keep, recommended=False, question=advice)
        text = f"{self._how(finished)}{measured}. {QUESTION}"
        return Verdict(text, name, use, keep, recommended=True, question=QUESTION)

    def _how(self, finished: RunFinished) -> str:
        """How it ended, where that is not the usual way."""
        if finished.reason == "stopped":
            return f"Stopped after step {finished.step:,}. "
        return f"Ended after step {finished.step:,} for want of progress. " if finished.reason == "early" else ""


def told_changes(changes: Sequence[ClassChange]) -> str:
    """What got better, then what got worse, in words; of one class alone all is said already.

    "raccoon 0.71 → 0.84; dog got worse: 0.40 → 0.31"
    """
    if len(changes) < 2:
        return ""
    seen = [change for change in changes if f"{change.before or 0:.2f}" != f"{change.after or 0:.2f}"]
    worse = [_told(change, " got worse:") for change in seen if change.gain <= -WORTH_A_WORD]
    better = [_told(change, "") for change in seen if change.gain >= WORTH_A_WORD]
    parts = [", ".join(_first(better, "more got better")), ", ".join(_first(worse, "more got worse"))]
    return "; ".join(filter(None, parts))


def _told(change: ClassChange, how: str) -> str:
    return f"{change.name}{how} {change.before or 0.0:.2f} → {change.after or 0.0:.2f}"


def _first(told: list[str], more: str) -> list[str]:
    """The first ones, and how many there are beside them."""
    return told if len(told) <= NAMED + 1 else [*told[:NAMED], f"{len(told) - NAMED} {more}"]


def thinned(steps: Sequence[int], values: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The lowest and the highest value of each of at most 400 stretches, where there are more values than twice that:
    drawing all of a long run would hold the window up.
    """
    x, y = np.asarray(steps, np.int64), np.asarray(values, np.float64)
    if len(x) <= 2 * STRETCHES:
        return x, y
    starts = np.linspace(0, len(x), STRETCHES, endpoint=False).astype(np.int64)
    ends = np.append(starts[1:], len(x)) - 1
    lowest, highest = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    return np.stack([x[starts], x[ends]], axis=1).ravel(), np.stack([lowest, highest], axis=1).ravel()


def ap_change(before: float | None, after: float) -> str:
    """AP before and after with as many digits as tell them apart: "AP 0.41 → 0.58"."""
    if before is None:
        return f"AP {after:.2f}"
    digits = 2 if before == after else next((n for n in (2, 3, 4) if f"{before:.{n}f}" != f"{after:.{n}f}"), 4)
    return f"AP {before:.{digits}f} → {after:.{digits}f}"
