"""What a checkpoint says of its weights, readable without torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from detector.boxes import DEFAULT_THRESHOLD
from detector.errors import CheckpointError, StudioError
from detector.model.variants import find_variant

METADATA_KEY = "efficientdet-studio"


@dataclass(frozen=True)
class Normalisation:
    """Input = (rgb / 255 − mean) / std per channel; `fill` is the uint8 colour that padding has before that."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fill: tuple[int, int, int]


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), (124, 116, 104))
ADVPROP = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), (0, 0, 0))


@dataclass(frozen=True)
class ModelInfo:
    """What a checkpoint says of its weights.

    classes: a name per output channel, None for a gap that never emits; category_ids: the COCO category id of each
    channel;
    image_size: the square size in pixels that it was trained at; thresholds: the score of best F1 by class name.
    """

    variant: str
    image_size: int
    classes: tuple[str | None, ...]
    category_ids: tuple[int, ...]
    normalisation: Normalisation = IMAGENET
    thresholds: Mapping[str, float] = field(default_factory=dict)
    parent: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    created: str = ""

    def __post_init__(self) -> None:
        if not self.classes or len(self.classes) != len(self.category_ids):
            raise CheckpointError(
                f"A model needs one category id per class: {len(self.category_ids)} ids, {len(self.classes)} classes."
            )

    def threshold(self, channel: int) -> float:
        """The score from which a detection of this channel is shown, where the person did not choose one."""
        name = self.classes[channel]
        return self.thresholds.get(name, DEFAULT_THRESHOLD) if name is not None else 1.0


def read_info(path: Path) -> ModelInfo:
    """The description inside one of our .safetensors files; no tensor is read. Raises CheckpointError."""
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a .safetensors checkpoint ({error}); is it complete?"
        ) from error
    if METADATA_KEY not in metadata:
        raise CheckpointError(
            f"{path} holds no description of its model, so this program did not write it; use its .pth file."
        )
    return parse_info(metadata[METADATA_KEY], path)


def parse_info(text: str, path: Path) -> ModelInfo:
    """The description that a file at `path` holds under METADATA_KEY, as JSON. Raises CheckpointError."""
    try:
        raw: dict[str, Any] = json.loads(text)
        normalisation = Normalisation(**{key: tuple(value) for key, value in raw.pop("normalisation").items()})
        classes, ids = tuple(raw.pop("classes")), tuple(raw.pop("category_ids"))
        info = ModelInfo(**raw, classes=classes, category_ids=ids, normalisation=normalisation)
        find_variant(info.variant).check_image_size(info.image_size)
        return info
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, StudioError) as error:
        raise CheckpointError(
            f"The description inside {path} is damaged or from a newer version of this program ({error})."
        ) from error
