"""What can be done with a project's runs, whichever of them."""

from pathlib import Path

from PySide6.QtCore import QFile, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from app.background.model_work import ModelWork, Studio
from app.background.run_records import RunRecord, read_records
from app.background.training_process import Run, rename, resume
from app.jobs import Job


class RunHistory(ModelWork):
    """Reads a project's runs, and does what people want with one. records_read: a list of RunRecord. resumed: a Run
    that goes on. removed: the folder of one that is gone.
    """

    records_read = Signal(list)
    resumed = Signal(object)
    removed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget) -> None:
        super().__init__(studio, parent)
        self._window = parent
        self._job: Job | None = None

    def read(self) -> None:
        """Read the runs anew."""
        if self._job is not None:
            self._job.cancel()
        project = self._document.project
        if project is None:
            self.records_read.emit([])
            return
        runs = project.home / "runs"
        self._job = job = self._jobs.start(
            "Reading the runs", lambda: read_records(runs), on_events=lambda read: self._on_read(job, read[-1])
        )

    def rename(self, run: Run, name: str) -> None:
        """Give a run another name."""
        if self._refuse():
            return
        try:
            rename(run, name.strip())
        except OSError as error:
            self._notifications.error(error)
        self.read()
        self._model.refresh()

    def open_folder(self, run: Run) -> None:
        """Show a run's files in the file manager."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.folder))):
            self._notifications.info(f"The run is in {run.folder}.")

    def resume(self, run: Run) -> None:
        """Go on with a run that was cut short."""
        if self._refuse():
            return
        if job := self._jobs.device_job:
            self._notifications.info(f"{job.name} is still running; stop it first, or wait for its end.")
            return
        try:
            self.resumed.emit(resume(run))
        except OSError as error:
            self._notifications.error(error)

    def ask_removal(self, record: RunRecord) -> None:
        """Move a run to the trash, once the person has said so."""
        run = record.run
        if self._refuse():
            return
        if reason := self._why_not(record):
            self._notifications.info(reason)
            return
        box = QMessageBox(self._window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setText(f"Move the run {run.title} to the trash?")
        box.setInformativeText("Its models and curves go to the system's trash; your labels stay as they are.")
        move = box.addButton("Move to trash", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        move.clicked.connect(lambda: self._remove(run))
        box.open()

    def _refuse(self) -> bool:
        """Whether the project is only read here, perhaps because another window has it; if so, the person is told."""
        project = self._document.project
        if project is not None and project.read_only is not None:
            self._notifications.info(project.read_only)
            return True
        return False

    def _why_not(self, record: RunRecord) -> str:
        if record.alive:
            return f"{record.run.title} is under way; stop it first."
        if Path(self._model.source).parent == record.run.folder:
            return f"The model of {record.run.title} is in use; choose another model first."
        return ""

    def _remove(self, run: Run) -> None:
        def on_events(moved: list[bool]) -> None:
            if not moved[-1]:
                self._notifications.warning(
                    f"{run.folder} could not be moved to the trash; there may be none on that drive. Delete it in the "
                    "file manager."
                )
                return
            self.removed.emit(run.folder)
            self._model.refresh()
            self.read()

        self._jobs.start("Moving a run to the trash", lambda: iter([trash(run.folder)]), on_events=on_events)

    def _on_read(self, job: Job, records: list[RunRecord]) -> None:
        if job is self._job and not job.cancelling:
            self.records_read.emit(records)


def trash(folder: Path) -> bool:
    """In a worker: moves a folder to the system's trash; whether it is there."""
    return bool(QFile.moveToTrash(str(folder))[0])
