"""Predictors as the subcommands run them."""

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.commands.console import progress, say
from detector.device import describe, pick
from detector.errors import StudioError
from detector.inference.predictor import Failure, Prediction, Predictor
from detector.model.checkpoint import Model


class ShownPredictor(Predictor):
    """A predictor that says where it runs, and shows how far it is; options as those of Predictor."""

    def __init__(self, model: Model, *, device: str, **options: Any) -> None:
        picked = pick(device)
        super().__init__(model, device=picked, **options)
        say(f"{model.info.variant.upper()} on {describe(picked)}")

    def run(self, sources: Iterable[Path | NDArray[np.uint8]]) -> Generator[Prediction | Failure]:
        """See Predictor."""
        waiting = list(sources)
        yield from progress(super().run(waiting), len(waiting))


def report_failures(failures: Sequence[Failure], images: int) -> None:
    """Writes to stderr which of the images could not be read, and why. Raises StudioError where it is all of them."""
    if len(failures) == images:
        raise StudioError(f"None of the {images} images could be read. {failures[0].error}")
    for failure in failures:
        say(f"error: {failure.error}")
    if failures:
        say(f"{len(failures)} of {images} images could not be read; they are left out.")
