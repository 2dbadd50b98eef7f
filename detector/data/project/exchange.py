"""A project as a data set and back: for COCO files, export and training. What the format cannot say goes into a key of
our own, so that a file that was written here says it when it is read here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from detector.data import classes
from detector.data.annotations import FLAGS, OURS, Box, Dataset, ImageEntry, ObjectClass, said
from detector.data.coco import LARGEST_ID
from detector.data.images import size
from detector.data.matching import safe_path
from detector.data.project.colours import class_colour
from detector.data.project.mapping import free_category_ids
from detector.data.project.records import Origin, ProjectBox, ProjectClass, ProjectImage, State
from detector.data.split import Side
from detector.errors import ImageError

COCO_EXTRA = "coco"  # the setting that keeps what else an imported file said; of ours, what it called merged classes
CATEGORIES = "categories"  # the key of `merged_categories`
_Kind = TypeVar("_Kind", bound=StrEnum)
_Default = TypeVar("_Default", bound=StrEnum | None)


def to_dataset(
    images: Sequence[ProjectImage], listed: Sequence[ProjectClass], boxes: Iterable[ProjectBox], extra: Mapping
) -> Dataset:
    """The data set of these images; boxes of other images are left out. Ids are those of `coco_ids`."""
    image_ids, categories = coco_ids(images, listed)
    shared: dict[tuple[Any, ...], dict[str, Any]] = {}
    return Dataset(
        tuple(_entry(image, image_ids[image.id]) for image in images),
        tuple(ObjectClass(categories[item.id], item.name, item.extra) for item in listed),
        tuple(
            _box(box, image_ids[box.image_id], categories[box.class_id], shared)
            for box in boxes
            if box.image_id in image_ids
        ),
        _without_ours(extra),
    )


def merged_categories(extra: Mapping[str, Any]) -> dict[int, int]:
    """Category → class id, where imported files have a class under another category; by `extra` as it is kept."""
    return {int(category): class_id for category, class_id in said(extra).get(CATEGORIES, {}).items()}


def coco_ids(images: Sequence[ProjectImage], listed: Sequence[ProjectClass]) -> tuple[dict[int, int], dict[int, int]]:
    """Image id → the one in COCO files, that of the imported file where there was one; and class id → category."""
    wanted = {image.id: said(image.extra).get("id") for image in images}
    image_ids: dict[int, int] = {}
    taken: set[int] = set()
    for keeps_own in (False, True):  # imported ids first
        for image_id, original in wanted.items():
            number = image_id if keeps_own else original
            if (
                image_id not in image_ids
                and isinstance(number, int)
                and 0 < number < LARGEST_ID
                and number not in taken
            ):
                image_ids[image_id] = number
                taken.add(number)
    new = count(max(taken, default=0) + 1)
    image_ids |= {image_id: next(new) for image_id in wanted if image_id not in image_ids}
    return image_ids, _category_ids(listed)


def with_size(image: ProjectImage, folder: Path) -> ProjectImage:
    """The image with its size from the file's header, where it is not known yet and the file can be read."""
    if image.width is not None:
        return image
    try:
        width, height = size(folder / image.path)
    except ImageError:
        return image
    return replace(image, width=width, height=height)


def project_boxes(
    boxes: Sequence[Box], image_id: int, class_ids: Mapping[int, int], *, first_id: int
) -> list[ProjectBox]:
    """The boxes of a data set as those of an image here; class_ids: the data set's class id → the project's."""
    return [_project_box(box, box_id, image_id, class_ids[box.class_id]) for box_id, box in enumerate(boxes, first_id)]


def stored_path(folder: Path, image: ImageEntry, file: Path | None) -> str | None:
    """Under which path an image is stored, None where it lies elsewhere or its name leads there."""
    return safe_path(image.path) if file is None else _path_below(folder, file)


def stored_extra(image: ImageEntry, image_id: int, *, missing: bool) -> dict[str, Any]:
    """What is kept of a data set's image: unknown keys, and its id there, if it got another one here.

    Without a file always something is kept, which tells that a data set lists it, so that an export does, too.
    """
    extra = _without_ours(image.extra)
    return extra if image.id == image_id and not missing else {**extra, OURS: {"id": image.id}}


