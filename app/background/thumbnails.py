"""Small pictures for the images list, decoded in a worker: those on screen first, then kept in the store."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.document import Document
from app.jobs import Job, Jobs
from detector.data.images import decode
from detector.data.project.records import ProjectImage
from detector.data.project.store import Project
from detector.errors import ImageError, StudioError

LONG_SIDE = 256  # px; covers a cell of the list at 200%
KEPT = 200  # in memory, about 26 MB; three screens of the list in a large window
QUALITY = 82


class Thumbnails(QObject):
    """What `want` asks for comes in that order; `ready` tells an image's id when its picture or its failure comes."""

    ready = Signal(int)
    forgotten = Signal()

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._jobs = document, jobs
        self._pictures: OrderedDict[int, QImage | None] = OrderedDict()  # None: cannot be decoded
        self._queue = _Queue()
        self._job: Job | None = None
        self._failed = False
        document.project_changed.connect(self._on_project_changed)

    def image(self, image_id: int) -> QImage | None:
        """The picture, at most LONG_SIDE pixels wide and high; None while it is not there, and where it is broken."""
        picture = self._pictures.get(image_id)
        if picture is not None:
            self._pictures.move_to_end(image_id)
        return picture

    def is_broken(self, image_id: int) -> bool:
        """Whether the file cannot be decoded."""
        return image_id in self._pictures and self._pictures[image_id] is None

    def want(self, image_ids: Sequence[int]) -> None:
        """Ask for these, first ones first, and for nothing that was asked for before and has not come."""
        images = self._document.images
        self._queue.replace([images[id] for id in image_ids if id in images and id not in self._pictures])
        self._start()

    def forget(self) -> None:
        """Files may have changed: look again at what is wanted next."""
        self._pictures.clear()
        self.forgotten.emit()

    def _start(self) -> None:
        project = self._document.project
        if self._job is not None or self._failed or project is None or not self._queue:
            return
        self._job = job = self._jobs.start(
            "Thumbnails", lambda: _pictures(project, self._queue), on_events=lambda e: self._on_events(project, e)
        )
        for signal in (job.finished, job.cancelled):
            signal.connect(lambda: self._on_ended(job, failed=False))
        job.failed.connect(lambda _: self._on_ended(job, failed=True))

    def _on_events(self, project: Project, events: list[tuple[int, QImage | None]]) -> None:
        if project is not self._document.project:
            return  # ids of a project that is closed
        self._pictures.update(events)
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        for image_id, _ in events:
            self.ready.emit(image_id)

    def _on_ended(self, job: Job, *, failed: bool) -> None:
        if job is self._job:
            self._job, self._failed = None, failed
            self._start()  # what was asked for while the last job was ending

    def _on_project_changed(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._queue = _Queue()
        self._job, self._failed = None, False
        self._pictures.clear()


class _Queue:
    """Images that wait, shared between the window, which replaces them, and the worker, which takes them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[ProjectImage] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def replace(self, images: Sequence[ProjectImage]) -> None:
        with self._lock:
            self._waiting = list(reversed(images))

    def take(self) -> ProjectImage | None:
        with self._lock:
            return self._waiting.pop() if self._waiting else None


def shrunk(pixels: NDArray[np.uint8], long_side: int = LONG_SIDE) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) scaled down so that the longer side is at most so many pixels; never scaled up."""
    height, width = pixels.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _pictures(project: Project, queue: _Queue) -> Iterator[tuple[int, QImage | None]]:
    """In a worker: the picture of each waiting image, None where the file is broken."""
    with closing(project.connect()) as connection:
        while (image := queue.take()) is not None:
            try:
                yield image.id, _to_qimage(_pixels(connection, image))
            except ImageError:
                yield image.id, None


def _pixels(project: Project, image: ProjectImage) -> NDArray[np.uint8]:
    """RGB pixels (H, W, 3) from the store, else from the file and then into the store. Raises ImageError."""
    with suppress(StudioError):  # without the store's copy there is still the file
        if (kept := _unpacked(project.thumbnails.get(image.id))) is not None:
            return kept
    small = shrunk(decode(project.folder / image.path))
    with suppress(StudioError):  # a full disk or a busy store costs the copy, not the picture
        packed = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        project.thumbnails.put(image.id, packed.tobytes())
    return small


def _unpacked(data: bytes | None) -> NDArray[np.uint8] | None:
    """RGB pixels of a stored JPEG; None where there is none, or it is damaged."""
    found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    return None if found is None else np.ascontiguousarray(found[:, :, ::-1])


def _to_qimage(pixels: NDArray[np.uint8]) -> QImage:
    height, width = pixels.shape[:2]
    borrowed = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return borrowed.copy()  # in three bytes a pixel: what is painted is scaled down once, and kept as it is painted
