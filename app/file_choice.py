"""Asking for folders and files with the system's own dialogs."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from app.notifications import Notifications
from app.projects import Projects
from detector.data.matching import is_file_below

COCO_FILES = "COCO files (*.json);;All files (*)"
HEAD = 1 << 20  # bytes of a COCO file that are looked at for the names of its pictures
FILE_NAME = re.compile(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.)*")')
LABEL_FILES = "Labels: COCO, YOLO, VOC, labelme (*.json *.yaml *.yml *.xml *.txt);;All files (*)"


class FileChoice(QObject):
    """Opens what the person points at."""

    def __init__(self, projects: Projects, notifications: Notifications, parent: QWidget) -> None:
        super().__init__(parent)
        self._projects, self._notifications, self._window = projects, notifications, parent

    def open_path(self, path: Path) -> None:
        """Open a folder, or a COCO file; where its pictures are the person is asked, unless they are beside it."""
        if path.is_dir():
            self._projects.open_folder(path)
        elif path.suffix.lower() == ".json":
            self._open_coco(path)
        else:
            self._notifications.error(f"{path} is no folder and no COCO file; open a folder of pictures.")

    def ask_folder(self) -> None:
        """A folder of pictures."""
        if folder := QFileDialog.getExistingDirectory(self._window, "Open a folder of pictures"):
            self._projects.open_folder(Path(folder))

    def ask_coco(self) -> None:
        """A COCO file, then the folder of its pictures, unless they are beside it."""
        file, _ = QFileDialog.getOpenFileName(self._window, "Open a COCO file", filter=COCO_FILES)
        if file:
            self._open_coco(Path(file))

    def ask_labels(self, folder: Path, found: Callable[[Path], None]) -> None:
        """A label file, looked for in a folder first."""
        title = "Import: a COCO file or COCO results, data.yaml, or the labels of any picture"
        file, _ = QFileDialog.getOpenFileName(self._window, title, str(folder), LABEL_FILES)
        if file:
            found(Path(file))

    def _open_coco(self, file: Path) -> None:
        root = pictures_beside(file)
        if root is None:
            title = f"Where are the pictures of {file.name}?"
            chosen = QFileDialog.getExistingDirectory(self._window, title, str(file.parent))
            root = Path(chosen) if chosen else None
        if root is not None:
            self._projects.open_coco(file, root)


def pictures_beside(file: Path) -> Path | None:
    """The folder of a COCO file, where the first picture that the file names is in it or below its "images"; None where
    it is not, or the file's first MiB names none.
    """
    try:
        with file.open("rb") as opened:
            found = FILE_NAME.search(opened.read(HEAD))
        name = Path(json.loads(found[1]) if found else "")
    except (OSError, ValueError):
        return None
    root, real_root = file.parent, os.path.realpath(file.parent)
    is_here = any(is_file_below(root / folder / name, real_root) for folder in ("", "images"))
    return root if is_here and not name.is_absolute() else None
