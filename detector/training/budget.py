"""How long a run is, in steps or in wall-clock, and how far it has come."""

import math
import time
from collections import deque
from dataclasses import dataclass

PACE_STEPS = 20
EVALUATIONS = 10
BLEND_SHARE = 1 / 6  # of a time budget, at most, goes into measuring a blend; two measurements there are anyway
MEASURING_SHARE = 0.1  # of a time budget, at most, goes into measuring, as long as it allows for one measurement
GUESSED_STEPS = 400  # in a time budget, before the first step has shown its pace


@dataclass(frozen=True)
class Moment:
    """Before a step: how many are `done`, which `share` 0..1 of the budget that is, and the `steps` that there will be
    in all, an estimate where time is the budget.
    """

    done: int
    share: float
    steps: float


class Budget:
    """`steps`, or where that is None `seconds` of wall-clock; the clock starts now, `used` seconds in.

    every: steps between two evaluations, where steps are the budget. `reserve` is the time that one measurement takes;
    the last one is to end with the budget, or where it `blends`, one more, as long as there is time for that.
    """

    def __init__(self, *, steps: int | None, seconds: float | None, every: int) -> None:
        self.steps, self.seconds, self._every = steps, seconds, every
        self.reserve = 0.0
        self.blends = False
        self._began = time.monotonic()
        self._ticks: deque[float] = deque(maxlen=PACE_STEPS)
        self._pace: float | None = None  # outlasts a pause

    def go_on(self, used: float) -> None:
        """Set the clock to where a run resumed was."""
        self._began = time.monotonic() - used

    @property
    def used(self) -> float:
        """Seconds of wall-clock so far, those of the runs that this one goes on with included."""
        return time.monotonic() - self._began

    def share(self, step: int) -> float:
        """How much is used up after `step` steps, 0..1."""
        if self.steps is not None:
            return step / self.steps
        assert self.seconds is not None
        return min(1.0, self.used / max(1e-9, self._training_seconds))

    def moment(self, step: int) -> Moment:
        """Where the run is, `step` steps in."""
        if self.steps is not None:
            return Moment(step, self.share(step), self.steps)
        assert self.seconds is not None
        left = max(0.0, self._training_seconds - self.used)
        if len(self._ticks) > 1:
            self._pace = self.seconds_per_step
        steps = max(step, GUESSED_STEPS) if self._pace is None else step + left / self._pace
        return Moment(step, self.share(step), steps)

    def is_due(self, before: Moment, after: Moment) -> bool:
        """Whether it is time to measure, after the step between two moments."""
        if after.done == before.done:
            return False
        if self.steps is not None:
            return after.done % self._every == 0 or after.share >= 1
        return after.share >= 1 or math.floor(before.share * self._times) < math.floor(after.share * self._times)

    @property
    def measures_blend(self) -> bool:
        """Whether there is a blend at the end, and time to measure it."""
        return self.blends and (self.seconds is None or self.reserve <= BLEND_SHARE * self.seconds)

    @property
    def _training_seconds(self) -> float:
        assert self.seconds is not None
        return self.seconds - (2 if self.measures_blend else 1) * self.reserve

    @property
    def _times(self) -> int:
        """How often a time budget measures."""
        assert self.seconds is not None
        affordable = MEASURING_SHARE * self.seconds / self.reserve if self.reserve else EVALUATIONS
        return max(1, min(EVALUATIONS, int(affordable)))

    def tick(self) -> None:
        """A step begins."""
        self._ticks.append(time.monotonic())

    def pause(self) -> None:
        """Something else than steps comes: the pace is taken anew."""
        self._ticks.clear()

    @property
    def seconds_per_step(self) -> float:
        """Of the last few steps, of which at least one has begun."""
        return (time.monotonic() - self._ticks[0]) / len(self._ticks)
