"""Handing what a worker reads of a project to the document, in portions that no click has to wait for."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.background.opening import ImagesRead, IndexRead, together
from app.document import Document

PORTION = 4000  # images that the window takes in at once, in some 20 ms


class Intake(QObject):
    """Takes events in their order: images into the document, the index of proposals, and texts, which `tell` shows."""

    def __init__(self, document: Document, tell: Callable[[str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._tell = document, tell
        self._waiting: deque[ImagesRead | IndexRead | str | Callable[[], None]] = deque()
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._take_some)
        document.project_changed.connect(self._on_project_changed)

    def take(self, events: Iterable[Any]) -> None:
        """Take these as soon as what came before is taken."""
        self._waiting.extend(events)
        if not self._soon.isActive():
            self._take_some()

    def then(self, call: Callable[[], None]) -> None:
        """Call this when all that has come is taken."""
        self.take([call])

    def _on_project_changed(self) -> None:
        self._waiting.clear()
        self._soon.stop()

    def _take_some(self) -> None:
        """Images up to a portion, or the next of the other events."""
        read: list[ImagesRead] = []
        while self._waiting and isinstance(self._waiting[0], ImagesRead) and _number(read) < PORTION:
            event = self._waiting.popleft()
            assert isinstance(event, ImagesRead)
            read.append(event)
        if read:
            one = together(read)
            self._document.add_images(one.images, keys=one.keys, counts=one.counts, origins=one.origins)
        elif self._waiting:
            self._take_other(self._waiting.popleft())
        if self._waiting:
            self._soon.start()

    def _take_other(self, event: Any) -> None:
        if isinstance(event, IndexRead):
            self._document.set_index(event.index)
        elif isinstance(event, str):
            self._document.read_classes()
            self._tell(event)
        else:
            event()


def _number(read: list[ImagesRead]) -> int:
    return sum(len(event.images) for event in read)
