"""What becomes of a damaged store: it is kept aside, and what can be read of it comes into a new one.

Rows that cannot be read come from the newest good copy, where it has them. Whatever ends the program on the way, the
damaged files or the finished new one are there: the next start begins again, or puts the new one in its place.
"""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from detector.data.project import salvage
from detector.data.project.backups import copies
from detector.data.project.colours import class_colour
from detector.data.project.database import LOGS, SUSPECT, DamageError, Database, bound, decoded
from detector.data.project.home import BACKUPS, Home, is_on_network
from detector.data.project.passes import read_passes
from detector.data.project.rows import BOXES, CLASSES, IMAGES, REJECTIONS
from detector.data.project.salvage import Range
from detector.data.project.schema import MIGRATIONS, check_sound, check_version, definitions, migrate
from detector.errors import ProjectError
from detector.files import replacing

ASIDE = "damaged"  # the folder of what was moved aside
FINISHED = "-rescued"  # ends the name of a new store that is not in its place yet
HEADER = 100  # bytes at the start of a database
MARGIN = 1_000_000  # ids that are left out where it is not known which were given
_FROM_BACKUP = "INSERT OR IGNORE INTO {0} ({1}) SELECT {1} FROM backup.{0} WHERE {2}"
_SECOND_LOOK = "UPDATE images SET state = 'started' WHERE id = ? AND state = 'reviewed'"
_OWNED = "image_id IN (SELECT id FROM images) AND class_id IN (SELECT id FROM classes)"
_NO_IMAGE = (
    "SELECT image_id FROM boxes WHERE image_id NOT IN (SELECT id FROM images) UNION "
    "SELECT image_id FROM rejections WHERE image_id NOT IN (SELECT id FROM images)"
)
_NO_CLASS = "SELECT DISTINCT class_id FROM boxes WHERE class_id NOT IN (SELECT id FROM classes)"


@dataclass(frozen=True)
class Rescued:
    """A store that was made anew: boxes that are in it, how many of these a backup had, boxes known to be lost; the
    backup that was used, and the folder with the damaged files.
    """

    boxes: int
    from_backup: int
    lost: int
    backup: Path | None
    aside: Path

    def message(self, folder: Path) -> str:
        """What happened and what was kept, in one sentence."""
        boxes = "the 1 box" if self.boxes == 1 else f"the {self.boxes:,} boxes"
        said = f"{folder}: its store was damaged, and is made anew with {boxes} that could be read"
        if self.backup is not None:
            said += f", {self.from_backup:,} of them from {self.backup.name}"
        if self.lost:
            said += f"; {self.lost:,} could not, and their images want a second look"
        return f"{said}; the damaged files are kept in {self.aside}."


def ensure_sound(home: Home, *, remedy: str) -> Rescued | None:
    """Looks whether a store opens, and reads all of it where it was not closed or damage was met in it; makes it anew
    where it is damaged. Nobody may have it open. Raises ProjectError.
    """
    store, backups = home.store, home.path / BACKUPS
    finish(store)
    if not store.exists():
        return None
    unclosed, suspect = any(_holds_bytes(_beside(store, suffix)) for suffix in LOGS), _beside(store, SUSPECT)
    try:
        with closing(Database(store, remedy=remedy, rollback=is_on_network(home.path))) as database:
            if check_version(database) == 0 and copies(backups):  # it was emptied
                raise database.damage()
            check_sound(database)
            if unclosed or suspect.exists():
                database.check()
            if suspect.exists():
                read_all(database)
    except DamageError:
        return rescue(store, backups)
    with suppress(OSError):
        suspect.unlink(missing_ok=True)
    return None


def read_all(database: Database) -> None:
    """Raises DamageError where a value is none that this program writes."""
    if check_version(database) < len(MIGRATIONS):
        return  # the columns are others
    for table in (IMAGES, CLASSES, BOXES, REJECTIONS):
        for _ in table.stream(database):
            pass
    read_passes(database)
    with database.understanding():
        for (value,) in database.rows("SELECT value FROM settings"):
            json.loads(value)


def finish(store: Path) -> None:
    """Puts a new store in the place of the damaged one, if a start before this one made it. Raises ProjectError."""
    finished = _beside(store, FINISHED)
    if not finished.exists():
        return
    try:
        for suffix in (*LOGS, "-shm"):  # of the damaged one: SQLite would add them to the new one
            _beside(store, suffix).unlink(missing_ok=True)
        finished.replace(store)
        _beside(store, SUSPECT).unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(f"{store}: cannot be replaced ({error.strerror}); close what holds it.") from error


