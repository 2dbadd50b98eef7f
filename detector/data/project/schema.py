"""The tables of project.db, as the steps that led to them: a store of any earlier version is brought up to date."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

from detector.data.project.backups import back_up
from detector.data.project.database import Database
from detector.errors import ProjectError

# One entry per version, never changed once published. Texts that people wrote are read and written as UTF-8 with
# surrogates; `extra`, `value`, `channels` and `thresholds` are JSON in ASCII.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE counter (next_id INTEGER NOT NULL)",
        "INSERT INTO counter VALUES (1)",
        """CREATE TABLE images (
            id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, width INTEGER, height INTEGER,
            state TEXT NOT NULL DEFAULT 'unlabelled', split TEXT, ignored INTEGER NOT NULL DEFAULT 0,
            note TEXT NOT NULL DEFAULT '', extra TEXT, content_key TEXT, missing INTEGER NOT NULL DEFAULT 0)""",
        "CREATE INDEX images_by_content ON images (content_key) WHERE content_key IS NOT NULL",
        "CREATE INDEX images_by_split ON images (split) WHERE split IS NOT NULL",
        """CREATE TABLE passes (
            id INTEGER PRIMARY KEY, model TEXT NOT NULL, source TEXT NOT NULL, channels TEXT NOT NULL,
            thresholds TEXT NOT NULL, created TEXT NOT NULL, active INTEGER NOT NULL)""",
        # A class that only an undone pass brought is hidden, not deleted: redoing the pass shows it again.
        """CREATE TABLE classes (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, colour TEXT NOT NULL, position INTEGER NOT NULL,
            category_id INTEGER NOT NULL, pass_id INTEGER, extra TEXT, hidden INTEGER NOT NULL DEFAULT 0)""",
        """CREATE TABLE boxes (
            id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images, class_id INTEGER NOT NULL
            REFERENCES classes, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
            origin TEXT NOT NULL, model TEXT, score REAL, iscrowd INTEGER NOT NULL, occluded INTEGER NOT NULL,
            truncated INTEGER NOT NULL, difficult INTEGER NOT NULL, extra TEXT)""",
        "CREATE INDEX boxes_by_image ON boxes (image_id, class_id)",
        "CREATE INDEX boxes_by_class ON boxes (class_id)",
        # A rejection outlives its class: undoing the removal of the class brings it back into force.
        """CREATE TABLE rejections (
            id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images, class_id INTEGER NOT NULL,
            x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL)""",
        "CREATE INDEX rejections_by_image ON rejections (image_id)",
    ),
    (
        "ALTER TABLE passes ADD COLUMN model_key TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE passes ADD COLUMN knows TEXT NOT NULL DEFAULT '[]'",  # JSON: name, category and threshold
        # What a step of undo over more boxes than memory should hold has replaced; emptied as a project is opened.
        """CREATE TABLE shelved_boxes (
            step INTEGER NOT NULL, id INTEGER NOT NULL, image_id INTEGER NOT NULL, class_id INTEGER NOT NULL,
            x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
            origin TEXT NOT NULL, model TEXT, score REAL, iscrowd INTEGER NOT NULL, occluded INTEGER NOT NULL,
            truncated INTEGER NOT NULL, difficult INTEGER NOT NULL, extra TEXT, PRIMARY KEY (step, id))
            WITHOUT ROWID""",
        """CREATE TABLE shelved_rejections (
            step INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (step, id)) WITHOUT ROWID""",
        """CREATE TABLE shelved_images (
            step INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (step, id)) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE boxes ADD COLUMN coco_id INTEGER",
        "ALTER TABLE shelved_boxes ADD COLUMN coco_id INTEGER",
        # An import is many short transactions; these tables know how to take all of it back. What they hold of images,
        # classes and the setting is what the other side has: where `is_in`, that without the import.
        """CREATE TABLE imports (
            id INTEGER PRIMARY KEY, first_box INTEGER NOT NULL, end_box INTEGER NOT NULL, replaces INTEGER NOT NULL,
            is_moving INTEGER NOT NULL, is_in INTEGER NOT NULL, other_extra TEXT)""",
        """CREATE TABLE import_images (
            import_id INTEGER NOT NULL, image_id INTEGER NOT NULL, is_in INTEGER NOT NULL, state TEXT NOT NULL,
            split TEXT, ignored INTEGER NOT NULL, note TEXT NOT NULL, extra TEXT,
            PRIMARY KEY (import_id, image_id)) WITHOUT ROWID""",
        """CREATE TABLE import_classes (
            import_id INTEGER NOT NULL, class_id INTEGER NOT NULL, hidden INTEGER NOT NULL, pass_id INTEGER,
            PRIMARY KEY (import_id, class_id)) WITHOUT ROWID""",
    ),
)

LATEST_EVER = 1000  # no program of ours will ever have written a later version
_TABLES = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"


def check_version(database: Database) -> int:
    """The store's version. Raises ProjectError where a newer program made it, DamageError where it is none."""
    ((version,),) = database.rows("PRAGMA user_version")
    if not 0 <= version <= LATEST_EVER:
        raise database.damage()
    if version > len(MIGRATIONS):
        raise ProjectError(
            f"{database.path}: a newer version of this program made it (store {version}, this one knows "
            f"{len(MIGRATIONS)}); update the program."
        )
    return version


def check_sound(database: Database) -> None:
    """Raises DamageError where the tables are not those of the store's version; ProjectError as `check_version`."""
    wanted = definitions(check_version(database))
    if not wanted.items() <= dict(database.rows(_TABLES)).items():
        raise database.damage()


def definitions(version: int) -> dict[str, str]:
    """The SQL by which a store of a version knows its tables and indices, by their names."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        for statements in MIGRATIONS[:version]:
            _run(model, statements)
        return dict(model.execute(_TABLES))


def migrate(database: Database, backups: Path) -> None:
    """Brings a store up to date, all at once or not at all; an older one is copied first. Raises ProjectError."""
    if check_version(database) == len(MIGRATIONS):
        return
    if check_version(database) > 0:
        back_up(database, backups)
    with database.transaction() as connection:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()  # another window may have been quicker
        for statements in MIGRATIONS[version:]:
            _run(connection, statements)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _run(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.execute(statement)
