"""Compound scaling: what the papers' formulas give at a compound coefficient ϕ, whole or not. EfficientNet: Tan & Le
2019, section 3.3; EfficientDet: Tan, Pang & Le 2020, section 4.2.

The published models follow them only roughly; they are the rows of detector.model.variants, and
detector.model.deviations tells where the two differ.
"""

import math

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15  # of depth, width, resolution: α · β² · γ² ≈ 2, so operations grow as 2^ϕ
LEAST_PHI, MOST_PHI = -1.0, 7.0
DIVISOR = 8  # of channels
RESOLUTION_STEP = 128  # px: P7's stride

# The functions below in words, by the quantity as detector.model.deviations calls it.
BACKBONE_FORMULAS = {
    "width": "1.1^ϕ",
    "depth": "1.2^ϕ",
    "resolution": "224 · 1.15^ϕ px",
    "dropout": "0.2 + 0.3 ϕ / 7",
}
DETECTOR_FORMULAS = {
    "image size": "512 + 128 ϕ px, to a multiple of 128",
    "channels": "64 · 1.35^ϕ, to a multiple of 8",
    "cells": "3 + ϕ",
    "head depth": "3 + ⌊ϕ / 3⌋",
}


def backbone_width(phi: float) -> float:
    """EfficientNet's multiplier of channels."""
    return BETA**phi


def backbone_depth(phi: float) -> float:
    """EfficientNet's multiplier of blocks."""
    return ALPHA**phi


def backbone_resolution(phi: float) -> int:
    """The side in pixels of EfficientNet's input."""
    return nearest(224 * GAMMA**phi)


def backbone_dropout(phi: float) -> float:
    """The share that EfficientNet's classifier drops: linear, from 0.2 for B0 to 0.5 for B7 (section 5.2)."""
    return 0.2 + 0.3 * phi / 7


def pyramid_width(phi: float) -> int:
    """The channels of BiFPN and heads: 64 · 1.35^ϕ (equation 1), to the nearest multiple of 8."""
    return nearest(64 * 1.35**phi, DIVISOR)


def pyramid_depth(phi: float) -> int:
    """The cells of the BiFPN: 3 + ϕ (equation 1)."""
    return nearest(3 + phi)


def head_depth(phi: float) -> int:
    """The convolutions of a head before its prediction: 3 + ⌊ϕ / 3⌋ (equation 2)."""
    return 3 + math.floor(phi / 3)


def resolution(phi: float) -> int:
    """The side in pixels of EfficientDet's input: 512 + 128 ϕ (equation 3), to the nearest multiple of 128."""
    return nearest(512 + 128 * phi, RESOLUTION_STEP)


def scaled_channels(base: int, width: float) -> int:
    """`base` channels times `width`, to a multiple of 8, never below 90% of the product."""
    scaled = base * width
    rounded = max(DIVISOR, nearest(scaled, DIVISOR))
    return rounded + DIVISOR if rounded < 0.9 * scaled else rounded


def nearest(value: float, step: int = 1) -> int:
    """The multiple of `step` that is nearest to `value`; the higher of two."""
    return math.floor(value / step + 0.5) * step