def rescue(store: Path, backups: Path) -> Rescued:
    """Makes a damaged store anew. Nobody may have it open. Raises ProjectError, and then nothing has changed."""
    try:
        aside = _set_aside(store)
        with tempfile.TemporaryDirectory(dir=store.parent, prefix=".rescue-", ignore_cleanup_errors=True) as place:
            backup, good = _newest_good(backups, Path(place))
            damaged = shutil.copytree(aside, Path(place) / "damaged") / store.name
            with replacing(_beside(store, FINISHED)) as temporary:
                found = _make(temporary, damaged, good)
    except OSError as error:
        raise ProjectError(
            f"{store}: is damaged, and cannot be made anew ({error.strerror}); free some space and open it again."
        ) from error
    except sqlite3.DatabaseError as error:
        raise ProjectError(f"{store}: is damaged, and cannot be made anew ({error}); free some space.") from error
    finish(store)
    boxes, from_backup, lost = found
    return Rescued(boxes, from_backup, lost, backup if from_backup else None, aside)


def _set_aside(store: Path) -> Path:
    """Copies the store's files into a folder of their own, whole or not at all."""
    parent = store.parent / ASIDE
    parent.mkdir(exist_ok=True)
    time = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    number = next(n for n in range(1, 1 << 30) if not (parent / f"{time}-{n}").exists())
    aside, unfinished = parent / f"{time}-{number}", Path(tempfile.mkdtemp(dir=parent, prefix="."))
    try:
        for suffix in ("", *LOGS):
            if _beside(store, suffix).exists():
                shutil.copy2(_beside(store, suffix), unfinished / (store.name + suffix))
        unfinished.replace(aside)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return aside


def _newest_good(backups: Path, place: Path) -> tuple[Path | None, Path | None]:
    """The newest backup without damage, and a copy of it that is up to date."""
    for path in reversed(copies(backups)):
        copy = Path(shutil.copyfile(path, place / path.name))
        with suppress(ProjectError, sqlite3.DatabaseError), closing(Database(copy, remedy="", rollback=True)) as opened:
            check_sound(opened)
            opened.check()
            migrate(opened, place)
            return path, copy
    return None, None


def _make(path: Path, damaged: Path, backup: Path | None) -> tuple[int, int, int]:
    """Writes the new store; gives the number of boxes in it, of those from the backup, and of those that are lost."""
    with closing(sqlite3.connect(path, isolation_level=None)) as target:
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("BEGIN")
        for statements in MIGRATIONS:
            for statement in statements:
                target.execute(statement)
        target.execute("DELETE FROM counter")
        target.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        target.execute("COMMIT")
        if backup is not None:
            target.execute("ATTACH ? AS backup", (str(backup),))
        with closing(_opened(damaged, backup or path)) as source:
            target.execute("BEGIN IMMEDIATE")
            lost = {name: salvage.copy_table(source, target, name) for name in salvage.tables(target)}
            paths = salvage.read_index(source, "SELECT id, path FROM images ORDER BY path")
            owners = salvage.read_index(source, "SELECT id, image_id FROM boxes INDEXED BY boxes_by_image")
        from_backup = _fill(target, lost) if backup is not None else 0
        known = _mend(target, paths, owners)
        target.execute("COMMIT")
        if backup is not None:
            target.execute("DETACH backup")
        if target.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
            raise sqlite3.DatabaseError("the drive does not keep what is written")
        ((boxes,),) = target.execute("SELECT count(*) FROM boxes")
    return boxes, from_backup, known


def _opened(path: Path, model: Path) -> sqlite3.Connection:
    """A connection that reads a damaged file; where not even its first page can be, with that of a sound store."""
    _mend_definitions(path)
    connection = _tolerant(path)
    try:
        if {"boxes", "images"} <= set(salvage.tables(connection)):
            return connection
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        pass
    connection.close()
    with model.open("rb") as file:
        head = bytearray(file.read(HEADER))
        page = int.from_bytes(head[16:18], "big") or 1
        page = 1 << 16 if page == 1 else page
        head += file.read(page - HEADER)
    head[28:32] = bytes(4)  # so many pages as the file has
    with path.open("r+b") as file:
        file.write(head)
    return _tolerant(path)


