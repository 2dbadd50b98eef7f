"""Evaluation as the window sees it: the report of the model in use, measured when the person asks for it."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from app.background.evaluation_work import Kept, Looked, measure, read_kept
from app.background.model_work import ModelWork, Studio
from app.image_filter import ImageGroup
from app.jobs import BusyError, Job
from app.panels.evaluation import EvaluationPanel
from detector.data.project.records import State
from detector.data.split import Side


class Evaluating(ModelWork):
    """Fills the panel, while it is looked at. images_wanted: an ImageGroup."""

    images_wanted = Signal(object)

    def __init__(self, studio: Studio, *, panel: EvaluationPanel, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._panel = panel
        self._reading: Job | None = None
        self._measuring: Job | None = None
        panel.measure_wanted.connect(self.measure)
        panel.stop_wanted.connect(self.stop)
        panel.images_wanted.connect(self._on_images_wanted)
        panel.shown.connect(self.show)
        self._model.changed.connect(self._on_changed)
        self._document.project_changed.connect(self._on_changed)
        self._document.classes_changed.connect(lambda: panel.set_classes(self._document.classes))

    def show(self) -> None:
        """Read what is known of the model in use."""
        project, source = self._document.project, self._model.source
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if project is None or self._measuring is not None:
            return
        self._panel.set_model(self._model.choice.title, images=self._images())
        self._reading = job = self._jobs.start(
            "Reading the evaluation",
            lambda: read_kept(project, source),
            on_events=lambda events: self._on_kept(job, events[-1]),
        )

    def measure(self) -> None:
        """Measure the model in use on the validation images."""
        project, source, device = self._document.project, self._model.source, self._model.device
        if project is None or self._measuring is not None:
            return
        if missing := self._model.choice.missing:
            self._notifications.info(f"{self._model.choice.title} is not here: {missing}.")
            return
        try:
            job = self._jobs.start(
                "Evaluating",
                lambda: measure(project, source, device),
                on_events=lambda events: self._on_measured(job, events),
                device=True,
            )
        except BusyError as error:
            self._notifications.info(str(error))
            return
        self._measuring = job
        self._panel.set_progress("Loading the model…")
        for signal in (job.finished, job.failed, job.cancelled):
            signal.connect(lambda *_: self._on_ended(job))

    def stop(self) -> None:
        """Measure no more."""
        if self._measuring is not None:
            self._measuring.cancel()

    def _images(self) -> int:
        """How many images there are to measure on."""
        images = self._document.images.values()
        return sum(image.split is Side.VAL and image.state is State.REVIEWED and not image.ignored for image in images)

    def _on_changed(self) -> None:
        self.stop()
        self._panel.set_kept(Kept(None))
        if self._panel.isVisible():
            self.show()

    def _on_kept(self, job: Job, kept: Kept) -> None:
        if job is self._reading and not job.cancelling:
            self._panel.set_classes(self._document.classes)
            self._panel.set_kept(kept)

    def _on_measured(self, job: Job, events: list[Any]) -> None:
        if job is not self._measuring or job.cancelling:
            return
        for event in events:
            if isinstance(event, Kept):
                self._panel.set_classes(self._document.classes)
                self._panel.set_kept(event)
            elif isinstance(event, Looked) and event.total:
                self._panel.set_progress(f"{event.done:,} of {event.total:,} images · {event.device}")

    def _on_ended(self, job: Job) -> None:
        if job is self._measuring:
            self._measuring = None
            self._panel.set_progress("")

    def _on_images_wanted(self, group: ImageGroup) -> None:
        self.images_wanted.emit(group)
