"""Light on surfaces: a lamp, soft reflections of room and bench, shadows; metals and plain materials. Linear RGB."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.data.workbench.surfaces import Grid, Surface

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """The light of a scene, directions as unit vectors with z up.

    lamp, camera (3,): directions to them. windows (3, 3), strengths (3,): what a mirror sees bright, the lamp first.
    ambient: the share of light from everywhere. hardness 0..1 of the shadows. bench (3,): the bench's mean colour.
    """

    lamp: Vector
    camera: Vector
    windows: Vector
    strengths: Vector
    ambient: float
    hardness: float
    bench: Vector


@dataclass(frozen=True)
class Material:
    """How a surface answers light: colour (3,), polish 0..1, metal or not, share of rust 0..1, depth of its grain."""

    colour: Vector
    polish: float
    metal: bool
    rust: float
    grain: float


METALS = np.array(
    [
        [0.62, 0.62, 0.63],  # steel
        [0.55, 0.58, 0.62],  # zinc, bluish
        [0.66, 0.60, 0.42],  # zinc, yellow chromate
        [0.70, 0.52, 0.22],  # brass
        [0.62, 0.34, 0.22],  # copper, bronze
        [0.07, 0.07, 0.08],  # black oxide
        [0.30, 0.29, 0.28],  # worn steel
        [0.34, 0.22, 0.15],  # brown with rust
    ]
)
SHARES = (0.26, 0.14, 0.1, 0.12, 0.06, 0.12, 0.12, 0.08)
RUST = np.array([0.24, 0.095, 0.035], np.float32)


def draw_light(rng: np.random.Generator, lean: tuple[float, float], bench: Vector) -> Light:
    """A random light over a bench of that mean colour (3,), seen by a camera that leans by `lean` (see Pose)."""
    around, height = rng.uniform(-0.5 * np.pi, 1.5 * np.pi), rng.uniform(0.5, 2.2)
    lamp = _unit(np.array([np.cos(around), np.sin(around), height]))
    camera = np.array([*lean, np.sqrt(1 - lean[0] ** 2 - lean[1] ** 2)], np.float32)
    windows = _unit(np.vstack([lamp, np.column_stack([rng.normal(0, 0.7, (2, 2)), rng.uniform(0.2, 1.2, 2)])]))
    strengths = np.array([rng.uniform(0.6, 1.8), *rng.uniform(0.2, 1.0, 2)], np.float32)
    return Light(lamp, camera, windows, strengths, rng.uniform(0.25, 0.6), rng.uniform(0.15, 1), bench)


def draw_metal(rng: np.random.Generator) -> Material:
    """A metal for any part. It depends on nothing but chance, so that colour says nothing about the class."""
    kind = int(rng.choice(len(METALS), p=SHARES))
    colour = METALS[kind] * rng.uniform(0.75, 1.2) * rng.uniform(0.95, 1.05, 3)
    rust = rng.uniform(0.3, 0.7) if kind == 7 else rng.uniform(0.05, 0.35) * (rng.random() < 0.25)
    return Material(colour.astype(np.float32), rng.uniform(0, 1), True, float(rust), rng.uniform(0.03, 0.18))


def draw_plain(rng: np.random.Generator) -> Material:
    """Paper, plastic or paint, for what carries no label."""
    colour = np.square((rng.uniform(0.1, 0.9) + rng.normal(0, 0.14, 3)).clip(0.1, 0.9))
    return Material(colour.astype(np.float32), rng.uniform(0, 0.6), False, 0, rng.uniform(0, 0.1))


def shade(rng: np.random.Generator, surface: Surface, material: Material, light: Light) -> Grid:
    """The part's colours (h, w, 3), before anything overlaps it."""
    fine, blotches = _noise()
    grain = _cut(rng, fine, surface.alpha.shape)
    cloud = _cut(rng, blotches, surface.alpha.shape)
    mottled = 1 + material.grain * (0.6 * grain + 1.2 * (cloud - 0.5))
    lambert = np.clip(surface.normals @ light.lamp, 0, 1)
    skylight = light.ambient * (0.55 + 0.45 * surface.normals[..., 2])
    lit = surface.occlusion * (skylight + (1 - 0.5 * light.ambient) * lambert)
    room, bench = _reflection(surface, material.polish, light)
    mirror = room[..., None] + bench[..., None] * light.bench
    if not material.metal:
        return (mottled * lit)[..., None] * material.colour + 0.06 * mirror
    tint = mottled[..., None] * material.colour
    metal = tint * ((0.22 * lit)[..., None] + 0.95 * mirror) + 0.03 * mirror
    if not material.rust:
        return metal
    rusty = np.clip((material.rust - cloud + 0.05 * grain) * 9 + 0.5, 0, 1)[..., None]
    brown = (lit * (0.7 + 0.6 * cloud + 0.2 * grain))[..., None] * RUST
    return metal + rusty * (brown - metal)