def _mend_definitions(path: Path) -> None:
    """Writes the SQL of tables anew where it is harmed: a column by another name, and no row would come along."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError), closing(_tolerant(path)) as connection:
        ((version,),) = connection.execute("PRAGMA user_version")
        wanted = definitions(version if 0 < version <= len(MIGRATIONS) else len(MIGRATIONS))
        connection.executemany(
            "UPDATE sqlite_master SET sql = ? WHERE name = ? AND CAST(sql AS BLOB) != CAST(? AS BLOB)",
            [(sql, name, sql) for name, sql in wanted.items()],
        )


def _tolerant(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = decoded
    with suppress(sqlite3.DatabaseError):
        connection.execute("PRAGMA writable_schema = ON")  # so that a file that was cut short opens
    return connection


def _fill(target: sqlite3.Connection, lost: Mapping[str, Sequence[Range]]) -> int:
    """Takes rows that could not be read from the backup; gives how many boxes these are.

    Boxes that were deleted after the backup may be among them, so that their images want a second look.
    """
    for name in ("settings", "counter"):  # whose ids mean nothing
        target.execute(f"INSERT OR IGNORE INTO {name} SELECT * FROM backup.{name}")
    for name in ("images", "classes", "passes", "rejections"):
        sql = _FROM_BACKUP.format(name, _columns(target, name), "rowid BETWEEN ? AND ?")
        target.executemany(sql, lost[name])
    before = {number for (number,) in target.execute("SELECT id FROM boxes")}
    sql = _FROM_BACKUP.format("boxes", _columns(target, "boxes"), f"id BETWEEN ? AND ? AND {_OWNED}")
    target.executemany(sql, lost["boxes"])
    came = [row for row in target.execute("SELECT id, image_id FROM boxes") if row[0] not in before]
    target.executemany(_SECOND_LOOK, [(image_id,) for _, image_id in came])
    return len(came)


def _columns(target: sqlite3.Connection, name: str) -> str:
    return ", ".join(row[1] for row in target.execute(f"PRAGMA table_info({name})"))


def _mend(target: sqlite3.Connection, paths: Sequence[salvage.Row], owners: Sequence[salvage.Row]) -> int:
    """Gives boxes whose image or class is lost one again; gives how many boxes an index knows that are lost.

    Images that have lost boxes are no longer reviewed: nobody has vouched for what is left.
    """
    named = [(number, bound(path)) for number, path in paths if isinstance(number, int) and isinstance(path, str)]
    target.executemany("INSERT OR IGNORE INTO images (id, path) VALUES (?, CAST(? AS TEXT))", named)
    for (number,) in target.execute(_NO_IMAGE).fetchall():
        target.execute("INSERT INTO images (id, path, missing) VALUES (?, ?, 1)", (number, salvage.LOST.format(number)))
    for (number,) in target.execute(_NO_CLASS).fetchall():
        ((place, category),) = target.execute("SELECT count(*), coalesce(max(category_id), 0) + 1 FROM classes")
        sql = "INSERT INTO classes (id, name, colour, position, category_id) VALUES (?, ?, ?, ?, ?)"
        target.execute(sql, (number, salvage.LOST.format(number), class_colour(place), place, category))
    kept = {number for (number,) in target.execute("SELECT id FROM boxes")}
    lost = [(image_id,) for number, image_id in owners if number not in kept and isinstance(image_id, int)]
    target.executemany(_SECOND_LOOK, lost)
    target.execute(
        "UPDATE images SET state = 'started' WHERE state = 'unlabelled' AND id IN (SELECT image_id FROM boxes)"
    )
    _mend_counters(target)
    return len(lost)


def _mend_counters(target: sqlite3.Connection) -> None:
    """No id is given twice."""
    tables = ("boxes", "rejections", "classes", "imports")
    largest = max(target.execute(f"SELECT coalesce(max(id), 0) FROM {name}").fetchone()[0] for name in tables)
    told = [value for (value,) in target.execute("SELECT next_id FROM counter") if largest < value < 1 << 52]
    target.execute("DELETE FROM counter")
    target.execute("INSERT INTO counter VALUES (?)", (max(told, default=largest + MARGIN),))
    target.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'images'", (MARGIN,))


def _beside(store: Path, suffix: str) -> Path:
    return store.with_name(store.name + suffix)


def _holds_bytes(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_size > 0
    return False
