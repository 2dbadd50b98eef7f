"""Copies of a project's store, one a day and one before each migration; the last ten are kept."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.data.project.database import Database
from detector.errors import ProjectError
from detector.files import replacing

KEPT = 10
EVERY = timedelta(days=1)
_TIME = "%Y%m%d-%H%M%S"


def back_up(database: Database, folder: Path) -> None:
    """Writes a copy named after the time, and removes all but the newest few.

    Raises ProjectError; DamageError where the store is damaged: such a copy must not push out a good one.
    """
    path = folder / f"project-{_next_time(folder):{_TIME}}.db"
    try:
        folder.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            database.copy_to(temporary)
    except OSError as error:
        raise ProjectError(f"{path}: the copy cannot be written ({error.strerror}); free some space.") from error
    for old in copies(folder)[:-KEPT]:
        with suppress(OSError):  # a copy too many does no harm
            old.unlink()


def back_up_daily(database: Database, folder: Path) -> None:
    """As `back_up`, unless there is a copy of the last day. Raises ProjectError."""
    newest = max((path.stat().st_mtime for path in copies(folder)), default=0.0)
    age = datetime.now(UTC) - datetime.fromtimestamp(newest, UTC)
    if not timedelta(0) <= age < EVERY:  # below zero: the clock was set back
        back_up(database, folder)


def copies(folder: Path) -> list[Path]:
    """Oldest first, as their names sort."""
    return sorted(folder.glob("project-*.db"))


def _next_time(folder: Path) -> datetime:
    """Now, or just after the newest copy: where the clock was set back, the newest must still sort last."""
    now = datetime.now(UTC).replace(microsecond=0)
    for path in reversed(copies(folder)):
        with suppress(ValueError, OverflowError):
            then = datetime.strptime(path.stem.removeprefix("project-"), _TIME).replace(tzinfo=UTC)
            return max(now, then + timedelta(seconds=1))
    return now
