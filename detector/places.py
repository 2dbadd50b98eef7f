"""Where a person's programs keep their files, by platform."""

import os
import sys
from pathlib import Path

PROGRAM = "efficientdet-studio"


def user_cache() -> Path:
    """The folder for what can be fetched or made again."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / PROGRAM
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / PROGRAM
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / PROGRAM


def user_data() -> Path:
    """The folder for what must last, such as labels of pictures in folders that cannot be written to."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / PROGRAM
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")) / PROGRAM
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / PROGRAM
