"""What a model found elsewhere, from a COCO results file into the open project: proposals, as a pass of their own."""

from collections.abc import Iterator
from contextlib import closing

from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.edits import PassEdit
from app.jobs import Job, Jobs
from app.notifications import Notifications
from app.wording import count
from detector.data.project.importing_predictions import ReadyPredictions, bring_in
from detector.data.project.records import Pass
from detector.data.project.store import Project


class ImportingPredictions(QObject):
    """Stores predictions in a worker; shows them, as one step of undo, when all are there.

    progressed: what is done, and which part of it.
    """

    progressed = Signal(str, object)
    ended = Signal()

    def __init__(
        self, document: Document, jobs: Jobs, notifications: Notifications, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications
        self._job: Job | None = None

    @property
    def is_running(self) -> bool:
        """Whether predictions are on their way in."""
        return self._job is not None

    def bring_in(self, ready: ReadyPredictions) -> None:
        """Import what was looked into; its boxes are proposals, and no label changes."""
        document, project = self._document, self._document.project
        if project is None or self.is_running or document.refuse_editing():
            return
        made: list[Pass] = []

        def take(events: list[int | Pass]) -> None:
            last = events[-1]
            if isinstance(last, Pass):
                made.append(last)
            elif document.project is project:
                self.progressed.emit("Importing", last / len(ready.found))

        def finish() -> None:
            if document.project is project:
                self._show(made[-1], ready)

        self._job = self._jobs.start(
            "Importing predictions", lambda: _bring_in(project, ready), on_events=take, on_done=finish
        )
        for signal in (self._job.finished, self._job.failed, self._job.cancelled):
            signal.connect(self._on_ended)
        self.progressed.emit("Importing", 0.0)

    def stop(self) -> None:
        """Give up what is on its way in; nothing of it shows."""
        if self._job is not None:
            self._job.cancel()

    def _show(self, made: Pass, ready: ReadyPredictions) -> None:
        document = self._document
        document.switch_pass(made.id, active=True)
        document.undo_stack.insert(PassEdit(document, made.id, text=f"Import {made.model}"))
        boxes, images = count(ready.boxes, "prediction"), count(len(ready.found), "image")
        self._notifications.info(f"{boxes} on {images} imported as proposals. Undo takes them back.")

    def _on_ended(self, *_: object) -> None:
        self._job = None
        self.ended.emit()


def _bring_in(project: Project, ready: ReadyPredictions) -> Iterator[int | Pass]:
    """In the worker."""
    with closing(project.connect()) as worker:
        yield from bring_in(worker, ready)
