"""Published weights that are not here: offered where a person picks them, fetched in a worker, then chosen."""

import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.jobs import Job, Jobs
from app.model_choice import ModelInUse
from app.notifications import Notifications
from app.wording import duration
from detector.model.download import Fetched, fetch
from detector.model.weights import PublishedWeights, keep, published

MEGABYTE = 1_000_000
FILES = "Weights (*.pth);;All files (*)"


class WeightsDownload(QObject):
    """Fetches one file at a time, and says how far it is.

    progressed: text, share in 0..1 (None: unknown).
    """

    progressed = Signal(str, object)
    ended = Signal()

    def __init__(self, jobs: Jobs, notifications: Notifications, model: ModelInUse, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._jobs, self._notifications, self._model, self._window = jobs, notifications, model, parent
        self._job: Job | None = None
        self._pace: Pace | None = None
        model.weights_wanted.connect(self.offer)

    @property
    def is_running(self) -> bool:
        """Whether a file is being fetched."""
        return self._job is not None

    def offer(self, name: str) -> None:
        """Ask whether to fetch the weights called `name`, or where their file is."""
        weights = published(name)
        if self._job is not None:
            self._notifications.info(f"{self._job.name} is still under way; stop it first, or wait for its end.")
            return
        self._notifications.info(
            f"The COCO weights of {weights.title} are not on this machine.",
            action=f"Download ({weights.megabytes} MB)",
            run=lambda: self.start(weights),
            other="Choose their file…",
            run_other=lambda: self._ask(weights),
        )

    def start(self, weights: PublishedWeights) -> None:
        """Fetch weights; what a broken or stopped download has brought is gone on with."""
        if self._job is not None:
            return
        before, self._pace = self._model.source, Pace(weights.title)
        self._job = job = self._jobs.start(
            f"Fetching {weights.title}",
            lambda: fetch(weights),
            on_events=self._on_fetched,
            on_done=lambda: self._take(weights, before),
            outlives_project=True,
        )
        for signal in (job.finished, job.failed, job.cancelled):
            signal.connect(self._on_ended)
        self.progressed.emit(f"Fetching {weights.title}…", None)

    def stop(self) -> None:
        """End the download; what has come is kept."""
        if self._job:
            self._job.cancel()

    def _ask(self, weights: PublishedWeights) -> None:
        file, _ = QFileDialog.getOpenFileName(self._window, f"Where is {weights.file}?", filter=FILES)
        if file:
            self.bring(Path(file))

    def bring(self, file: Path) -> None:
        """Check a file of published weights, and copy it to where weights are looked for."""
        before = self._model.source
        self._jobs.start(
            "Copying weights",
            lambda: copy(file),
            on_events=lambda brought: self._take(brought[-1], before),
            outlives_project=True,
        )

    def _take(self, weights: PublishedWeights, before: str) -> None:
        """The file is here: it is what the person wanted, unless they have chosen something else meanwhile."""
        self._notifications.info(f"The COCO weights of {weights.title} are here.")
        if self._model.source == before != weights.name:
            self._model.choose(weights.name)
        else:
            self._model.refresh()

    def _on_fetched(self, events: list[Fetched]) -> None:
        if self._pace and self._job and not self._job.cancelling:
            self.progressed.emit(*self._pace.tell(events[-1], time.monotonic()))

    def _on_ended(self, *_: object) -> None:
        self._job = None
        self.ended.emit()


class Pace:
    """How fast a download is, from when it began to bring anything."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began: tuple[float, int] | None = None

    def tell(self, fetched: Fetched, now: float) -> tuple[str, float | None]:
        """How far, how fast, how long still ("Fetching D4 · 12 of 84 MB · 3.1 MB/s · 23 s left"), and the share."""
        done, total = fetched.done, fetched.total
        if self._began is None or done < self._began[1]:
            self._began = (now, done)
        seconds, brought = now - self._began[0], done - self._began[1]
        amount = f"{done / MEGABYTE:.0f}" + (f" of {total / MEGABYTE:.0f}" if total else "")
        parts = [f"Fetching {self._title}", f"{amount} MB"]
        if seconds > 1 and brought:
            parts.append(f"{brought / seconds / MEGABYTE:.1f} MB/s")
            if total:
                parts.append(f"{duration((total - done) * seconds / brought)} left")
        return " · ".join(parts), done / total if total else None


def copy(file: Path) -> Iterator[PublishedWeights]:
    """In the worker: copy a file of published weights; which ones they are."""
    yield keep(file)
