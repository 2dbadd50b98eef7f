"""Copying boxes onto the next images of the list: worked out in a thread, stored as one step of undo."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, QTimer

from app import edits
from app.document import Document
from app.edits import Edit
from app.jobs import Job, Jobs
from app.notifications import Notifications
from app.page import ShownBox
from app.verbs import navigation
from app.verbs.copied_boxes import Size, as_array, landed
from app.verbs.copying import fresh
from app.wording import count
from detector.data.images import size
from detector.data.project.records import Change, Origin, ProjectBox, ProjectImage, State
from detector.data.project.store import Project
from detector.errors import ImageError

PAUSE = 50  # ms, until one looks again whether other work has ended that changes boxes
MOST = 1000  # images at once: as many as the store takes in a moment
NO_BOX = "There is no box on this image to copy; draw one, or select a proposal."
LAST = "This is the last image of the list; there is none after it."
GONE = "A class of these boxes is gone by now, so they were not copied; copy them once more."
BUSY = "Boxes are being copied already; wait a moment."

Found = tuple[int, list[ProjectBox]]  # an image, and the boxes that it is to get


@dataclass
class _Run:
    """What is on its way: boxes of `source`, the images that were asked for, what the worker found for those of them
    that are not reviewed.
    """

    project: Project
    source: ProjectImage
    boxes: list[ProjectBox]
    targets: list[int]
    found: dict[int, list[ProjectBox]] = field(default_factory=dict)


class Propagation(QObject):
    """Gives the selected boxes, or all of the current image, to the images after it."""

    def __init__(
        self, document: Document, jobs: Jobs, notifications: Notifications, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications
        self._job: Job | None = None

    def boxes(self) -> list[ShownBox]:
        """What would be copied: the selection, else every box that is no proposal."""
        shown, selection = self._document.shown, self._document.selection
        return [box for box in shown if (box.key in selection if selection else not box.is_proposal)]

    def room(self) -> int:
        """How many images there are to copy to, at most MOST."""
        return len(navigation.neighbours(self._document, after=MOST, before=0))

    def refuse(self) -> bool:
        """Whether nothing can be copied now; if so, the person is told why."""
        if self._document.page_to_edit() is None:
            return True
        why = NO_BOX if not self.boxes() else LAST if not self.room() else BUSY if self._job else ""
        if why:
            self._document.refused.emit(why)
        return bool(why)

    def propagate(self, number: int) -> None:
        """Copy to the next `number` images of the list. Reviewed ones stay as they are."""
        document = self._document
        if self.refuse() or document.project is None or document.current is None:
            return
        project, source = document.project, document.images[document.current]
        boxes = as_stored(self.boxes(), project.boxes(source.id), source.id)
        self._start(_Run(project, source, boxes, navigation.neighbours(document, after=number, before=0)))

    def _start(self, run: _Run) -> None:
        images = [self._document.images[image_id] for image_id in run.targets]
        waiting = [image for image in images if image.state is not State.REVIEWED]
        job = self._jobs.start(
            "Copying boxes",
            lambda: work_out(run.project, run.boxes, waiting, source=run.source.size),
            on_events=lambda found: run.found.update(found),
            on_done=lambda: self._store(run),
            on_failed=self._end,
        )
        job.cancelled.connect(self._end)
        self._job = job

    def _end(self) -> None:
        self._job = None

    def _store(self, run: _Run) -> None:
        """The worker is done; an image that was reviewed meanwhile is left alone, and others' work is waited for."""
        document = self._document
        if document.busy and document.project is run.project:
            QTimer.singleShot(PAUSE, self, lambda: self._store(run))
            return
        self._end()
        if document.project is not run.project or document.refuse_editing():
            return
        if not self._has_classes_of(run.boxes):
            self._start_again(run)
            return
        waiting = {id: made for id, made in run.found.items() if document.images[id].state is not State.REVIEWED}
        given = [(document.images[id], made) for id, made in waiting.items() if made]
        if given:
            text = f"Copy {count(len(run.boxes), 'box', 'boxes')} to {count(len(given), 'image')}"
            change = change_of(given, present=document.tally.box_count)
            document.push(Edit(document, change, text=text, image_id=None))
        reviewed = len(run.targets) - len(waiting)
        self._notifications.info(report(len(run.boxes), len(given), there=len(waiting) - len(given), reviewed=reviewed))

    def _start_again(self, run: _Run) -> None:
        """A class was merged or removed meanwhile: copy the boxes as they are now, if they are all there."""
        ids = {box.id for box in run.boxes}
        now = [box for box in run.project.boxes(run.source.id) if box.id in ids]
        if len(now) == len(ids) and self._has_classes_of(now):
            self._start(_Run(run.project, run.source, now, run.targets))
        else:
            self._document.refused.emit(GONE)

    def _has_classes_of(self, boxes: Iterable[ProjectBox]) -> bool:
        return {box.class_id for box in boxes} <= {item.id for item in self._document.classes}


def as_stored(boxes: Sequence[ShownBox], stored: Sequence[ProjectBox], image_id: int) -> list[ProjectBox]:
    """Boxes with all that the store knows of them; proposals as if drawn."""
    by_id = {box.id: box for box in stored}
    drawn = (ProjectBox(box.key, image_id, box.class_id, box.xyxy, Origin.DRAWN) for box in boxes)
    return [by_id.get(box.id, box) for box in drawn]


def work_out(
    project: Project, boxes: Sequence[ProjectBox], images: Sequence[ProjectImage], *, source: Size | None
) -> Iterator[Found]:
    """In the worker: what each image gets, without what it has already. Raises ProjectError."""
    rectangles = as_array([box.xyxy for box in boxes])
    worker = project.connect()
    try:
        for image in images:
            places = landed(rectangles, source=source, target=image.size or _read_size(worker, image))
            made = fresh(boxes, places, worker.boxes(image.id))
            yield image.id, [replace(box, id=worker.new_id(), image_id=image.id) for box in made]
    finally:
        worker.close()


def change_of(given: Iterable[tuple[ProjectImage, Sequence[ProjectBox]]], *, present: Callable[[int], int]) -> Change:
    """Each image gets its boxes, beside the number that are `present` on it."""
    boxes, images = [], []
    for image, made in given:
        boxes += [(None, box) for box in made]
        after = edits.started(image, present(image.id) + len(made))
        images += [(image, after)] if after != image else []
    return Change(boxes=tuple(boxes), images=tuple(images))


def report(boxes: int, given: int, *, there: int, reviewed: int) -> str:
    """What came of it: the images that got boxes, that had them already, that are reviewed."""
    copied = f"{count(boxes, 'box', 'boxes')} copied to {count(given, 'image')}." if given else "Nothing was copied."
    had = f"{count(there, 'image')} had {'them' if boxes > 1 else 'it'} already." if there else ""
    left = f"{count(reviewed, 'reviewed image')} stayed as {'it is' if reviewed == 1 else 'they are'}."
    return " ".join(filter(None, (copied, had, left if reviewed else "")))


def _read_size(project: Project, image: ProjectImage) -> Size | None:
    try:
        return size(project.folder / image.path)
    except ImageError:
        return None
