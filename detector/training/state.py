"""What a run needs to go on where it was: one .safetensors file, tensors and plain JSON only."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from detector.errors import OptionsError, TrainingError
from detector.files import replacing
from detector.training.learner import Learner
from detector.training.options import FineTuneOptions

STATE_FILE = "state.safetensors"


@dataclass
class Progress:
    """How far a run is: steps done, the best AP and its metrics, evaluations since then, and what was measured last and
    at the start.

    evaluated: the step of the last evaluation. seconds: of wall-clock. reach: the sum of the fusion weights' learning
    rates. measuring: seconds that a measurement takes. size: of the inputs, where memory was too small for what was
    asked; chunks, caution: the learner's.
    """

    step: int = 0
    best: float | None = None
    since_best: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)
    evaluated: int = 0
    seconds: float = 0.0
    reach: float = 0.0
    measuring: float = 0.0
    size: int | None = None
    chunks: int = 1
    caution: float = 1.0


def save_state(out: Path, learner: Learner, progress: Progress, options: FineTuneOptions) -> None:
    """Write the run's state to `out`, whole or not at all. Raises TrainingError where it cannot be written."""
    tensors = {f"network.{name}": tensor for name, tensor in learner.network.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in learner.average.network.state_dict().items()}
    tensors |= {f"start.{name}": tensor for name, tensor in learner.average.start.items()}
    for index, values in learner.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in values.items()}
    described = {"progress": json.dumps(asdict(progress)), "options": json.dumps(_conditions(learner, options))}
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with replacing(out / STATE_FILE) as temporary:
            save_file(tensors, temporary, described)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{out / STATE_FILE} cannot be written ({error}); make room on the disk.") from error


def load_state(out: Path, learner: Learner, options: FineTuneOptions) -> Progress:
    """Bring `learner` to where the run in `out` was.

    Raises OptionsError where it ran with other options, TrainingError where its state is missing or does not fit.
    """
    path = out / STATE_FILE
    if not path.is_file():
        raise TrainingError(f"{out} holds no state to resume from; start again in another folder.")
    try:
        with safe_open(path, framework="pt", device=str(learner.device)) as file:
            described = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        now = json.loads(json.dumps(_conditions(learner, options)))
        _compare(json.loads(described["options"]), now, out)
        _restore(learner, tensors)
        return Progress(**json.loads(described["progress"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise TrainingError(
            f"{path} does not fit this run ({error}); was it made from another model or other classes?"
        ) from error


def _conditions(learner: Learner, options: FineTuneOptions) -> dict[str, Any]:
    """What must be the same where a run goes on: a step of more processes is a step of more images."""
    return {**asdict(options), "processes": learner.ranks.count}


def _compare(before: Mapping[str, object], now: Mapping[str, object], out: Path) -> None:
    known = {**json.loads(json.dumps(asdict(FineTuneOptions()))), "processes": 1}
    before = {**known, **before}  # runs of earlier versions knew fewer
    differing = [name for name in now if before[name] != now[name]]
    if differing:
        changes = ", ".join(f"{name} was {before[name]}, now {now[name]}" for name in differing)
        raise OptionsError(f"The run in {out} cannot go on with other options: {changes}.")


def _restore(learner: Learner, tensors: Mapping[str, Tensor]) -> None:
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "start": {}, "optimiser": {}}
    for name, tensor in tensors.items():
        part, rest = name.split(".", 1)
        parts[part][rest] = tensor
    learner.network.load_state_dict(parts["network"])
    learner.average.network.load_state_dict(parts["average"])
    learner.average.start = parts["start"]  # whatever model the run is said to have begun with now
    trained = [parameter for group in learner.optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in parts["optimiser"].items():
        index, key = name.split(".")
        # The fused optimiser walks memory: its moments must lie as their parameter does, channels last.
        like = trained[int(index)] if tensor.ndim else tensor
        state.setdefault(int(index), {})[key] = torch.empty_like(like).copy_(tensor)
    learner.optimiser.load_state_dict({**learner.optimiser.state_dict(), "state": state})
