"""Our checkpoint: one .safetensors file whose metadata says all that is needed to use the weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from detector.errors import CheckpointError
from detector.files import replacing
from detector.model.efficientdet import EfficientDet, build
from detector.model.info import METADATA_KEY, ModelInfo, read_info
from detector.model.variants import find_variant


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
    info = read_info(path)
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a .safetensors checkpoint ({error}); is it complete?"
        ) from error
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
