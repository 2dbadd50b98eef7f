"""Flat parts that no project of ours labels: more shapes for the starter to learn telling apart."""

import numpy as np

from detector.data.workbench.outlines import bar, bevel, disc, folded
from detector.data.workbench.parts import ring_of_holes, turned
from detector.data.workbench.surfaces import Grid, Layer, Relief, Shape


def _flat(distance: Relief, thickness: float, reach: tuple[float, float] = (1, 1)) -> Shape:
    """One storey whose relief is that of `distance`."""
    return Shape(reach, (Layer(distance, thickness),), thickness)


def bearing(rng: np.random.Generator) -> Shape:
    """A ball bearing: two races and the balls between them, or a shield over these."""
    bore, count, shielded = rng.uniform(0.3, 0.5), int(rng.integers(7, 12)), rng.random() < 0.3
    wide = (1 - bore) * rng.uniform(0.26, 0.34)
    middle = (1 + bore) / 2
    ball = min(0.42 * (1 - bore - wide), 0.9 * middle * float(np.sin(np.pi / count)))
    marks = turned(rng, 0.002)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        distance = np.maximum(radius - 1, bore - radius)
        groove = np.clip((np.minimum(radius - bore - wide, 1 - wide - radius)) / 0.03 + 0.5, 0, 1)
        height = bevel(distance, 0.05, 0.04) + marks(radius)
        if shielded:
            return distance, height - 0.06 * groove
        angle = folded(x, y, count)
        off = np.hypot(radius * np.cos(angle) - middle, radius * np.sin(angle))
        balls = np.sqrt(np.maximum(ball * ball - off * off, 0))
        return distance, height - 0.22 * groove + balls * (groove > 0.9)

    return _flat(relief, rng.uniform(0.35, 0.6))


def circlip(rng: np.random.Generator) -> Shape:
    """A retaining ring: an open ring with an eye at each end."""
    wide, eye, gap = rng.uniform(0.1, 0.17), rng.uniform(0.14, 0.2), rng.uniform(0.28, 0.5)
    outer = 0.86
    ends = [
        ((outer - wide / 2) * float(np.cos(gap)), side * (outer - wide / 2) * float(np.sin(gap))) for side in (-1, 1)
    ]

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        ring = np.abs(np.hypot(x, y) - (outer - wide / 2)) - wide / 2
        distance = np.maximum(ring, gap - np.abs(np.arctan2(y, x)))
        for end in ends:
            distance = np.minimum(distance, disc(x, y, eye, end))
        for end in ends:
            distance = np.maximum(distance, -disc(x, y, eye * 0.45, end))
        return distance, bevel(distance, 0.03, 0.015)

    return _flat(relief, rng.uniform(0.05, 0.1))


def plate(rng: np.random.Generator) -> Shape:
    """A flat bar with two to four holes in a row."""
    half, holes = rng.uniform(0.16, 0.34), int(rng.integers(2, 5))
    corner, size = half * rng.uniform(0.1, 1), half * rng.uniform(0.35, 0.6)
    places = np.linspace(-1 + half, 1 - half, holes).tolist()

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        distance = bar(x, y, (1, half), corner)
        for place in places:
            distance = np.maximum(distance, -disc(x, y, size, (place, 0)))
        return distance, bevel(distance, 0.03, 0.015)

    return _flat(relief, rng.uniform(0.06, 0.14), (1, half))


def bracket(rng: np.random.Generator) -> Shape:
    """A flat angle with two holes in each leg."""
    wide, size = rng.uniform(0.24, 0.4), rng.uniform(0.07, 0.11)
    middle = -0.7 + wide / 2

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        legs = (bar(x - 0.0, y - middle, (0.7, wide / 2), 0.04), bar(x - middle, y, (wide / 2, 0.7), 0.04))
        distance = np.minimum(*legs)
        for place in (0.0, 0.5):
            distance = np.maximum(distance, -disc(x, y, size, (place, middle)))
            distance = np.maximum(distance, -disc(x, y, size, (middle, place)))
        return distance, bevel(distance, 0.03, 0.015)

    return _flat(relief, rng.uniform(0.06, 0.14), (0.72, 0.72))


def hinge(rng: np.random.Generator) -> Shape:
    """Two leaves with holes, and the knuckles of the pin between them."""
    half, pin, knuckles = rng.uniform(0.4, 0.75), rng.uniform(0.08, 0.13), rng.uniform(0.18, 0.3)
    size, thickness = rng.uniform(0.08, 0.12), rng.uniform(0.05, 0.1)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        distance = bar(x, y, (1, half), 0.06)
        for row in (-0.55 * half, 0.55 * half):
            for side in (-0.62, 0.62):
                distance = np.maximum(distance, -disc(x, y, size, (side, row)))
        barrel = np.sqrt(np.maximum(pin * pin - x * x, 0))
        gap = np.abs(y / knuckles - np.rint(y / knuckles)) < 0.06
        return distance, bevel(distance, 0.03, 0.015) + np.where(gap, 0, barrel * 1.4)

    return _flat(relief, thickness, (1, half))


