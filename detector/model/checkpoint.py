"""Our checkpoint: one .safetensors file whose metadata says all that is needed to use the weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from detector.errors import CheckpointError, StudioError
from detector.files import replacing
from detector.model.efficientdet import EfficientDet, build
from detector.model.variants import find_variant

METADATA_KEY = "efficientdet-studio"
DEFAULT_THRESHOLD = 0.35


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


@dataclass(frozen=True)
class Model:
    """A variant with weights and classes."""

    network: EfficientDet
    info: ModelInfo


def save(model: Model, path: Path, *, half: bool = False) -> None:
    """Write the model to `path` at once or not at all. `half` stores weights (not BN statistics) in float16.

    Raises CheckpointError or OSError where `path` cannot be written to.
    """
    tensors = {name: _stored(name, tensor, half) for name, tensor in checkpoint_tensors(model.network).items()}
    metadata = {METADATA_KEY: json.dumps(asdict(model.info))}
    try:
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata)
    except SafetensorError as error:
        raise CheckpointError(f"{path} cannot be written ({error}).") from error


def load(path: Path) -> Model:
    """The model in one of our .safetensors files, on the CPU, in evaluation mode, in float32.

    Raises CheckpointError where the file is not ours, is damaged, or does not fit what it says it is.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = (file.metadata() or {}).get(METADATA_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()} if metadata else {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a .safetensors checkpoint ({error}); is it complete?"
        ) from error
    if not metadata:
        raise CheckpointError(
            f"{path} holds no description of its model, so this program did not write it; use its .pth file."
        )
    info = _parse_info(metadata, path)
    network = build(find_variant(info.variant), len(info.classes))
    load_tensors(network, tensors, path)
    return Model(network.eval(), info)


def checkpoint_tensors(network: EfficientDet) -> dict[str, Tensor]:
    """The tensors that a checkpoint holds: all parameters and buffers but the batch counters, which nothing reads."""
    return {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}


def load_tensors(network: EfficientDet, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy `tensors` into the network, all of them or none; raises CheckpointError that names the first keys and
    shapes that differ.
    """
    own = checkpoint_tensors(network)
    given = {name: t for name, t in tensors.items() if not name.endswith("num_batches_tracked")}
    differences = [f"{name} is missing" for name in own if name not in given]
    differences += [f"{name} is not known" for name in given if name not in own]
    differences += [
        f"{name} is {tuple(given[name].shape)}, not {tuple(t.shape)}"
        for name, t in own.items()
        if name in given and given[name].shape != t.shape
    ]
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise CheckpointError(
            f"{path} does not fit {network.variant.name.upper()}: {'; '.join(differences[:3])}{more}."
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(given[name])


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and "running_" not in name else tensor


def _parse_info(text: str, path: Path) -> ModelInfo:
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
