"""Reads a damaged database around the places that cannot be read, row by row, into the tables of a sound one."""

import json
import math
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from detector.data.project.database import bound
from detector.data.project.rows import BOXES, CLASSES, IMAGES, REJECTIONS, Table

FAILURES = 20_000  # queries of one table that may fail; each takes microseconds
SEARCHED = 3_000_000  # ids that are looked up one by one, in some seconds
WIDEST = 1 << 52  # no id is larger; ids of passes are times in microseconds
LOST = "lost name {}"  # of an image or class, by its id
Row = tuple[Any, ...]
Range = tuple[int, int]  # of ids, both ends included

_RECORDS: dict[str, Table[Any]] = {table.name: table for table in (BOXES, CLASSES, IMAGES, REJECTIONS)}
_INDICES = {"boxes": ("boxes_by_image", "boxes_by_class"), "rejections": ("rejections_by_image",)}
_JSON = {"settings": ("value",), "passes": ("channels", "thresholds", "knows")}
_KINDS = {"INTEGER": (int,), "REAL": (int, float), "TEXT": (str,), "": (int, float, str, bytes)}


def tables(connection: sqlite3.Connection) -> list[str]:
    """The names of the tables, but for SQLite's own."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [name for (name,) in connection.execute(sql)]


def copy_table(source: sqlite3.Connection, target: sqlite3.Connection, name: str) -> list[Range]:
    """Copies the rows of a table that can be read and make sense; gives the ids of those that were not found.

    Of tables without ids nothing is known to be lost: what comes before the first damage is copied.
    """
    kept = _shared_columns(source, target, name)
    if not kept:
        return [(1, WIDEST)]
    is_sound = _soundness(target, name, kept)
    put = f"INSERT OR IGNORE INTO {name} ({', '.join(kept)}) VALUES ({', '.join(_slots(target, name, kept))})"
    if not _has_ids(target, name):
        rows = _until_damage(source, f"SELECT {', '.join(kept)} FROM {name}")
        target.executemany(put, (_bindable(row) for row in rows if is_sound(row)))
        return []
    select, place = f"SELECT rowid, {', '.join(kept)} FROM {name}", kept.index("path") if name == "images" else None
    told = _told_ids(source, name)
    last = max(told, default=WIDEST)
    seen: set[int] = set()

    def take(number: int, row: Row) -> None:
        if number not in seen and is_sound(row):
            if target.execute(put, _bindable(row)).rowcount == 0 and place is not None:  # another one has its path
                target.execute(put, _bindable((*row[:place], LOST.format(number), *row[place + 1 :])))
            seen.add(number)

    # Where an id was harmed, its page is out of order: a search and a scan then find different rows. Under two rows of
    # one id that is the right one which a search finds.
    for wanted in range(1, max((number for number in told if number <= SEARCHED), default=0) + 1):
        for number, *row in _until_damage(source, f"{select} WHERE rowid = ?", (wanted,)):
            take(number, tuple(row))
    for number, *row in _around_damage(source, f"{select} WHERE rowid BETWEEN ? AND ?", (1, last)):
        take(number, tuple(row))
    for number, *row in _until_damage(source, select):
        take(number, tuple(row))
    return _gaps(seen, last)


def _gaps(seen: Collection[int], last: int) -> list[Range]:
    """The ranges of ids that were not seen."""
    edges = [0, *sorted(seen), max(last, WIDEST)]
    return [(one + 1, two - 1) for one, two in pairwise(edges) if two - one > 1]


def read_index(source: sqlite3.Connection, sql: str) -> list[Row]:
    """Rows of a query that an index alone answers, as far as it can be read."""
    return list(_until_damage(source, sql))


def _shared_columns(source: sqlite3.Connection, target: sqlite3.Connection, name: str) -> list[str]:
    """The columns that both tables have; none where the damaged one is not even known by name."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        here = {row[1] for row in source.execute(f"PRAGMA table_info({name})")}
        return [row[1] for row in target.execute(f"PRAGMA table_info({name})") if row[1] in here]
    return []


def _has_ids(target: sqlite3.Connection, name: str) -> bool:
    ((sql,),) = target.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchall()
    return "WITHOUT ROWID" not in sql


def _told_ids(source: sqlite3.Connection, name: str) -> list[int]:
    """What any part of the database that can be read tells of the largest id that there can be."""
    queries = [f"SELECT max(rowid) FROM {name}"]
    queries += ["SELECT next_id FROM counter"] if name in ("boxes", "classes", "rejections") else []
    queries += ["SELECT seq FROM sqlite_sequence WHERE name = 'images'"] if name == "images" else []
    queries += [f"SELECT rowid FROM {name} INDEXED BY {index}" for index in _INDICES.get(name, ())]
    told = (row[0] for sql in queries for row in _until_damage(source, sql))
    return [value for value in told if isinstance(value, int) and 0 < value < WIDEST]


def _until_damage(source: sqlite3.Connection, sql: str, parameters: Sequence[int] = ()) -> Iterator[Row]:
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        yield from source.execute(sql, parameters)


def _around_damage(source: sqlite3.Connection, sql: str, ids: Range) -> Iterator[Row]:
    """The rows of a range of ids; a range that cannot be read is halved until the rest of it can.

    The widest ranges come first, so that the limit of failures costs the least.
    """
    waiting, failures = deque([ids]), 0
    while waiting:
        first, last = waiting.popleft()
        try:
            rows = source.execute(sql, (first, last)).fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            failures += 1
            middle = (first + last) // 2
            if first < last and failures <= FAILURES:
                waiting += [(first, middle), (middle + 1, last)]
        else:
            yield from rows


def _soundness(target: sqlite3.Connection, name: str, columns: Sequence[str]) -> Callable[[Row], bool]:
    """Tells rows that the program could have written from what damage has left in the place of one."""
    told = {row[1]: (row[2], bool(row[3]) or bool(row[5])) for row in target.execute(f"PRAGMA table_info({name})")}
    kinds = [(_KINDS[told[column][0]], told[column][1]) for column in columns]
    table, texts = _RECORDS.get(name), [columns.index(column) for column in _JSON.get(name, ()) if column in columns]

    def is_sound(row: Row) -> bool:
        for value, (kind, needed) in zip(row, kinds, strict=True):
            if (value is None and needed) or (value is not None and not isinstance(value, kind)):
                return False
            if isinstance(value, float) and not math.isfinite(value):
                return False
        try:
            if table is not None:
                given = dict(zip(columns, row, strict=True))
                table.record(tuple(given.get(column) for column in table.columns))
            for place in texts:
                json.loads(row[place])
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        return True

    return is_sound


def _slots(target: sqlite3.Connection, name: str, columns: Sequence[str]) -> list[str]:
    """Where values go; texts as bytes, since they may hold lone surrogates."""
    kinds = {row[1]: row[2] for row in target.execute(f"PRAGMA table_info({name})")}
    return ["CAST(? AS TEXT)" if kinds[column] == "TEXT" else "?" for column in columns]


def _bindable(row: Sequence[Any]) -> list[Any]:
    return [bound(value) if isinstance(value, str) else value for value in row]
