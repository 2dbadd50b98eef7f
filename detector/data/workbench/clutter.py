"""Things on the bench that carry no label: coins, pins, cables, scraps of paper."""

import numpy as np

from detector.data.workbench.outlines import hexagon_bar, path, round_bar
from detector.data.workbench.surfaces import Grid, Layer, Shape


def coin(rng: np.random.Generator) -> Shape:
    """A disc with a raised rim and a worn relief."""
    waves, phases = rng.normal(0, 5, (6, 2)).astype(np.float32), rng.uniform(0, 6.3, 6).astype(np.float32)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        rim = np.clip((radius - 0.86) / 0.04, 0, 1)
        face = np.zeros_like(x)
        for (a, b), phase in zip(waves, phases, strict=True):
            face += np.sin(a * x + b * y + phase)
        edge = np.square(np.clip(1 + (radius - 1) / 0.05, 0, 1))
        return radius - 1, 0.012 * face * (radius < 0.8) + 0.03 * rim - 0.04 * edge

    return Shape((1, 1), (Layer(relief, rng.uniform(0.08, 0.16)),), 0.12)


def rod(rng: np.random.Generator) -> Shape:
    """A plain pin or a stump of pencil: round or hexagonal, no head, no thread."""
    thick, roll = rng.uniform(0.05, 0.16), rng.uniform(0, 1)
    hexagonal, tip = rng.random() < 0.4, rng.uniform(0.02, 0.5)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        half = thick * np.clip((1 - x) / tip, 0.15, 1)
        height = round_bar(y, half)
        if hexagonal:
            width, sides = hexagon_bar(y, thick, roll)
            half, height = np.minimum(half, width), np.minimum(height, sides)
        return np.maximum(np.abs(y) - half, np.abs(x) - 1), height

    return Shape((1, thick), (Layer(relief, 0),), 2 * thick)


def cable(rng: np.random.Generator) -> Shape:
    """A snippet of cable along a Bézier curve."""
    thick = rng.uniform(0.035, 0.08)
    corners = np.clip(np.cumsum(rng.normal(0, 0.45, (4, 2)), axis=0), -0.9, 0.9)
    corners[[0, 3], 0] = -0.9, 0.9
    t = np.linspace(0, 1, 14)[:, None]
    curve = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3]) @ corners

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        nearest = path(x, y, curve.tolist())
        return nearest - thick, round_bar(nearest, thick)

    return Shape((1, 1), (Layer(relief, 0),), 2 * thick)


def scrap(rng: np.random.Generator) -> Shape:
    """A cut or torn piece of paper, tape or sheet."""
    corners = int(rng.integers(3, 6))
    angles = (np.arange(corners) + rng.uniform(-0.25, 0.25, corners)) * 2 * np.pi / corners
    edges = list(zip(np.cos(angles).tolist(), np.sin(angles).tolist(), rng.uniform(0.4, 0.8, corners), strict=True))
    torn, bends = rng.uniform(0, 0.012), rng.normal(0, 0.08, 2).tolist()

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        distance = np.hypot(x, y) - 1
        for cosine, sine, reach in edges:
            distance = np.maximum(distance, x * cosine + y * sine - float(reach))
        tear = np.sin(17 * x + 3 * np.sin(23 * y)) * np.sin(19 * y)
        return distance + torn * tear, bends[0] * x * x + bends[1] * y * y

    return Shape((1, 1), (Layer(relief, 0.02),), 0.04)
