"""Steps over very many images: a worker stores them, the window shows them bit by bit; meanwhile nothing is edited."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing

from PySide6.QtCore import QObject, QTimer

from app.document import Document
from app.history import LongStep
from app.jobs import Jobs
from detector.data.project.records import Change, ProjectBox, ProjectImage
from detector.data.project.store import Project

MANY = 500  # images or boxes; fewer are changed at once, in some 20 ms
PORTION = 300  # images that are counted at once, in some 10 ms with ten boxes each
BUSY = "Many images are being changed; try again in a moment."


class LongEdit(LongStep):
    """One verb on very many images. `make`, which a worker calls, gives the change."""

    def __init__(self, document: Document, make: Callable[[], Change], *, text: str) -> None:
        super().__init__(text)
        self._document, self._make = document, make
        self._change: Change | None = None

    def change(self, *, back: bool) -> Change:
        """What is to be stored; not a matter for the window's thread."""
        if self._change is None:
            self._change = self._make()
        return self._change.inverse() if back else self._change

    def _do(self) -> None:
        self._document.long_edit_wanted.emit(self, False)

    def _take_back(self) -> None:
        self._document.long_edit_wanted.emit(self, True)


class LongEdits(QObject):
    """Has workers do what the document's long steps want."""

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._jobs = document, jobs
        self._waiting: deque[Change] = deque()
        self._is_stored = False
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._show_some)
        document.long_edit_wanted.connect(self._on_wanted)
        document.project_changed.connect(self._on_project_changed)

    def _on_wanted(self, step: LongEdit, back: bool) -> None:
        document, project = self._document, self._document.project
        if project is None:
            return
        document.busy = BUSY
        self._is_stored = False

        def take(portions: list[Change]) -> None:
            if document.project is project:
                self._waiting.extend(portions)
                self._soon.start()

        def done() -> None:
            if document.project is project:
                self._is_stored = True
                self._soon.start()

        def failed() -> None:
            if document.project is project:
                document.busy = ""
                step.fail(document.undo_stack, back=back)

        work = lambda: stored(project, lambda: step.change(back=back))  # noqa: E731
        self._jobs.start(step.text, work, on_events=take, on_done=done, on_failed=failed)

    def _show_some(self) -> None:
        document = self._document
        if self._waiting:
            document.tally.take_change(self._waiting.popleft())
            self._soon.start()
        elif self._is_stored:
            document.busy = ""
            if document.project is not None:
                document.project.sides.forget()
            document.show_anew()
            document.images_changed.emit()
            if document.current is not None:
                document.image_updated.emit(document.current)

    def _on_project_changed(self) -> None:
        self._soon.stop()
        self._waiting.clear()


def stored(project: Project, make: Callable[[], Change]) -> Iterator[Change]:
    """In a worker: stores a change in one transaction, then gives it in portions to be shown."""
    change = make()
    with closing(project.connect()) as worker:
        worker.apply(change)
    yield from portions(change, PORTION)


def portions(change: Change, size: int) -> Iterator[Change]:
    """A change of images and of boxes on these, by so many images at a time; each with its own boxes."""
    boxes: dict[int, list[tuple[ProjectBox | None, ProjectBox | None]]] = {}
    for before, after in change.boxes:
        box = after or before
        if box is not None:
            boxes.setdefault(box.image_id, []).append((before, after))
    for start in range(0, len(change.images), size):
        images: tuple[tuple[ProjectImage, ProjectImage], ...] = change.images[start : start + size]
        own = tuple(pair for _, image in images for pair in boxes.get(image.id, ()))
        yield Change(boxes=own, images=images)
