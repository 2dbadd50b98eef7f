"""What long work says while it runs: frozen values, one JSON line each. A run's events file is a log of these."""

import json
import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, get_args


@dataclass(frozen=True)
class RunStarted:
    """Training begins (or goes on, at `step` > 0): what it trains on and with. The budget is `steps`, or where that is
    None `minutes` of wall-clock; `quick` says that the first layers are frozen, their features kept.
    """

    variant: str
    classes: tuple[str, ...]
    image_size: int
    train_images: int
    validation_images: int
    steps: int | None
    batch: int
    device: str
    step: int = 0
    minutes: float | None = None
    quick: bool = False


@dataclass(frozen=True)
class StepDone:
    """One optimiser step: losses as published (box loss × 50 is in `loss`), the new layers' learning rate, pace.

    done: the share 0..1 of the budget, steps or time, that is used up.
    """

    step: int
    loss: float
    class_loss: float
    box_loss: float
    learning_rate: float
    images_per_second: float
    done: float = 0.0


@dataclass(frozen=True)
class StageBegan:
    """From after `step` on a quick run trains these layers, in words; the pace changes with it."""

    step: int
    trained: str


@dataclass(frozen=True)
class Evaluated:
    """Validation of the averaged weights after `step` steps, 0 before the first; `metrics` are COCO's, in 0..1;
    `class_ap` is AP by class name. blended: it is of weights between the start's and the average, at the end.
    """

    step: int
    metrics: Mapping[str, float]
    class_ap: Mapping[str, float] = field(default_factory=dict)
    blended: bool = False


@dataclass(frozen=True)
class SampleImage:
    """A picture file, and what was found in it: boxes as rows x1 y1 x2 y2 in its pixels, a score and a class name for
    each, best first; `truth` are a person's boxes.
    """

    path: str
    boxes: tuple[tuple[float, ...], ...]
    scores: tuple[float, ...]
    names: tuple[str, ...]
    truth: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class SamplesFound:
    """What the weights evaluated after `step` steps find in some validation images, always the same ones."""

    step: int
    images: tuple[SampleImage, ...]


@dataclass(frozen=True)
class FusionWeights:
    """The averaged network's fusion weights after `step` steps, an entry per edge in the order of
    detector.model.fusion.snapshot; `raw` is the learned parameter, None where the weight is fixed.

    reach: the sum of the learning rates that they had so far, about what AdamW could have moved a parameter by.
    """

    step: int
    raw: tuple[float | None, ...]
    weights: tuple[float, ...]
    reach: float = 0.0


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
    """Training ended; `reason` is "done", "stopped" or "early" (no progress); `best` is the best checkpoint, if any,
    `metrics` are its measures and `start_metrics` those of the model that the run began with.
    """

    step: int
    reason: str
    seconds: float
    best: str | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    start_metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ImagesLabelled:
    """Predictions of these images are stored; with them `done` of `total` images are, broken ones included."""

    image_ids: tuple[int, ...]
    done: int
    total: int


@dataclass(frozen=True)
class ImageFailed:
    """An image that auto-labelling could not look at, and why; `path` is relative to the project's folder."""

    image_id: int
    path: str
    message: str


LabellingEvent = ImagesLabelled | ImageFailed
Event = (
    RunStarted
    | StepDone
    | StageBegan
    | Evaluated
    | SamplesFound
    | FusionWeights
    | CheckpointSaved
    | Warned
    | RunFinished
)


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


def from_json(line: str | bytes) -> Event | None:
    """The event of one line that `to_json` wrote; None where the line is torn, or of a kind that is not known here."""
    try:
        values = json.loads(line)
        kind = _KINDS[values.pop("event")]
        return kind(**{known.name: _field(known, values[known.name]) for known in fields(kind) if known.name in values})
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def _field(known: Field[Any], value: Any) -> Any:
    """A field's value from JSON's: null where a number was not finite, a list where it was a tuple."""
    if value is None and known.type is float:
        return math.nan
    if known.name == "images" and isinstance(value, list):
        return tuple(SampleImage(**{key: _frozen(item) for key, item in image.items()}) for image in value)
    return tuple(value) if isinstance(value, list) else value


def _frozen(value: Any) -> Any:
    """Tuples for JSON's lists, within each other."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
