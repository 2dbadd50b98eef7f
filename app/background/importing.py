"""Labels from files into the open project: looked into first, brought in by a worker, and taken back as one step."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.background.opening import ImagesRead, read_images
from app.document import Document
from app.history import LongStep
from app.jobs import Job, Jobs
from app.notifications import Notifications
from app.wording import count
from detector.data import labels
from detector.data.box_layout import BoxLayout, LayoutError
from detector.data.formats import Format
from detector.data.project import datasets, importing_predictions
from detector.data.project.import_report import ReadyImport, look_into
from detector.data.project.importing import Imported, Mode
from detector.data.project.importing_predictions import ReadyPredictions
from detector.data.project.store import Project
from detector.data.results import is_results
from detector.errors import LabelError

PORTION = 1000  # images that are counted at once, in some 10 ms
BUSY = "Labels are being imported; try again in a moment, or stop that above."
Found = ReadyImport | ReadyPredictions | LayoutError
LAYOUTS = {
    BoxLayout.XYWH: "x, y, width, height",
    BoxLayout.XYXY: "two corners",
    BoxLayout.XYWH_NORMALISED: "parts: x, y, width, height",
    BoxLayout.XYXY_NORMALISED: "parts: two corners",
}


class ImportStep(LongStep):
    """An import, which has been done when it comes onto the stack."""

    def __init__(self, importing: "Importing", step: int, *, text: str) -> None:
        super().__init__(text, is_done=True)
        self.step = step
        self._importing = importing

    def _do(self) -> None:
        self._importing.switch(self, is_in=True)

    def _take_back(self) -> None:
        self._importing.switch(self, is_in=False)


class Importing(QObject):
    """Reads labels, says what they hold, and brings them in; nothing can be edited meanwhile.

    report_ready: a ReadyImport, of which nothing is in the project yet; predictions_ready: a ReadyPredictions likewise,
    where the file holds results of a model. progressed: what is done, and which part of it.
    """

    report_ready = Signal(object)
    predictions_ready = Signal(object)
    progressed = Signal(str, object)
    ended = Signal()

    def __init__(
        self, document: Document, jobs: Jobs, notifications: Notifications, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications
        self._job: Job | None = None
        self._looked_for: Project | None = None
        self._waiting: deque[ImagesRead] = deque()
        self._then: Callable[[], None] | None = None
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._show_some)
        document.project_changed.connect(self._forget)

    @property
    def is_running(self) -> bool:
        """Whether labels are on their way in."""
        return self._job is not None

    def look(self, path: Path, layout: BoxLayout | None = None) -> None:
        """Find out what the labels of a file or folder hold, then tell."""
        project = self._document.project
        if project is None or self._document.refuse_editing():
            return

        self._looked_for = project

        def take(events: list[Found]) -> None:
            found = events[-1]
            if self._document.project is not project:
                return
            if isinstance(found, LayoutError):
                self._ask_layout(path, found)
            elif isinstance(found, ReadyPredictions):
                self.predictions_ready.emit(found)
            else:
                self.report_ready.emit(found)

        self._jobs.start(
            "Reading labels", lambda: _look(project, path, layout), on_events=take, on_failed=self.ended.emit
        ).finished.connect(self.ended)
        self.progressed.emit("Reading labels", None)

    def offer(self) -> None:
        """Where the folder of a project without boxes holds labels, say so."""
        document, project = self._document, self._document.project
        if project is None or document.read_only or document.tally.class_counts():
            return

        def take(events: list[tuple[Format, Path]]) -> None:
            kind, path = events[-1]
            if document.project is project and self._looked_for is not project and not document.tally.class_counts():
                name = "labelme" if kind is Format.LABELME else kind.upper()
                text = f"This folder holds {name} labels ({path.name or path})."
                self._notifications.info(text, action="Import…", run=lambda: self.look(path))

        self._jobs.start("Looking for labels", lambda: _detect(project.folder), on_events=take)

    def bring_in(self, ready: ReadyImport, *, mode: Mode) -> None:
        """Import what was looked into, as one step of undo."""
        document, project = self._document, self._document.project
        if project is None or document.refuse_editing():
            return
        total, done = len(ready.dataset.boxes), list[Imported]()

        def take(events: list[int | Imported]) -> None:
            last = events[-1]
            if isinstance(last, Imported):
                done.append(last)
            elif document.project is project:
                self.progressed.emit("Importing", last / max(total, 1))

        def finish() -> None:
            for imported in done:  # one, or none where it failed or was stopped in time
                name = f"Import {ready.report.source.name}"
                document.undo_stack.push(ImportStep(self, imported.step, text=name))
                self._notifications.info(_told(imported, ready.report.missing))

        self._work(
            lambda: _bring_in(project, ready, mode), take, then=finish, otherwise=finish, name="Importing labels"
        )

    def switch(self, step: ImportStep, *, is_in: bool) -> None:
        """Take an import back, or bring it in again."""
        project = self._document.project
        if project is None:
            return

        def fail() -> None:
            self._document.undo_stack.clear()  # the import is taken back whole, whichever way it went

        def work() -> Iterator[int]:
            with closing(project.connect()) as worker:
                yield from datasets.switch(worker, step.step, is_in=is_in)

        self._work(work, lambda _: None, then=lambda: None, otherwise=fail, name=step.text)

    def stop(self) -> None:
        """Give up what is on its way in."""
        if self._job is not None:
            self._job.cancel()

    def _work(
        self,
        work: Callable[[], Iterator[Any]],
        take: Callable[[list[Any]], None],
        *,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        name: str,
    ) -> None:
        """Has a worker change the store, reads the images anew however that ended, then does `then` or `otherwise`."""
        document, project = self._document, self._document.project
        assert project is not None
        document.busy = BUSY

        def end(follow: Callable[[], None]) -> None:
            self._job = None
            if document.project is project:
                self._read_anew(project, follow)

        def fail() -> None:
            end(otherwise)

        self._job = self._jobs.start(name, work, on_events=take, on_done=lambda: end(then), on_failed=fail)
        self._job.cancelled.connect(fail)
        self.progressed.emit(name, None)

    def _read_anew(self, project: Project, then: Callable[[], None]) -> None:
        self._then = None

        def take(events: list[ImagesRead]) -> None:
            if self._document.project is project:
                self._waiting.extend(events)
                self._soon.start()

        def finish() -> None:
            if self._document.project is project:
                self._then = then
                self._soon.start()

        shown = tuple(self._document.images)
        work = lambda: _read_all(project, shown)  # noqa: E731
        self._jobs.start("Reading", work, on_events=take, on_done=finish, on_failed=self._free)

    def _show_some(self) -> None:
        if self._waiting:
            take_anew(self._document, self._waiting.popleft())
            self._soon.start()
        elif self._then is not None:
            then, self._then = self._then, None
            self._free()
            show_anew(self._document)
            then()

    def _free(self) -> None:
        self._document.busy = ""
        self.ended.emit()

    def _forget(self) -> None:
        self._soon.stop()
        self._waiting.clear()
        self._then = None
        self.ended.emit()

    def _ask_layout(self, path: Path, error: LayoutError) -> None:
        first, second = error.layouts
        self._notifications.info(
            f"{path.name}: its boxes do not look like COCO's x, y, width, height in pixels. What are they?",
            action=f"{LAYOUTS[first].capitalize()}",
            run=lambda: self.look(path, first),
            other=f"{LAYOUTS[second].capitalize()}",
            run_other=lambda: self.look(path, second),
        )


def take_anew(document: Document, read: ImagesRead) -> None:
    """Take in what the store says of images now."""
    tally = document.tally
    new = [image for image in read.images if image.id not in tally.images]
    for image in read.images:
        for of_origin in tally.origins.values():
            of_origin.pop(image.id, None)
        if image.id in tally.images and image != tally.images[image.id]:
            tally.take_image(image)
    changed = {image.id: read.counts.get(image.id, Counter()) for image in read.images}
    kept = {image_id: counts for image_id, counts in changed.items() if counts or tally.boxes.get(image_id)}
    if new:
        keys = {image.id: read.keys[image.id] for image in new}
        document.add_images(new, keys=keys, counts={}, origins=None)
    tally.take_boxes(kept, read.origins)


def show_anew(document: Document) -> None:
    """All images have been taken in anew."""
    if document.project is not None:
        document.project.sides.forget()
    document.read_classes()
    document.show_anew()
    document.images_changed.emit()
    if document.current is not None:
        document.image_updated.emit(document.current)


def _look(project: Project, path: Path, layout: BoxLayout | None) -> Iterator[Found]:
    """In the worker. A file of one picture's labels stands for its folder."""
    if path.is_file() and is_results(path):
        with closing(project.connect()) as worker:
            yield importing_predictions.look_into(worker, path)
        return
    kind, _ = labels.detect(path)
    if path.is_file() and kind in (Format.VOC, Format.LABELME):
        path = path.parent
    with closing(project.connect()) as worker:
        try:
            yield look_into(worker, path, layout=layout)
        except LayoutError as error:
            yield error


