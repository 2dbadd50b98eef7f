"""Parameters and multiply-adds of a network, layer by layer.

Counted on the modules themselves: an image without values (PyTorch's meta device) runs through them, and each layer
tells the shapes it meets. A K×K convolution from C1 to C2 channels with an output of H×W takes K·K·C1·C2·H·W
multiply-adds, divided by its groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from detector.model.bifpn import FusionNode
from detector.model.classifier import IMAGENET_CLASSES, build_classifier
from detector.model.coco_names import COCO_OUTPUTS
from detector.model.efficientdet import build
from detector.model.variants import Backbone, Variant


class Kind(StrEnum):
    """What a layer does."""

    CONVOLUTION = "conv"
    DEPTHWISE = "depthwise"
    LINEAR = "linear"
    NORM = "norm"
    FUSION = "fusion"


@dataclass(frozen=True)
class Layer:
    """One use of one layer: `kernel` × `kernel` from `inputs` (C1) to `outputs` (C2) channels, onto height × width.

    parameters: those of the layer itself; a layer that is used again, as the heads are on each level, has them at its
    first use only, so that they can be added up. macs: multiply-adds of a convolution or a linear layer, else 0.
    """

    name: str
    stage: str
    kind: Kind
    kernel: int
    inputs: int
    outputs: int
    height: int
    width: int
    parameters: int
    macs: int


@dataclass(frozen=True)
class Total:
    """The parameters and multiply-adds of several layers."""

    parameters: int
    macs: int


def count_detector(variant: Variant, *, classes: int = COCO_OUTPUTS, image_size: int | None = None) -> list[Layer]:
    """The layers of an EfficientDet on a square image of its native size or another one, in pixels."""
    with torch.device("meta"):
        return _count(build(variant, classes), image_size or variant.image_size)


def count_classifier(backbone: Backbone, *, classes: int = IMAGENET_CLASSES) -> list[Layer]:
    """The layers of an EfficientNet with its classifier, on a square image of its resolution."""
    with torch.device("meta"):
        return _count(build_classifier(backbone, classes), backbone.resolution)


def total(layers: Sequence[Layer]) -> Total:
    """All of the layers together."""
    return Total(sum(layer.parameters for layer in layers), sum(layer.macs for layer in layers))


def by_stage(layers: Sequence[Layer]) -> dict[str, Total]:
    """The sums of every stage: the backbone's, the FPN, the heads; in order of computation."""
    return {stage: total(list(uses)) for stage, uses in groupby(layers, key=lambda layer: layer.stage)}


@torch.inference_mode()
def _count(network: nn.Module, image_size: int) -> list[Layer]:
    layers: list[Layer] = []
    seen: set[nn.Module] = set()

    def note(name: str, module: nn.Module, output: Tensor) -> None:
        own = 0 if module in seen else sum(parameter.numel() for parameter in module.parameters(recurse=False))
        seen.add(module)
        layers.append(_layer(name, module, output, own))

    for name, module in network.named_modules():
        if next(module.parameters(recurse=False), None) is not None:
            module.register_forward_hook(lambda module, _, output, name=name: note(name, module, output))
    network.eval()(torch.empty(1, 3, image_size, image_size))
    return layers


def _layer(name: str, module: nn.Module, output: Tensor, parameters: int) -> Layer:
    height, width = output.shape[2:] if output.ndim == 4 else (1, 1)
    shape: dict[str, Any] = {"height": height, "width": width, "parameters": parameters}
    place = name, _stage(name)
    channels = output.shape[1]
    match module:
        case nn.Conv2d():
            kernel = module.kernel_size[0]
            kind = Kind.DEPTHWISE if module.groups == module.in_channels > 1 else Kind.CONVOLUTION
            macs = kernel * kernel * module.in_channels * channels * height * width // module.groups
            return Layer(*place, kind, kernel, module.in_channels, channels, macs=macs, **shape)
        case nn.Linear():
            macs = module.in_features * module.out_features
            return Layer(*place, Kind.LINEAR, 1, module.in_features, channels, macs=macs, **shape)
        case FusionNode():
            return Layer(*place, Kind.FUSION, 1, channels, channels, macs=0, **shape)
        case nn.BatchNorm2d():
            return Layer(*place, Kind.NORM, 1, channels, channels, macs=0, **shape)
        case _:
            raise AssertionError(f"{name} is a {type(module).__name__}, which nobody counts")


def _stage(name: str) -> str:
    """The stage of a layer, from its name in the network."""
    part, _, rest = name.partition(".")
    if part == "backbone":
        block = rest.split(".")
        return f"stage {int(block[1]) + 1}" if block[0] == "blocks" else "stem"
    return {"fpn": "FPN", "class_net": "class head", "box_net": "box head"}.get(part, "classifier")