def wing_nut(rng: np.random.Generator) -> Shape:
    """A threaded hub between two wings."""
    hub, wing, tilt = rng.uniform(0.3, 0.4), rng.uniform(0.2, 0.32), rng.uniform(0.05, 0.2)
    bore, centre = hub * rng.uniform(0.5, 0.65), 1 - rng.uniform(0.2, 0.32)
    thickness = rng.uniform(0.3, 0.5)

    def wings(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        lobes = np.minimum(disc(x, y, wing, (centre, tilt)), disc(x, y, wing, (-centre, -tilt)))
        distance = np.minimum(lobes, bar(x, y, (centre, wing * 0.55), 0.02))
        distance = np.maximum(distance, -disc(x, y, bore))
        return distance, bevel(distance, 0.12, 0.1) + 0.25 * np.abs(x)

    def body(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        distance = np.maximum(disc(x, y, hub), -disc(x, y, bore))
        return distance, bevel(distance, 0.08, 0.06)

    return Shape((1, 0.62), (Layer(wings, thickness * 0.7), Layer(body, thickness, bore * 1.1)), thickness)


def knob(rng: np.random.Generator) -> Shape:
    """A star grip: lobes about a dome with an insert."""
    lobes, depth, insert = int(rng.integers(4, 8)), rng.uniform(0.08, 0.16), rng.uniform(0.2, 0.32)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius, angle = np.hypot(x, y), folded(x, y, lobes)
        distance = radius - (1 - depth + depth * np.cos(angle * lobes))
        dome = bevel(distance, 0.4, 0.22) - 0.08 * np.clip((insert - radius) / 0.03, 0, 1)
        return distance, dome

    return _flat(relief, rng.uniform(0.4, 0.7))


def cam(rng: np.random.Generator) -> Shape:
    """A disc cam: the hull of a large and a small circle, with a bore in the large one."""
    large, small = rng.uniform(0.55, 0.7), rng.uniform(0.15, 0.35)
    start, end = -1 + large, 1 - small
    bore, steep = large * rng.uniform(0.3, 0.5), (large - small) / (end - start)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        along = (x - start) * np.float32(np.sqrt(1 - steep**2)) + 0 * y
        share = np.clip((along + np.abs(y) * steep) / (end - start), 0, 1)
        distance = np.hypot(x - start - share * (end - start), y) - (large + share * (small - large))
        distance = np.maximum(distance, -disc(x, y, bore, (start, 0)))
        return distance, bevel(distance, 0.04, 0.03)

    return _flat(relief, rng.uniform(0.2, 0.45), (1, large))


def link(rng: np.random.Generator) -> Shape:
    """A connecting rod: two eyes and the waist between them."""
    first, second = rng.uniform(0.28, 0.42), rng.uniform(0.2, 0.34)
    waist, bore = rng.uniform(0.1, 0.17), rng.uniform(0.5, 0.7)
    centres = ((-1 + first, 0.0), (1 - second, 0.0))

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        eyes = np.minimum(disc(x, y, first, centres[0]), disc(x, y, second, centres[1]))
        distance = np.minimum(eyes, bar(x, y, (0.75, waist), 0.02))
        for centre, radius in zip(centres, (first, second), strict=True):
            distance = np.maximum(distance, -disc(x, y, bore * radius, centre))
        return distance, bevel(distance, 0.05, 0.03) - 0.1 * (eyes > 0.02)

    return _flat(relief, rng.uniform(0.2, 0.4), (1, max(first, second)))


def pulley(rng: np.random.Generator) -> Shape:
    """A smooth wheel: rim, hub, and a web with spokes or holes."""
    rim, hub, bore = rng.uniform(0.1, 0.2), rng.uniform(0.3, 0.42), rng.uniform(0.12, 0.2)
    spokes, sunk = int(rng.integers(3, 7)), rng.uniform(0.08, 0.18)
    thickness, marks = rng.uniform(0.3, 0.6), turned(rng, 0.003)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        distance = np.maximum(np.maximum(radius - 1, bore - radius), -ring_of_holes(x, y, spokes, hub, 1 - rim))
        web = np.clip(np.minimum(radius - hub, 1 - rim - radius) / 0.04 + 0.5, 0, 1)
        return distance, bevel(distance, 0.05, 0.04) - sunk * web + marks(radius)

    return _flat(relief, thickness)


def fan(rng: np.random.Generator) -> Shape:
    """An impeller: swept blades about a hub."""
    blades, sweep, hub = int(rng.integers(3, 9)), rng.uniform(0.5, 1.4), rng.uniform(0.25, 0.4)
    share, bore = rng.uniform(0.28, 0.4), hub * rng.uniform(0.2, 0.4)
    half = share * np.pi / blades

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        radius = np.hypot(x, y)
        cosine, sine = np.cos(sweep * radius), np.sin(sweep * radius)
        angle = folded(x * cosine - y * sine, x * sine + y * cosine, blades)
        blade = np.maximum(radius * (np.abs(angle) - half), radius - 1)
        distance = np.maximum(np.minimum(blade, radius - hub), bore - radius)
        tilted = np.where(radius > hub, 0.2 * angle / half, 0.3) * np.float32(0.5)
        return distance, tilted + bevel(distance, 0.03, 0.02)

    return _flat(relief, rng.uniform(0.2, 0.4))


def rack(rng: np.random.Generator) -> Shape:
    """A straight bar with teeth along one side."""
    half, count = rng.uniform(0.16, 0.28), int(rng.integers(8, 16))
    depth = min(0.5 * half, 1.6 / count)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        phase = x * (count / 2)
        tooth = np.clip(2.5 * np.abs(phase - np.floor(phase) - 0.5) - 0.2, 0, 1)
        distance = np.maximum(bar(x, y, (1, half), 0.02), y - half + depth * tooth)
        return distance, bevel(distance, 0.04, 0.03)

    return _flat(relief, rng.uniform(0.15, 0.35), (1, half))


PLATE_KINDS = {
    "bearing": bearing,
    "circlip": circlip,
    "plate": plate,
    "bracket": bracket,
    "hinge": hinge,
    "wing nut": wing_nut,
    "knob": knob,
    "cam": cam,
    "link": link,
    "pulley": pulley,
    "fan": fan,
    "rack": rack,
}