def _detect(folder: Path) -> Iterator[tuple[Format, Path]]:
    """In the worker. A folder without labels, or with several kinds of them, is nothing to speak of."""
    try:
        yield labels.detect(folder)
    except LabelError:
        return


def _bring_in(project: Project, ready: ReadyImport, mode: Mode) -> Iterator[int | Imported]:
    """In the worker."""
    with closing(project.connect()) as worker:
        yield from datasets.bring_in(worker, ready.dataset, ready.paths, mode=mode)


def _read_all(project: Project, shown: Collection[int]) -> Iterator[ImagesRead]:
    """In the worker: all images with their numbers of boxes, and those shown that are listed no longer."""
    with closing(project.connect()) as worker:
        counts, origins, images = worker.box_counts(), worker.origin_counts(), worker.images()
        unlisted = set(shown).difference(image.id for image in images)
        images += [image for image_id in sorted(unlisted) if (image := worker.find_image(image_id))]
        for start in range(0, len(images), PORTION):
            yield read_images(images[start : start + PORTION], counts, origins)


def _told(imported: Imported, missing: tuple[str, ...]) -> str:
    text = f"{count(imported.boxes, 'box', 'boxes')} on {count(imported.images, 'image')} imported"
    if imported.replaced:
        text += f" in place of {imported.replaced:,}"
    if missing:
        text += f"; {count(len(missing), 'picture')} not found, such as {missing[0]}"
    return f"{text}. Undo takes it back."
