"""Predictors as the subcommands run them."""

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.commands.console import progress, say
from detector.errors import StudioError
from detector.inference.engines import Engine
from detector.inference.predictor import Failure, Prediction, Predictor


class ShownPredictor(Predictor):
    """A predictor that says where it runs, and shows how far it is."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        say(f"{engine.info.variant.upper()} on {engine.device}")

    def steps(
        self, sources: Iterable[Path | NDArray[np.uint8]], *, tiled: bool = False
    ) -> Generator[Prediction | Failure | None]:
        """See Predictor."""
        waiting = list(sources)
        left = iter(progress(waiting, len(waiting)))
        next(left, None)  # which shows the bar
        for outcome in super().steps(waiting, tiled=tiled):
            if outcome is not None:
                next(left, None)
            yield outcome


def report_failures(failures: Sequence[Failure], images: int) -> None:
    """Writes to stderr which of the images could not be read, and why. Raises StudioError where it is all of them."""
    if len(failures) == images:
        raise StudioError(f"None of the {images} images could be read. {failures[0].error}")
    for failure in failures:
        say(f"error: {failure.error}")
    if failures:
        say(f"{len(failures)} of {images} images could not be read; they are left out.")
