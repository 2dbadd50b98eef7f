"""What long work says while it runs: frozen values, one JSON line each. A run's events file is a log of these."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class RunStarted:
    """Training begins (or goes on, at `step` > 0): what it trains on and with."""

    variant: str
    classes: tuple[str, ...]
    image_size: int
    train_images: int
    validation_images: int
    steps: int
    batch: int
    device: str
    step: int = 0


@dataclass(frozen=True)
class StepDone:
    """One optimiser step: losses as published (box loss × 50 is in `loss`), the new layers' learning rate, pace."""

    step: int
    loss: float
    class_loss: float
    box_loss: float
    learning_rate: float
    images_per_second: float


@dataclass(frozen=True)
class Evaluated:
    """Validation of the averaged weights after `step` steps; `metrics` are COCO's, in 0..1; `class_ap` is AP by class
    name.
    """

    step: int
    metrics: Mapping[str, float]
    class_ap: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckpointSaved:
    """A checkpoint was written whole; `kind` is "best" or "last"."""

    step: int
    kind: str
    path: str


@dataclass(frozen=True)
class Warned:
    """Something the person should know, that did not stop the work."""

    message: str
    step: int | None = None


@dataclass(frozen=True)
class RunFinished:
    """Training ended; `reason` is "done", "stopped" or "early" (no progress); `best` is the best checkpoint, if any."""

    step: int
    reason: str
    seconds: float
    best: str | None
    metrics: Mapping[str, float] = field(default_factory=dict)


Event = RunStarted | StepDone | Evaluated | CheckpointSaved | Warned | RunFinished


def _finite(value: object) -> object:
    """JSON has no NaN: non-finite numbers become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def to_json(event: Event) -> str:
    """One line of JSON, without the line's end: {"event": "StepDone", "step": 1, …}."""
    return json.dumps(
        {"event": type(event).__name__, **{k: _finite(v) for k, v in asdict(event).items()}},
        ensure_ascii=False,
        allow_nan=False,
    )
