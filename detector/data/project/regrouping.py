"""All boxes of a class at once: they get another class, or go. What they were is kept in the store until it is closed,
so that this can be taken back however many they are.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from detector.data.project.database import Database
from detector.data.project.records import Change, Origin
from detector.data.project.rows import BOXES, changing, write_change

_COLUMNS = ", ".join(BOXES.columns)
_SHELF = ("shelved_boxes", "shelved_rejections", "shelved_images")


@dataclass(frozen=True, slots=True)
class Regrouping:
    """The boxes of a class get the class `into`, and its rejections, too; None: the boxes go. `step` names it."""

    step: int
    class_id: int
    into: int | None


@dataclass(frozen=True)
class Regrouped:
    """What it touched: boxes by image id, the images that were started and have no box without them, and the boxes by
    origin and image id.
    """

    boxes: dict[int, int]
    emptied: tuple[int, ...]
    origins: dict[Origin, dict[int, int]]

    def parts(self, size: int) -> Iterator["Regrouped"]:
        """The same in parts of so many images; which ones have no box is left out."""
        rest = iter(self.boxes.items())
        while boxes := dict(islice(rest, size)):
            origins = {origin: {id: of[id] for id in boxes.keys() & of.keys()} for origin, of in self.origins.items()}
            yield Regrouped(boxes, (), origins)


def regroup(database: Database, what: Regrouping, change: Change) -> Regrouped:
    """Does it together with a change, in one transaction. Raises ProjectError."""
    with changing(database) as connection:
        values = {"step": what.step, "class": what.class_id, "into": what.into}
        connection.execute(_SHELVE, values)
        if what.into is None:
            connection.execute("DELETE FROM boxes WHERE class_id = :class", values)
            connection.execute(_SHELVE_EMPTIED, values)
            connection.execute(_RESTATE, {"state": "unlabelled", **values})
        else:
            connection.execute("UPDATE boxes SET class_id = :into WHERE class_id = :class", values)
            connection.execute(
                "INSERT INTO shelved_rejections SELECT :step, id FROM rejections WHERE class_id = :class", values
            )
            connection.execute("UPDATE rejections SET class_id = :into WHERE class_id = :class", values)
        write_change(connection, change)
    return _touched(database, what.step)


def take_back(database: Database, what: Regrouping, change: Change) -> Regrouped:
    """Undoes `regroup`; `change` is the inverse of the one then. Raises ProjectError."""
    touched = _touched(database, what.step)
    with changing(database) as connection:
        values = {"step": what.step, "class": what.class_id}
        write_change(connection, change)
        connection.execute(
            f"INSERT OR REPLACE INTO boxes ({_COLUMNS}) SELECT {_COLUMNS} FROM shelved_boxes WHERE step = :step", values
        )
        connection.execute(
            "UPDATE rejections SET class_id = :class "
            "WHERE id IN (SELECT id FROM shelved_rejections WHERE step = :step)",
            values,
        )
        connection.execute(_RESTATE, {"state": "started", **values})
        for table in _SHELF:
            connection.execute(f"DELETE FROM {table} WHERE step = :step", values)
    return touched


def forget(database: Database) -> None:
    """Empties the shelf: no step of undo of an earlier session can come back. Raises ProjectError."""
    if any(database.rows(f"SELECT 1 FROM {table} LIMIT 1") for table in _SHELF):
        with database.transaction() as connection:
            for table in _SHELF:
                connection.execute(f"DELETE FROM {table}")


_SHELVE = f"INSERT INTO shelved_boxes (step, {_COLUMNS}) SELECT :step, {_COLUMNS} FROM boxes WHERE class_id = :class"
_SHELVE_EMPTIED = (
    "INSERT INTO shelved_images SELECT :step, id FROM images WHERE state = 'started' "
    "AND id IN (SELECT image_id FROM shelved_boxes WHERE step = :step) "
    "AND NOT EXISTS (SELECT 1 FROM boxes WHERE image_id = images.id)"
)
_RESTATE = "UPDATE images SET state = :state WHERE id IN (SELECT id FROM shelved_images WHERE step = :step)"


def _touched(database: Database, step: int) -> Regrouped:
    by_image: Counter[int] = Counter()
    by_origin: dict[Origin, dict[int, int]] = {}
    sql = "SELECT origin, image_id, count(*) FROM shelved_boxes WHERE step = ? GROUP BY origin, image_id"
    for origin, image_id, number in database.rows(sql, (step,)):
        by_image[image_id] += number
        by_origin.setdefault(Origin(origin), {})[image_id] = number
    emptied = database.rows("SELECT id FROM shelved_images WHERE step = ?", (step,))
    return Regrouped(dict(by_image), tuple(image_id for (image_id,) in emptied), by_origin)
