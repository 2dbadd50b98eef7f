"""Where a published model differs from what the formulas of compound scaling give at its ϕ."""

from dataclasses import dataclass

from detector.model.variants import Backbone, Variant, scaled_backbone, scaled_variant

Value = float | str


@dataclass(frozen=True)
class Deviation:
    """One published value and the formulas' in its place, as they would be built."""

    quantity: str
    published: Value
    formula: Value


def deviations(variant: Variant) -> tuple[Deviation, ...]:
    """Where a row of the table, whose ϕ is whole, differs from the formulas. Its backbone's own are another matter:
    here it only differs where it is not the one of the same ϕ.
    """
    scaled = scaled_variant(variant.phi)
    pairs: dict[str, tuple[Value, Value]] = {
        "backbone": (variant.backbone.name, f"b{scaled.backbone.phi:g}"),
        "image size": (variant.image_size, scaled.image_size),
        "channels": (variant.channels, scaled.channels),
        "cells": (variant.cells, scaled.cells),
        "head depth": (variant.head_depth, scaled.head_depth),
        "fusion": (str(variant.fusion), str(scaled.fusion)),
        "anchor scale": (variant.anchor_scale, scaled.anchor_scale),
        "highest level": (variant.max_level, scaled.max_level),
    }
    return _differing(pairs)


def backbone_deviations(backbone: Backbone) -> tuple[Deviation, ...]:
    """Where an EfficientNet of the table differs from the formulas; multipliers are published to one decimal."""
    scaled = scaled_backbone(backbone.phi)
    pairs: dict[str, tuple[Value, Value]] = {
        "width": (backbone.width, round(scaled.width, 1)),
        "depth": (backbone.depth, round(scaled.depth, 1)),
        "resolution": (backbone.resolution, scaled.resolution),
        "dropout": (backbone.dropout, round(scaled.dropout, 1)),
    }
    return _differing(pairs)


def _differing(pairs: dict[str, tuple[Value, Value]]) -> tuple[Deviation, ...]:
    return tuple(Deviation(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])
