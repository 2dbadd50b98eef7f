"""Fine-tuning as the window sees it: the sheet, the newest run and its panels, and the choice at its end."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.background.fine_tune_sheet import FineTuneSheet
from app.background.fusion_work import FusionWork
from app.background.model_work import ModelWork, Studio
from app.background.run_history import RunHistory
from app.background.run_records import RunRecord
from app.background.run_watcher import RunState, RunWatcher
from app.background.thumbnails import shrunk
from app.background.training_process import Run, list_runs, start
from app.models import choice
from app.panels.fusion import FusionPanel
from app.panels.training import TrainingPanel, load_plots
from app.panels.training_runs import RunTable
from app.settings import Settings
from detector.data.images import decode_reduced
from detector.data.project.records import State
from detector.errors import ImageError, StudioError
from detector.events import Event
from detector.model.info import read_info
from detector.training.options import FineTuneOptions
from detector.training.run_folder import BEST

DECIDED = "decided-run"  # setting of the project: the run after which the person chose a model
LABEL_THE_REST = "The new model is in use. Let it look at what is not reviewed yet."
SAMPLE_SIDE = 720  # px: a picture of the panel at 200%


class FineTuning(ModelWork):
    """One run at a time for a project; a run goes on while the window is closed, and is found again.

    bottom_wanted: the panel to unfold. device_wanted: a run is about to start, which needs the device's memory.
    labelling_wanted: the person wants the model in use to label all.
    """

    bottom_wanted = Signal(QWidget)
    device_wanted = Signal()
    labelling_wanted = Signal()

    def __init__(
        self,
        studio: Studio,
        *,
        settings: Settings,
        training: TrainingPanel,
        fusion: FusionPanel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(studio, parent)
        self._training, self._fusion = training, fusion
        self.sheet = FineTuneSheet(studio, settings=settings, parent=self)
        self.sheet.start_wanted.connect(self._start)
        self.fusion_work = FusionWork(studio, panel=fusion, parent=self)
        self.history = RunHistory(studio, training)
        self._records: list[RunRecord] = []
        self.watcher: RunWatcher | None = None
        self._document.project_changed.connect(self._on_project_changed)
        self._document.classes_changed.connect(self._on_classes_changed)
        self._model.changed.connect(self._on_model_changed)
        training.stop_wanted.connect(self._on_stop_wanted)
        training.kill_wanted.connect(self._on_kill_wanted)
        training.use_wanted.connect(self._on_use_wanted)
        training.keep_wanted.connect(self._decide)
        training.revert_wanted.connect(self._on_revert_wanted)
        training.plots_wanted.connect(self._load_plots)
        training.pictures_wanted.connect(self._read_samples)
        self._wire_history(training.runs)

    def _wire_history(self, runs: RunTable) -> None:
        history = self.history
        self._training.runs_wanted.connect(history.read)
        history.records_read.connect(self._on_records_read)
        history.resumed.connect(self._on_resumed)
        history.removed.connect(self._on_removed)
        runs.show_wanted.connect(lambda record: self._follow(record.run))
        runs.use_wanted.connect(self._on_record_chosen)
        runs.rename_wanted.connect(lambda record, name: history.rename(record.run, name))
        runs.folder_wanted.connect(lambda record: history.open_folder(record.run))
        runs.resume_wanted.connect(self._on_resume_wanted)
        runs.removal_wanted.connect(history.ask_removal)

    def ask(self, parent: QWidget) -> None:
        """Show the sheet, unless a run is under way."""
        if self._document.project is None or self._refuse_second():
            return
        if job := self._jobs.device_job:
            self._notifications.info(f"{job.name} is still running; stop it first, or wait for its end.")
            return
        self.sheet.open(parent)

    def _refuse_second(self) -> bool:
        """Whether a run is under way, which is then shown."""
        project = self._document.project
        runs = list_runs(project.home / "runs") if project else []
        alive = next((run for run in runs if run.is_alive()), None)
        if alive is None or self._is_leaving(alive):
            return False
        if self.watcher is None or self.watcher.run.folder != alive.folder:
            self._follow(alive)
        self.bottom_wanted.emit(self._training)
        self._notifications.info("A run is under way already; stop it first, or wait for its end.")
        return True

    def _is_leaving(self, run: Run) -> bool:
        """Whether a run has told its end already: on a busy machine its process takes seconds to go."""
        watcher = self.watcher
        return watcher is not None and watcher.run.folder == run.folder and watcher.state.has_ended

    def close(self) -> None:
        """Follow the run no more; it goes on."""
        if self.watcher is not None:
            self.watcher.close()
            self.watcher.deleteLater()
            self.watcher = None

    def _start(self, options: FineTuneOptions, source: str, gpus: int) -> None:
        project = self._document.project
        if project is None:
            return
        self.device_wanted.emit()
        chosen, device = choice(source), self._model.device
        try:
            run = start(
                project.folder,
                project.home / "runs",
                model=chosen.title,
                source=chosen.source,
                options=options,
                device=device,
                processes=max(1, gpus),
            )
        except OSError as error:
            self._notifications.error(error)
            return
        self._follow(run)
        self.bottom_wanted.emit(self._training)

    # The run

    def _follow(self, run: Run) -> None:
        self.close()
        project = self._document.project
        runs = list_runs(project.home / "runs") if project else []
        is_old = bool(runs) and runs[0].folder != run.folder  # which nobody is asked about again
        decided = is_old or (project is not None and project.settings.get(DECIDED) == run.folder.name)
        self._training.set_run(run.folder, model=run.model, decided=decided)
        self._on_classes_changed()
        self._show_use()
        self._fusion.clear_run()
        self.watcher = RunWatcher(run, self)
        self.watcher.events_read.connect(self._on_events_read)
        self.watcher.state_changed.connect(self._on_state_changed)

    def _on_project_changed(self) -> None:
        self.close()
        self._records = []
        self._show_newest()

    def _show_newest(self) -> None:
        """Follow the newest run, if there is one."""
        self.close()
        project = self._document.project
        runs = list_runs(project.home / "runs") if project else []
        if runs:
            self._follow(runs[0])
        else:
            self._training.set_run(None)
            self._fusion.clear_run()

    def _on_model_changed(self) -> None:
        self._show_use()
        self._notifications.withdraw(LABEL_THE_REST)
        if self._records:
            self._training.runs.set_records(self._records, in_use=self._model.source)

    def _on_events_read(self, events: list[Event]) -> None:
        self._training.add_events(events)
        self._fusion.add_events(events)

    def _on_state_changed(self, state: RunState) -> None:
        watcher = self.watcher
        if watcher is None:
            return
        self._training.set_state(state, reason=watcher.reason)
        if state is RunState.RUNNING:  # of a run that was found again, too
            self.bottom_wanted.emit(self._training)
        if state.has_ended:
            self._show_thresholds()
            if self._training.runs.isVisible():
                self.history.read()
        verdict = self._training.verdict
        if verdict is not None and not self._training.isVisible():
            tell = self._notifications.warning if state is RunState.DIED else self._notifications.info
            tell(verdict.text, action="Show", run=lambda: self.bottom_wanted.emit(self._training))

    def _on_stop_wanted(self) -> None:
        if self.watcher is not None:
            try:
                self.watcher.stop()
            except OSError as error:
                self._notifications.error(error)

    def _on_kill_wanted(self) -> None:
        if self.watcher is not None:
            self.watcher.run.kill()

    def _on_use_wanted(self, checkpoint: Path) -> None:
        self._decide()
        self._use(str(checkpoint))

    def _use(self, source: str) -> None:
        """Take a run's model; what it has found before, in passes that were put aside with it, comes back."""
        self._model.choose(source)
        self._switch_passes(source, active=True)
        if all(image.state is State.REVIEWED for image in self._document.images.values()):
            self._notifications.info("The new model is in use.")
            return
        self._notifications.info(
            LABEL_THE_REST,
            action="Label the rest",
            run=self.labelling_wanted.emit,
        )

    def _on_revert_wanted(self) -> None:
        """Take the model that the run began with again, with the proposals that it had."""
        if self.watcher is None:
            return
        old = self.watcher.run.source
        if reason := choice(old).missing:
            self._notifications.info(f"{choice(old).title} cannot be used: {reason}.")
            return
        before = self._model.source
        self._model.choose(old)
        self._switch_passes(before, active=False)

    def _switch_passes(self, source: str, *, active: bool) -> None:
        """Show what a model has proposed, or what was shown before it did."""
        project = self._document.project
        if project is not None and project.read_only is None:
            for item in project.passes.all():
                if item.source == source and item.active is not active:
                    self._document.switch_pass(item.id, active)

    def _show_use(self) -> None:
        """Say whether the model in use is the run's."""
        if self.watcher is not None:
            self._training.set_in_use(Path(self._model.source).parent == self.watcher.run.folder)

    def _show_thresholds(self) -> None:
        checkpoint = self.watcher and self.watcher.run.folder / BEST
        if checkpoint and checkpoint.exists():
            with suppress(StudioError):
                self._training.set_thresholds(read_info(checkpoint).thresholds)

    def _on_classes_changed(self) -> None:
        self._training.samples.set_colours({item.name: item.colour for item in self._document.classes})

    def _read_samples(self, paths: list[str]) -> None:
        self._jobs.start(
            "Reading sample pictures",
            lambda: read_pictures(paths),
            on_events=lambda read: self._training.samples.set_pictures(read[-1]),
        )

    # The other runs

    def _on_records_read(self, records: list[RunRecord]) -> None:
        self._records = records
        self._training.runs.set_records(records, in_use=self._model.source)

    def _on_record_chosen(self, record: RunRecord) -> None:
        if record.checkpoint is not None:
            self._use(str(record.checkpoint))

    def _on_resume_wanted(self, record: RunRecord) -> None:
        if not self._refuse_second():
            self.device_wanted.emit()
            self.history.resume(record.run)

    def _on_resumed(self, run: Run) -> None:
        self._follow(run)
        self.bottom_wanted.emit(self._training)

    def _on_removed(self, folder: Path) -> None:
        if self.watcher is not None and self.watcher.run.folder == folder:
            self._show_newest()

    def _load_plots(self) -> None:
        self._jobs.start("Loading the plots", load_plots, on_done=self._training.show_plots)

    def _decide(self) -> None:
        project = self._document.project
        if project is not None and project.read_only is None and self.watcher is not None:
            project.settings.put({DECIDED: self.watcher.run.folder.name})


def read_pictures(paths: Sequence[str]) -> Iterator[dict[str, tuple[QImage, int]]]:
    """In a worker: small pictures by their paths, each with the width of its file in px; broken ones are left out."""
    found: dict[str, tuple[QImage, int]] = {}
    for path in paths:
        with suppress(ImageError):
            pixels, (width, _) = decode_reduced(Path(path), SAMPLE_SIDE)
            small = shrunk(pixels, SAMPLE_SIDE)
            height, wide = small.shape[:2]
            found[path] = QImage(small.tobytes(), wide, height, 3 * wide, QImage.Format.Format_RGB888).copy(), width
    yield found