def contact_shadow(surface: Surface) -> Grid:
    """Where the part keeps the sky from the bench, whatever the light: its patch with a margin all around."""
    reach = 1.1 * surface.height + 1
    margin = int(np.ceil(4 + 0.75 * reach))
    wide = cv2.copyMakeBorder(surface.alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    return _soften(wide, 1.2 + 0.25 * reach)


def cast_shadow(canvas: Grid, surface: Surface, contact: Grid, light: Light) -> None:
    """Darken the canvas (H, W, 3) in place where the part keeps the lamp or the sky away; `contact` is the sky's part.

    Where the part itself will lie nothing needs to be darkened, but all of it is, for its edges are soft.
    """
    reach = 1.1 * surface.height + 1
    aside = -light.lamp[:2] / light.lamp[2] * reach * 0.6
    softness = 0.8 + reach * (0.55 - 0.4 * light.hardness)
    blur = int(np.ceil(3 * softness + 2))
    depth = (0.45 + 0.35 * light.hardness) * (1 - 0.6 * light.ambient)
    cast = _soften(cv2.copyMakeBorder(surface.alpha, blur, blur, blur, blur, cv2.BORDER_CONSTANT, value=0), softness)
    x, y = np.rint(aside).astype(int).tolist()
    _darken(canvas, depth * cast, surface.x - blur + x, surface.y - blur + y)
    margin = (contact.shape[0] - surface.alpha.shape[0]) // 2
    _darken(canvas, 0.45 * contact, surface.x - margin, surface.y - margin)


def _darken(canvas: Grid, shadow: Grid, x: int, y: int) -> None:
    there, here = overlap(x, y, shadow.shape, canvas.shape)
    if shadow[here].size:
        canvas[there] *= cv2.merge([1 - np.minimum(shadow[here], 0.93)] * 3)


def overlap(x: int, y: int, patch: tuple[int, ...], canvas: tuple[int, ...]) -> tuple[tuple[slice, slice], ...]:
    """Where a patch with its corner at (x, y) meets the canvas: (rows, columns) of the canvas, and of the patch."""
    left, top = max(x, 0), max(y, 0)
    right, bottom = max(min(x + patch[1], canvas[1]), left), max(min(y + patch[0], canvas[0]), top)
    there = slice(top, bottom), slice(left, right)
    return there, (slice(top - y, bottom - y), slice(left - x, right - x))


def _unit(vectors: NDArray[np.floating]) -> Vector:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@cache
def _noise() -> tuple[Grid, Grid]:
    """Two fixed tiles (1024, 1024) that parts take pieces of: grain of deviation 1; soft blotches, even over 0..1."""
    rng = np.random.default_rng(7)
    grain = cv2.GaussianBlur(rng.standard_normal((1024, 1024), np.float32), (0, 0), 0.7)
    blotches = np.zeros((1024, 1024), np.float32)
    for cells in (32, 64, 128, 256):
        layer = cv2.resize(rng.random((cells, cells), np.float32), (1024, 1024), interpolation=cv2.INTER_CUBIC)
        blotches += layer * (32 / cells) ** 0.7
    ranks = np.sort(blotches, axis=None)[:: blotches.size // 1024]
    return grain / grain.std(), np.interp(blotches, ranks, np.linspace(0, 1, ranks.size)).astype(np.float32)


def _cut(rng: np.random.Generator, tile: Grid, shape: tuple[int, ...]) -> Grid:
    """A random piece of that shape; the tile stretched over it where it is larger."""
    row, column = (int(rng.integers(0, max(1, 1025 - size))) for size in shape)
    piece = tile[row : row + shape[0], column : column + shape[1]]
    return piece if piece.shape == shape else cv2.resize(tile, shape[::-1])


def _reflection(surface: Surface, polish: float, light: Light) -> tuple[Grid, Grid]:
    """What a mirror there would see: the brightness (h, w) of the room, and the share (h, w) of the bench."""
    facing = surface.normals @ light.camera
    ray = (2 * facing)[..., None] * surface.normals - light.camera
    upward = np.clip(ray[..., 2] * 2.5 + 0.5, 0, 1)
    bright = 0.16 + 0.34 * np.clip(ray[..., 2], 0, 1)
    sharp = 3 + 45 * polish**2
    for window, strength in zip(light.windows, light.strengths.tolist(), strict=True):
        bright += strength * (0.55 + 0.9 * polish) * np.exp(sharp * (ray @ window - 1))
    return upward * bright * (0.5 + 0.5 * surface.occlusion), 0.6 * (1 - upward) * surface.occlusion


def _soften(field: Grid, sigma: float) -> Grid:
    """A blur of about that deviation, in a time that does not depend on it."""
    return cv2.stackBlur(field, (2 * max(1, round(sigma * 6**0.5 - 1)) + 1,) * 2)