def said_of(image: ImageEntry, otherwise: State) -> tuple[State, Side | None, bool, str]:
    """State, side, whether it is ignored, and the note that a data set gives an image; `otherwise`: without a state."""
    ours = said(image.extra)
    state, side = _member(State, ours.get("state"), otherwise), _member(Side, ours.get("split"), None)
    return state, side, bool(ours.get("ignored")), str(ours.get("note", ""))


def match_classes(
    dataset: Dataset, present: Sequence[ProjectClass], new_ids: Iterator[int]
) -> tuple[dict[int, int], list[ProjectClass]]:
    """The data set's class id → the project's, and the classes that the project lacks."""
    names = [item.name for item in dataset.classes]
    matched = classes.match(names, [ObjectClass(item.id, item.name) for item in present])
    taken = {item.category_id for item in present}
    position = max((item.position for item in present), default=-1)
    ids: dict[int, int] = {}
    added: list[ProjectClass] = []
    for number, item in enumerate(dataset.classes):
        ids[item.id] = matched[number] if number in matched else next(new_ids)
        if number not in matched:
            position += 1
            is_free = item.id not in taken and abs(item.id) < LARGEST_ID
            category_id = item.id if is_free else next(free_category_ids(taken))
            taken.add(category_id)
            colour = class_colour(position)
            added.append(ProjectClass(ids[item.id], item.name, colour, position, category_id, extra=item.extra))
    return ids, added


def _category_ids(listed: Sequence[ProjectClass]) -> dict[int, int]:
    """Class id → a COCO category that no other class has."""
    ids: dict[int, int] = {}
    for item in listed:
        taken = {*ids.values(), *(other.category_id for other in listed)}
        repeated = item.category_id in ids.values()
        ids[item.id] = next(free_category_ids(taken)) if repeated else item.category_id
    return ids


def _entry(image: ProjectImage, image_id: int) -> ImageEntry:
    values = {"state": image.state.value, "split": image.split and image.split.value}
    values |= {"ignored": image.ignored, "note": image.note}
    ours = {key: value for key, value in values.items() if value}
    return ImageEntry(image_id, image.path, image.width, image.height, {**image.extra, OURS: ours})


def _box(box: ProjectBox, image_id: int, category_id: int, shared: dict[tuple[Any, ...], dict[str, Any]]) -> Box:
    """`shared` holds what many boxes have in common: a million copies would fill the memory."""
    key = (box.origin, box.model, box.occluded, box.truncated, box.difficult)
    extra = shared.get(key)
    if extra is None:
        values = {"origin": box.origin.value, "model": box.model, **{flag: getattr(box, flag) for flag in FLAGS}}
        extra = shared[key] = {OURS: {name: value for name, value in values.items() if value}}
    return Box(
        image_id, category_id, box.xyxy, box.iscrowd, None, {**box.extra, **extra} if box.extra else extra, box.coco_id
    )


def _project_box(box: Box, box_id: int, image_id: int, class_id: int) -> ProjectBox:
    coco_id = box.id if box.id is not None and 0 < box.id < LARGEST_ID else None
    if OURS not in box.extra:  # first: there are millions
        plain = (box.xyxy, Origin.IMPORTED, None, box.score, box.iscrowd)
        return ProjectBox(box_id, image_id, class_id, *plain, extra=box.extra, coco_id=coco_id)
    ours = said(box.extra)
    model = ours.get("model")
    return ProjectBox(
        id=box_id,
        image_id=image_id,
        class_id=class_id,
        xyxy=box.xyxy,
        origin=_member(Origin, ours.get("origin"), Origin.IMPORTED),
        model=model if isinstance(model, str) else None,
        score=box.score,
        iscrowd=box.iscrowd,
        extra=_without_ours(box.extra),
        coco_id=coco_id,
        **{flag: bool(ours.get(flag)) for flag in FLAGS},
    )


def _without_ours(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if key != OURS}


def _member(kind: type[_Kind], value: object, otherwise: _Default) -> _Kind | _Default:
    return next((member for member in kind if member.value == value), otherwise)


def _path_below(folder: Path, file: Path) -> str | None:
    """The file's path relative to the folder, None where it is elsewhere."""
    path = Path(os.path.relpath(file, folder)).as_posix()
    return None if path.startswith("../") else path
