"""Procedural bench tops: wood, metal, stone, cutting mat, cloth, paper, laminate, stained and scratched. Linear RGB."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[Any]  # float32; OpenCV's stubs know no narrower type


def _noise(rng: np.random.Generator, size: tuple[int, int], cell: tuple[float, float]) -> Picture:
    """Smooth random field (h, w) in about -1..1 with bumps of `cell` (height, width) pixels."""
    grid = rng.uniform(-1, 1, (int(size[0] / cell[0]) + 2, int(size[1] / cell[1]) + 2)).astype(np.float32)
    return cv2.resize(grid, size[::-1], interpolation=cv2.INTER_LINEAR if min(cell) < 6 else cv2.INTER_CUBIC)


def _fractal(
    rng: np.random.Generator, size: tuple[int, int], cell: float, octaves: int, fading: float = 0.55
) -> Picture:
    """Noise over several scales, each half as coarse and `fading` times as strong as the one before."""
    half = (size[0] // 2, size[1] // 2)  # at half the size, for nothing in it is as fine as a pixel
    total = np.zeros(half, np.float32)
    for octave in range(octaves):
        total += _noise(rng, half, (cell / 2 ** (octave + 1),) * 2) * np.float32(fading**octave)
    return cv2.resize(total, size[::-1])


def _colour(rng: np.random.Generator, dark: float, bright: float, spread: float) -> NDArray[np.float32]:
    """A linear colour whose gamma-coded grey lies in dark..bright, with channels apart by `spread`."""
    colour = rng.uniform(dark, bright) + rng.normal(0, spread, 3)
    colour[1] = max(colour[1], (colour[0] + colour[2]) / 2 - 0.02)  # benches are hardly ever purple
    return np.square(np.clip(colour, 0.02, 0.97)).astype(np.float32)


def _tinted(colour: NDArray[np.float32], brightness: Picture) -> Picture:
    lit = np.maximum(brightness, 0.02).astype(np.float32)
    return cv2.merge([lit * channel for channel in colour.tolist()])  # broadcasting to a last axis of 3 is far slower


def _wood(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    tone = np.array([1.0, rng.uniform(0.7, 0.84), rng.uniform(0.42, 0.68)]) * rng.uniform(0.35, 0.88)
    rows = np.arange(size[0], dtype=np.float32)[:, None]
    bow = _noise(rng, size, (size[0] / 3, size[1] / 2)) * rng.uniform(4, 30) + _noise(rng, size, (30, 200)) * 3
    year = rng.uniform(8, 28)
    rings = (rows + bow) / year
    rings = rings - np.floor(rings)
    fibre = _noise(rng, size, (1.5, 60)) + 0.7 * _noise(rng, size, (3, 160))
    grain = 1 - rng.uniform(0.1, 0.4) * rings**3 + rng.uniform(0.05, 0.14) * fibre + 0.1 * _noise(rng, size, (40, 300))
    if rng.random() < 0.5:
        plank = rng.uniform(70, 240)
        lane = (rows + rng.uniform(0, plank)) / plank
        shades = rng.uniform(0.8, 1.15, 64).astype(np.float32)
        grain = grain * shades[np.floor(lane).astype(int)] * np.where(np.mod(lane, 1) * plank < 2, 0.35, 1)
    return _tinted(np.square(tone).astype(np.float32), grain)


def _metal(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    brushed = _noise(rng, size, (1.2, 90)) * rng.uniform(0.04, 0.14) + _noise(rng, size, (2.5, 240)) * 0.06
    return _tinted(_colour(rng, 0.35, 0.75, 0.015), 1 + brushed + 0.2 * _noise(rng, size, (size[0], size[1] / 3)))


def _stone(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    rough = _fractal(rng, size, rng.uniform(60, 160), 6, rng.uniform(0.5, 0.7))
    speckles = _noise(rng, size, (2.2, 2.2))
    pits = np.clip((_noise(rng, size, (5, 5)) - 0.62) * 5, 0, 1)
    brightness = 1 + rng.uniform(0.06, 0.22) * rough + rng.uniform(0.02, 0.12) * speckles - rng.uniform(0, 0.6) * pits
    return _tinted(_colour(rng, 0.25, 0.8, 0.025), brightness)


def _mat(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    base = _colour(rng, 0.15, 0.5, 0.1)
    line = base * 0.4 + 0.6 * _colour(rng, 0.5, 0.95, 0.08)
    spacing, wear = int(rng.integers(16, 44)), np.clip(0.75 + 0.4 * _fractal(rng, size, 90, 3), 0, 1)
    lines = np.zeros(size, np.float32)
    for every, strength in ((spacing, rng.uniform(0.2, 0.7)), (spacing * 5, 1.0)):
        lines[::every] = np.maximum(lines[::every], strength)
        lines[:, ::every] = np.maximum(lines[:, ::every], strength)
    brightness = 1 + 0.1 * _noise(rng, size, (2, 2)) + 0.1 * _fractal(rng, size, 120, 3)
    return _tinted(base, brightness) + (lines * wear)[..., None] * (line - base)


def _cloth(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    rows, columns = np.ogrid[: size[0], : size[1]]
    period = rng.uniform(3.2, 7)
    bend = _noise(rng, size, (60, 60)) * 1.2
    weave = np.sin((columns + bend) * (2 * np.pi / period)) * np.sin((rows + bend) * (2 * np.pi / period))
    folds = _noise(rng, size, (rng.uniform(90, 300), rng.uniform(90, 300)))
    threads = _noise(rng, size, (1.5, 12)) + _noise(rng, size, (12, 1.5))
    brightness = 1 + rng.uniform(0.06, 0.2) * weave + 0.18 * folds + 0.1 * threads
    return _tinted(_colour(rng, 0.12, 0.85, 0.08), brightness.astype(np.float32))


def _paper(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    colour = _colour(rng, 0.6, 0.92, 0.03) * np.array([1, rng.uniform(0.86, 1), rng.uniform(0.6, 1)], np.float32)
    brightness = 1 + 0.05 * _noise(rng, size, (1.6, 1.6)) + 0.05 * _fractal(rng, size, 100, 4)
    if rng.random() < 0.3:
        spacing = int(rng.integers(12, 40))
        brightness[::spacing] -= 0.2
        brightness[:, ::spacing] -= 0.2 * rng.integers(0, 2)
    if rng.random() < 0.4:  # corrugated cardboard
        brightness += (
            rng.uniform(0.02, 0.06) * np.sin(np.arange(size[0], dtype=np.float32) * rng.uniform(0.5, 1))[:, None]
        )
    return _tinted(colour, brightness)


def _laminate(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    base, flecks = _colour(rng, 0.1, 0.85, 0.07), _colour(rng, 0.2, 0.9, 0.06)
    cell = rng.uniform(2, 7)
    share = np.clip((_noise(rng, size, (cell, cell)) - rng.uniform(0.1, 0.9)) * 4, 0, 1) * rng.uniform(0, 0.6)
    picture = _tinted(
        base, 1 + 0.07 * _fractal(rng, size, 150, 3) + rng.uniform(0.01, 0.05) * _noise(rng, size, (1.5, 1.5))
    )
    return picture + share[..., None] * (flecks - picture)


def _pegboard(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Board or sheet with a grid of drilled holes: round and dark, as the bores of parts are."""
    spacing, bore = rng.uniform(26, 70), rng.uniform(0.1, 0.2)
    rows, columns = (np.arange(length, dtype=np.float32) / spacing + rng.uniform(0, 1) for length in size)
    rows, columns = rows[:, None] - np.rint(rows[:, None]), columns - np.rint(columns)
    off = np.hypot(rows, columns)
    hole = np.clip((bore - off) * spacing + 0.5, 0, 1)
    rim = np.clip((bore + 0.03 - np.hypot(rows - 0.02, columns)) * spacing + 0.5, 0, 1) - hole
    brightness = (
        1 + 0.06 * _noise(rng, size, (1.6, 1.6)) + 0.1 * _fractal(rng, size, 120, 4) + 0.25 * np.clip(rim, 0, 1)
    )
    return _tinted(_colour(rng, 0.3, 0.85, 0.05), brightness * (1 - rng.uniform(0.6, 0.95) * hole))


