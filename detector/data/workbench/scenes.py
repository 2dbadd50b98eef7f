"""Scenes of hardware on a workbench: what lies where, what is seen of it, and the picture with its boxes.

Every picture has a random generator of its own, so any subset can be made in any order and comes out the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.data import coco
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.workbench import clutter, parts
from detector.data.workbench.backgrounds import bench_top
from detector.data.workbench.camera import light_pool, photograph
from detector.data.workbench.shading import Material, cast_shadow, draw_light, draw_metal, draw_plain, overlap, shade
from detector.data.workbench.surfaces import Pose, Shape, Surface, look

CLASSES = tuple(ObjectClass(i, name) for i, name in enumerate(("nut", "washer", "bolt", "gear"), 1))
NUT, WASHER, BOLT, GEAR = (item.id for item in CLASSES)
UNLABELLED = 0
MIN_VISIBLE = 0.35
OVERLAPPED = 0.3
JPEG_QUALITY = 88


def scene(seed: int, index: int, *, width: int = 640, height: int = 480) -> tuple[NDArray[np.uint8], list[Box]]:
    """Picture `index` of the series `seed`: RGB (height, width, 3) and its boxes, with image_id = index + 1.

    A box spans the part's own silhouette, cut off at the picture's border, also where another part lies on it.
    """
    rng = np.random.default_rng((seed, index))
    lean = (float(rng.normal(0, 0.06)), rng.uniform(0, 0.55))
    canvas = bench_top(rng, width=width, height=height, lean=lean[1])
    light = draw_light(rng, lean, np.array(cv2.mean(canvas)[:3], np.float32))
    things = _keep_visible(_draw_things(rng, lean, width, height), width, height)
    for thing in things:
        cast_shadow(canvas, thing.surface, light)
        there, here = thing.place(canvas.shape)
        colours = shade(rng, thing.surface, thing.material, light)[here]
        canvas[there] += thing.surface.alpha[here][..., None] * (colours - canvas[there])
    canvas *= light_pool(rng, width=width, height=height)
    boxes = [_box(thing, index + 1, width, height) for thing in things if thing.class_id != UNLABELLED]
    return photograph(rng, canvas), boxes


def write_folder(folder: Path, *, count: int, seed: int, width: int = 640, height: int = 480) -> Iterator[Path]:
    """Write the first `count` pictures of a series to `folder`/images, yielding each; then labels.json (COCO)."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, boxes = [], []
    for index in range(count):
        picture, found = scene(seed, index, width=width, height=height)
        name = f"images/{index + 1:0{max(4, len(str(count)))}d}.jpg"
        coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        (folder / name).write_bytes(coded.tobytes())
        images.append(ImageEntry(index + 1, name, width, height))
        boxes += found
        yield folder / name
    coco.write(Dataset(tuple(images), CLASSES, tuple(boxes)), folder / "labels.json")


@dataclass(frozen=True)
class _Thing:
    """A part of a class, or clutter, as it is seen, and what it is made of."""

    class_id: int
    surface: Surface
    material: Material

    def place(self, canvas: tuple[int, ...]) -> tuple[tuple[slice, slice], ...]:
        return overlap(self.surface.x, self.surface.y, self.surface.alpha.shape, canvas)


def _draw_things(rng: np.random.Generator, lean: tuple[float, float], width: int, height: int) -> list[_Thing]:
    """The things of a scene from the lowest to the topmost, wherever they fall."""
    count, loose = int(rng.integers(7, 17)), int(rng.integers(0, 5))
    classes = rng.permutation(np.concatenate([rng.integers(1, 5, count), np.full(loose, UNLABELLED)])).tolist()
    common = max(width, height) * rng.uniform(0.034, 0.075)
    placed: list[tuple[float, float, float]] = []
    things = []
    for class_id in classes:
        radius = common * float(np.exp(rng.normal(0, 0.3)))
        x, y = _draw_centre(rng, placed, radius, width, height)
        placed.append((x, y, radius))
        # Further away is smaller; a bolt is slim, and its length may exceed what other parts measure.
        scale = radius * (1 + 0.45 * lean[1] * (y / height - 0.5)) * (rng.uniform(1.0, 1.9) if class_id == BOLT else 1)
        shape, material = _draw_part(rng, class_id, scale)
        tilt = np.array(lean) + rng.normal(0, 0.05, 2)
        pose = Pose((x, y), scale, rng.uniform(0, 2 * np.pi), (float(tilt[0]), float(tilt[1])))
        things.append(_Thing(class_id, look(shape, pose), material))
    return things


def _draw_centre(
    rng: np.random.Generator, placed: list[tuple[float, float, float]], radius: float, width: int, height: int
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


def _draw_part(rng: np.random.Generator, class_id: int, scale: float) -> tuple[Shape, Material]:
    """A shape for a part of `scale` pixels radius, and its material; details finer than the pixels are left out."""
    if class_id == UNLABELLED:
        kind = (clutter.coin, clutter.rod, clutter.cable, clutter.scrap)[int(rng.integers(4))]
        metal = kind is clutter.coin or (kind is clutter.rod and rng.random() < 0.6)
        return kind(rng), draw_metal(rng) if metal else draw_plain(rng)
    metal = draw_metal(rng)
    if class_id == BOLT:
        return parts.bolt(rng, 3.2 / scale), metal
    if class_id == GEAR:
        return parts.gear(rng, int(2 * np.pi * scale / 5)), metal
    return (parts.nut if class_id == NUT else parts.washer)(rng), metal


def _keep_visible(things: list[_Thing], width: int, height: int) -> list[_Thing]:
    """The things of which MIN_VISIBLE is seen, in the same order; judged from the top, for what goes hides nothing."""
    hidden = np.zeros((height, width), bool)
    kept = []
    for thing in reversed(things):
        there, here = thing.place(hidden.shape)
        body = thing.surface.alpha > 0.5
        if np.count_nonzero(body[here] & ~hidden[there]) >= MIN_VISIBLE * np.count_nonzero(body):
            hidden[there] |= body[here]
            kept.append(thing)
    return kept[::-1]


def _box(thing: _Thing, image_id: int, width: int, height: int) -> Box:
    """The extent of the part's own silhouette within the picture."""
    (rows, columns), here = thing.place((height, width))
    x, y, wide, high = cv2.boundingRect((thing.surface.alpha[here] > 0.5).astype(np.uint8))
    left, top = float(columns.start + x), float(rows.start + y)
    return Box(image_id, thing.class_id, (left, top, left + wide, top + high))
