"""The auto-labellings of a project: which model, what its channels stand for, and whether they are undone."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from detector.boxes import DEFAULT_THRESHOLD
from detector.data.project.cache import Cache
from detector.data.project.database import Database, bound
from detector.data.project.mapping import CLASS_MAPS, FORMER_NAMES, ClassMap, Knows, map_classes, names_key
from detector.data.project.records import KnownClass, Pass, PassClasses
from detector.data.project.rows import CLASSES, VISIBLE, show_and_hide, to_json
from detector.data.project.scanning import LISTED
from detector.data.project.settings import Settings

_COLUMNS = "id, model, source, channels, thresholds, created, active, model_key, knows"


@dataclass(frozen=True)
class Unfinished:
    """A pass that did not come to its end: ids of the images that are left, of `total` that it is to see."""

    begun: Pass
    left: tuple[int, ...]
    total: int


class Passes:
    """All passes of a project. `new_id` gives ids for the classes that they bring."""

    def __init__(self, database: Database, cache: Cache, *, settings: Settings, new_id: Callable[[], int]) -> None:
        self._database, self._cache = database, cache
        self._settings, self._new_id = settings, new_id
        self._read: tuple[tuple[int, int], tuple[Pass, ...]] | None = None

    def all(self) -> tuple[Pass, ...]:
        """The newest last. Raises ProjectError."""
        state = self._database.state()
        if self._read is None or self._read[0] != state:  # asked for several times in a gesture
            self._read = (state, read_passes(self._database))
        return self._read[1]

    def active(self) -> dict[int, Pass]:
        """Those that are not undone, by id. Raises ProjectError."""
        return {item.id: item for item in self.all() if item.active}

    def classes(self) -> tuple[PassClasses, ...]:
        """What the channels of all passes stand for, those of classes that are gone included. Raises ProjectError."""
        rows = self._database.rows("SELECT id, channels, thresholds FROM passes ORDER BY id")
        with self._database.understanding():
            return tuple(PassClasses(id, _numbered(channels), _numbered(scores)) for id, channels, scores in rows)

    def class_map(self, knows: Knows) -> ClassMap:
        """What a model's classes are to be called here, as far as a person has said so. Raises ProjectError."""
        return self._settings.get(CLASS_MAPS, {}).get(names_key(knows), {})

    def begin(
        self,
        *,
        model: str,
        source: str,
        names: Sequence[str | None],
        category_ids: Sequence[int],
        thresholds: Mapping[str, float],
        model_key: str = "",
    ) -> Pass:
        """Stores a new pass and makes it active. Raises ProjectError.

        `names` and `category_ids` have one entry for each channel of the model, None for a gap. Channels stand for what
        `class_map` says; named classes that the project lacks are added. `thresholds` go by name; 0.35 where there is
        none. `model_key` tells the model's weights apart from others.
        """
        knows = known_classes(names, category_ids, thresholds)
        mapped = map_classes(
            knows,
            CLASSES.select(self._database, "ORDER BY position, id"),
            class_map=self.class_map(knows),
            former=self._settings.get(FORMER_NAMES, {}),
            new_ids=iter(self._new_id, None),
        )
        # Microseconds, so that ids grow and no id of before a restored backup comes again: cache.db outlives it.
        ((last,),) = self._database.rows("SELECT coalesce(max(id), 0) FROM passes")
        pass_id = max(last + 1, time.time_ns() // 1000)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        made = Pass(pass_id, model, source, mapped.class_ids, mapped.thresholds, created, True, model_key, knows)
        with self._database.transaction() as connection:
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

    def set_active(self, pass_id: int, active: bool) -> None:
        """Undoes a pass, and hides the classes that only it brought and no box has; or redoes it."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE passes SET active = ? WHERE id = ?", (active, pass_id))
            show_and_hide(connection)

    def plan(self, pass_id: int, image_ids: Sequence[int]) -> None:
        """Notes which images a pass is to see, so that it can go on after whatever ends the program."""
        self._database.check_writable()
        self._cache.put_plan(pass_id, image_ids)

    def end_plan(self) -> None:
        """The pass that was planned is at its end, or given up."""
        self._database.check_writable()
        self._cache.drop_plan()

    def unfinished(self) -> Unfinished | None:
        """The pass that was planned and is not at its end, unless it was undone or nothing is left to see."""
        plan = self._cache.plan()
        begun = self.active().get(plan[0]) if plan else None
        if plan is None or begun is None:
            return None
        rows = self._database.rows(f"SELECT id FROM images WHERE {LISTED} AND NOT ignored")
        wanted = {image_id for (image_id,) in rows}.difference(self._cache.images_of(begun.id))
        left = tuple(image_id for image_id in plan[1] if image_id in wanted)
        return Unfinished(begun, left, len(plan[1])) if left else None


def read_passes(database: Database) -> tuple[Pass, ...]:
    """All passes, the newest last. Raises ProjectError."""
    present = {row[0] for row in database.rows(f"SELECT id FROM classes WHERE {VISIBLE}")}
    rows = database.rows(f"SELECT {_COLUMNS} FROM passes ORDER BY id")
    with database.understanding():
        return tuple(_pass(row, present) for row in rows)


def known_classes(
    names: Sequence[str | None], category_ids: Sequence[int], thresholds: Mapping[str, float]
) -> tuple[KnownClass | None, ...]:
    """A model's channels, None for gaps; 0.35 where there is no threshold by a name."""
    return tuple(
        None if name is None else KnownClass(name, category_id, thresholds.get(name, DEFAULT_THRESHOLD))
        for name, category_id in zip(names, category_ids, strict=True)
    )


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
