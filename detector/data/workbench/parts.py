"""The labelled shapes: nuts, washers, gears (flat) and bolts (lying), each with proportions of its own."""

from collections.abc import Callable

import numpy as np

from detector.data.workbench.outlines import APOTHEM, bevel, folded, hexagon, hexagon_bar, round_bar
from detector.data.workbench.surfaces import Grid, Layer, Relief, Shape


def nut(rng: np.random.Generator) -> Shape:
    """A hexagon nut, sometimes with a flange below or a collar above."""
    kind = rng.choice(["plain", "flange", "collar"], p=[0.7, 0.15, 0.15])
    size = 0.74 if kind == "flange" else 1.0
    bore = size * rng.uniform(0.44, 0.62)
    chamfer, thickness, sink = rng.uniform(0.3, 0.8), size * rng.uniform(0.55, 1.0), rng.uniform(0.04, 0.1)
    marks = turned(rng, rng.uniform(0, 0.003))

    def body(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        distance = np.maximum(hexagon(x, y, APOTHEM * size), bore - radius)
        height = -chamfer * np.maximum(radius - APOTHEM * size * 0.98, 0) - 0.9 * np.maximum(bore + sink - radius, 0)
        return distance, height + bevel(distance, 0.05, 0.015) + marks(radius)

    def ring(outer: float, slope: float) -> Relief:
        def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
            radius = np.hypot(x, y)
            distance = np.maximum(radius - outer, bore - radius)
            return distance, bevel(distance, 0.08, 0.05) - slope * radius

        return relief

    foot = 0.16 if kind == "flange" else 0
    layers = [Layer(body, foot + thickness, bore * 1.1)]
    if kind == "flange":
        layers.insert(0, Layer(ring(1.0, 0.35), foot))
    elif kind == "collar":
        layers.append(Layer(ring(rng.uniform(0.7, 0.8), 0.3), thickness + rng.uniform(0.12, 0.3)))
    return Shape((1, 1), tuple(layers), layers[-1].top)


def washer(rng: np.random.Generator) -> Shape:
    """A flat ring, sometimes dished or split like a spring washer."""
    bore, thickness = rng.uniform(0.3, 0.66), rng.uniform(0.08, 0.2)
    dish, rim = rng.normal(0, 0.04), rng.uniform(0.04, 0.12)
    gap = rng.uniform(0.04, 0.08) if rng.random() < 0.15 else 0.0
    marks = turned(rng, rng.uniform(0, 0.004))

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        distance = np.maximum(radius - 1, bore - radius)
        if gap:
            distance = np.where(x > 0, np.maximum(distance, gap - np.abs(y + 0.4 * (x - 0.75))), distance)
        return distance, bevel(distance, rim, rim * 0.6) + dish * radius + marks(radius)

    return Shape((1, 1), (Layer(relief, thickness),), thickness)


def gear(rng: np.random.Generator, most_teeth: int) -> Shape:
    """A spur gear of 9 to about `most_teeth` teeth: bore, perhaps a keyway, a hub, a recessed web, lightening holes."""
    count = int(rng.integers(9, max(10, min(40, most_teeth)) + 1))
    root = 1 - 4.5 / (count + 2)
    flank, thickness = rng.uniform(0.3, 0.5), rng.uniform(0.2, 0.6)
    bore = root * rng.uniform(0.18, 0.55)
    key = bore * rng.uniform(0.2, 0.3) if rng.random() < 0.4 else 0.0
    hub = rng.uniform(1.35, 1.7) * bore if rng.random() < 0.55 and bore < 0.5 * root else 0.0
    wide = root - max(hub, bore) > 0.38
    recess = rng.uniform(0.05, 0.12) if wide and rng.random() < 0.5 else 0.0
    holes = int(rng.integers(3, 8)) if wide and rng.random() < 0.4 else 0
    inner, outer = max(hub, bore * 1.25) + 0.04, root - 0.1
    marks = turned(rng, rng.uniform(0, 0.004))

    def body(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        distance = np.maximum(teeth(x, y, count, flank), -_bore(x, y, bore, key))
        if holes:
            distance = np.maximum(distance, -ring_of_holes(x, y, holes, inner, outer))
        height = bevel(distance, 0.05, 0.03) + marks(radius)
        if recess:
            height = height - recess * np.clip(np.minimum(radius - inner, outer - radius) / 0.05 + 0.5, 0, 1)
        return distance, height

    def boss(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        distance = np.maximum(radius - hub, -_bore(x, y, bore, key))
        return distance, bevel(distance, 0.05, 0.03) + marks(radius)

    layers = [Layer(body, thickness)]
    if hub:
        layers.append(Layer(boss, thickness + rng.uniform(0.1, 0.35)))
    return Shape((1, 1), tuple(layers), layers[-1].top)


def bolt(rng: np.random.Generator, finest_pitch: float) -> Shape:
    """A bolt on its side: hexagon, cap, pan, dome or countersunk head, threaded wholly or in part.

    `finest_pitch`: the smallest pitch of the thread, in part units, that the picture can show.
    """
    shank = rng.uniform(0.1, 0.24)
    kind = str(rng.choice(["hexagon", "cap", "pan", "dome", "sunk"], p=[0.45, 0.2, 0.12, 0.13, 0.1]))
    build = {"hexagon": 0, "cap": 1}.get(kind, 2)
    head_radius = shank * float(rng.uniform((1.75, 1.45, 1.75), (2.1, 1.65, 2.1))[build])
    head_length = shank * float(rng.uniform((1.2, 1.7, 1.0), (1.5, 2.1, 1.4))[build])
    flange = kind == "hexagon" and rng.random() < 0.25
    start = -1 + head_length
    thread_from = start + (rng.uniform(0.1, 0.5) if rng.random() < 0.5 else 0.05) * (1 - start)
    pitch, depth = max(shank * rng.uniform(0.28, 0.42), finest_pitch), shank * rng.uniform(0.1, 0.17)
    head = _head(kind, head_radius, rng.uniform(0, np.pi / 3), flange)

    def shank_radius(x: Grid, y: Grid) -> Grid:
        turn = x / pitch + np.arcsin(np.clip(y / shank, -1, 1)) / np.float32(2 * np.pi)
        groove = np.abs(turn - np.floor(turn) - np.float32(0.5)) * 2
        radius = shank - depth * groove * (x > thread_from)
        return np.minimum(radius, shank * 0.75 + np.maximum(1 - x, 0))

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        half, height = head(np.clip((x + 1) / head_length, 0, 1), y)
        radius, side = shank_radius(x, y), np.abs(y)
        head_distance = np.maximum(np.maximum(side - half, x - start), -1 - x)
        shank_distance = np.maximum(np.maximum(side - radius, x - 1), start - 0.1 - x)
        return np.minimum(head_distance, shank_distance), np.where(x < start, height, round_bar(y, radius))

    return Shape((1, head_radius * 1.2), (Layer(relief, 0),), 2 * shank)


def _head(kind: str, radius: float, roll: float, flange: bool) -> Relief:
    """(share of the head's length from its end, y) → (half width, height) of a bolt's head."""

    def six_sided(along: Grid, y: Grid) -> tuple[Grid, Grid]:
        cone = radius * np.minimum(0.86 + along * 0.5, 1)
        half, height = hexagon_bar(y, radius, roll)
        half, height = np.minimum(half, cone), np.minimum(height, round_bar(y, cone))
        rim = (along > 0.82) & flange
        return np.where(rim, radius * 1.2, half), np.where(rim, round_bar(y, radius * 1.2), height)

    def lathed(along: Grid, y: Grid) -> tuple[Grid, Grid]:
        half = radius * PROFILES[kind](along)
        return half, round_bar(y, half)

    return six_sided if kind == "hexagon" else lathed


PROFILES: dict[str, Callable[[Grid], Grid]] = {  # radius over the length of a turned head, from its end
    "cap": lambda along: np.minimum(0.9 + along * 1.2, 1),
    "pan": lambda along: np.sqrt(np.clip(1 - np.square(np.clip(1 - along * 1.6, 0, 1)), 0.35, 1)),
    "dome": lambda along: np.sqrt(np.clip(1 - np.square(1 - along), 0.02, 1)),
    "sunk": lambda along: np.minimum(1, 1.12 - along * 0.6),
}


def turned(rng: np.random.Generator, depth: float) -> Callable[[Grid], Grid]:
    """The fine concentric marks of a lathe: a random profile over the radius."""
    profile = rng.normal(0, depth, 96).astype(np.float32)
    return lambda radius: np.take(profile, (radius * 60).astype(np.intp), mode="clip")


def teeth(x: Grid, y: Grid, count: int, lean: float) -> Grid:
    """A toothed disc of radius 1: diameter = module × (count + 2), teeth 2.25 modules deep, flanks that `lean`."""
    module = 2 / (count + 2)
    radius, pitch = np.hypot(x, y), 1 - module
    sideways = np.abs(folded(x, y, count)) * radius
    flank = sideways - pitch * np.pi / (2 * count) + (radius - pitch) * lean
    return np.minimum(radius - (1 - 2.25 * module), np.maximum(flank, radius - 1))


def _bore(x: Grid, y: Grid, radius: float, key: float) -> Grid:
    """A round hole, with a keyway of half width `key` towards +x where there is one."""
    hole = np.hypot(x, y) - radius
    return np.minimum(hole, np.maximum(np.maximum(np.abs(y) - key, -x), x - radius - key)) if key else hole


def ring_of_holes(x: Grid, y: Grid, count: int, inner: float, outer: float) -> Grid:
    """Round holes midway between two radii."""
    middle = (inner + outer) / 2
    size = min(0.36 * (outer - inner), 0.7 * middle * float(np.sin(np.pi / count)))
    radius, angle = np.hypot(x, y), folded(x, y, count)
    return np.hypot(radius * np.cos(angle) - middle, radius * np.sin(angle)) - size
