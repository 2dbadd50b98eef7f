"""How a project's records lie in the rows of its tables, and how a change is written into them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from sqlite3 import Connection, IntegrityError
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from detector.data.project.database import Database, bound
from detector.data.project.records import (
    Change,
    KeptSetting,
    Origin,
    PassClasses,
    ProjectBox,
    ProjectClass,
    ProjectImage,
    Rejection,
    State,
)
from detector.data.split import Side
from detector.errors import ProjectError

Record = TypeVar("Record", ProjectBox, ProjectClass, Rejection, ProjectImage)
Row = tuple[Any, ...]
_AT_ONCE = 1000  # rows inserted in one go, in some milliseconds


@dataclass(frozen=True)
class Table(Generic[Record]):
    """A table: its columns, `id` first; a record's values in that order, and the record of such values."""

    name: str
    columns: tuple[str, ...]
    values: Callable[[Record], Row]
    record: Callable[[Row], Record]

    def select(self, database: Database, where: str = "", parameters: Sequence[Any] = ()) -> tuple[Record, ...]:
        """The records that a condition (WHERE …, ORDER BY …) picks. Raises ProjectError."""
        return tuple(self.stream(database, where, parameters))

    def stream(self, database: Database, where: str = "", parameters: Sequence[Any] = ()) -> Iterator[Record]:
        """As `select`, one by one: a million need not be in memory together. Raises ProjectError."""
        sql = f"SELECT {', '.join(self.columns)} FROM {self.name} {where}"
        rows = database.stream(sql, parameters)
        with database.understanding():
            yield from map(self.record, rows)

    def insert(self, connection: Connection, records: Sequence[Record]) -> None:
        """Writes new rows, some at a time: what is done to all of them in one go keeps other threads waiting."""
        for start in range(0, len(records), _AT_ONCE):
            self._insert(connection, list(map(self.values, records[start : start + _AT_ONCE])))

    def _insert(self, connection: Connection, rows: list[Row]) -> None:
        """Columns that no row fills are left out, since None costs more than a number."""
        filled = [place for place, values in enumerate(zip(*rows, strict=True)) if any(it is not None for it in values)]
        if len(filled) < len(self.columns):
            rows = list(map(itemgetter(*filled), rows)) if filled else []
        names = [self.columns[place] for place in filled]
        sql = f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({', '.join(map(_slot, names))})"
        connection.executemany(sql, rows)


def store_change(database: Database, change: Change) -> None:
    """Writes all of a change in one transaction, or nothing. Raises ProjectError as `changing` does."""
    with changing(database) as connection:
        write_change(connection, change)


@contextmanager
def changing(database: Database) -> Iterator[Connection]:
    """A transaction for changes.

    Raises ProjectError, also where a row is not as the change found it: another window was quicker.
    """
    try:
        with database.transaction() as connection:
            connection.execute("PRAGMA defer_foreign_keys = ON")  # rows may come in any order
            yield connection
    except (IntegrityError, _StaleError) as error:
        raise ProjectError(
            f"{database.path}: another window has changed the same boxes meanwhile, so this change was not stored; "
            "close that window and open the folder again."
        ) from error


def write_change(connection: Connection, change: Change) -> None:
    """Writes a change within `changing`."""
    _write_rows(connection, CLASSES, change.classes)
    _write_rows(connection, BOXES, change.boxes)
    _write_rows(connection, REJECTIONS, change.rejections)
    for before, after in change.images:
        _update_image(connection, before, after)
    for _, after in change.passes:
        _update_pass(connection, after)
    if change.passes:
        show_and_hide(connection)
    for _, after in change.settings:
        _put_setting(connection, after)


def _write_rows(
    connection: Connection, table: Table[Record], pairs: Sequence[tuple[Record | None, Record | None]]
) -> None:
    table.insert(connection, [after for before, after in pairs if before is None and after is not None])
    for before, after in pairs:
        if before is not None:
            _replace_row(connection, table, before, after)


def show_and_hide(connection: Connection) -> None:
    """Of the classes that passes brought, shows those that an active pass uses, and hides the others."""
    rows = connection.execute("SELECT channels FROM passes WHERE active").fetchall()
    used = {class_id for (channels,) in rows for class_id in json.loads(channels).values()}
    brought = connection.execute("SELECT id FROM classes WHERE pass_id IS NOT NULL").fetchall()
    hidden = [(class_id not in used, class_id) for (class_id,) in brought]
    connection.executemany("UPDATE classes SET hidden = ? WHERE id = ?", hidden)


class _StaleError(Exception):
    """A row that is not there any more, or not as it was."""


def _replace_row(connection: Connection, table: Table[Any], before: Any, after: Any | None) -> None:
    """One row goes or changes."""
    if after is None:
        cursor = connection.execute(f"DELETE FROM {table.name} WHERE id = ?", (before.id,))
    else:
        sets = ", ".join(f"{column} = {_slot(column)}" for column in table.columns[1:])
        sql = f"UPDATE {table.name} SET {sets} WHERE id = ?"
        cursor = connection.execute(sql, (*table.values(after)[1:], before.id))
    if cursor.rowcount != 1:
        raise _StaleError


