"""What a person should know of a data set before it is used: none of it is a reason to leave anything out."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass, Rectangle
from detector.data.images import size_and_turn
from detector.data.problems import Problem, Problems
from detector.errors import ImageError

DUPLICATE_IOU = 0.95
_BEYOND = 1  # px that a box may reach over its picture's border
_FURTHEST = 500  # places to look ahead for a duplicate, which bounds the time for whatever a file holds


def unused_classes(dataset: Dataset) -> tuple[ObjectClass, ...]:
    """The classes that no box has; among them the root class that some tools add above all others."""
    used = {box.class_id for box in dataset.boxes}
    return tuple(item for item in dataset.classes if item.id not in used)


def odd_entries(dataset: Dataset) -> tuple[Problem, ...]:
    """Root classes, pictures listed twice, boxes beyond their picture, and boxes that lie on top of each other."""
    problems = Problems()
    supercategories = {str(item.extra.get("supercategory")) for item in dataset.classes}
    for item in unused_classes(dataset):
        if item.name in supercategories and len(dataset.classes) > 1:
            message = f"class “{item.name}” (id {item.id}) has no boxes and is the supercategory of others"
            problems.add(message, kept=True)
    for path, times in Counter(image.path for image in dataset.images).items():
        if times > 1:
            problems.add(f"is listed {times} times", path, kept=True)
    images = {image.id: image for image in dataset.images}
    for image_id, number in _beyond(dataset, images).items():
        problems.add(f"{number} boxes reach beyond the picture", images[image_id].path, kept=True)
    for image_id, number in duplicates(dataset).items():
        problems.add(f"{number} boxes lie on another one of their class", images[image_id].path, kept=True)
    return problems.all()


def duplicates(dataset: Dataset) -> dict[int, int]:
    """Image id → number of boxes that another one of the same class covers at an IoU of 0.95 or more."""
    if len(dataset.boxes) < 2:
        return {}
    place = {image.id: number for number, image in enumerate(dataset.images)}
    kind = {item.id: number for number, item in enumerate(dataset.classes)}
    owner = np.array([place[box.image_id] * len(kind) + kind[box.class_id] for box in dataset.boxes], np.int64)
    xyxy = np.array([box.xyxy for box in dataset.boxes], np.float64)
    order = np.lexsort((xyxy[:, 0], owner))
    owner, xyxy = owner[order], xyxy[order]
    found = np.zeros(len(order), bool)
    first = np.arange(len(order) - 1)
    for ahead in range(1, min(len(order), _FURTHEST)):
        first = first[first + ahead < len(order)]
        a, b = xyxy[first], xyxy[first + ahead]
        near = (owner[first] == owner[first + ahead]) & (b[:, 0] - a[:, 0] <= (a[:, 2] - a[:, 0]) * (1 - DUPLICATE_IOU))
        first, a, b = first[near], a[near], b[near]
        if not len(first):
            break
        same = _paired_iou(a, b) >= DUPLICATE_IOU
        found[first[same] + ahead] = True
        first = first[~same]
    images = owner[found] // len(kind)
    return {dataset.images[number].id: times for number, times in sorted(Counter(images.tolist()).items())}


def upright(dataset: Dataset, paths: Mapping[int, Path]) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set with the sizes of its pictures as displayed, read from their files, and boxes to match.

    Labels made on a picture as stored, before its EXIF rotation, give the stored size away: their boxes are turned.
    """
    problems, turned = Problems(), dict[int, tuple[int, tuple[int, int]]]()
    images: list[ImageEntry] = []
    for image in dataset.images:
        size, turn = None, 1
        if image.id in paths:
            try:
                size, turn = size_and_turn(paths[image.id])
            except ImageError as error:
                problems.add(str(error).removeprefix(f"{paths[image.id]}: "), image.path, kept=True)
        if size is None:
            images.append(image)
            continue
        said = (image.width, image.height)
        if None not in said and said != size:
            if said == size[::-1] and turn >= 5:
                turned[image.id] = turn, size
                problems.add("labelled as stored, not as displayed: its boxes are turned", image.path, kept=True)
            else:
                message = f"is {size[0]} × {size[1]} pixels, and {said[0]} × {said[1]} in the labels"
                problems.add(message, image.path, kept=True)
        images.append(replace(image, width=size[0], height=size[1]) if said != size else image)
    boxes = dataset.boxes
    if turned:
        boxes = tuple(_turned(box, *turned[box.image_id]) if box.image_id in turned else box for box in boxes)
    return replace(dataset, images=tuple(images), boxes=boxes), problems.all()


def _beyond(dataset: Dataset, images: Mapping[int, ImageEntry]) -> Counter[int]:
    """Image id → number of boxes that reach beyond the picture."""
    found = Counter[int]()
    for box in dataset.boxes:
        image = images[box.image_id]
        width, height = image.width or math.inf, image.height or math.inf
        x1, y1, x2, y2 = box.xyxy
        if x1 < -_BEYOND or y1 < -_BEYOND or x2 > width + _BEYOND or y2 > height + _BEYOND:
            found[box.image_id] += 1
    return found


def _paired_iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union (N,) of boxes (N, 4) with those in the same rows of (N, 4)."""
    sides = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None)
    with np.errstate(over="ignore", invalid="ignore"):  # a file may say 1e300, which overlaps with nothing then
        shared = sides.prod(axis=1)
        return shared / ((a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - shared)


def _turned(box: Box, turn: int, size: tuple[int, int]) -> Box:
    """A box of the stored picture on the displayed one, whose size this is; `turn` is the EXIF orientation, 5 to 8."""
    extra = {key: value for key, value in box.extra.items() if key not in ("segmentation", "area")}
    return replace(box, xyxy=turned_rectangle(box.xyxy, turn, size), extra=extra)


def turned_rectangle(xyxy: Rectangle, turn: int, size: tuple[int, int]) -> Rectangle:
    """Where a rectangle of a stored picture is on the displayed one of width × height, at an EXIF orientation 5 … 8."""
    (y1, x1, y2, x2), (width, height) = xyxy, size  # rows and columns swapped
    if turn in (6, 7):
        x1, x2 = width - x2, width - x1
    if turn in (7, 8):
        y1, y2 = height - y2, height - y1
    return x1, y1, x2, y2
