"""Seeded series of scenes, and folders of them.

A picture depends on its seed and its number alone, so any of a series can be made in any order and comes out the same.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.data import coco
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.workbench.sittings import HARDWARE, Sitting

CLASSES = tuple(ObjectClass(i, name) for i, name in enumerate(HARDWARE, 1))
PER_SITTING = 5
JPEG_QUALITY = 88


def scene(
    seed: int, index: int, *, width: int = 640, height: int = 480, withheld: bool = False
) -> tuple[NDArray[np.uint8], list[Box]]:
    """Picture `index` of the series `seed`: RGB (height, width, 3) and its boxes, with image_id = index + 1.

    A box spans the part's own silhouette, cut off at the picture's border, also where another part lies on it. Parts
    that are of none of CLASSES have no box. `withheld`: of benches, lights and proportions that training never sees.
    """
    sitting = _sitting(seed, index // PER_SITTING, width, height, withheld)
    laid = sitting.scene(np.random.default_rng((seed, index)))
    ids = {item.name: item.id for item in CLASSES}
    return laid.picture, [Box(index + 1, ids[kind], box) for kind, box in laid.seen if kind in ids]


@lru_cache(maxsize=4)
def _sitting(seed: int, number: int, width: int, height: int, withheld: bool) -> Sitting:
    return Sitting((seed, number), width=width, height=height, withheld=withheld)


def write_folder(
    folder: Path, *, count: int, seed: int, width: int = 640, height: int = 480, withheld: bool = False
) -> Iterator[Path]:
    """Write the first `count` pictures of a series to `folder`/images, yielding each; then labels.json (COCO)."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, boxes = [], []
    for index in range(count):
        picture, found = scene(seed, index, width=width, height=height, withheld=withheld)
        name = f"images/{index + 1:0{max(4, len(str(count)))}d}.jpg"
        coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        (folder / name).write_bytes(coded.tobytes())
        images.append(ImageEntry(index + 1, name, width, height))
        boxes += found
        yield folder / name
    coco.write(Dataset(tuple(images), CLASSES, tuple(boxes)), folder / "labels.json")
