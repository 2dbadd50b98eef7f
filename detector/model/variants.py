"""The table of published variants: EfficientNet B0–B7 and EfficientDet D0–D7x. A new variant is one row.

Sources: Tan & Le 2019 (EfficientNet), Tan, Pang & Le 2020 (EfficientDet), table 1; google/automl for what the papers
leave out.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from detector.errors import OptionsError


class Fusion(StrEnum):
    """How a BiFPN node adds its inputs: with fast-normalised learned weights, or plainly."""

    FAST = "fast"
    SUM = "sum"


@dataclass(frozen=True)
class Backbone:
    """One EfficientNet: multipliers of width and depth on the B0 stages, and the classifier's published resolution in
    pixels.
    """

    name: str
    width: float
    depth: float
    resolution: int

    def channels(self, base: int) -> int:
        """`base` channels scaled by width and rounded to a multiple of 8, never below 90% of the scaled value."""
        scaled = base * self.width
        rounded = max(8, int(scaled + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * scaled else rounded

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

BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone("b0", 1.0, 1.0, 224),
        Backbone("b1", 1.0, 1.1, 240),
        Backbone("b2", 1.1, 1.2, 260),
        Backbone("b3", 1.2, 1.4, 300),
        Backbone("b4", 1.4, 1.8, 380),
        Backbone("b5", 1.6, 2.2, 456),
        Backbone("b6", 1.8, 2.6, 528),
        Backbone("b7", 2.0, 3.1, 600),
    )
}


@dataclass(frozen=True)
class Variant:
    """One EfficientDet: backbone, native square image size in pixels, BiFPN width and depth, head depth, fusion,
    anchors.

    `coco_ap` is the published AP on COCO val2017, in percent.
    """

    name: str
    backbone: Backbone
    image_size: int
    channels: int
    cells: int
    head_depth: int
    coco_ap: float
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
        Variant("d0", BACKBONES["b0"], 512, 64, 3, 3, 34.3),
        Variant("d1", BACKBONES["b1"], 640, 88, 4, 3, 40.2),
        Variant("d2", BACKBONES["b2"], 768, 112, 5, 3, 43.5),
        Variant("d3", BACKBONES["b3"], 896, 160, 6, 4, 46.8),
        Variant("d4", BACKBONES["b4"], 1024, 224, 7, 4, 49.3),
        Variant("d5", BACKBONES["b5"], 1280, 288, 7, 4, 51.2),
        Variant("d6", BACKBONES["b6"], 1280, 384, 8, 5, 52.1, Fusion.SUM),
        Variant("d7", BACKBONES["b6"], 1536, 384, 8, 5, 53.4, Fusion.SUM, anchor_scale=5.0),
        Variant("d7x", BACKBONES["b7"], 1536, 384, 8, 5, 54.4, Fusion.SUM, max_level=8),
    )
}


def find_variant(name: str) -> Variant:
    """The variant called `name`, in any case; raises OptionsError with the names there are."""
    variant = VARIANTS.get(name.lower())
    if variant is None:
        raise OptionsError(f"There is no variant “{name}”; there are {', '.join(VARIANTS)}.")
    return variant
