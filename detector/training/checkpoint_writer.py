"""Writes a run's checkpoints and its state; what cannot be written leaves what was there before."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from detector.errors import CheckpointError, TrainingError
from detector.events import CheckpointSaved, Warned
from detector.model.checkpoint import Model, save
from detector.model.efficientdet import EfficientDet
from detector.model.info import ModelInfo
from detector.training.learner import Learner
from detector.training.options import FineTuneOptions
from detector.training.run_folder import LAST
from detector.training.state import Progress, save_state


class CheckpointWriter:
    """The files of the run in `out`; with several processes, of the one that speaks."""

    def __init__(self, out: Path, learner: Learner, options: FineTuneOptions) -> None:
        self.out, self._learner, self._options = out, learner, options

    def save(
        self, name: str, info: ModelInfo, progress: Progress, network: EfficientDet | None = None
    ) -> CheckpointSaved | Warned:
        """Write `network`, by default the average, as a checkpoint; a Warned where the disk does not take it, or it is
        not worth keeping.
        """
        network = network or self._learner.average.network
        path = self.out / name
        if not _is_sound(network):
            return Warned(f"The weights are not finite; {path} stays as it was.", progress.step)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        info = replace(info, metrics=progress.measured, thresholds=progress.thresholds, created=created)
        if self._learner.ranks.is_main:
            try:
                save(Model(network, info), path, half=self._options.half)
            except (OSError, CheckpointError) as error:
                return _not_written(path, error, progress)
        return CheckpointSaved(progress.step, path.stem, str(path))

    def save_last(self, info: ModelInfo, progress: Progress) -> CheckpointSaved | Warned:
        """Write the state to resume from, and the newest checkpoint."""
        if self._learner.ranks.is_main and _is_sound(self._learner.average.network):
            try:
                save_state(self.out, self._learner, progress, self._options)
            except (OSError, TrainingError) as error:
                return _not_written(self.out, error, progress)
        return self.save(LAST, info, progress)


def _is_sound(network: EfficientDet) -> bool:
    """Whether all weights are finite."""
    tensors = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _not_written(path: Path, error: Exception, progress: Progress) -> Warned:
    reason = getattr(error, "strerror", None) or str(error)
    return Warned(
        f"{path} could not be written ({reason}): what was saved before stays; make room on the disk, the run goes on.",
        progress.step,
    )
