"""The auto-labellings of a project: which model, what its channels stand for, and whether they are undone."""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from detector.boxes import DEFAULT_THRESHOLD
from detector.data.project.database import Database, bound
from detector.data.project.mapping import ClassMap, Knows, map_classes
from detector.data.project.records import KnownClass, Pass, PassClasses
from detector.data.project.rows import CLASSES, VISIBLE, show_and_hide, to_json

_COLUMNS = "id, model, source, channels, thresholds, created, active, model_key, knows"


def read_passes(database: Database) -> tuple[Pass, ...]:
    """All passes, the newest last. Raises ProjectError."""
    present = {row[0] for row in database.rows(f"SELECT id FROM classes WHERE {VISIBLE}")}
    rows = database.rows(f"SELECT {_COLUMNS} FROM passes ORDER BY id")
    with database.understanding():
        return tuple(_pass(row, present) for row in rows)


def read_pass_classes(database: Database) -> tuple[PassClasses, ...]:
    """What the channels of all passes stand for, those of classes that are gone included. Raises ProjectError."""
    rows = database.rows("SELECT id, channels, thresholds FROM passes ORDER BY id")
    with database.understanding():
        return tuple(PassClasses(pass_id, _numbered(channels), _numbered(scores)) for pass_id, channels, scores in rows)


def known_classes(
    names: Sequence[str | None], category_ids: Sequence[int], thresholds: Mapping[str, float]
) -> tuple[KnownClass | None, ...]:
    """A model's channels, None for gaps; 0.35 where there is no threshold by a name."""
    return tuple(
        None if name is None else KnownClass(name, category_id, thresholds.get(name, DEFAULT_THRESHOLD))
        for name, category_id in zip(names, category_ids, strict=True)
    )


def begin_pass(
    database: Database,
    *,
    model: str,
    source: str,
    model_key: str,
    knows: Knows,
    class_map: ClassMap,
    former: Mapping[str, int],
    new_ids: Iterator[int],
) -> Pass:
    """Stores a new, active pass, and the classes that its model knows and the project lacks. Raises ProjectError."""
    classes = CLASSES.select(database, "ORDER BY position, id")
    mapped = map_classes(knows, classes, class_map=class_map, former=former, new_ids=new_ids)
    # Microseconds, so that ids grow and no id of before a restored backup comes again: cache.db outlives it.
    ((last,),) = database.rows("SELECT coalesce(max(id), 0) FROM passes")
    pass_id = max(last + 1, time.time_ns() // 1000)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    made = Pass(pass_id, model, source, mapped.class_ids, mapped.thresholds, created, True, model_key, tuple(knows))
    with database.transaction() as connection:
        CLASSES.insert(connection, [replace(item, pass_id=pass_id) for item in mapped.added])
        connection.execute(
            f"INSERT INTO passes ({_COLUMNS}) VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, 1, ?, ?)",
            (
                *(pass_id, bound(model), bound(source), to_json(mapped.class_ids), to_json(mapped.thresholds)),
                *(created, model_key, _knows_json(knows)),
            ),
        )
        show_and_hide(connection)
    return made


def set_active(database: Database, pass_id: int, active: bool) -> None:
    """Undoes a pass, or redoes it, in one transaction. Raises ProjectError."""
    with database.transaction() as connection:
        connection.execute("UPDATE passes SET active = ? WHERE id = ?", (active, pass_id))
        show_and_hide(connection)


def _pass(row: tuple[Any, ...], present: Collection[int]) -> Pass:
    pass_id, model, source, channels, thresholds, created, active, model_key, knows = row
    class_ids = {channel: class_id for channel, class_id in _numbered(channels).items() if class_id in present}
    known = tuple(None if item is None else KnownClass(*item) for item in json.loads(knows))
    return Pass(pass_id, model, source, class_ids, _numbered(thresholds), created, bool(active), model_key, known)


def _numbered(text: str) -> dict[int, Any]:
    """JSON has only texts for keys."""
    return {int(key): value for key, value in json.loads(text).items()}


def _knows_json(knows: Knows) -> str:
    return to_json([None if item is None else (item.name, item.category_id, item.threshold) for item in knows])
