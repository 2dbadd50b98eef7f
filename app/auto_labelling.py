"""Auto-labelling in a worker: one image, or all of them, as one pass and one step of undo."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.jobs import Job, Jobs
from app.models import choice
from app.notifications import Notifications
from app.wording import count, duration
from detector.data.project.records import Pass, ProjectImage, State
from detector.data.project.store import Project
from detector.events import ImageFailed, ImagesLabelled
from detector.loading import load_torch

if TYPE_CHECKING:
    from detector.inference.predictor import Predictor
    from detector.model.info import ModelInfo

FAILURES_NAMED = 20


@dataclass(frozen=True)
class PassBegan:
    """The pass is in the store; `device` says in words where it runs."""

    pass_: Pass
    device: str


@dataclass(frozen=True)
class _Engine:
    """A model ready for work; `stamp` tells whether its file has changed since."""

    source: str
    stamp: float
    wanted: str
    device: str
    info: "ModelInfo"
    predictor: "Predictor"


@dataclass
class _Run:
    """The pass under way, and how far it is."""

    project: Project
    total: int
    pass_: Pass | None = None
    began: float = 0.0
    done: int = 0
    failures: list[ImageFailed] = field(default_factory=list)


class AutoLabelling(QObject):
    """Runs passes one at a time, and says how far they are.

    progressed: text, share in 0..1 (None: unknown). device_found: where the model runs, in words.
    """

    began = Signal()
    progressed = Signal(str, object)
    ended = Signal()
    device_found = Signal(str)

    def __init__(
        self, document: Document, jobs: Jobs, notifications: Notifications, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications
        self._engine: _Engine | None = None
        self._job: Job | None = None
        self._run: _Run | None = None

    @property
    def is_running(self) -> bool:
        """Whether a pass is under way."""
        return self._job is not None

    def label_current(self, *, source: str, device: str) -> None:
        """A pass over the current image. Raises BusyError while the device works."""
        if self._document.current is not None:
            self._start([self._document.images[self._document.current]], source, device)

    def label_all(self, *, source: str, device: str) -> None:
        """A pass over all images, those nobody has vouched for first, from the current one on. Raises BusyError."""
        document = self._document
        ids = [image_id for image_id in document.from_current() if not document.images[image_id].ignored]
        ids.sort(key=lambda image_id: document.images[image_id].state is State.REVIEWED)
        self._start([document.images[image_id] for image_id in ids], source, device)

    def stop(self) -> None:
        """End the pass after the image in hand; what it found stays."""
        if self._job and not self._job.cancelling:
            self._job.cancel()
            self.progressed.emit("Stopping…", None)

    def free_device(self) -> None:
        """Let go of the model, so that a run has the device's memory."""
        if self._job is None and self._engine is not None:
            from detector.device import free_memory

            self._engine = None
            free_memory()

    def _start(self, images: Sequence[ProjectImage], source: str, device: str) -> None:
        project = self._document.project
        if project is None or not images:
            return
        if project.read_only is not None:
            self._notifications.warning(project.read_only)
            return
        job = self._jobs.start("Auto-labelling", lambda: self._work(project, images, source, device), device=True)
        self._job, self._run = job, _Run(project, len(images))
        job.advanced.connect(self._on_advanced)
        for signal in (job.finished, job.failed, job.cancelled):
            signal.connect(self._on_ended)
        self.began.emit()
        self.progressed.emit("Loading the model…", None)

    def _on_advanced(self, events: list[Any]) -> None:
        """What the worker says, on its way to the document and the progress bar."""
        run = self._run
        if run is None or self._document.project is not run.project:
            return
        labelled: list[int] = []
        for event in events:
            match event:
                case PassBegan():
                    run.pass_, run.began = event.pass_, time.monotonic()
                    self._document.read_classes()
                    self.device_found.emit(event.device)
                case ImagesLabelled():
                    labelled += event.image_ids
                    run.done = event.done
                case ImageFailed():
                    run.failures.append(event)
        if labelled:
            self._document.note_labelled(labelled)
        if run.pass_ and self._job and not self._job.cancelling:
            text = progress_text(run.done, run.total, time.monotonic() - run.began)
            self.progressed.emit(text, run.done / run.total)

    def _on_ended(self, *_: object) -> None:
        """The pass is over, whichever way: it becomes a step of undo, and what could not be read is listed."""
        run, self._run, self._job = self._run, None, None
        if run is not None and run.pass_ is not None and self._document.project is run.project:
            if run.done > len(run.failures):
                self._document.end_pass(run.pass_.id, run.pass_.model)
            if run.failures:
                text = f"{count(len(run.failures), 'image')} could not be read; the others are labelled."
                self._notifications.warning(text, details=failure_list(run.failures))
        self.ended.emit()

    def _work(self, project: Project, images: Sequence[ProjectImage], source: str, device: str) -> Iterator[Any]:
        """In the worker: the model, the pass, the images."""
        load_torch()
        from detector.inference.labelling import label

        engine = self._engine_for(source, device)
        worker = project.connect()
        try:
            info = engine.info
            pass_ = worker.begin_pass(
                model=choice(source).name,
                source=source,
                names=info.classes,
                category_ids=info.category_ids,
                thresholds=info.thresholds,
            )
            yield PassBegan(pass_, engine.device)
            yield from label(worker, engine.predictor, pass_, images)
        finally:
            worker.close()

    def _engine_for(self, source: str, wanted: str) -> _Engine:
        """The model that is loaded, or else another one loaded now."""
        from detector.device import describe, leave_one_core, pick
        from detector.inference.predictor import Predictor
        from detector.model.published import open_model

        leave_one_core()  # to the window
        path = Path(source)
        stamp = path.stat().st_mtime if path.is_file() else 0.0
        loaded = self._engine
        if loaded is None or (loaded.source, loaded.stamp, loaded.wanted) != (source, stamp, wanted):
            self._engine = loaded = None  # before the next one takes its memory
            model, device = open_model(source), pick(wanted)
            predictor = Predictor(model, device=device)
            self._engine = loaded = _Engine(source, stamp, wanted, describe(device), model.info, predictor)
        return loaded


def progress_text(done: int, total: int, seconds: float) -> str:
    """How far, how fast, how long still: "Labelling 412 of 3,000 · 38/s · 1 min 8 s left"."""
    parts = [f"Labelling {done:,} of {total:,}"]
    if done and seconds > 0:
        rate = done / seconds
        parts += [f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s", f"{duration((total - done) / rate)} left"]
    return " · ".join(parts)


def failure_list(failures: Sequence[ImageFailed]) -> str:
    """One line for each image that failed, and how many more there are."""
    lines = [failure.message for failure in failures[:FAILURES_NAMED]]
    more = len(failures) - len(lines)
    return "\n".join([*lines, f"… and {more} more"] if more else lines)
