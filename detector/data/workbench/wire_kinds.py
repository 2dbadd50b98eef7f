"""Parts of wire and bar that no project of ours labels: more shapes for the starter to learn telling apart."""

import numpy as np

from detector.data.workbench.outlines import Point, arc, disc, hexagon_bar, path, round_bar
from detector.data.workbench.surfaces import Grid, Layer, Shape


def _bent(points: list[Point], thick: float, *, angular: bool = False) -> Shape:
    """A bar, round or hexagonal, bent along `points` and scaled so that it just fits the part's circle."""
    line = np.array(points)
    middle = (line.min(axis=0) + line.max(axis=0)) / 2
    size = float(np.hypot(*(line - middle).T).max()) + thick
    line, thick = (line - middle) / size, thick / size

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        distance = path(x, y, line.tolist())
        if angular:
            half, height = hexagon_bar(distance, thick, 0.0)
            return distance - half, height
        return distance - thick, round_bar(distance, thick)

    reach = np.abs(line).max(axis=0) + thick
    return Shape((float(reach[0]), float(reach[1])), (Layer(relief, 0),), 2 * thick)


def hook(rng: np.random.Generator) -> Shape:
    """A straight wire that ends in three quarters of a circle."""
    radius, turn = rng.uniform(0.22, 0.42), rng.uniform(3.6, 4.6)
    return _bent([(-1, 0), *arc((0.3, radius), radius, -np.pi / 2, turn)], rng.uniform(0.05, 0.11))


def eyelet(rng: np.random.Generator) -> Shape:
    """A straight wire that ends in a closed eye."""
    radius = rng.uniform(0.22, 0.45)
    stem = rng.uniform(0.5, 1.2)
    return _bent([(-radius - stem, 0), (-radius, 0), *arc((0, 0), radius, np.pi, 2 * np.pi)], rng.uniform(0.06, 0.12))


def split_pin(rng: np.random.Generator) -> Shape:
    """A cotter pin: a loop whose two ends lie side by side, one of them longer."""
    radius, gap, spread = rng.uniform(0.14, 0.24), rng.uniform(0.04, 0.07), rng.uniform(0, 0.15)
    start = float(np.arcsin(gap / radius))
    loop = arc((0, 0), radius, start, 2 * np.pi - 2 * start)
    ends = (rng.uniform(1.2, 1.6), gap + spread), (rng.uniform(1.5, 1.9), -gap)
    return _bent([ends[0], *loop, ends[1]], rng.uniform(0.035, 0.055))


def hex_key(rng: np.random.Generator) -> Shape:
    """An L of hexagonal bar."""
    arm, radius = rng.uniform(0.25, 0.5), rng.uniform(0.1, 0.2)
    bend = arc((1 - radius, radius), radius, -np.pi / 2, np.pi / 2)
    return _bent([(-0.6, 0), *bend, (1, radius + arm)], rng.uniform(0.05, 0.1), angular=True)


def staple(rng: np.random.Generator) -> Shape:
    """A U of wire."""
    half, arm = rng.uniform(0.25, 0.6), rng.uniform(0.5, 1.1)
    return _bent([(arm, half), *arc((0, 0), half, np.pi / 2, np.pi), (arm, -half)], rng.uniform(0.05, 0.12))


def chain_link(rng: np.random.Generator) -> Shape:
    """A closed oval of thick wire."""
    half, radius = rng.uniform(0.25, 0.6), rng.uniform(0.28, 0.42)
    right, left = arc((half, 0), radius, -np.pi / 2, np.pi), arc((-half, 0), radius, np.pi / 2, np.pi)
    return _bent([*right, *left, right[0]], rng.uniform(0.1, 0.17))


def o_ring(rng: np.random.Generator) -> Shape:
    """A ring of round section."""
    thick = rng.uniform(0.07, 0.16)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        distance = np.abs(disc(x, y, 1 - thick))
        return distance - thick, round_bar(distance, thick)

    return Shape((1, 1), (Layer(relief, 0),), 2 * thick)


def spring(rng: np.random.Generator) -> Shape:
    """A helical spring on its side: its upper turns, and between them the lower ones or the bench."""
    radius, pitch = rng.uniform(0.2, 0.42), rng.uniform(0.13, 0.26)
    wire = pitch * rng.uniform(0.2, 0.34)

    def turns(x: Grid, y: Grid, lean: float) -> Grid:
        phase = x / pitch + lean * np.arcsin(np.clip(y / radius, -1, 1)) / np.float32(2 * np.pi)
        return np.abs(phase - np.floor(phase) - np.float32(0.5)) * pitch

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        upper, lower = turns(x, y, 1), turns(x + pitch / 2, y, -1)
        outside = np.maximum(np.abs(y) - radius, np.abs(x) - 1)
        distance = np.maximum(np.minimum(upper, lower) - wire, outside)
        height = round_bar(y, radius) + round_bar(np.minimum(upper, wire), wire)
        return distance, np.where(upper < wire, height, 0.3 * round_bar(np.minimum(lower, wire), wire))

    return Shape((1, radius), (Layer(relief, 0),), 2 * radius)


def terminal(rng: np.random.Generator) -> Shape:
    """A crimp terminal: a flat eye, a neck and a rolled barrel."""
    eye, bore, barrel = rng.uniform(0.34, 0.5), rng.uniform(0.45, 0.65), rng.uniform(0.17, 0.3)
    middle, neck = 1 - eye, rng.uniform(0.1, 0.2)

    def relief(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        flat = np.minimum(disc(x, y, eye, (middle, 0)), np.maximum(np.abs(y) - neck, np.abs(x) - middle))
        flat = np.maximum(flat, -disc(x, y, eye * bore, (middle, 0)))
        rolled = np.maximum(np.abs(y) - barrel, np.maximum(x + 0.15, -1 - x))
        seam = 0.05 * (np.abs(y) < 0.02)
        return np.minimum(flat, rolled), np.where(rolled < 0, round_bar(y, barrel) - seam, 0)

    return Shape((1, max(eye, barrel)), (Layer(relief, 0.03),), barrel)


WIRE_KINDS = {
    "hook": hook,
    "eyelet": eyelet,
    "split pin": split_pin,
    "hex key": hex_key,
    "staple": staple,
    "chain link": chain_link,
    "o-ring": o_ring,
    "spring": spring,
    "terminal": terminal,
}
