"""Verbs on many images that need more than the window's thread, or the person's word: reviews and the trash."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from PySide6.QtCore import QFile, QObject, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app import edits
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from app.page import read_page
from app.verbs import image_verbs
from app.widgets.image_menu import ImageVerb
from app.wording import count
from detector.data.project.proposals import Limits
from detector.data.project.records import Change, ProjectBox, ProjectImage, State
from detector.data.project.store import Project
from detector.data.split import Side


@dataclass(frozen=True)
class Vouched:
    """What vouching for images changes, and how many of them nobody has looked at, so that they stay as they are.

    class_ids: of the boxes that it makes of proposals.
    """

    change: Change
    unseen: int
    class_ids: frozenset[int]


class ImageWork(QObject):
    """Does what the images panel asks for."""

    def __init__(self, document: Document, jobs: Jobs, notifications: Notifications, parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications
        self._window = parent

    def run(self, verb: ImageVerb, image_ids: Sequence[int]) -> None:
        """Do something to images as wholes."""
        document = self._document
        match verb:
            case ImageVerb.REVIEW:
                self._review(image_ids)
            case ImageVerb.REOPEN:
                image_verbs.reopen(document, image_ids)
            case ImageVerb.IGNORE | ImageVerb.USE:
                image_verbs.set_ignored(document, image_ids, verb is ImageVerb.IGNORE)
            case ImageVerb.TRAIN | ImageVerb.VALIDATE:
                image_verbs.set_side(document, image_ids, Side.TRAIN if verb is ImageVerb.TRAIN else Side.VAL)
            case ImageVerb.TRASH:
                self._ask_trash(image_ids)

    def set_note(self, image_id: int, note: str) -> None:
        """Write a note on an image."""
        image_verbs.set_note(self._document, image_id, note)

    # Reviews

    def _review(self, image_ids: Sequence[int]) -> None:
        document, project = self._document, self._document.project
        if project is None or document.refuse_editing():
            return
        images = [document.images[image_id] for image_id in image_ids if document.images[image_id].is_open]
        limits = document.limits
        self._jobs.start(
            "Vouching",
            lambda: vouched(project, images, limits),
            on_events=lambda found: self._on_vouched(project, found[-1]),
        )

    def _on_vouched(self, project: Project, found: Vouched) -> None:
        document = self._document
        if document.project is not project or document.refuse_editing():
            return
        if not found.class_ids <= {item.id for item in document.classes}:
            document.refused.emit("A class of these proposals is gone by now, so nothing was vouched for; try again.")
            return
        change = unchanged(found.change, document.images)
        if change.images:
            image_verbs.push_change(document, change, f"Vouch: {count(len(change.images), 'image')}")
        if found.unseen:
            self._notifications.info(
                f"{count(found.unseen, 'image')} left unreviewed: no box is there and no model has looked, or some "
                "classes are hidden."
            )

    # The trash

    def _ask_trash(self, image_ids: Sequence[int]) -> None:
        document = self._document
        images = [document.images[image_id] for image_id in image_ids if not document.images[image_id].missing]
        if not images or document.refuse_editing():
            return
        box = QMessageBox(self._window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setText(trash_question(images))
        box.setInformativeText(
            "The files go to the system's trash. Their labels are kept: once you restore the files and refresh, all of "
            "it is there again."
        )
        move = box.addButton("Move to trash", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        move.clicked.connect(lambda: self._trash(images))
        box.open()

    def _trash(self, images: Sequence[ProjectImage]) -> None:
        project = self._document.project
        if project is None:
            return
        moved: list[ProjectImage] = []
        failed: list[ProjectImage] = []

        def take(events: list[tuple[ProjectImage, bool]]) -> None:
            for image, is_moved in events:
                (moved if is_moved else failed).append(image)
            if self._document.project is project:
                gone = [replace(image, missing=True) for image, is_moved in events if is_moved]
                self._document.add_images(gone, keys={}, counts={})

        def finish() -> None:
            if self._document.project is project:
                image_verbs.ignore_trashed(self._document, {image.id for image in moved})
                self._tell_trashed(moved, failed)

        self._jobs.start("Moving to the trash", lambda: to_trash(project, images), on_events=take, on_done=finish)

    def _tell_trashed(self, moved: Sequence[ProjectImage], failed: Sequence[ProjectImage]) -> None:
        if moved:
            what = moved[0].path if len(moved) == 1 else count(len(moved), "image")
            self._notifications.info(
                f"{what}: in the system's trash. Undo brings the labels back, the trash the files."
            )
        if failed:
            self._notifications.warning(
                f"{count(len(failed), 'file')} could not be moved to the trash; there may be none on that drive. "
                "Delete them in the file manager, then refresh.",
                details="\n".join(image.path for image in failed),
            )


def trash_question(images: Sequence[ProjectImage]) -> str:
    """What is asked before files go: which, and what work is on them."""
    what = images[0].path if len(images) == 1 else f"these {len(images):,} image files"
    reviewed = sum(image.state is State.REVIEWED for image in images)
    if not reviewed:
        return f"Move {what} to the trash?"
    which = "It is" if len(images) == 1 else f"{reviewed:,} of them {'is' if reviewed == 1 else 'are'}"
    return f"Move {what} to the trash? {which} reviewed."


def vouched(project: Project, images: Sequence[ProjectImage], limits: Limits) -> Iterator[Vouched]:
    """In a worker: what vouching for all that is shown of images changes. Those that nobody has looked at stay as they
    are, and those with boxes or proposals of hidden classes: nobody vouches for what cannot be seen.
    """
    boxes: list[tuple[ProjectBox | None, ProjectBox | None]] = []
    rows: list[tuple[ProjectImage, ProjectImage]] = []
    with closing(project.connect()) as worker:
        pages = (read_page(worker, image, limits) for image in images)
        seen = deque(page for page in pages if (page.boxes or page.predicted) and not page.unseen)
        unseen = len(images) - len(seen)
        sides = worker.sides.together({page.image.id: {box.class_id for box in page.shown()} for page in seen})
        while seen:  # each page goes as its turn is over: all of them at once would hold the window's thread up
            page = seen.popleft()
            change = edits.review(page, sides[page.image.id], worker.new_id)
            boxes.extend(change.boxes)
            rows.extend(change.images)
    class_ids = frozenset(after.class_id for _, after in boxes if after is not None)
    yield Vouched(Change(boxes=tuple(boxes), images=tuple(rows)), unseen, class_ids)


def unchanged(change: Change, images: Mapping[int, ProjectImage]) -> Change:
    """As much of a change as is about images that are still as it found them; mostly the very same objects."""
    same = {old.id for old, _ in change.images if (now := images.get(old.id)) is old or now == old}
    if len(same) == len(change.images):
        return change
    boxes = tuple(pair for pair in change.boxes if pair[1] is not None and pair[1].image_id in same)
    return replace(change, boxes=boxes, images=tuple(pair for pair in change.images if pair[0].id in same))


def to_trash(project: Project, images: Sequence[ProjectImage]) -> Iterator[tuple[ProjectImage, bool]]:
    """In a worker: moves the files of images to the system's trash, one after the other; whether each is there."""
    with closing(project.connect()) as worker:
        for image in images:
            is_moved = bool(QFile.moveToTrash(str(project.folder / image.path))[0])
            if is_moved:
                worker.note_gone([image.id])
            yield image, is_moved
