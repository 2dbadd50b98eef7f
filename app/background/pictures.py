"""The current image's pixels, decoded in the background, and its neighbours' ahead of time."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from app import worker_results
from app.canvas.mipmap import MipMap
from app.document import Document
from app.jobs import Job, Jobs
from app.verbs import navigation
from detector.data.images import decode
from detector.data.project.records import ProjectImage
from detector.data.project.store import Project
from detector.data.split import content_key
from detector.errors import ImageError

CACHE_BYTES = 400_000_000
KEPT = 16


@dataclass(frozen=True)
class Picture:
    """An image's pixels, or why there are none; `key` is its content hash if it was asked for."""

    image_id: int
    pixels: MipMap | None
    message: str = ""
    key: str = ""


class Pictures(QObject):
    """Follows the document's current image; `ready` tells its picture as soon as it is there."""

    ready = Signal(object)

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._jobs = document, jobs
        self._cache: OrderedDict[int, Picture] = OrderedDict()
        self._job: Job | None = None
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._load)
        document.current_changed.connect(self._on_current_changed)
        document.project_changed.connect(self._on_project_changed)

    def forget(self) -> None:
        """Files may have changed: read them again."""
        self._cache.clear()
        self._soon.start()

    def _on_project_changed(self) -> None:
        self._soon.stop()
        self._cache.clear()
        if self._job:
            self._job.cancel()
        self._job = None

    def _on_current_changed(self) -> None:
        if self._document.current in self._cache:
            self.ready.emit(self._cache[self._document.current])
        self._soon.start()  # of a held-down key only the last image counts

    def _load(self) -> None:
        """Read the current image and its neighbours, those that are not there yet."""
        document = self._document
        if document.project is None or document.current is None:
            return
        if self._job:
            self._job.cancel()
        near = [document.current, *navigation.neighbours(document, after=2, before=1)]
        wanted = [document.images[image_id] for image_id in near if image_id not in self._cache]
        if wanted:
            project = document.project
            self._job = self._jobs.start(
                "Reading pictures", lambda: read(project, wanted), on_events=lambda found: self._on_read(project, found)
            )

    def _on_read(self, project: Project, found: list[Picture]) -> None:
        if self._document.project is not project:
            return
        for picture in found:
            self._cache[picture.image_id] = picture
            if picture.pixels is not None:
                height, width = picture.pixels.levels[0].shape[:2]
                worker_results.note_decoded(
                    self._document, picture.image_id, width=width, height=height, key=picture.key
                )
            if picture.image_id == self._document.current:
                self.ready.emit(picture)
        self._trim()

    def _trim(self) -> None:
        """Forget what was read longest ago, but never the current image."""
        held = sum(_bytes(picture) for picture in self._cache.values())
        while len(self._cache) > 1 and (held > CACHE_BYTES or len(self._cache) > KEPT):
            oldest = next(image_id for image_id in self._cache if image_id != self._document.current)
            held -= _bytes(self._cache.pop(oldest))


def _bytes(picture: Picture) -> int:
    return sum(level.nbytes for level in picture.pixels.levels) if picture.pixels else 0


def read(project: Project, images: list[ProjectImage]) -> Iterator[Picture]:
    """The pictures of images, one after the other; their content hash where the store lacks their size."""
    for image in images:
        path = project.folder / image.path
        try:
            key = content_key(path) if image.width is None else ""
            yield Picture(image.id, MipMap(decode(path)), key=key)
        except ImageError as error:
            yield Picture(image.id, None, str(error))
