"""One SQLite file: how it is opened, read and written to, and what a person is told where that fails."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from detector.errors import ProjectError

BUSY_SECONDS = 5
_HELD = "another program holds it; close that program and try again."
_GUARDED = "cannot be written to; change its permissions and open the folder again."
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full, so the last change was not stored; free some space and repeat it.",
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_READONLY: _GUARDED,
    sqlite3.SQLITE_PERM: _GUARDED,
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder is there and may be written to.",
    sqlite3.SQLITE_IOERR: "the drive does not answer as it should; check it and open the folder again.",
}


class DamageError(ProjectError):
    """A file that is no SQLite database, or no longer."""


SUSPECT = "-suspect"  # ends the name of an empty file beside a database in which damage was met
LOGS = ("-wal", "-journal")  # SQLite's own, which a clean end takes away


class Database:
    """A connection, used by one thread at a time. Every failure of SQLite is told as a ProjectError with the file.

    read_only: why nothing is to be written to it, in words, which each transaction then raises; None where it may be.
    immutable: reads a file that nobody can write to, without a lock or a journal. rollback: keeps a rollback
    journal, since the file lies where several machines may reach it. remedy: what to do where the file is damaged.
    """

    def __init__(
        self, path: Path, *, remedy: str, read_only: str | None = None, immutable: bool = False, rollback: bool = False
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._remedy = remedy
        with self._telling():
            # A URI only where it must be: in one, SQLite does not understand the shares of Windows.
            target = f"{path.as_uri()}?immutable=1" if immutable else path
            self._connection = sqlite3.connect(
                target, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=immutable
            )
            self._connection.text_factory = decoded
            try:
                self._set_up(read_only=read_only is not None or immutable, rollback=rollback)
            except BaseException:
                self._connection.close()
                raise

    def _set_up(self, *, read_only: bool, rollback: bool) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA schema_version")  # reads the header: now is the time to learn of damage
        if read_only:
            self._connection.execute("PRAGMA query_only = ON")
            return
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if rollback or not self._has_log():
            self._connection.execute("PRAGMA journal_mode = DELETE")

    def _has_log(self) -> bool:
        """Switches to the write-ahead log, which some file systems cannot have."""
        with suppress(sqlite3.OperationalError):
            return self._connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        return False

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query gives. Raises ProjectError."""
        with self._telling():
            return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """As `rows`, one by one."""
        with self._telling():
            yield from self._connection.execute(sql, parameters)

    def state(self) -> tuple[int, int]:
        """A value that changes with every change of the file, whoever makes it. Raises ProjectError."""
        ((by_others,),) = self.rows("PRAGMA data_version")
        return by_others, self._connection.total_changes

    @contextmanager
    def transaction(self, *, wait: bool = True) -> Iterator[sqlite3.Connection]:
        """The connection, to write with: all of the block is stored or nothing. Raises ProjectError, without `wait` at
        once where another connection is writing.
        """
        self.check_writable()
        with self._telling():
            if not wait:
                self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            finally:
                if not wait:
                    self._connection.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has ended the transaction already
                    self._connection.execute("ROLLBACK")
                raise

    def check_writable(self) -> None:
        """Raises ProjectError, which says why, where nothing may be written."""
        if self.read_only is not None:
            raise ProjectError(self.read_only)

    def copy_to(self, path: Path) -> None:
        """Writes a copy of the whole file, as it is at this moment.

        Raises ProjectError; DamageError where that is damaged, which plain copying does not notice.
        """
        with self._telling():
            copy = sqlite3.connect(path)
            try:
                self._connection.backup(copy)
                found = copy.execute("PRAGMA quick_check(1)").fetchall()
            finally:
                copy.close()
        if found != [("ok",)]:
            raise self.damage()

    def check(self) -> None:
        """Reads all of the file. Raises DamageError where a page or an index is not as it must be; ProjectError."""
        if self.rows("PRAGMA integrity_check(1)") != [("ok",)]:
            raise self.damage()

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """Within it, what fails on a value is told as damage: a value that this program never writes.

        Raises DamageError.
        """
        try:
            yield
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self.damage() from error

    def damage(self) -> DamageError:
        """The error for a file that is damaged; leaves the mark by which it is looked into when it is opened next."""
        with suppress(OSError):
            self.path.with_name(self.path.name + SUSPECT).touch()
        return DamageError(f"{self.path}: is damaged; {self._remedy}.")

    def close(self) -> None:
        """Ends the connection; the last one folds the log into the file."""
        self._connection.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest is SQLite's finer code
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise self.damage() from error
            if code not in _REASONS:
                raise  # only a mistake of ours can cause it
            raise ProjectError(f"{self.path}: {_REASONS[code]}") from error
        except UnicodeDecodeError as error:
            raise self.damage() from error


def bound(text: str) -> bytes:
    """Text for `CAST(? AS TEXT)`: names of files and classes may hold lone surrogates, which SQLite is not given."""
    return text.encode("utf-8", "surrogatepass")


def decoded(text: bytes) -> str:
    """What `bound` was given: for a connection's `text_factory`."""
    return text.decode("utf-8", "surrogatepass")
