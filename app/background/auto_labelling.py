"""Auto-labelling as the window sees it: one image, some or all of them, as one pass and one step of undo."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Signal

from app import worker_results
from app.background.labelling_work import AllKnown, Engines, ModelChanged, PassBegan, Task, work
from app.document import Document
from app.jobs import Job, Jobs
from app.notifications import Notifications
from app.verbs import navigation
from app.wording import count, duration
from detector.data.project.passes import Unfinished
from detector.data.project.records import Pass, State
from detector.data.project.store import Project
from detector.events import ImageFailed, ImagesLabelled

FAILURES_NAMED = 20
MANY = 8  # classes that a model brings: more of them are worth a question


@dataclass
class _Run:
    """The work under way, and how far it is."""

    project: Project
    task: Task
    pass_: Pass | None = None
    began: float = 0.0
    kept: int = 0
    missing: int = 0  # images that were asked for and have no file
    done: int = 0
    at_first: int = 0  # images that were done when the clock began
    failures: list[ImageFailed] = field(default_factory=list)


class AutoLabelling(QObject):
    """Runs passes one at a time, and says how far they are.

    progressed: text, share in 0..1 (None: unknown). device_found: where the model runs, in words. classes_brought: the
    pass of a model with many classes that the project did not have. again_wanted: ids of images that a person wants
    labelled once more; go_on_wanted: an Unfinished one wants to go on; `label_images` and `go_on` are the answers.
    """

    began = Signal()
    progressed = Signal(str, object)
    ended = Signal()
    device_found = Signal(str)
    classes_brought = Signal(object, int)
    again_wanted = Signal(object)
    go_on_wanted = Signal(object)

    def __init__(
        self, document: Document, jobs: Jobs, notifications: Notifications, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications
        self._engines = Engines()
        self._job: Job | None = None
        self._run: _Run | None = None

    @property
    def is_running(self) -> bool:
        """Whether a pass is under way."""
        return self._job is not None

    def label_current(self, *, source: str, device: str, tiled: bool = False) -> None:
        """A pass over the current image; tiled: in tiles, too. Raises BusyError while the device works."""
        if self._document.current is not None:
            self.label_images([self._document.current], source=source, device=device, tiled=tiled)

    def label_visible(self, *, source: str, device: str, tiled: bool = False) -> None:
        """A pass over the images that the present filter shows. Raises BusyError."""
        self.label_images(self._from_current(self._document.visible), source=source, device=device, tiled=tiled)

    def label_all(self, *, source: str, device: str, tiled: bool = False) -> None:
        """A pass over all images, those nobody has vouched for first, from the current one on. Raises BusyError.

        Left out are those that are ignored.
        """
        images = [self._document.images[image_id] for image_id in navigation.from_current(self._document)]
        wanted = [image for image in images if not image.ignored]
        wanted.sort(key=lambda image: image.state is State.REVIEWED)
        self.label_images([image.id for image in wanted], source=source, device=device, tiled=tiled)

    def label_images(
        self, image_ids: Iterable[int], *, source: str, device: str, tiled: bool = False, again: bool = False
    ) -> None:
        """A pass over these images, in this order; those that this model has seen only if `again`. Raises BusyError.

        Left out are those whose files are missing, which the person is told in the end.
        """
        asked = [self._document.images[image_id] for image_id in image_ids if image_id in self._document.images]
        images = tuple(image for image in asked if not image.missing)
        missing = len(asked) - len(images)
        if images:
            task = Task(images, source, device, again=again, planned=len(images) > 1, tiled=tiled)
            self._start(task, missing=missing)
        elif missing:
            self._notifications.warning(missing_text(missing))

    def go_on(self, unfinished: Unfinished, *, device: str) -> None:
        """Label what is left of a pass that was cut short. Raises BusyError."""
        images = tuple(self._document.images[id] for id in unfinished.left if id in self._document.images)
        self._start(Task(images, unfinished.begun.source, device, begun=unfinished.begun, total=unfinished.total))

    def look_for_unfinished(self) -> None:
        """Offer to go on where a pass was cut short, by the end of the program or of the machine."""
        project = self._document.project
        if project is not None and project.read_only is None:
            self._jobs.start(
                "Looking for a pass to go on with",
                lambda: _unfinished(project),
                on_events=lambda found: self._offer(project, found[0]),
            )

    def stop(self) -> None:
        """End the pass after the image in hand; what it found stays."""
        if self._job and not self._job.cancelling:
            self._job.cancel()
            self.progressed.emit("Stopping…", None)

    def free_device(self) -> None:
        """Let go of the model, so that a run has the device's memory."""
        if self._job is None:
            self._engines.forget()

    def _start(self, task: Task, *, missing: int = 0) -> None:
        project = self._document.project
        if project is None or not task.images:
            return
        if project.read_only is not None:
            self._notifications.warning(project.read_only)
            return
        engines = self._engines
        job = self._jobs.start("Auto-labelling", lambda: work(engines, project, task), device=True)
        self._job, self._run = job, _Run(project, task, missing=missing)
        job.advanced.connect(self._on_advanced)
        for signal in (job.finished, job.failed, job.cancelled):
            signal.connect(self._on_ended)
        job.cancelled.connect(lambda: self._give_up(project))
        self.began.emit()
        self.progressed.emit("Loading the model…", None)

    def _on_advanced(self, events: list[Any]) -> None:
        """What the worker says, on its way to the document and the progress bar."""
        run = self._run
        if run is None or self._document.project is not run.project:
            return
        labelled: list[int] = []
        total = 0
        for event in events:
            match event:
                case PassBegan():
                    self._on_begun(run, event)
                case ImagesLabelled():
                    labelled += event.image_ids
                    run.done, total = event.done, event.total
                case ImageFailed():
                    run.failures.append(event)
                case AllKnown():
                    self._tell_all_known(run, event)
                case ModelChanged():
                    text = f"The file of {event.model} holds another model now, so the pass cannot go on."
                    self._notifications.warning(f"{text} Auto-label anew.")
        if labelled:
            worker_results.note_labelled(self._document, labelled)
        if total and self._job and not self._job.cancelling:
            seconds = time.monotonic() - run.began
            self.progressed.emit(progress_text(run.done, total, seconds, at_first=run.at_first), run.done / total)

    def _on_begun(self, run: _Run, event: PassBegan) -> None:
        run.pass_, run.kept, run.began = event.pass_, event.kept, time.monotonic()
        run.at_first = run.task.total - len(run.task.images) if run.task.begun else 0
        self._document.read_classes()
        self.device_found.emit(event.device)
        if event.brought > MANY:
            self.classes_brought.emit(event.pass_, event.brought)

    def _on_ended(self, *_: object) -> None:
        """The pass is over, whichever way: it becomes a step of undo, and what could not be read is listed."""
        run, self._run, self._job = self._run, None, None
        if run is not None and run.pass_ is not None and self._document.project is run.project:
            if run.done > len(run.failures):
                worker_results.end_pass(self._document, run.pass_.id, run.pass_.model)
            if run.failures:
                text = f"{count(len(run.failures), 'image')} could not be read; the others are labelled."
                self._notifications.warning(text, details=failure_list(run.failures))
            if run.kept:
                self._tell_kept(run, run.pass_.model)
        if run is not None and run.missing and self._document.project is run.project:
            self._notifications.info(missing_text(run.missing))
        self.ended.emit()

    def _tell_kept(self, run: _Run, model: str) -> None:
        ids = [image.id for image in run.task.images]
        text = f"{count(run.done, 'image')} labelled; {run.kept:,} had been labelled by {model} before and were kept."
        self._notifications.info(text, action="Label all again", run=lambda: self.again_wanted.emit(ids))

    def _tell_all_known(self, run: _Run, event: AllKnown) -> None:
        ids = [image.id for image in run.task.images]
        what = "this image" if len(ids) == 1 else f"all {len(ids):,} images"
        text = f"{event.model} has labelled {what} before, and nothing has changed since."
        self._notifications.info(text, action="Label again", run=lambda: self.again_wanted.emit(ids))

    def _offer(self, project: Project, unfinished: Unfinished) -> None:
        if self._document.project is project:
            left, total = len(unfinished.left), unfinished.total
            self._notifications.info(
                f"{unfinished.begun.model} was cut short: {left:,} of {count(total, 'image')} are left to label.",
                action="Go on labelling",
                run=lambda: self.go_on_wanted.emit(unfinished),
                other="Leave it",
                run_other=lambda: self._give_up(project),
            )

    def _give_up(self, project: Project) -> None:
        """A person wants no more of the pass; closing the project is no such wish."""
        if self._document.project is project:
            project.passes.end_plan()

    def _from_current(self, image_ids: Sequence[int]) -> list[int]:
        place = navigation.place(self._document)
        return [*image_ids[place:], *image_ids[:place]]


def progress_text(done: int, total: int, seconds: float, *, at_first: int = 0) -> str:
    """How far, how fast, how long still: "Labelling 412 of 3,000 · 38/s · 1 min 8 s left".

    `at_first`: how many were done when the seconds began.
    """
    parts = [f"Labelling {done:,} of {total:,}"]
    if done > at_first and seconds > 0:
        rate = (done - at_first) / seconds
        parts += [f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s", f"{duration((total - done) / rate)} left"]
    return " · ".join(parts)


def missing_text(images: int) -> str:
    """How many images have no file, and the way out."""
    have = "has no file any more and was" if images == 1 else "have no files any more and were"
    return f"{count(images, 'image')} {have} left out; Open ▸ Find missing files… looks for moved and renamed ones."


def failure_list(failures: Sequence[ImageFailed]) -> str:
    """One line for each image that failed, and how many more there are."""
    lines = [failure.message for failure in failures[:FAILURES_NAMED]]
    more = len(failures) - len(lines)
    return "\n".join([*lines, f"… and {more} more"] if more else lines)


def _unfinished(project: Project) -> Iterator[Unfinished]:
    """In a worker."""
    worker = project.connect()
    try:
        if found := worker.passes.unfinished():
            yield found
    finally:
        worker.close()
