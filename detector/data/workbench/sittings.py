"""One camera over one bench, and a box of parts for it: the scenes of a sitting are laid from cached sprites.

A sprite is a part as this camera sees it: coverage, normals, the shadow it touches the bench with. Drawing one costs
far more than laying it: light, metal, place and mirror image are new in every scene, so that no two look alike.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.data.workbench import clutter, parts
from detector.data.workbench.backgrounds import bench_top
from detector.data.workbench.camera import light_pool, photograph
from detector.data.workbench.plate_kinds import PLATE_KINDS
from detector.data.workbench.proportions import Proportions
from detector.data.workbench.shading import (
    Material,
    cast_shadow,
    contact_shadow,
    draw_light,
    draw_metal,
    draw_plain,
    overlap,
    shade,
)
from detector.data.workbench.surfaces import Grid, Pose, Shape, Surface, look
from detector.data.workbench.wire_kinds import WIRE_KINDS

HARDWARE = ("nut", "washer", "bolt", "gear")
OTHERS: dict[str, Callable[[np.random.Generator], Shape]] = {**WIRE_KINDS, **PLATE_KINDS}
CLUTTER = {"coin": clutter.coin, "rod": clutter.rod, "cable": clutter.cable, "scrap": clutter.scrap}
MIN_VISIBLE = 0.45
FEWEST = 6
OVERLAPPED = 0.25
RADIUS = (0.034, 0.075)  # of the picture's longer side
SPRITES = 40


@dataclass(frozen=True)
class Sprite:
    """A part seen by a sitting's camera: its kind, its patch about (0, 0), its own shadow, its radius in pixels."""

    kind: str
    surface: Surface
    contact: Grid
    radius: float

    def at(self, x: int, y: int, *, mirrored: bool) -> "Sprite":
        """The sprite moved by whole pixels, and left and right swapped before that where `mirrored`."""
        surface, contact = self.surface, self.contact
        if mirrored:
            normals = surface.normals[:, ::-1] * np.array([-1, 1, 1], np.float32)
            left = -surface.x - surface.alpha.shape[1]
            flipped = (np.ascontiguousarray(part[:, ::-1]) for part in (surface.alpha, surface.occlusion))
            alpha, occlusion = flipped
            surface = Surface(left, surface.y, alpha, normals, occlusion, surface.height)
            contact = contact[:, ::-1]
        return replace(self, surface=replace(surface, x=surface.x + x, y=surface.y + y), contact=contact)

    def place(self, canvas: tuple[int, ...]) -> tuple[tuple[slice, slice], ...]:
        """Where it meets the canvas: (rows, columns) of the canvas, and of the patch."""
        return overlap(self.surface.x, self.surface.y, self.surface.alpha.shape, canvas)

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The xyxy extent of its own silhouette within the picture, also where something lies on it."""
        (rows, columns), here = self.place((height, width))
        x, y, wide, high = cv2.boundingRect((self.surface.alpha[here] > 0.5).astype(np.uint8))
        left, top = float(columns.start + x), float(rows.start + y)
        return left, top, left + wide, top + high


@dataclass(frozen=True)
class Scene:
    """A picture (H, W, 3) uint8 RGB; kind and box of each part that is labelled; which pixels (H, W) things cover."""

    picture: NDArray[np.uint8]
    seen: tuple[tuple[str, tuple[float, float, float, float]], ...]
    covered: NDArray[np.bool_]


class Sitting:
    """Draws scenes of width × height pixels with one camera, one bench and one box of parts.

    closeness: how much larger than usual parts appear. others: the share of parts that are not HARDWARE. labelled: the
    kinds that are named; the rest lies there as clutter does. withheld: benches, lights and proportions are of those
    that training never sees.
    """

    def __init__(
        self,
        seed: tuple[int, ...],
        *,
        width: int,
        height: int,
        closeness: float = 1.0,
        others: float = 0.12,
        labelled: Collection[str] = HARDWARE,
        withheld: bool = False,
    ) -> None:
        rng = np.random.default_rng((*seed, 1))
        self._seed, self._withheld, self._others, self._labelled = seed, withheld, others, labelled
        self.width, self.height = width, height
        self.lean = float(rng.normal(0, 0.06)), float(rng.uniform(0, 0.55))
        self._common = max(width, height) * rng.uniform(*RADIUS) * closeness
        self._most = 16 / closeness**1.4
        self._sprites: dict[int, Sprite] = {}

    def scene(self, rng: np.random.Generator, *, ground: NDArray[np.uint8] | None = None) -> Scene:
        """A scene with at least FEWEST labelled parts, on a bench or on `ground`, (height, width, 3) uint8 RGB."""
        if ground is None:
            canvas = bench_top(rng, width=self.width, height=self.height, lean=self.lean[1], withheld=self._withheld)
        else:
            canvas = np.square(ground.astype(np.float32) * np.float32(1 / 255))
        proportions = Proportions((int(rng.integers(2**62)),), withheld=self._withheld)
        light = draw_light(proportions, self.lean, np.array(cv2.mean(canvas)[:3], np.float32))
        laid = self._lay(rng)
        covered = np.zeros((self.height, self.width), bool)
        for sprite in laid:
            surface = sprite.surface
            cast_shadow(canvas, surface, sprite.contact, light)
            there, here = sprite.place(canvas.shape)
            colours = shade(rng, surface, _draw_material(rng, sprite.kind), light)[here]
            canvas[there] += surface.alpha[here][..., None] * (colours - canvas[there])
            covered[there] |= surface.alpha[here] > 0.5
        canvas *= light_pool(proportions, width=self.width, height=self.height)
        boxes = ((sprite.kind, sprite.box(self.width, self.height)) for sprite in laid)
        seen = tuple((kind, box) for kind, box in boxes if kind in self._labelled)
        return Scene(photograph(rng, canvas), seen, covered)

    def _lay(self, rng: np.random.Generator) -> list[Sprite]:
        """Sprites in their places, from the lowest to the topmost, all of them visible."""
        count = int(rng.integers(7, max(9, round(self._most)) + 1))
        while True:
            laid = keep_visible(self._drop(rng, count), self.width, self.height)
            if sum(sprite.kind in self._labelled for sprite in laid) >= FEWEST:
                return laid
            count = min(count + 1, SPRITES)

    def _drop(self, rng: np.random.Generator, count: int) -> list[Sprite]:
        placed: list[tuple[float, float, float]] = []
        laid = []
        loose = SPRITES + rng.integers(0, SPRITES // 4, int(rng.integers(0, 4)))
        chosen = rng.permutation(np.concatenate([rng.permutation(SPRITES)[:count], loose])).tolist()
        for number in chosen:
            sprite = self._sprite(number)
            x, y = _draw_centre(rng, placed, sprite.radius, self.width, self.height)
            placed.append((x, y, sprite.radius))
            laid.append(sprite.at(round(x), round(y), mirrored=bool(rng.random() < 0.5)))
        return laid

    def _sprite(self, number: int) -> Sprite:
        """Sprite `number`, the same one whenever it is asked for; from SPRITES on they are clutter."""
        if number not in self._sprites:
            seed = (*self._seed, 2, number)
            rng, proportions = np.random.default_rng(seed), Proportions((*seed, 1), withheld=self._withheld)
            kind = self._draw_kind(rng, number)
            radius = self._common * float(np.exp(rng.normal(0, 0.3)))
            # A bolt is slim, and so are wires: their length may exceed what other parts measure across.
            scale = radius * (rng.uniform(1.0, 1.7) if kind == "bolt" or kind in WIRE_KINDS else 1)
            tilt = np.array(self.lean) + rng.normal(0, 0.05, 2)
            pose = Pose((0, 0), scale, float(rng.uniform(0, 2 * np.pi)), (float(tilt[0]), float(tilt[1])))
            surface = look(draw_shape(proportions, kind, scale), pose)
            self._sprites[number] = Sprite(kind, surface, contact_shadow(surface), radius)
        return self._sprites[number]

    def _draw_kind(self, rng: np.random.Generator, number: int) -> str:
        if number >= SPRITES:
            return str(rng.choice(list(CLUTTER)))
        return str(rng.choice(list(OTHERS) if rng.random() < self._others else HARDWARE))


def draw_shape(rng: np.random.Generator, kind: str, scale: float) -> Shape:
    """A shape for a part of `scale` pixels radius; details finer than the pixels are left out."""
    if kind == "bolt":
        return parts.bolt(rng, 3.2 / scale)
    if kind == "gear":
        return parts.gear(rng, int(2 * np.pi * scale / 5))
    plain = {"nut": parts.nut, "washer": parts.washer, **OTHERS, **CLUTTER}
    return plain[kind](rng)


def _draw_material(rng: np.random.Generator, kind: str) -> Material:
    plain = {"cable": 1.0, "scrap": 1.0, "rod": 0.4, "o-ring": 0.8, "knob": 0.7, "fan": 0.5}.get(kind, 0.0)
    return draw_plain(rng) if rng.random() < plain else draw_metal(rng)


def _draw_centre(
    rng: np.random.Generator, placed: Sequence[tuple[float, float, float]], radius: float, width: int, height: int
) -> tuple[float, float]:
    """A centre for a part of that radius: at times half across a placed (x, y, radius), else the freest of 12."""
    if placed and rng.random() < OVERLAPPED:
        x, y, other = placed[int(rng.integers(len(placed)))]
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.95) * (radius + other)
        x, y = x + distance * np.cos(angle), y + distance * np.sin(angle)
        return float(np.clip(x, 0, width)), float(np.clip(y, 0, height))
    throws = rng.uniform((0.02 * width, 0.02 * height), (0.98 * width, 0.98 * height), (12, 2)).tolist()
    room = [min((float(np.hypot(x - a, y - b)) - r for a, b, r in placed), default=np.inf) for x, y in throws]
    free = next((i for i, gap in enumerate(room) if gap > 1.05 * radius), int(np.argmax(room)))
    return throws[free][0], throws[free][1]


def keep_visible(laid: Sequence[Sprite], width: int, height: int) -> list[Sprite]:
    """The sprites of which MIN_VISIBLE is seen, in their order; judged from the top, for what goes hides nothing."""
    hidden = np.zeros((height, width), bool)
    kept = []
    for sprite in reversed(laid):
        there, here = sprite.place(hidden.shape)
        body = sprite.surface.alpha > 0.5
        if np.count_nonzero(body[here] & ~hidden[there]) >= MIN_VISIBLE * np.count_nonzero(body):
            hidden[there] |= body[here]
            kept.append(sprite)
    return kept[::-1]
