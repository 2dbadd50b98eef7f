"""cache.db: predictions and thumbnails. All of it can be made again, so a lost or damaged one is simply made anew."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from detector.boxes import Detections
from detector.data.project.database import LOGS, SUSPECT, DamageError, Database
from detector.errors import ProjectError

VERSION = 2
AT_ONCE = 1000  # images read in one query
_TABLES = (
    # bytes and mtime are the picture's, as it was when the model looked.
    """CREATE TABLE predictions (image_id INTEGER, pass_id INTEGER, found BLOB, bytes INTEGER, mtime INTEGER,
        PRIMARY KEY (image_id, pass_id))""",
    "CREATE INDEX predictions_by_pass ON predictions (pass_id)",
    "CREATE TABLE thumbnails (image_id INTEGER PRIMARY KEY, bytes INTEGER, mtime INTEGER, jpeg BLOB)",
    "CREATE TABLE plans (pass_id INTEGER PRIMARY KEY, images BLOB)",  # the passes that are not at their end
)
Stamp = tuple[int, int]  # size in bytes and time of change in ns of a file
_PACKED = np.dtype([("box", "<f4", 4), ("score", "<f4"), ("channel", "<u2"), ("anchor", "<u4")])


def pack(found: Detections) -> bytes:
    """Detections in 26 bytes each."""
    packed = np.empty(len(found), _PACKED)
    packed["box"], packed["score"] = found.boxes, found.scores
    packed["channel"], packed["anchor"] = found.channels, found.anchors
    return packed.tobytes()


def unpack(data: bytes) -> Detections:
    """What `pack` was given."""
    packed = np.frombuffer(data, _PACKED)
    columns = (packed["box"], packed["score"], packed["channel"], packed["anchor"])
    boxes, scores, channels, anchors = (np.ascontiguousarray(column) for column in columns)
    return Detections(boxes, scores, channels.astype(np.int64), anchors.astype(np.int64))


class Cache:
    """The disposable part of a store. Reading raises nothing where there is damage: then nothing is known."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path, *, rollback: bool = False) -> "Cache":
        """The cache in a file, made anew where there is none, or it is damaged or of another version.

        Raises ProjectError where none can be made.
        """
        try:
            return cls(_prepared(path, rollback=rollback))
        except (DamageError, sqlite3.OperationalError):  # the latter where its tables are not ours
            for suffix in ("", *LOGS, "-shm", SUSPECT):
                with suppress(OSError):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
            return cls(_prepared(path, rollback=rollback))

    def close(self) -> None:
        """Ends the connection."""
        self._database.close()

    def put_predictions(
        self, pass_id: int, found: Sequence[tuple[int, Detections]], stamps: Mapping[int, Stamp]
    ) -> None:
        """Stores what a pass found in images, by their ids, with the stamps of their files. Raises ProjectError."""
        rows = [
            (image_id, pass_id, pack(detections), *stamps.get(image_id, (None, None))) for image_id, detections in found
        ]
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO predictions VALUES (?, ?, ?, ?, ?)", rows)

    def copy_predictions(self, pass_id: int, sources: Mapping[int, int]) -> None:
        """Gives a pass what other passes found: image id → that pass. Raises ProjectError."""
        sql = (
            "INSERT OR REPLACE INTO predictions SELECT image_id, ?, found, bytes, mtime FROM predictions "
            "WHERE image_id = ? AND pass_id = ?"
        )
        with self._database.transaction() as connection:
            connection.executemany(sql, [(pass_id, image_id, source) for image_id, source in sources.items()])

    def newest(self, passes: Iterable[int]) -> dict[int, tuple[int, Stamp]]:
        """Image id → the last of these passes that saw it, and the stamp of its file then."""
        marks = ", ".join(map(str, passes))
        rows = self._read(
            "SELECT image_id, max(pass_id), bytes, mtime FROM predictions "
            f"WHERE pass_id IN ({marks}) GROUP BY image_id",
            (),
        )
        return {image_id: (pass_id, (size, mtime)) for image_id, pass_id, size, mtime in rows}

    def put_plan(self, pass_id: int, image_ids: Sequence[int]) -> None:
        """Notes which images a pass is to see; an earlier plan is given up. Raises ProjectError."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM plans")
            connection.execute("INSERT INTO plans VALUES (?, ?)", (pass_id, np.array(image_ids, "<i8").tobytes()))

    def drop_plan(self) -> None:
        """The plan is fulfilled, or given up. Raises ProjectError."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM plans")

    def plan(self) -> tuple[int, list[int]] | None:
        """The pass that is not at its end, and all images that it is to see."""
        rows = self._read("SELECT pass_id, images FROM plans", ())
        return (rows[0][0], np.frombuffer(rows[0][1], "<i8").tolist()) if rows else None

    def predictions(self, image_id: int, passes: Sequence[int]) -> tuple[int, Detections] | None:
        """Of the passes that saw the image, the last of those named, and what it found."""
        marks = ", ".join("?" * len(passes))
        rows = self._read(
            f"SELECT pass_id, found FROM predictions WHERE image_id = ? AND pass_id IN ({marks}) "
            "ORDER BY pass_id DESC LIMIT 1",
            (image_id, *passes),
        )
        return (rows[0][0], unpack(rows[0][1])) if rows else None

    def all_predictions(self, passes: Sequence[int]) -> Iterator[tuple[int, int, Detections]]:
        """As `predictions` for every image: its id, the pass, what it found."""
        marks = ", ".join("?" * len(passes))
        last = -1
        while rows := self._read(
            # SQLite takes the other columns from the row of the maximum; the plus keeps it to the images' order.
            f"SELECT image_id, max(pass_id), found FROM predictions WHERE image_id > ? AND +pass_id IN ({marks}) "
            "GROUP BY image_id ORDER BY image_id LIMIT ?",
            (last, *passes, AT_ONCE),
        ):
            last = rows[-1][0]
            yield from ((image_id, pass_id, unpack(found)) for image_id, pass_id, found in rows)

    def images_of(self, pass_id: int) -> list[int]:
        """Ids of the images that a pass saw."""
        return [row[0] for row in self._read("SELECT image_id FROM predictions WHERE pass_id = ?", (pass_id,))]

    def thumbnail(self, image_id: int, stamp: Stamp) -> bytes | None:
        """The JPEG of an image whose file still has this size and time."""
        sql = "SELECT jpeg FROM thumbnails WHERE image_id = ? AND bytes = ? AND mtime = ?"
        rows = self._read(sql, (image_id, *stamp))
        return rows[0][0] if rows else None

    def put_thumbnail(self, image_id: int, stamp: Stamp, data: bytes) -> None:
        """Stores a JPEG with the size and time of the image's file. Raises ProjectError."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?, ?)", (image_id, *stamp, data))

    def _read(self, sql: str, parameters: Sequence[int]) -> list[tuple]:
        try:
            return self._database.rows(sql, parameters)
        except ProjectError:
            return []


def _prepared(path: Path, *, rollback: bool) -> Database:
    """The database with its tables, made where there are none. Raises ProjectError; DamageError where it is no good."""
    database = Database(path, remedy="delete it, nothing of yours is in it", rollback=rollback)
    try:
        if database.rows("PRAGMA user_version") == [(0,)]:
            _make_tables(database)
        if database.rows("PRAGMA user_version") != [(VERSION,)]:
            raise DamageError(f"{path}: another version of this program made it; delete it.")
        database.rows("SELECT max(image_id) FROM predictions")
        database.rows("SELECT max(image_id) FROM thumbnails")
        database.rows("SELECT max(pass_id) FROM plans")
    except BaseException:
        database.close()
        raise
    return database


def _make_tables(database: Database) -> None:
    with database.transaction() as connection:
        if connection.execute("PRAGMA user_version").fetchone() != (0,):
            return  # another window was quicker
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
