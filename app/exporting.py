"""Writing COCO: annotations.json beside the pictures, or an export elsewhere."""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject

from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from app.wording import count
from detector.data import coco
from detector.data.project.store import Project

FILE = "annotations.json"
WRITTEN = "coco-written"  # setting of a project: annotations.json is ours


class Exporting(QObject):
    """Writes in a worker and says what was written."""

    def __init__(
        self, document: Document, jobs: Jobs, notifications: Notifications, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications

    def save(self) -> None:
        """All boxes with their images' states to annotations.json in the folder; a foreign one there is kept aside."""
        project = self._document.project
        if project is not None:
            self._run(project, lambda: write(project, project.folder / FILE, reviewed_only=False))

    def export(self, path: Path, *, reviewed_only: bool) -> None:
        """To any file."""
        project = self._document.project
        if project is not None:
            self._run(project, lambda: write(project, path, reviewed_only=reviewed_only))

    def _run(self, project: Project, work: Callable[[], Iterator[str]]) -> None:
        self._jobs.start("Writing COCO", work, on_events=lambda said: self._notifications.info(said[-1]))


def write(project: Project, path: Path, *, reviewed_only: bool) -> Iterator[str]:
    """In the worker: write the file, then say so."""
    worker = project.connect()
    try:
        kept = _keep_foreign(worker, path)
        dataset = worker.dataset(reviewed_only=reviewed_only)
        coco.write(dataset, path)
        if path == project.folder / FILE and project.read_only is None:
            worker.set_setting(WRITTEN, True)
    finally:
        worker.close()
    boxes, images = count(len(dataset.boxes), "box", "boxes"), count(len(dataset.images), "image")
    text = f"{path.name}: {boxes} on {images} in {path.parent}"
    yield f"{text}; what was there before is now {kept.name}." if kept else f"{text}."


def _keep_foreign(worker: Project, path: Path) -> Path | None:
    """A copy of a label file that this project has not written, before it is overwritten for the first time."""
    if not path.is_file() or (path == worker.folder / FILE and worker.setting(WRITTEN)):
        return None
    kept = path.with_name(f"{path.stem}-{datetime.now():%Y%m%d-%H%M%S}{path.suffix}")
    shutil.copyfile(path, kept)
    return kept
