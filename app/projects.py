"""Opening and closing: a folder, a COCO file with its pictures, the sample."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.background.intake import Intake
from app.background.opening import read_index, read_project
from app.document import Document
from app.jobs import Job, Jobs
from app.notifications import Notifications
from app.settings import OPEN, REOPENS, Settings
from app.theme import RESOURCES
from detector.data.project.store import Project
from detector.places import user_data

SAMPLE = RESOURCES / "sample" / "images"
SOON = 300  # ms after which it is told that a store takes long to open


@dataclass(frozen=True)
class _Wish:
    """A folder to open; anyway: to write, though another window has it; unless_held: only if none has; then: what
    follows once all is read.
    """

    folder: Path
    anyway: bool = False
    unless_held: bool = False
    then: Callable[[], None] = lambda: None


class Projects(QObject):
    """Puts one project at a time into the document. `opened` comes when all of its images are known.

    progressed: what is done while opening takes longer than a moment, until `ended`.
    """

    opened = Signal()
    progressed = Signal(str, object)
    ended = Signal()
    labels_wanted = Signal(Path)  # after it, where a label file was opened

    def __init__(
        self,
        document: Document,
        jobs: Jobs,
        notifications: Notifications,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs = document, jobs
        self._notifications, self._settings = notifications, settings
        self._indexing: Job | None = None
        self._opening: _Wish | None = None
        self._next: _Wish | None = None
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self._tell_opening)
        self._intake = Intake(document, notifications.info, self)
        document.index_stale.connect(self._on_index_stale)

    def open_folder(self, folder: Path, *, anyway: bool = False) -> None:
        """Open a folder of pictures; `anyway`: to write, though another window has it."""
        self._open(_Wish(folder, anyway=anyway))

    def open_coco(self, file: Path, root: Path) -> None:
        """Open the pictures below `root`; then the labels of a COCO file are wanted."""
        self._open(_Wish(root, then=lambda: self.labels_wanted.emit(file)))

    def open_sample(self) -> None:
        """Open the sample: a copy of its pictures, which stays with the person's data."""
        folder = sample_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for picture in SAMPLE.iterdir():
                if not (folder / picture.name).exists():
                    shutil.copyfile(picture, folder / picture.name)
        except OSError as error:
            self._notifications.error(error)
            return
        self.open_folder(folder)

    def reopen(self) -> None:
        """Open the folder that was open as the program ended, however it ended; unless another window has it."""
        folder = self._settings.get(OPEN)
        if folder and Path(folder).is_dir():
            self._settings.set_now(OPEN, "")  # a project that ends the program as it opens is not tried again
            self._open(_Wish(Path(folder), unless_held=True))

    def close(self) -> None:
        """Close the project."""
        self._jobs.cancel_for_project()
        self._document.detach()
        self._settings.set_now(OPEN, "")

    def leave(self) -> None:
        """The program ends: close the project, and remember it where the person wants that."""
        project = self._document.project
        self.close()
        if project is not None and not project.is_held_elsewhere and self._settings.get(REOPENS):
            self._settings.set_now(OPEN, str(project.folder))

    def _open(self, wish: "_Wish") -> None:
        """Open in a worker: a store may have to be checked, made anew or brought up to date, which can take long. While
        one opens another one waits, and the last one that was asked for stays.
        """
        if self._opening is not None:
            self._next = wish
            return
        if self._is_open(wish.folder):
            self.close()  # else it would be held by this very window
        self._opening = wish
        self._soon.start()

        def take(events: list[Any]) -> None:
            if not job.cancelling:
                self._on_project_open(wish, events[0])

        job = self._jobs.start(
            "Opening",
            lambda: _opened(wish),
            on_events=take,
            on_failed=self._on_opening_ended,
            outlives_project=True,
        )

    def _on_project_open(self, wish: "_Wish", project: Project) -> None:
        if self._next is not None:
            project.close()
        elif wish.unless_held and project.is_held_elsewhere:
            project.close()
            self._settings.set_now(OPEN, str(wish.folder))  # for the next time
        else:
            self._take_in(project, wish)
        self._on_opening_ended()

    def _on_opening_ended(self) -> None:
        self._soon.stop()
        self.ended.emit()
        self._opening, wish, self._next = None, self._next, None
        if wish is not None:
            self._open(wish)

    def _tell_opening(self) -> None:
        if self._opening is not None:
            self.progressed.emit(f"Checking the store of {self._opening.folder.name}…", None)

    def _take_in(self, project: Project, wish: "_Wish") -> None:
        """Show a project that is open now, and read what is in it."""
        self.close()
        self._document.attach(project)
        self._settings.add_recent(project.folder)
        if project.rescued is not None:
            self._notifications.warning(project.rescued.message(project.folder))
        if project.read_only is not None:
            retry = (lambda: self.open_folder(wish.folder, anyway=True)) if project.is_held_elsewhere else None
            self._notifications.warning(project.read_only, action="Open anyway" if retry else "", run=retry)
        self._jobs.start(
            "Reading the folder",
            lambda: read_project(project),
            on_events=lambda events: self._take(project, events),
            on_done=lambda: self._on_all_read(project, wish.then),
            on_failed=lambda: self._on_failed(project),
        )

    def _is_open(self, folder: Path) -> bool:
        project = self._document.project
        return project is not None and folder.exists() and project.folder.exists() and folder.samefile(project.folder)

    def _take(self, project: Project, events: list[Any]) -> None:
        if self._document.project is project:
            self._intake.take(events)

    def _on_all_read(self, project: Project, then: Callable[[], None]) -> None:
        if self._document.project is project:
            self._intake.then(lambda: self._on_all_taken(then))

    def _on_all_taken(self, then: Callable[[], None]) -> None:
        project = self._document.project
        if project is not None and not project.is_held_elsewhere:
            self._settings.set_now(OPEN, str(project.folder))
        self.opened.emit()
        then()

    def _on_index_stale(self) -> None:
        """Reads the proposals of all images in a worker; what an earlier one still reads is out of date."""
        project = self._document.project
        if project is None:
            return
        if self._indexing is not None:
            self._indexing.cancel()
        images = dict(self._document.images)

        def take(events: list[Any]) -> None:
            if job is self._indexing:
                self._indexing = None
                self._take(project, events)

        job = self._indexing = self._jobs.start(
            "Reading proposals", lambda: read_index(project, images), on_events=take
        )

    def _on_failed(self, project: Project) -> None:
        """A folder that cannot be read, or holds no picture, is not left open; the page that follows says why."""
        if self._document.project is project and not self._document.images:
            self.close()


def _opened(wish: _Wish) -> Iterator[Project]:
    """In the worker: the project, which is closed again where the program ends meanwhile."""
    project = Project.open(wish.folder.absolute(), anyway=wish.anyway)
    try:
        yield project
    except GeneratorExit:
        project.close()
        raise


def sample_folder() -> Path:
    """Where the person's own copy of the sample is, or will be."""
    return user_data() / "sample"
