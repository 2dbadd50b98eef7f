"""The auto-labellings of a project: which model, what its channels stand for, and whether they are undone."""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from sqlite3 import Connection
from typing import Any

from detector.boxes import DEFAULT_THRESHOLD
from detector.data.annotations import ObjectClass
from detector.data.classes import match
from detector.data.project.colours import class_colour
from detector.data.project.database import Database, bound
from detector.data.project.records import Pass, ProjectClass
from detector.data.project.rows import CLASSES, VISIBLE, to_json


def read_passes(database: Database) -> tuple[Pass, ...]:
    """All passes, the newest last. Raises ProjectError."""
    present = {row[0] for row in database.rows(f"SELECT id FROM classes WHERE {VISIBLE}")}
    rows = database.rows("SELECT id, model, source, channels, thresholds, created, active FROM passes ORDER BY id")
    return tuple(_pass(row, present) for row in rows)


def begin_pass(
    database: Database,
    *,
    model: str,
    source: str,
    names: Sequence[str | None],
    category_ids: Sequence[int],
    thresholds: Mapping[str, float],
    new_ids: Iterator[int],
) -> Pass:
    """Stores a new, active pass, and the classes that its model knows and the project lacks. Raises ProjectError."""
    classes = CLASSES.select(database, "ORDER BY position, id")
    class_ids, added = _map_channels(names, category_ids, classes, new_ids)
    # Microseconds, so that ids grow and no id of before a restored backup comes again: cache.db outlives it.
    ((last,),) = database.rows("SELECT coalesce(max(id), 0) FROM passes")
    pass_id = max(last + 1, time.time_ns() // 1000)
    scores = {class_ids[c]: thresholds.get(name or "", DEFAULT_THRESHOLD) for c, name in enumerate(names) if name}
    made = Pass(pass_id, model, source, class_ids, scores, datetime.now(UTC).isoformat(timespec="seconds"), True)
    with database.transaction() as connection:
        CLASSES.insert(connection, [_brought_by(pass_id, item) for item in added])
        connection.execute(
            "INSERT INTO passes VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, 1)",
            (pass_id, bound(model), bound(source), to_json(class_ids), to_json(scores), made.created),
        )
        _show_and_hide(connection)
    return made


def set_active(database: Database, pass_id: int, active: bool) -> None:
    """Undoes a pass, or redoes it, in one transaction. Raises ProjectError."""
    with database.transaction() as connection:
        connection.execute("UPDATE passes SET active = ? WHERE id = ?", (active, pass_id))
        _show_and_hide(connection)


def free_category_ids(taken: Collection[int]) -> Iterator[int]:
    """COCO category ids that no class has yet."""
    return count(max([0, *taken]) + 1)


def _map_channels(
    names: Sequence[str | None],
    category_ids: Sequence[int],
    classes: Sequence[ProjectClass],
    new_ids: Iterator[int],
) -> tuple[dict[int, int], list[ProjectClass]]:
    """Channel → class id for every named channel, and the classes that are missing; channels of one name share one."""
    class_ids = match(names, [ObjectClass(item.id, item.name) for item in classes])
    by_name = {item.name: item.id for item in reversed(classes)}
    taken = {item.category_id for item in classes}
    position = max((item.position for item in classes), default=-1)
    added: list[ProjectClass] = []
    for channel, name in enumerate(names):
        if name is None or channel in class_ids:
            continue
        if name not in by_name:
            wanted = category_ids[channel]
            category_id = wanted if wanted not in taken else next(free_category_ids(taken))
            position += 1
            added.append(ProjectClass(next(new_ids), name, class_colour(position), position, category_id))
            taken.add(category_id)
            by_name[name] = added[-1].id
        class_ids[channel] = by_name[name]
    return class_ids, added


def _brought_by(pass_id: int, item: ProjectClass) -> ProjectClass:
    return ProjectClass(item.id, item.name, item.colour, item.position, item.category_id, pass_id)


def _show_and_hide(connection: Connection) -> None:
    """Of the classes that passes brought, shows those that an active pass uses, and hides the others."""
    rows = connection.execute("SELECT channels FROM passes WHERE active").fetchall()
    used = {class_id for (channels,) in rows for class_id in json.loads(channels).values()}
    brought = connection.execute("SELECT id FROM classes WHERE pass_id IS NOT NULL").fetchall()
    hidden = [(class_id not in used, class_id) for (class_id,) in brought]
    connection.executemany("UPDATE classes SET hidden = ? WHERE id = ?", hidden)


def _pass(row: tuple[Any, ...], present: Collection[int]) -> Pass:
    pass_id, model, source, channels, thresholds, created, active = row
    class_ids = {int(channel): class_id for channel, class_id in json.loads(channels).items() if class_id in present}
    scores = {int(class_id): score for class_id, score in json.loads(thresholds).items()}
    return Pass(pass_id, model, source, class_ids, scores, created, bool(active))
