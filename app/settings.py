"""What the program remembers from one start to the next, as a table. What belongs to a project is in its store."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QByteArray, QSettings

T = TypeVar("T")
RECENT_KEPT = 8


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One remembered value: its key, what it is at first, and what it is for."""

    key: str
    default: T
    explanation: str


THEME = Setting("theme", "system", "Colours: system, light or dark")
RECENT = Setting[list[str]]("recent", [], "Folders opened lately, newest first")
DEVICE = Setting("device", "auto", "Where models run: auto, cpu, cuda, mps")
MODEL = Setting("model", "starter", "The model that a new project begins with")
SHORTCUTS = Setting[dict[str, list[str]]]("shortcuts", {}, "Shortcuts that differ from the table: action → keys")
LABELS_ALWAYS = Setting("labels-always", False, "Class names on all boxes, not only on chosen ones")
BOTTOM_OPEN = Setting("bottom-open", False, "Whether training and fusion weights are unfolded")
REOPENS = Setting("reopens", True, "Whether the folder of last time opens at the start")
OPEN = Setting("open", "", "The folder that is open, or was as the program ended; it stays after a crash")
TOUR = Setting("tour", True, "Whether the sample shows the tour; off once it was skipped or came to its end")
COMPACT_LIST = Setting("compact-list", False, "The images as a compact list of names, not as thumbnails")
PACES = Setting[list[Any]]("training-paces", [], "How fast fine-tunings have been on this machine, newest first")
TABLE: tuple[Setting[Any], ...] = (
    *(THEME, RECENT, DEVICE, MODEL, SHORTCUTS, LABELS_ALWAYS, BOTTOM_OPEN, REOPENS, OPEN, COMPACT_LIST, PACES, TOUR),
)


class Settings:
    """The table's values in the user's configuration, or in the file at `path`."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self._store = QSettings(
                QSettings.Format.IniFormat, QSettings.Scope.UserScope, "efficientdet-studio", "studio"
            )
        else:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)

    def get(self, setting: Setting[T]) -> T:
        """The value; the default where none was kept, or what was kept is of another kind."""
        kept = self._store.value(setting.key)
        if not isinstance(kept, str):
            return setting.default
        try:
            value = json.loads(kept)
        except ValueError:
            return setting.default
        return value if isinstance(value, type(setting.default)) else setting.default

    def set(self, setting: Setting[T], value: T) -> None:
        """Keep a value."""
        self._store.setValue(setting.key, json.dumps(value))

    def set_now(self, setting: Setting[T], value: T) -> None:
        """Keep a value, in the file before this returns: some milliseconds, and then no kill loses it."""
        self.set(setting, value)
        self._store.sync()

    def layout(self, name: str) -> QByteArray | None:
        """A window's or splitter's layout, as Qt saved it."""
        kept = self._store.value(f"layout/{name}")
        return kept if isinstance(kept, QByteArray) else None

    def keep_layout(self, name: str, state: QByteArray) -> None:
        """Keep a layout."""
        self._store.setValue(f"layout/{name}", state)

    def shortcuts(self) -> dict[str, list[str]]:
        """The keys of the actions whose keys are not those of the table."""
        kept = self.get(SHORTCUTS)
        return {
            name: [key for key in keys if isinstance(key, str)] for name, keys in kept.items() if type(keys) is list
        }

    def recent(self) -> list[Path]:
        """The folders opened lately, newest first."""
        return [Path(text) for text in self.get(RECENT) if isinstance(text, str)]

    def add_recent(self, folder: Path) -> None:
        """Put a folder to the front of the recent ones."""
        others = [path for path in self.recent() if path != folder]
        self.set(RECENT, [str(path) for path in [folder, *others][:RECENT_KEPT]])
