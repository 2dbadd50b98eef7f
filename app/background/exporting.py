"""Writing labels: annotations.json beside the pictures, or an export elsewhere."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject

from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from app.wording import count
from detector.data import coco, labels
from detector.data.annotations import Dataset, said
from detector.data.formats import Written
from detector.data.problems import Problem
from detector.data.project import datasets
from detector.data.project.store import Project
from detector.data.split import Side

FILE = "annotations.json"
WRITTEN = "coco-written"  # setting of a project: annotations.json is ours


@dataclass(frozen=True)
class ExportWish:
    """What to write: COCO to a file, YOLO and VOC to a new folder.

    by_side: training and validation images into COCO files of their own. predictions: what models found, as a COCO
    results file beside it.
    """

    path: Path
    written: Written = Written.COCO
    reviewed_only: bool = False
    by_side: bool = False
    copy_images: bool = False
    predictions: bool = False


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
            self.export(ExportWish(project.folder / FILE))

    def export(self, wish: ExportWish) -> None:
        """To any place."""
        project = self._document.project
        if project is not None:
            name = f"Writing {wish.written.upper()}"
            self._jobs.start(name, lambda: write(project, wish), on_events=lambda said: self._tell(said[-1]))

    def _tell(self, said: "Said") -> None:
        if said.problems:
            details = "\n".join(map(str, said.problems))
            self._notifications.warning(said.text, details=details)
        else:
            self._notifications.info(said.text)


@dataclass(frozen=True)
class Said:
    """What was written, in words, and what had to be left out."""

    text: str
    problems: Sequence[Problem] = ()


def write(project: Project, wish: ExportWish) -> Iterator[Said]:
    """In the worker: write, then say what."""
    worker = project.connect()
    try:
        dataset = datasets.read(worker, reviewed_only=wish.reviewed_only)
        kept = [path for target in files(wish) if (path := _keep_foreign(worker, target))]
        paths = {image.id: worker.folder / image.path for image in dataset.images}
        paths = {image_id: path for image_id, path in paths.items() if path.is_file()}
        problems: list[Problem] = []
        for path, part in parts(wish, dataset):
            problems += labels.write(part, path, wish.written, paths=paths, copy_images=wish.copy_images)
        if wish.predictions:
            coco.write_results(
                datasets.scored_boxes(worker, {image.id for image in dataset.images}), predictions_file(wish.path)
            )
        if wish.path == project.folder / FILE and project.read_only is None:
            worker.settings.put({WRITTEN: True})
    finally:
        worker.close()
    boxes, images = count(len(dataset.boxes), "box", "boxes"), count(len(dataset.images), "image")
    text = f"{wish.path.name}: {boxes} on {images} in {wish.path.parent}"
    if wish.by_side and (rest := sum("split" not in said(image.extra) for image in dataset.images)):
        text += f"; {count(rest, 'image')} without a side, since nobody has reviewed them, in neither file"
    if kept:
        text += f"; what was there before is now {', '.join(path.name for path in kept)}"
    if problems:
        text += f"; {count(len(problems), 'thing')} could not be written"
    yield Said(f"{text}.", problems)


def parts(wish: ExportWish, dataset: Dataset) -> list[tuple[Path, Dataset]]:
    """Which images go where."""
    if not wish.by_side or wish.written is not Written.COCO:
        return [(wish.path, dataset)]
    return [(side_file(wish.path, side), _on_side(dataset, side)) for side in Side]


def files(wish: ExportWish) -> list[Path]:
    """The files that an export replaces where they exist. Folders are new."""
    if wish.written is not Written.COCO:
        return []
    whole = [side_file(wish.path, side) for side in Side] if wish.by_side else [wish.path]
    return [*whole, predictions_file(wish.path)] if wish.predictions else whole


def side_file(path: Path, side: Side) -> Path:
    """Beside annotations.json, the file of one side: annotations-train.json."""
    return path.with_name(f"{path.stem}-{side}{path.suffix}")


def predictions_file(path: Path) -> Path:
    """Beside annotations.json or the folder, the results file: annotations-predictions.json."""
    return path.with_name(f"{path.stem}-predictions.json")


def _on_side(dataset: Dataset, side: Side) -> Dataset:
    images = tuple(image for image in dataset.images if said(image.extra).get("split") == side)
    ids = {image.id for image in images}
    return replace(dataset, images=images, boxes=tuple(box for box in dataset.boxes if box.image_id in ids))


def _keep_foreign(worker: Project, path: Path) -> Path | None:
    """A copy of a label file that this project has not written, before it is overwritten for the first time."""
    if not path.is_file() or (path == worker.folder / FILE and worker.settings.get(WRITTEN)):
        return None
    kept = path.with_name(f"{path.stem}-{datetime.now():%Y%m%d-%H%M%S}{path.suffix}")
    shutil.copyfile(path, kept)
    return kept
