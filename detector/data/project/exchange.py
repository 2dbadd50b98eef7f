"""A project as a data set and back: for COCO files, export and training. What the format cannot say goes into a key of
our own, so that a file that was written here says it when it is read here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path, PurePosixPath
from sqlite3 import Connection
from typing import Any, TypeVar

from detector.data import classes
from detector.data.annotations import FLAGS, OURS, Box, Dataset, ImageEntry, ObjectClass
from detector.data.images import size
from detector.data.project.colours import class_colour
from detector.data.project.database import Database, bound
from detector.data.project.mapping import free_category_ids
from detector.data.project.records import Origin, ProjectBox, ProjectClass, ProjectImage, State
from detector.data.project.rows import BOXES, CLASSES, to_json
from detector.data.split import Side
from detector.errors import ImageError

LARGEST_ID = 2**53  # that is kept; other programs' JSON holds no larger numbers exactly
_Kind = TypeVar("_Kind", bound=StrEnum)
_Default = TypeVar("_Default", bound=StrEnum | None)


def to_dataset(
    images: Sequence[ProjectImage], listed: Sequence[ProjectClass], boxes: Iterable[ProjectBox], extra: Mapping
) -> Dataset:
    """The data set of these images; boxes of other images are left out. Classes go by their COCO categories."""
    categories = _category_ids(listed)
    wanted = {image.id for image in images}
    return Dataset(
        tuple(_entry(image) for image in images),
        tuple(ObjectClass(categories[item.id], item.name, item.extra) for item in listed),
        tuple(_box(box, categories[box.class_id]) for box in boxes if box.image_id in wanted),
        extra,
    )


def with_size(image: ProjectImage, folder: Path) -> ProjectImage:
    """The image with its size from the file's header, where it is not known yet and the file can be read."""
    if image.width is not None:
        return image
    try:
        width, height = size(folder / image.path)
    except ImageError:
        return image
    return replace(image, width=width, height=height)


def store_dataset(
    database: Database, dataset: Dataset, paths: Mapping[int, Path], *, folder: Path, new_ids: Iterator[int]
) -> None:
    """Stores images, classes and boxes of a data set in one transaction. Raises ProjectError.

    `paths`: image id → file below the folder. Images without one are kept under the path that the data set has for
    them, if that leads nowhere else. Images that have boxes already, or are reviewed, stay as they are. New images keep
    their ids if these are free. `new_ids` must hold one for each class and box.
    """
    with database.transaction() as connection:
        class_ids, added = _match_classes(dataset, CLASSES.select(database, "ORDER BY position, id"), new_ids)
        CLASSES.insert(connection, added)
        shown = [(class_id,) for class_id in class_ids.values()]
        connection.executemany("UPDATE classes SET hidden = 0, pass_id = NULL WHERE id = ?", shown)
        target = _Target(database, connection)
        for image, boxes in zip(dataset.images, dataset.boxes_by_image().values(), strict=True):
            file = paths.get(image.id)
            path = _safe_path(image.path) if file is None else _path_below(folder, file)
            image_id = path and target.take_in(image, path, missing=file is None, started=bool(boxes))
            if image_id:
                made = [_project_box(box, next(new_ids), image_id, class_ids[box.class_id]) for box in boxes]
                BOXES.insert(connection, made)


class _Target:
    """The images of a store while a data set comes in."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._connection = connection
        self._ids = {path: image_id for image_id, path in database.rows("SELECT id, path FROM images")}
        worked_on = "SELECT image_id FROM boxes UNION SELECT id FROM images WHERE state = 'reviewed'"
        self._closed = {image_id for (image_id,) in database.rows(worked_on)}

    def take_in(self, image: ImageEntry, path: str, *, missing: bool, started: bool) -> int | None:
        """Stores what the data set says of an image; its id here, None where a person's work must not be touched."""
        image_id = self._ids.get(path)
        if image_id in self._closed:
            return None
        if image_id is None:
            image_id = self._ids[path] = self._insert(image, path, missing)
        said = _said(image.extra)
        state = _member(State, said.get("state"), State.STARTED if started else State.UNLABELLED)
        values = (state, _member(Side, said.get("split"), None), bool(said.get("ignored")), str(said.get("note", "")))
        extra = _without_ours(image.extra)
        self._connection.execute(
            "UPDATE images SET state = ?, split = ?, ignored = ?, note = CAST(? AS TEXT), extra = ? WHERE id = ?",
            (*values[:3], bound(values[3]), to_json(extra) if extra else None, image_id),
        )
        return image_id

    def _insert(self, image: ImageEntry, path: str, missing: bool) -> int:
        free = 0 < image.id < LARGEST_ID and image.id not in self._ids.values()
        # A file tells its size itself, upright; what the data set says may be of the picture as stored.
        known = (image.width, image.height) if missing else (None, None)
        cursor = self._connection.execute(
            "INSERT INTO images (id, path, width, height, missing) VALUES (?, CAST(? AS TEXT), ?, ?, ?)",
            (image.id if free else None, bound(path), *known, missing),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def _match_classes(
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


def _entry(image: ProjectImage) -> ImageEntry:
    said = {"state": image.state.value, "split": image.split and image.split.value}
    said |= {"ignored": image.ignored, "note": image.note}
    ours = {key: value for key, value in said.items() if value}
    return ImageEntry(image.id, image.path, image.width, image.height, {**image.extra, OURS: ours})


def _box(box: ProjectBox, category_id: int) -> Box:
    ours = {"origin": box.origin.value, "model": box.model, **{flag: getattr(box, flag) for flag in FLAGS}}
    said = {key: value for key, value in ours.items() if value}
    return Box(box.image_id, category_id, box.xyxy, box.iscrowd, extra={**box.extra, OURS: said})


def _project_box(box: Box, box_id: int, image_id: int, class_id: int) -> ProjectBox:
    said = _said(box.extra)
    model = said.get("model")
    return ProjectBox(
        id=box_id,
        image_id=image_id,
        class_id=class_id,
        xyxy=box.xyxy,
        origin=_member(Origin, said.get("origin"), Origin.IMPORTED),
        model=model if isinstance(model, str) else None,
        score=box.score,
        iscrowd=box.iscrowd,
        extra=_without_ours(box.extra),
        **{flag: bool(said.get(flag)) for flag in FLAGS},
    )


def _said(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """What this program wrote into the entry, whatever others made of it."""
    said = extra.get(OURS)
    return said if isinstance(said, Mapping) else {}


def _without_ours(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if key != OURS}


def _member(kind: type[_Kind], value: object, otherwise: _Default) -> _Kind | _Default:
    return next((member for member in kind if member.value == value), otherwise)


def _path_below(folder: Path, file: Path) -> str | None:
    """The file's path relative to the folder, None where it is elsewhere."""
    path = Path(os.path.relpath(file, folder)).as_posix()
    return None if path.startswith("../") else path


def _safe_path(name: str) -> str | None:
    """The path of a picture that is not there, None where it could lead out of the folder."""
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or ":" in name or not path.parts
    return None if leads_out else path.as_posix()
