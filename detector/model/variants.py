"""The table of published variants: EfficientNet B0–B7 and EfficientDet D0–D7x. A new variant is one row.

Beside the rows there are a variant for every ϕ, by the formulas, and any variant with another neck or fusion: a name
says all of it ("d0", "phi1.5", "d0+fpn+sum"), and is all that checkpoints and events keep of an architecture.

Sources: Tan & Le 2019 (EfficientNet), Tan, Pang & Le 2020 (EfficientDet), table 1; google/automl for what the papers
leave out.
"""

import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from detector.errors import OptionsError
from detector.model import scaling
from detector.model.graph import Neck


class Fusion(StrEnum):
    """How a node adds its inputs: with learned weights, fast-normalised or by softmax, or plainly."""

    FAST = "fast"
    SOFTMAX = "softmax"
    SUM = "sum"

    @property
    def learned(self) -> bool:
        """Whether a node has a parameter for each of its inputs."""
        return self is not Fusion.SUM


@dataclass(frozen=True)
class Backbone:
    """One EfficientNet: its ϕ, the multipliers of width and depth on the B0 stages, and the classifier's resolution in
    pixels and dropout.
    """

    name: str
    phi: float
    width: float
    depth: float
    resolution: int
    dropout: float

    def channels(self, base: int) -> int:
        """`base` channels scaled by width and rounded."""
        return scaling.scaled_channels(base, self.width)

    def repeats(self, base: int) -> int:
        """`base` blocks scaled by depth, rounded up."""
        return math.ceil(base * self.depth)


@dataclass(frozen=True)
class Stage:
    """One stage of EfficientNet-B0: blocks, kernel, stride of its first block, expansion, output channels (table 1 of
    the paper).
    """

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280  # of the classifier

BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone("b0", 0, 1.0, 1.0, 224, 0.2),
        Backbone("b1", 1, 1.0, 1.1, 240, 0.2),
        Backbone("b2", 2, 1.1, 1.2, 260, 0.3),
        Backbone("b3", 3, 1.2, 1.4, 300, 0.3),
        Backbone("b4", 4, 1.4, 1.8, 380, 0.4),
        Backbone("b5", 5, 1.6, 2.2, 456, 0.4),
        Backbone("b6", 6, 1.8, 2.6, 528, 0.5),
        Backbone("b7", 7, 2.0, 3.1, 600, 0.5),
    )
}


@dataclass(frozen=True)
class Variant:
    """One EfficientDet: its ϕ, backbone, native square image size in pixels, width and depth of the neck, head depth,
    fusion, anchors.

    `coco_ap` is the published AP on COCO val2017, in percent, `gigamacs` the published multiply-adds of an image of
    that size, in 10⁹; None where nothing is published. complexity.py counts them exactly.
    """

    name: str
    phi: float
    backbone: Backbone
    image_size: int
    channels: int
    cells: int
    head_depth: int
    coco_ap: float | None = None
    gigamacs: float | None = None
    neck: Neck = Neck.BIFPN
    fusion: Fusion = Fusion.FAST
    anchor_scale: float = 4.0
    max_level: int = 7

    @property
    def levels(self) -> range:
        """The pyramid's levels, P3 first."""
        return range(3, self.max_level + 1)

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this many pixels, so that every level is exactly half the one below."""
        return 2**self.max_level

    def check_image_size(self, size: int) -> int:
        """`size` itself; raises OptionsError where it is not a positive multiple of `stride`."""
        if size <= 0 or size % self.stride:
            near = max(self.stride, round(size / self.stride) * self.stride)
            raise OptionsError(
                f"{size} px does not fit {self.name.upper()}: use a multiple of {self.stride}, such as {near}."
            )
        return size


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("d0", 0, BACKBONES["b0"], 512, 64, 3, 3, 34.3, 2.5),
        Variant("d1", 1, BACKBONES["b1"], 640, 88, 4, 3, 40.2, 6.1),
        Variant("d2", 2, BACKBONES["b2"], 768, 112, 5, 3, 43.5, 11),
        Variant("d3", 3, BACKBONES["b3"], 896, 160, 6, 4, 46.8, 25),
        Variant("d4", 4, BACKBONES["b4"], 1024, 224, 7, 4, 49.3, 55),
        Variant("d5", 5, BACKBONES["b5"], 1280, 288, 7, 4, 51.2, 135),
        Variant("d6", 6, BACKBONES["b6"], 1280, 384, 8, 5, 52.1, 226, fusion=Fusion.SUM),
        Variant("d7", 7, BACKBONES["b6"], 1536, 384, 8, 5, 53.4, 325, fusion=Fusion.SUM, anchor_scale=5.0),
        Variant("d7x", 7, BACKBONES["b7"], 1536, 384, 8, 5, 54.4, 410, fusion=Fusion.SUM, max_level=8),
    )
}


SCALED_NAME = r"phi(-?\d+(?:\.\d{1,3})?)"
NECKS = {str(neck): neck for neck in Neck}
FUSIONS = {str(fusion): fusion for fusion in Fusion}


def scaled_backbone(phi: float) -> Backbone:
    """The EfficientNet of any ϕ, by the formulas."""
    return Backbone(
        f"phi{phi:g}",
        phi,
        width=scaling.backbone_width(phi),
        depth=scaling.backbone_depth(phi),
        resolution=scaling.backbone_resolution(phi),
        dropout=scaling.backbone_dropout(phi),
    )


def scaled_variant(phi: float) -> Variant:
    """The EfficientDet of any ϕ from −1 to 7, to a thousandth, by the formulas; raises OptionsError for other ϕ."""
    if not scaling.LEAST_PHI <= phi <= scaling.MOST_PHI:
        raise OptionsError(f"ϕ is {phi:g}; choose one from {scaling.LEAST_PHI:g} to {scaling.MOST_PHI:g}.")
    phi = round(phi, 3) + 0.0  # no −0
    return Variant(
        f"phi{phi:g}",
        phi,
        scaled_backbone(phi),
        image_size=scaling.resolution(phi),
        channels=scaling.pyramid_width(phi),
        cells=scaling.pyramid_depth(phi),
        head_depth=scaling.head_depth(phi),
    )


def find_variant(name: str) -> Variant:
    """The variant called `name`, in any case: a row of the table, or "phi1.5" for one by the formulas; then "+fpn",
    "+softmax" and the like for another neck or fusion than it has. Raises OptionsError with the names there are.
    """
    base, *parts = name.lower().split("+")
    scaled = re.fullmatch(SCALED_NAME, base, re.ASCII)
    variant = scaled_variant(float(scaled[1])) if scaled else VARIANTS.get(base)
    if variant is None or not all(part in NECKS or part in FUSIONS for part in parts):
        others = ", ".join(f"+{part}" for part in (*NECKS, *FUSIONS))
        raise OptionsError(
            f"There is no variant “{name}”; there are {', '.join(VARIANTS)} and phi-1 … phi7, each also with {others}."
        )
    neck = next((NECKS[part] for part in parts if part in NECKS), variant.neck)
    fusion = next((FUSIONS[part] for part in parts if part in FUSIONS), variant.fusion)
    return _exchanged(variant, neck, fusion)


def _exchanged(variant: Variant, neck: Neck, fusion: Fusion) -> Variant:
    """A row with another neck and fusion, which its name tells where they differ; nothing is published of it then."""
    parts = [str(neck)] if neck is not variant.neck else []
    parts += [str(fusion)] if fusion is not variant.fusion else []
    if not parts:
        return variant
    return replace(
        variant, name="+".join([variant.name, *parts]), neck=neck, fusion=fusion, coco_ap=None, gigamacs=None
    )
