"""Copies of a project's store, one a day and one before each migration."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.data.project.database import Database
from detector.errors import ProjectError
from detector.files import replacing

KEPT = 7
EVERY = timedelta(days=1)


def back_up(database: Database, folder: Path) -> None:
    """Writes a copy named after the time, and removes all but the newest few. Raises ProjectError."""
    path = folder / f"project-{datetime.now(UTC):%Y%m%d-%H%M%S}.db"
    try:
        folder.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            database.copy_to(temporary)
    except OSError as error:
        raise ProjectError(f"{path}: the copy cannot be written ({error.strerror}); free some space.") from error
    for old in _copies(folder)[:-KEPT]:
        with suppress(OSError):  # a copy too many does no harm
            old.unlink()


def back_up_daily(database: Database, folder: Path) -> None:
    """As `back_up`, unless there is a copy of the last day. Raises ProjectError."""
    newest = max((path.stat().st_mtime for path in _copies(folder)), default=0.0)
    if datetime.now(UTC) - datetime.fromtimestamp(newest, UTC) >= EVERY:
        back_up(database, folder)


def _copies(folder: Path) -> list[Path]:
    """Oldest first, as their names sort."""
    return sorted(folder.glob("project-*.db"))
