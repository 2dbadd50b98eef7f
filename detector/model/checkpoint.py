"""Our checkpoint: one .safetensors file whose metadata says all that is needed to use the weights."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from detector.errors import CheckpointError
from detector.files import replacing
from detector.model.classifier import Classifier
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


def checkpoint_tensors(network: nn.Module) -> dict[str, Tensor]:
    """The tensors that a checkpoint holds: all parameters and buffers but the batch counters, which nothing reads."""
    return {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}


def load_tensors(
    network: EfficientDet | Classifier, tensors: Mapping[str, Tensor], path: Path, *, name: Callable[[str], str] = str
) -> None:
    """Copy `tensors` into the network, all of them or none.

    Raises CheckpointError as check_tensors does, and where a weight is no finite number: one NaN makes all scores NaN,
    which shows as a model that finds nothing.
    """
    check_tensors(network, tensors, path, name=name)
    spoilt = [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if spoilt:
        more = f" and {len(spoilt) - 1} more tensors" if len(spoilt) > 1 else ""
        raise CheckpointError(
            f"{path} holds weights that are no numbers (NaN or infinite), in {spoilt[0]}{more}; its training went "
            "astray, so use another checkpoint."
        )
    with torch.no_grad():
        for key, tensor in checkpoint_tensors(network).items():
            tensor.copy_(tensors[name(key)])


def check_tensors(
    network: EfficientDet | Classifier, tensors: Mapping[str, Tensor], path: Path, *, name: Callable[[str], str] = str
) -> None:
    """Raises CheckpointError that names the first keys and shapes that differ, where `tensors` do not fit the network.

    `name` tells what the file calls a tensor that the network calls so.
    """
    own = {name(key): tensor for key, tensor in checkpoint_tensors(network).items()}
    given = {key: t for key, t in tensors.items() if not key.endswith("num_batches_tracked")}
    differences = [f"{key} is missing" for key in own if key not in given]
    differences += [f"{key} is not known" for key in given if key not in own]
    differences += [
        f"{key} is {tuple(given[key].shape)}, not {tuple(t.shape)}"
        for key, t in own.items()
        if key in given and given[key].shape != t.shape
    ]
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise CheckpointError(f"{path} does not fit {network.title}: {'; '.join(differences[:3])}{more}.")


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and "running_" not in name else tensor
