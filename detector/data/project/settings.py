"""What a project remembers by name: the threshold, the model, the current image and the like."""

import json
from collections.abc import Mapping
from typing import Any

from detector.data.project.database import Database
from detector.data.project.rows import to_json


class Settings:
    """JSON values by their keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str, default: Any = None) -> Any:
        """What was stored last, else the default. Raises ProjectError."""
        rows = self._database.rows("SELECT value FROM settings WHERE key = ?", (key,))
        with self._database.understanding():
            return json.loads(rows[0][0]) if rows else default

    def put(self, values: Mapping[str, Any], *, wait: bool = True) -> None:
        """Stores values, all or none. Raises ProjectError, without `wait` at once where a worker is writing."""
        rows = [(key, to_json(value)) for key, value in values.items()]
        with self._database.transaction(wait=wait) as connection:
            connection.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", rows)