def _rubber(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """A studded or ribbed mat."""
    spacing, ribbed = rng.uniform(9, 26), rng.random() < 0.4
    rows, columns = np.ogrid[: size[0], : size[1]]
    across, along = np.sin(columns * (2 * np.pi / spacing)), np.sin(rows * (2 * np.pi / spacing))
    studs = np.clip(along if ribbed else across + along - 0.6, -0.5, 0.8).astype(np.float32)
    relief = cv2.Sobel(np.broadcast_to(studs, size).astype(np.float32), cv2.CV_32F, 0, 1, scale=0.25)
    dust = np.clip(_fractal(rng, size, 140, 5), 0, 1) * rng.uniform(0.1, 0.6)
    brightness = 1 + rng.uniform(0.5, 1.2) * relief + 0.1 * _noise(rng, size, (1.5, 1.5)) + dust
    return _tinted(_colour(rng, 0.12, 0.45, 0.03), brightness)


TOPS = (_wood, _wood, _metal, _mat, _cloth, _paper, _pegboard)
WITHHELD_TOPS = (_stone, _laminate, _rubber)


def _wear(rng: np.random.Generator, picture: Picture) -> None:
    """Stains, scratches, pencil lines and dust on the bench, in place."""
    height, width = picture.shape[:2]
    if rng.random() < 0.6:
        blotches = _fractal(rng, (height, width), rng.uniform(80, 260), 4)
        stain = np.clip((blotches - rng.uniform(0.3, 0.9)) * rng.uniform(2, 8), 0, 1) * rng.uniform(0.1, 0.5)
        picture *= cv2.merge([1 - stain * (1 - channel) for channel in _colour(rng, 0.2, 0.7, 0.08).tolist()])
    marks = np.zeros((height, width), np.uint8)
    along = np.linspace(0, 1, 9)[:, None]
    for _ in range(rng.integers(0, 14)):
        step, bend = rng.normal(0, 0.12 * width, 2), rng.normal(0, 0.02 * width, 2)
        stroke = rng.uniform((0, 0), (width, height)) + along * step + along * (1 - along) * 4 * bend
        cv2.polylines(
            marks, [np.rint(stroke * 8).astype(np.int32)], False, int(rng.integers(40, 200)), 1, cv2.LINE_AA, 3
        )
    for _ in range(rng.integers(0, 40)):
        spot = tuple(int(value) for value in rng.uniform((0, 0), (width * 8, height * 8)))
        cv2.circle(marks, spot, int(rng.integers(4, 16)), int(rng.integers(60, 220)), -1, cv2.LINE_AA, 3)
    if marks.any():
        share = cv2.GaussianBlur(marks, (0, 0), 0.7).astype(np.float32)[..., None] * np.float32(
            rng.uniform(0.3, 0.8) / 255
        )
        picture += share * (_colour(rng, 0.05, 0.95, 0.03) - picture)


def _perspective(rng: np.random.Generator, size: tuple[int, int], target: tuple[int, int], lean: float) -> Picture:
    """The homography from a flat top (h, w) to the picture (h, w): turned a little, its far edge further away."""
    height, width = target
    turn = rng.uniform(-0.22, 0.22)
    spread = 1 + 0.22 * lean
    corners = (
        np.array(
            [[-width * spread, -height], [width * spread, -height], [width / spread, height], [-width / spread, height]]
        )
        / 2
    )
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    source = corners @ rotation.T + np.array(size[::-1]) / 2
    picture = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    return cv2.getPerspectiveTransform(source.astype(np.float32), picture.astype(np.float32))


def bench_top(rng: np.random.Generator, *, width: int, height: int, lean: float, withheld: bool) -> Picture:
    """A bare bench (height, width, 3), float32; `lean` 0..1 is how far the camera leans from straight above.

    `withheld`: of a material that training never sees.
    """
    size = int(height * 1.2), int(width * 1.2)
    turned = rng.random() < 0.5
    tops = WITHHELD_TOPS if withheld else TOPS
    paint = tops[int(rng.integers(len(tops)))]
    flat = paint(rng, (size[1], size[0]) if turned else size).astype(np.float32)
    flat = np.ascontiguousarray(flat.transpose(1, 0, 2)) if turned else flat
    homography = _perspective(rng, size, (height, width), lean)
    top = cv2.warpPerspective(
        flat, homography, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    _wear(rng, top)
    return top
