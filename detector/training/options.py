"""What a person may choose for a fine-tuning, and the plan that follows from it and the data."""

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from detector.errors import OptionsError
from detector.model.variants import VARIANTS, Variant

# Steps at batch 8 by number of training images: small sets need many passes, large ones few.
STEPS_AT_BATCH_8 = ((20, 400), (100, 900), (500, 3000), (5000, 7500))
EVALUATIONS = 10
FEW_VALIDATION_IMAGES = 20  # with fewer, AP moves a lot by chance
QUICK_MINUTES = (4, 10)  # at least, and at most; between them a minute for ten training images, of D0


class Freeze(StrEnum):
    """Which part keeps its weights."""

    NONE = "none"
    BACKBONE = "backbone"


class Precision(StrEnum):
    """In how many bits the network computes. auto: mixed on a GPU and in quick mode, else float32.

    mixed: in 16, where the device has such a type and is quicker in it; the loss is float32 all the same.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    MIXED = "mixed"


@dataclass(frozen=True)
class FineTuneOptions:
    """How to fine-tune. None means: chosen from the data.

    steps, epochs or minutes: the budget, one of them; minutes of wall-clock, measuring included.
    quick: for a CPU: features of the first layers are computed once and kept, the rest learns from them in stages;
    without a budget it takes `quick_minutes`.
    batch: images per optimiser step.
    learning_rate: AdamW's, for new layers; trained ones get less.
    image_size: side of the square input in pixels.
    freeze: the part that keeps its weights.
    seed: of all chance; the same seed gives the same run.
    scale: range of the random resize, relative to the input.
    flip, any_orientation: mirror half of the pictures; turn and mirror them in all eight ways.
    mosaic: share of inputs that are made of four pictures.
    photometric: how far colours may stray (0.2: by 20%).
    patience: evaluations without progress before an early stop.
    half: write checkpoints in float16.
    precision: of the computing; weights are float32 in all of them.
    replay_share: of the inputs, from old images, where a run has such.
    """

    steps: int | None = None
    epochs: int | None = None
    minutes: float | None = None
    quick: bool = False
    batch: int = 8
    learning_rate: float = 2e-3
    image_size: int | None = None
    freeze: Freeze = Freeze.NONE
    seed: int = 0
    scale: tuple[float, float] = (0.5, 1.5)
    flip: bool = True
    any_orientation: bool = False
    mosaic: float = 0.0
    photometric: float = 0.2
    patience: int | None = None
    half: bool = False
    precision: Precision = Precision.AUTO
    replay_share: float = 0.2

    def __post_init__(self) -> None:
        low, high = self.scale
        positive = {
            "steps": self.steps,
            "epochs": self.epochs,
            "minutes": self.minutes,
            "batch": self.batch,
            "lr": self.learning_rate,
            "patience": self.patience,
        }
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise OptionsError(f"--{name} must be above 0, not {value}.")
        if sum(budget is not None for budget in (self.steps, self.epochs, self.minutes)) > 1:
            raise OptionsError("--steps, --epochs and --minutes are three ways to say how long; give one of them.")
        if self.quick and self.mosaic:
            raise OptionsError("--quick keeps views of single pictures; leave --mosaic out.")
        if self.quick and self.freeze is not Freeze.NONE:
            raise OptionsError("--quick freezes and thaws the layers by itself; leave --freeze out.")
        if not 0 < low <= high:
            raise OptionsError(
                f"The scale must run from a positive number to one that is not smaller, not from {low} to {high}."
            )
        if not 0 < self.replay_share < 1:
            raise OptionsError(f"--replay-share must lie between 0 and 1, not {self.replay_share}.")
        for name, share in (("mosaic", self.mosaic), ("photometric", self.photometric)):
            if not 0 <= share <= 1:
                raise OptionsError(f"--{name} must lie between 0 and 1, not {share}.")

    @property
    def is_timed(self) -> bool:
        """Whether wall-clock is the budget, not steps."""
        return self.minutes is not None or (self.quick and not self.steps and not self.epochs)

    def seconds(self, images: int, variant: Variant) -> float | None:
        """The budget of wall-clock for a training set of `images` pictures; None where steps are the budget."""
        return 60 * (self.minutes or quick_minutes(images, variant)) if self.is_timed else None

    def total_steps(self, images: int) -> int | None:
        """Optimiser steps for a training set of `images` pictures; None where time is the budget."""
        if self.is_timed:
            return None
        if self.steps:
            return self.steps
        if self.epochs:
            return self.epochs * self.epoch_steps(images)
        return max(1, round(_default_steps(images) * 8 / self.batch))

    def epoch_steps(self, images: int) -> int:
        """Steps in which every image is seen once."""
        return max(1, math.ceil(images / self.batch))

    def evaluation_steps(self, images: int) -> int:
        """Steps between two evaluations: an epoch, or several of a small set so that there are at most ten in a run."""
        epoch, total = self.epoch_steps(images), self.total_steps(images)
        return epoch if self.epochs or total is None else epoch * max(1, round(total / EVALUATIONS / epoch))


def quick_minutes(images: int, variant: Variant) -> int:
    """How long quick mode takes for a training set of `images` pictures, unless told otherwise."""
    least, most = QUICK_MINUTES
    work = variant.gigamacs / (VARIANTS["d0"].gigamacs or 1) if variant.gigamacs else most
    return min(most, math.ceil(max(least, images / 10) * max(1.0, work)))


def _default_steps(images: int) -> float:
    (first, fewest), (last, most) = STEPS_AT_BATCH_8[0], STEPS_AT_BATCH_8[-1]
    if images <= first:
        return fewest
    if images >= last:
        return most * images / last
    for (n0, s0), (n1, s1) in pairwise(STEPS_AT_BATCH_8):
        if images <= n1:
            share = math.log(images / n0) / math.log(n1 / n0)
            return s0 * (s1 / s0) ** share
    raise AssertionError("the last row was checked above")
