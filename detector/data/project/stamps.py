"""By what a picture's file is known to be the one that was read: its size and the time of its last change."""

import os
from contextlib import suppress
from pathlib import Path

from detector.data.project.cache import Stamp
from detector.data.project.database import Database


class Stamps:
    """Those of a project's files, as they are now."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

    def of_image(self, image_id: int) -> Stamp | None:
        """Of an image's file, None where there is none. Raises ProjectError."""
        paths = self._database.rows("SELECT path FROM images WHERE id = ?", (image_id,))
        return self.of_path(paths[0][0]) if paths else None

    def of_path(self, path: str) -> Stamp | None:
        """Of the file at a path in the project's folder."""
        with suppress(OSError):
            status = os.stat(self._folder / path)
            return status.st_size, status.st_mtime_ns
        return None
