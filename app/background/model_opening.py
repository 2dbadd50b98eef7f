"""A model in a file that a person picks: looked into by a worker; what it does not say is asked for, then kept."""

from collections.abc import Callable, Iterator, Sequence
from filecmp import cmp
from itertools import count, islice, takewhile
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.dialogs.foreign_model import ForeignModelDialog
from app.jobs import Job, Jobs
from app.model_choice import ModelInUse
from app.models import OURS, models_folder
from app.notifications import Notifications
from detector.loading import load_torch
from detector.model.foreign_file import ForeignFile
from detector.model.info import read_info

FILES = "Models (*.safetensors *.pth);;All files (*)"


class ModelOpening(QObject):
    """Opens one file at a time, and chooses the model in it. progressed: text, share (never known)."""

    progressed = Signal(str, object)
    ended = Signal()

    def __init__(self, jobs: Jobs, notifications: Notifications, model: ModelInUse, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._jobs, self._notifications, self._model, self._window = jobs, notifications, model, parent
        self._job: Job | None = None

    @property
    def is_running(self) -> bool:
        """Whether a file is being read or kept."""
        return self._job is not None

    def ask(self) -> None:
        """Let the person name a file, and open it."""
        file, _ = QFileDialog.getOpenFileName(self._window, "Open a model", filter=FILES)
        if file:
            self.open(Path(file))

    def open(self, path: Path) -> None:
        """Look into a file, and ask for what it does not say."""
        self._start(f"Reading {path.name}", lambda: look(path), lambda file: self._on_seen(path, file))

    def stop(self) -> None:
        """What is being read is not wanted any more."""
        if self._job is not None:
            self._job.cancel()

    def _on_seen(self, path: Path, file: ForeignFile | None) -> None:
        if file is None or file.says_all:
            self._model.choose(str(path))
            return
        dialog = ForeignModelDialog(file, self._window)
        dialog.answered.connect(lambda variant, names: self._keep(path, variant, names))
        dialog.open()

    def _keep(self, path: Path, variant: str | None, names: Sequence[str] | None) -> None:
        work = lambda: keep(path, variant=variant, names=names)  # noqa: E731
        self._start(f"Keeping {path.name}", work, lambda kept: self._on_kept(path, kept))

    def _on_kept(self, path: Path, kept: Path) -> None:
        self._model.choose(str(kept))
        self._notifications.info(f"{path.name} is in use; what you said of it is kept with a copy, {kept}.")

    def _start(self, name: str, work: Callable[[], Iterator[Any]], take: Callable[[Any], None]) -> None:
        """Begin a job whose only event `take` gets, unless something else is wanted by then."""
        self.stop()

        def on_events(events: list[Any]) -> None:
            if job is self._job and not job.cancelling:
                take(events[-1])

        def on_ended(*_: object) -> None:
            if job is self._job:
                self._job = None
                self.ended.emit()

        job = self._job = self._jobs.start(name, work, on_events=on_events)
        for signal in (job.finished, job.failed, job.cancelled):
            signal.connect(on_ended)
        self.progressed.emit(f"{name}…", None)


def look(path: Path) -> Iterator[ForeignFile | None]:
    """In the worker: what a foreign file says; None for one of ours, which says all. Raises CheckpointError."""
    if path.suffix == OURS:
        read_info(path)
        yield None
        return
    load_torch()
    from detector.model.published import inspect_foreign

    yield inspect_foreign(path)


def keep(path: Path, *, variant: str | None, names: Sequence[str] | None) -> Iterator[Path]:
    """In the worker: the model of a foreign file as one of ours, which says what the file does not; where it is."""
    load_torch()
    from detector.model.checkpoint import save
    from detector.model.published import load_foreign

    model = load_foreign(path, variant=variant, names=names)
    folder = models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    before = list(takewhile(Path.exists, _places(folder, path.stem)))
    kept = next(islice(_places(folder, path.stem), len(before), None))
    save(model, kept)
    same = next((other for other in before if cmp(other, kept, shallow=False)), None)
    if same is not None:
        kept.unlink()
    yield same or kept


def _places(folder: Path, stem: str) -> Iterator[Path]:
    """Where models of that name are kept, none of which replaces another one: "best", "best-2" …"""
    for number in count(1):
        yield folder / f"{stem if number == 1 else f'{stem}-{number}'}{OURS}"
