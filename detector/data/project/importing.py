"""A labelled data set comes into a project, all of it or nothing, and can be taken back while the project is open.

A million boxes take many seconds, and the window must not wait for the store that long. So an import is a row of short
transactions: the first notes it as under way, each of the others takes some images with their boxes and keeps what
these had, the last notes it as done. Where something ends it on the way, the part that came is taken back at once or,
after a kill, when the project is opened next. Undo and redo go the same way: rows of this side and of the other one
change places.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import numpy as np

from detector.boxes import iou
from detector.data.annotations import OURS, Box, Dataset, ImageEntry, Rectangle
from detector.data.checks import DUPLICATE_IOU
from detector.data.project import exchange, shelf
from detector.data.project.database import Database, bound
from detector.data.project.records import ProjectBox, State
from detector.data.project.rows import BOXES, CLASSES, to_json
from detector.errors import ProjectError

_NOTE = f"INSERT INTO import_images (import_id, image_id, is_in, {shelf.IMAGE})"  # what an image has without the import


class Mode(StrEnum):
    """What becomes of the labels that pictures of the data set have already."""

    MERGE = "merge"  # they stay; what the data set has besides is added, but to reviewed images
    REPLACE = "replace"  # they go


@dataclass(frozen=True)
class Imported:
    """An import that is done, `step` names it; how many boxes came, on how many images, and how many went."""

    step: int
    boxes: int
    images: int
    replaced: int


def bring_in(
    database: Database, dataset: Dataset, paths: Mapping[int, Path], *, folder: Path, first_id: int, mode: Mode
) -> Iterator[int | Imported]:
    """Does it; gives how many boxes have been dealt with, at last the Imported. Closing it takes back what came.

    paths: image id → file below the folder; sizes of such images must be as displayed. Images without one are kept
    under the path that the data set has for them, if that leads nowhere else, so that an export loses nothing.
    first_id: of `ids_needed` free ids. Raises ProjectError.
    """
    first_box = first_id + 1 + len(dataset.classes)
    span = (first_box, first_box + len(dataset.boxes))
    class_ids = _begin(database, dataset, first_id, span, mode)
    try:
        target, boxes, images, done = _Target(database, first_id, folder, mode, class_ids), 0, 0, 0
        for chunk in _chunks(dataset):
            with database.transaction() as connection:
                _check_under_way(connection, first_id)
                made: list[ProjectBox] = []
                for image, of_image in chunk:
                    image_id, new = target.take_in(connection, image, of_image, file=paths.get(image.id))
                    if image_id is not None:
                        first = first_box + boxes + len(made)
                        made += exchange.project_boxes(new, image_id, class_ids, first_id=first)
                        images += bool(new)
                    done += len(of_image)
                BOXES.insert(connection, made)
            boxes += len(made)
            yield done
        with database.transaction() as connection:
            connection.execute("UPDATE imports SET is_moving = 0 WHERE id = ?", (first_id,))
        yield Imported(first_id, boxes, images, target.replaced)
    except BaseException:
        with suppress(ProjectError):  # of a full disk, say: it is taken back when the project is opened next
            recover(database)
        raise


def ids_needed(dataset: Dataset) -> int:
    """How many ids an import takes: for itself, its classes and its boxes."""
    return 1 + len(dataset.classes) + len(dataset.boxes)


def switch(database: Database, step: int, *, is_in: bool) -> Iterator[int]:
    """Takes an import back, or brings it in again; gives how many boxes have moved. Raises ProjectError."""
    ((first, end, replaces),) = database.rows("SELECT first_box, end_box, replaces FROM imports WHERE id = ?", (step,))
    with database.transaction() as connection:
        connection.execute("UPDATE imports SET is_moving = 1 WHERE id = ?", (step,))
        if is_in:
            shelf.swap_heads(connection, step)
    own, others = f"id >= {first} AND id < {end}", f"(id < {first} OR id >= {end})"
    here = f"{others} AND image_id IN (SELECT image_id FROM import_images WHERE import_id = {step})"
    moves = [(shelf.shelve, here), (shelf.unshelve, own)] if is_in else [(shelf.shelve, own), (shelf.unshelve, others)]
    moved = 0
    for move, which in moves:
        after: int | None = 0 if replaces or which == own else None
        while after is not None:
            with database.transaction() as connection:
                number, after = move(connection, step, which, after)
            moved += number
            yield moved
    after = 0
    while after is not None:
        with database.transaction() as connection:
            after = shelf.swap_images(connection, step, after)
    with database.transaction() as connection:
        if not is_in:
            shelf.swap_heads(connection, step)
        connection.execute("UPDATE imports SET is_moving = 0 WHERE id = ?", (step,))


def recover(database: Database) -> None:
    """Takes back what an interrupted import, or an interrupted undo or redo of one, has left. Raises ProjectError."""
    for step, first, end, is_in in database.rows("SELECT id, first_box, end_box, is_in FROM imports WHERE is_moving"):
        with database.transaction() as connection:
            connection.execute("DELETE FROM boxes WHERE id >= ? AND id < ?", (first, end))
            connection.execute("DELETE FROM shelved_boxes WHERE step = ? AND id >= ? AND id < ?", (step, first, end))
            shelf.unshelve(connection, step, "true", 0, limit=-1)
            after: int | None = 0
            while after is not None:
                after = shelf.swap_images(connection, step, after, which="is_in")
            if is_in:
                shelf.swap_heads(connection, step)
            for table, column in (("imports", "id"), ("import_images", "import_id"), ("import_classes", "import_id")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (step,))


def forget(database: Database) -> None:
    """No import of an earlier session can be taken back. Raises ProjectError."""
    if database.rows("SELECT 1 FROM imports LIMIT 1"):
        with database.transaction() as connection:
            for table in ("imports", "import_images", "import_classes"):
                connection.execute(f"DELETE FROM {table}")


def _begin(database: Database, dataset: Dataset, step: int, boxes: tuple[int, int], mode: Mode) -> dict[int, int]:
    """Notes the import and brings in its classes; the data set's class id → the project's."""
    new_ids = iter(range(step + 1, step + 1 + len(dataset.classes)))
    with database.transaction() as connection:
        class_ids, added = exchange.match_classes(dataset, CLASSES.select(database, "ORDER BY position, id"), new_ids)
        CLASSES.insert(connection, added)
        hide = "UPDATE classes SET hidden = 1 WHERE id = ?"
        connection.executemany(hide, [(item.id,) for item in added])  # as they are without the import
        stored = database.rows("SELECT value FROM settings WHERE key = ?", (exchange.COCO_EXTRA,))
        before = json.loads(stored[0][0]) if stored else {}
        extra = {**dataset.extra, **(before if mode is Mode.MERGE else {})}
        if merged := {**exchange.merged_categories(before), **_merged(dataset, class_ids, database)}:
            extra[OURS] = {exchange.CATEGORIES: merged}
        values = (step, *boxes, mode is Mode.REPLACE, True, False, to_json(extra) if extra else None)
        connection.execute("INSERT INTO imports VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        shown = [(step, class_id) for class_id in set(class_ids.values())]
        connection.executemany("INSERT INTO import_classes VALUES (?, ?, 0, NULL)", shown)
        shelf.swap_heads(connection, step)
    return class_ids


def _merged(dataset: Dataset, class_ids: Mapping[int, int], database: Database) -> dict[int, int]:
    """The data set's class id → the project's, of classes that have another category here."""
    own = {item.id: item.category_id for item in CLASSES.select(database)}
    return {number: class_id for number, class_id in class_ids.items() if own[class_id] != number}


def _check_under_way(connection: Connection, step: int) -> None:
    """Raises ProjectError where the project was closed and opened anew meanwhile, which has taken the import back."""
    if not connection.execute("SELECT 1 FROM imports WHERE id = ? AND is_moving", (step,)).fetchone():
        raise ProjectError("The project was opened anew meanwhile, so the import was taken back; start it again.")


def _chunks(dataset: Dataset) -> Iterator[list[tuple[ImageEntry, Sequence[Box]]]]:
    """Images with their boxes, some hundred boxes or images at a time."""
    chunk: list[tuple[ImageEntry, Sequence[Box]]] = []
    weight = 0
    for image, boxes in zip(dataset.images, dataset.boxes_by_image().values(), strict=True):
        chunk.append((image, boxes))
        weight += 2 + len(boxes)
        if weight >= shelf.AT_ONCE:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


class _Target:
    """The images of a store while a data set comes in."""

    def __init__(self, database: Database, step: int, folder: Path, mode: Mode, class_ids: Mapping[int, int]) -> None:
        self.replaced = 0
        self._database, self._step, self._folder, self._mode = database, step, folder, mode
        self._class_ids = class_ids
        self._ids = {path: image_id for image_id, path in database.rows("SELECT id, path FROM images")}
        self._taken = set(self._ids.values())
        self._reviewed = {row[0] for row in database.rows("SELECT id FROM images WHERE state = 'reviewed'")}
        self._with_boxes = {row[0] for row in database.rows("SELECT DISTINCT image_id FROM boxes")}
        self._seen: set[int] = set()

    def take_in(
        self, connection: Connection, image: ImageEntry, boxes: Sequence[Box], *, file: Path | None
    ) -> tuple[int | None, Sequence[Box]]:
        """Stores what the data set says of an image; its id here, None where it is left alone, and the boxes to add."""
        path = exchange.stored_path(self._folder, image, file)
        if path is None:
            return None, ()
        image_id = self._ids.get(path)
        if image_id is None:
            return self._insert(connection, image, path, boxes, missing=file is None), boxes
        merges = self._mode is Mode.MERGE
        if merges and image_id in self._reviewed:
            return None, ()
        if image_id in self._seen:  # listed twice
            return image_id, boxes
        self._seen.add(image_id)
        keeps = merges and image_id in self._with_boxes
        if keeps:
            boxes = self._new_ones(image_id, boxes)
        elif image_id in self._with_boxes:
            self.replaced += shelf.shelve(connection, self._step, f"image_id = {image_id}", 0, limit=-1)[0]
        extra = exchange.stored_extra(image, image_id, missing=file is None)
        self._update(connection, image_id, image, extra, has_boxes=bool(boxes), keeps=keeps)
        return image_id, boxes

    def _insert(
        self, connection: Connection, image: ImageEntry, path: str, boxes: Sequence[Box], *, missing: bool
    ) -> int:
        """Stores an image that is not known here yet, as the data set has it; its id here."""
        free = 0 < image.id < exchange.LARGEST_ID and image.id not in self._taken
        state, side, ignored, note = exchange.said_of(image, State.STARTED if boxes else State.UNLABELLED)
        cursor = connection.execute(
            "INSERT INTO images (id, path, width, height, missing, state, split, ignored, note) "
            "VALUES (?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))",
            (
                *(image.id if free else None, bound(path), image.width, image.height, missing),
                *(state.value, side and side.value, ignored, bound(note)),
            ),
        )
        image_id = cursor.lastrowid
        assert image_id is not None
        if extra := exchange.stored_extra(image, image_id, missing=missing):
            connection.execute("UPDATE images SET extra = ? WHERE id = ?", (to_json(extra), image_id))
        connection.execute(f"{_NOTE} VALUES (?, ?, 1, 'unlabelled', NULL, 0, '', NULL)", (self._step, image_id))
        self._ids[path] = image_id
        self._taken.add(image_id)
        self._seen.add(image_id)
        return image_id

    def _update(
        self,
        connection: Connection,
        image_id: int,
        image: ImageEntry,
        extra: dict[str, Any],
        *,
        has_boxes: bool,
        keeps: bool,
    ) -> None:
        """Notes what the image had, and writes what it has now."""
        connection.execute(f"{_NOTE} SELECT ?, id, 1, {shelf.IMAGE} FROM images WHERE id = ?", (self._step, image_id))
        sql = "SELECT extra, width FROM images WHERE id = ?"
        before, known_width = connection.execute(sql, (image_id,)).fetchone()
        if keeps:
            kept = {**extra, **(json.loads(before) if before else {})}
            sql, values = "UPDATE images SET extra = ? WHERE id = ?", (to_json(kept) if kept else None, image_id)
            connection.execute(sql, values)
            return
        state, side, ignored, note = exchange.said_of(image, State.STARTED if has_boxes else State.UNLABELLED)
        connection.execute(
            "UPDATE images SET state = ?, split = ?, ignored = ?, note = CAST(? AS TEXT), extra = ? WHERE id = ?",
            (state, side, ignored, bound(note), to_json(extra) if extra else None, image_id),
        )
        if known_width is None and image.width is not None:
            size = (image.width, image.height, image_id)
            connection.execute("UPDATE images SET width = ?, height = ? WHERE id = ?", size)

    def _new_ones(self, image_id: int, boxes: Sequence[Box]) -> Sequence[Box]:
        """The boxes that do not lie on one of their class that the image has already."""
        present: dict[int, list[Rectangle]] = {}
        for box in BOXES.select(self._database, "WHERE image_id = ?", (image_id,)):
            present.setdefault(box.class_id, []).append(box.xyxy)
        return [box for box in boxes if not _lies_on(box, present.get(self._class_ids[box.class_id], []))]


def _lies_on(box: Box, others: Sequence[Rectangle]) -> bool:
    return bool(others) and float(iou(np.array([box.xyxy]), np.array(others)).max()) >= DUPLICATE_IOU