def _update_image(connection: Connection, before: ProjectImage, after: ProjectImage) -> None:
    changed = (after.state, after.split, after.ignored, bound(after.note))
    sql = "UPDATE images SET state = ?, split = ?, ignored = ?, note = CAST(? AS TEXT) WHERE id = ?"
    if connection.execute(sql, (*changed, before.id)).rowcount != 1:
        raise _StaleError


def _update_pass(connection: Connection, after: PassClasses) -> None:
    sql = "UPDATE passes SET channels = ?, thresholds = ? WHERE id = ?"
    connection.execute(sql, (to_json(dict(after.class_ids)), to_json(dict(after.thresholds)), after.pass_id))


def _put_setting(connection: Connection, kept: KeptSetting) -> None:
    if kept.value is None:
        connection.execute("DELETE FROM settings WHERE key = ?", (kept.key,))
    else:
        connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (kept.key, to_json(kept.value)))


def reserve_ids(database: Database, number: int) -> int:
    """The first of so many ids that nothing else gets. Raises ProjectError."""
    with database.transaction() as connection:
        sql = "UPDATE counter SET next_id = next_id + ? RETURNING next_id"
        (end,) = connection.execute(sql, (number,)).fetchone()
    return end - number


def to_json(value: object) -> str:
    """JSON in ASCII, which holds any text, lone surrogates included."""
    return json.dumps(value)


def _slot(column: str) -> str:
    return "CAST(? AS TEXT)" if column in _FREE_TEXTS else "?"


def _extra(extra: Mapping[str, Any]) -> str | None:
    return to_json(dict(extra)) if extra else None


_NOTHING: Mapping[str, Any] = MappingProxyType({})  # one for 100,000 images


def _from_extra(text: str | None) -> Mapping[str, Any]:
    return json.loads(text) if text else _NOTHING


def _bound_or_none(text: str | None) -> bytes | None:
    return None if text is None else bound(text)


def _box_values(box: ProjectBox) -> Row:
    """Only plain numbers and texts: sqlite3 looks long for what else to do with an enum or a bool."""
    return (
        box.id,
        box.image_id,
        box.class_id,
        *box.xyxy,
        str.__str__(box.origin),
        _bound_or_none(box.model),
        box.score,
        int(box.iscrowd),
        int(box.occluded),
        int(box.truncated),
        int(box.difficult),
        _extra(box.extra),
        box.coco_id,
    )


def _box(row: Row) -> ProjectBox:
    box_id, image_id, class_id, x1, y1, x2, y2, origin, model, score, *flags, extra, coco_id = row
    iscrowd, occluded, truncated, difficult = map(bool, flags)
    return ProjectBox(
        box_id,
        image_id,
        class_id,
        (x1, y1, x2, y2),
        _ORIGINS[origin],
        model,
        score,
        iscrowd=iscrowd,
        occluded=occluded,
        truncated=truncated,
        difficult=difficult,
        extra=_from_extra(extra),
        coco_id=coco_id,
    )


def _rejection(row: Row) -> Rejection:
    rejection_id, image_id, class_id, x1, y1, x2, y2 = row
    return Rejection(rejection_id, image_id, class_id, (x1, y1, x2, y2))


def _class_values(item: ProjectClass) -> Row:
    fixed = (item.colour, item.position, item.category_id, item.pass_id)
    return (item.id, bound(item.name), *fixed, _extra(item.extra))


def _class(row: Row) -> ProjectClass:
    class_id, name, colour, position, category_id, pass_id, extra = row
    return ProjectClass(class_id, name, colour, position, category_id, pass_id, _from_extra(extra))


def _image_values(image: ProjectImage) -> Row:
    kept = (image.state, image.split, image.ignored, bound(image.note), _extra(image.extra), image.missing)
    return (image.id, bound(image.path), image.width, image.height, *kept)


def _image(row: Row) -> ProjectImage:
    image_id, path, width, height, state, split, ignored, note, extra, missing = row
    side, kept = None if split is None else Side(split), _from_extra(extra)
    return ProjectImage(image_id, path, width, height, State(state), side, bool(ignored), note, kept, bool(missing))


_ORIGINS = {origin.value: origin for origin in Origin}  # faster than Origin(…), a million times
_FREE_TEXTS = {"path", "note", "name", "model"}
_CORNERS = ("x1", "y1", "x2", "y2")

BOXES = Table(
    "boxes",
    (
        *("id", "image_id", "class_id", *_CORNERS, "origin", "model", "score"),
        *("iscrowd", "occluded", "truncated", "difficult", "extra", "coco_id"),
    ),
    _box_values,
    _box,
)
REJECTIONS = Table(
    "rejections",
    ("id", "image_id", "class_id", *_CORNERS),
    lambda it: (it.id, it.image_id, it.class_id, *it.xyxy),
    _rejection,
)
CLASSES = Table(
    "classes",
    ("id", "name", "colour", "position", "category_id", "pass_id", "extra"),
    _class_values,
    _class,
)
VISIBLE = "(NOT hidden OR EXISTS (SELECT 1 FROM boxes WHERE class_id = classes.id))"
IMAGES = Table(
    "images",
    ("id", "path", "width", "height", "state", "split", "ignored", "note", "extra", "missing"),
    _image_values,
    _image,
)
