"""Asking for folders and files with the system's own dialogs."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from app.notifications import Notifications
from app.projects import Projects

COCO_FILES = "COCO files (*.json);;All files (*)"
LABEL_FILES = "Labels: COCO, YOLO, VOC, labelme (*.json *.yaml *.yml *.xml *.txt);;All files (*)"


class FileChoice(QObject):
    """Opens what the person points at."""

    def __init__(self, projects: Projects, notifications: Notifications, parent: QWidget) -> None:
        super().__init__(parent)
        self._projects, self._notifications, self._window = projects, notifications, parent

    def open_path(self, path: Path) -> None:
        """Open a folder, or a COCO file with the pictures in a folder that the person then names."""
        if path.is_dir():
            self._projects.open_folder(path)
        elif path.suffix.lower() == ".json":
            self._ask_root(path)
        else:
            self._notifications.error(f"{path} is no folder and no COCO file; open a folder of pictures.")

    def ask_folder(self) -> None:
        """A folder of pictures."""
        if folder := QFileDialog.getExistingDirectory(self._window, "Open a folder of pictures"):
            self._projects.open_folder(Path(folder))

    def ask_coco(self) -> None:
        """A COCO file, then the folder of its pictures."""
        file, _ = QFileDialog.getOpenFileName(self._window, "Open a COCO file", filter=COCO_FILES)
        if file:
            self._ask_root(Path(file))

    def ask_labels(self, folder: Path, found: Callable[[Path], None]) -> None:
        """A label file, looked for in a folder first."""
        title = "Import: a COCO file or COCO results, data.yaml, or the labels of any picture"
        file, _ = QFileDialog.getOpenFileName(self._window, title, str(folder), LABEL_FILES)
        if file:
            found(Path(file))

    def _ask_root(self, file: Path) -> None:
        title = f"Where are the pictures of {file.name}?"
        if root := QFileDialog.getExistingDirectory(self._window, title, str(file.parent)):
            self._projects.open_coco(file, Path(root))
