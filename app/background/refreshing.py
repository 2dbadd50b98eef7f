"""Looking at the folder again: what came, went or has another name; and finding the files of missing images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.background.intake import Intake
from app.background.opening import ImagesRead, read_images
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from app.wording import count
from detector.data.project.records import ProjectImage
from detector.data.project.relinking import Outside, Relinked, Searched
from detector.data.project.store import Project

FIND = "Find missing files…"


@dataclass
class News:
    """How many images a look at the folder found to be new, under another name, gone, or there again."""

    new: int = 0
    renamed: int = 0
    missing: int = 0
    returned: int = 0

    def note(self, images: Sequence[ProjectImage], known: Mapping[int, ProjectImage]) -> None:
        """Images came from the look, of which some are known."""
        for image in images:
            before = known.get(image.id)
            if before is None:
                self.new += 1
            elif image.path != before.path:
                self.renamed += 1
            elif image.missing != before.missing:
                self.missing += image.missing
                self.returned += before.missing

    def text(self) -> str:
        """In one line."""
        numbers = {"new": self.new, "renamed": self.renamed, "missing": self.missing, "found again": self.returned}
        said = ", ".join(f"{number:,} {word}" for word, number in numbers.items() if number)
        return f"In the folder: {said}." if said else "Nothing has changed in the folder."


class Refreshing(QObject):
    """Follows the folder where the person asks for it. `refreshed`: files may show other pictures than before."""

    refreshed = Signal()

    def __init__(self, document: Document, jobs: Jobs, notifications: Notifications, parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications = document, jobs, notifications
        self._window = parent
        self._busy: Project | None = None  # where something is being looked for
        self._intake = Intake(document, notifications.info, self)

    def look(self) -> None:
        """Look for what came to the folder, went, or was renamed."""
        project = self._document.project
        if project is None or self._busy is project or self._document.refuse_editing():
            return
        known, news = dict(self._document.images), News()

        def take(events: list[ImagesRead]) -> None:
            for event in events:
                news.note(event.images, known)
            self._take(project, events)

        self._start("Looking for changes", project, scanned(project), take, lambda: self._tell(news))

    def ask_missing(self) -> None:
        """Ask in which folder the files of missing images may be, and look there."""
        project, missing = self._document.project, len(self._document.tally.missing)
        if project is None or self._document.refuse_editing():
            return
        if not missing:
            self._notifications.info("No image is missing.")
            return
        title = f"Where may the files of {count(missing, 'missing image')} be?"
        if folder := QFileDialog.getExistingDirectory(self._window, title, str(project.folder)):
            self.find_missing(Path(folder))

    def find_missing(self, folder: Path) -> None:
        """Look below a folder for the files of missing images."""
        project = self._document.project
        if project is None or self._busy is project:
            return
        found: list[Relinked] = []
        outside: list[Outside] = []

        def take(events: list[ImagesRead | Relinked | Outside]) -> None:
            outside.extend(event for event in events if isinstance(event, Outside))
            found.extend(event for event in events if isinstance(event, Relinked))
            self._take(project, [event for event in events if isinstance(event, ImagesRead)])

        work = searched(project, folder)
        self._start("Finding missing files", project, work, take, lambda: self._tell_found(found, outside))

    def tell_missing(self) -> None:
        """Say that images are missing, as when the folder has just been opened."""
        if missing := len(self._document.tally.missing):
            files, are = ("file", "is") if missing == 1 else ("files", "are")
            text = f"The {files} of {count(missing, 'image')} with your work {are} missing."
            self._notifications.info(text, action=FIND, run=self.ask_missing)

    def _start(
        self,
        name: str,
        project: Project,
        work: Iterator[object],
        take: Callable[[list], None],
        finish: Callable[[], None],
    ) -> None:
        self._busy = project
        job = self._jobs.start(name, lambda: work, on_events=take, on_done=lambda: self._intake.then(finish))
        for signal in (job.finished, job.failed, job.cancelled):
            signal.connect(lambda *_: self._on_ended(project))

    def _on_ended(self, project: Project) -> None:
        if self._busy is project:
            self._busy = None

    def _take(self, project: Project, read: Sequence[ImagesRead]) -> None:
        if self._document.project is project:
            self._intake.take(read)

    def _tell(self, news: News) -> None:
        self.refreshed.emit()
        action = FIND if news.missing and self._document.tally.missing else ""
        self._notifications.info(news.text(), action=action, run=self.ask_missing if action else None)

    def _tell_found(self, found: Sequence[Relinked], outside: Sequence[Outside]) -> None:
        self.refreshed.emit()
        project, still = self._document.project, len(self._document.tally.missing)
        if project is None:
            return
        parts = [f"{count(len(found), 'missing image')} found" if found else "No missing image was found there"]
        if outside:
            parts.append(
                f"{count(len(outside), 'file')} outside {project.folder}, such as {outside[0].file}: move them into "
                "it, then refresh"
            )
        if found and still > len(outside):
            parts.append(f"{still - len(outside):,} still missing")
        self._notifications.info("; ".join(parts) + ".")


def scanned(project: Project) -> Iterator[ImagesRead]:
    """In a worker: what a look at the folder finds."""
    with closing(project.connect()) as worker:
        for images in worker.scan():
            yield read_images(images)


def searched(project: Project, folder: Path) -> Iterator[ImagesRead | Relinked | Outside | Searched]:
    """In a worker: what is found of missing images, and the rows that have changed by it."""
    with closing(project.connect()) as worker:
        for event in worker.find_missing(folder):
            if isinstance(event, Relinked):
                yield read_images(event.images)
            yield event
