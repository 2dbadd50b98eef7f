"""Fine-tuning as the window sees it: the sheet, the newest run and its panels, and the choice at its end."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app import settings as table
from app.background.lesson_check import CheckEvent, Compared, TwinsSought, check_lesson
from app.background.training_pace import Pace, paces, remember, remembered
from app.background.training_process import Run, RunState, RunWatcher, list_runs, start
from app.dialogs.fine_tune import FineTuneDialog
from app.dialogs.fine_tune_options import ModelFacts, facts_of
from app.dialogs.fine_tune_plan import FineTunePlan, plan
from app.document import Document
from app.image_filter import ImageFilter, ImageGroup
from app.jobs import Job, Jobs
from app.model_choice import ModelInUse
from app.models import choice
from app.notifications import Notifications
from app.panels.fusion import FusionPanel
from app.panels.training import TrainingPanel, load_plots
from app.settings import Settings
from app.verbs.image_verbs import unite_sides
from app.verbs.reviewing import started, vouch
from detector.data.lesson import Lesson
from detector.data.project.store import Project
from detector.data.split import Side
from detector.data.twins import Signature
from detector.device import is_cpu
from detector.errors import StudioError
from detector.events import Event
from detector.loading import load_torch
from detector.model.fusion import FusionSnapshot
from detector.training.options import FineTuneOptions

DECIDED = "decided-run"  # setting of the project: the run after which the person chose a model
RUNS_TIMED = 5


class FineTuning(QObject):
    """One run at a time for a project; a run goes on while the window is closed, and is found again.

    bottom_wanted: the panel to unfold. device_wanted: a run is about to start, which needs the device's memory.
    """

    bottom_wanted = Signal(QWidget)
    device_wanted = Signal()

    def __init__(
        self,
        document: Document,
        jobs: Jobs,
        notifications: Notifications,
        model: ModelInUse,
        *,
        settings: Settings,
        training: TrainingPanel,
        fusion: FusionPanel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._notifications, self._model = document, jobs, notifications, model
        self._training, self._fusion = training, fusion
        self._settings = settings
        self._reading: Job | None = None
        self._checking: Job | None = None
        self._looks: dict[int, Signature] = {}
        self._shown_model = ""
        self._sheet: FineTuneDialog | None = None
        self.watcher: RunWatcher | None = None
        document.project_changed.connect(self._on_project_changed)
        model.changed.connect(self._on_model_changed)
        training.stop_wanted.connect(self._on_stop_wanted)
        training.kill_wanted.connect(self._on_kill_wanted)
        training.use_wanted.connect(self._on_use_wanted)
        training.keep_wanted.connect(self._decide)
        training.plots_wanted.connect(self._load_plots)
        fusion.picture_wanted.connect(self._save_picture)
        fusion.table_wanted.connect(self._save_table)

    def ask(self, parent: QWidget) -> None:
        """Show the sheet, unless a run is under way."""
        project = self._document.project
        if project is None:
            return
        if self.watcher is not None and not self.watcher.state.has_ended:
            self.bottom_wanted.emit(self._training)
            self._notifications.info("A run is under way already; stop it first, or wait for its end.")
            return
        if job := self._jobs.device_job:
            self._notifications.info(f"{job.name} is still running; stop it first, or wait for its end.")
            return
        choices = [item for group in self._model.groups() for item in group.choices if not item.missing]
        self._sheet = sheet = FineTuneDialog(
            self._plan(),
            self._facts(self._model.source),
            models=choices,
            source=self._model.source,
            paces=self._paces(project),
            on_gpu=not is_cpu(self._model.device),
            parent=parent,
        )
        sheet.start_wanted.connect(self._start)
        sheet.vouch_wanted.connect(self._vouch)
        sheet.model_chosen.connect(lambda source: sheet.set_model(self._facts(source)))
        sheet.images_wanted.connect(self.show_images)
        sheet.one_side_wanted.connect(self._unite)
        sheet.finished.connect(self._on_sheet_closed)
        sheet.open()
        self._check()

    def show_images(self, group: ImageGroup) -> None:
        """Show these images in the list, the first one of them on the canvas."""
        document = self._document
        document.set_filter(ImageFilter(among=group))
        if document.current not in group.ids and (first := [id for id in document.visible if id in group.ids]):
            document.show(first[0])

    def show_fusion(self) -> None:
        """Read the chosen model's fusion weights, if its panel lacks them. It loads torch, so only when wanted."""
        source = self._model.source
        if self._document.project is None or self._shown_model == source or self._model.choice.missing:
            return
        if self._reading:
            self._reading.cancel()
        self._shown_model = source
        title = self._model.choice.title
        self._reading = self._jobs.start(
            "Reading fusion weights",
            lambda: read_fusion(source),
            on_events=lambda read: self._fusion.set_model(read[-1], title=title),
        )

    def close(self) -> None:
        """Follow the run no more; it goes on."""
        if self.watcher is not None:
            self.watcher.close()
            self.watcher.deleteLater()
            self.watcher = None

    # The sheet

    def _plan(self) -> FineTunePlan:
        document = self._document
        return plan(document.images.values(), document.tally.boxes, document.classes)

    def _facts(self, source: str) -> ModelFacts:
        try:
            return facts_of(choice(source))
        except StudioError as error:
            self._notifications.error(error)
            return ModelFacts(choice(source).title)

    def _paces(self, project: Project) -> tuple[Pace, ...]:
        """Those of this project's runs, then those of others on this machine."""
        of_project = paces(list_runs(project.home / "runs")[:RUNS_TIMED])
        before = self._settings.get(table.PACES)
        if (now := remember(of_project, before)) != before:
            self._settings.set(table.PACES, now)
        return (*of_project, *remembered(now))

    def _check(self) -> None:
        """Look in a worker at what the data are like."""
        project = self._document.project
        if self._checking is not None:
            self._checking.cancel()
        if project is not None:
            looks = self._looks
            self._checking = self._jobs.start(
                "Checking the data", lambda: check_lesson(project, looks), on_events=self._on_checked
            )

    def _on_checked(self, events: list[CheckEvent]) -> None:
        sheet = self._sheet
        if sheet is None or self._checking is None or self._checking.cancelling:
            return
        for event in events:
            match event:
                case Lesson():
                    sheet.set_lesson(event)
                case Compared():
                    sheet.set_compared(event)
                case TwinsSought():
                    sheet.set_twins(event.finding)

    def _unite(self, groups: Iterable[Sequence[int]]) -> None:
        unite_sides(self._document, groups)
        if self._sheet is not None:
            self._sheet.set_plan(self._plan())
            self._check()

    def _vouch(self) -> None:
        """Vouch for all started images; their sides are found in a worker, which may have to read their files."""
        project, images = self._document.project, started(self._document)
        if project is not None and images:
            self._jobs.start("Vouching", lambda: sides_of(project, images), on_events=self._on_sides_found)

    def _on_sides_found(self, found: list[dict[int, Side]]) -> None:
        vouch(self._document, found[-1])
        if self._sheet is not None:
            self._sheet.set_plan(self._plan())
            self._check()

    def _on_sheet_closed(self) -> None:
        self._sheet = None
        if self._checking is not None:
            self._checking.cancel()
            self._checking = None

    def _start(self, options: FineTuneOptions, source: str) -> None:
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
        decided = project is not None and project.settings.get(DECIDED) == run.folder.name
        self._training.set_run(run.folder, model=run.model, decided=decided)
        self._fusion.clear_run()
        self.watcher = RunWatcher(run, self)
        self.watcher.events_read.connect(self._on_events_read)
        self.watcher.state_changed.connect(self._on_state_changed)

    def _on_project_changed(self) -> None:
        self.close()
        self._looks = {}
        self._shown_model = ""
        self._fusion.set_model(None, title="")
        project = self._document.project
        runs = list_runs(project.home / "runs") if project else []
        if runs:
            self._follow(runs[0])
        else:
            self._training.set_run(None)
            self._fusion.clear_run()

    def _on_model_changed(self) -> None:
        if self._fusion.isVisible():
            self.show_fusion()

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
        self._model.choose(str(checkpoint))
        self._notifications.info("The new model is in use. Auto-label all lets it label the rest.")

    def _load_plots(self) -> None:
        self._jobs.start("Loading the plots", load_plots, on_done=self._training.show_plots)

    def _decide(self) -> None:
        project = self._document.project
        if project is not None and project.read_only is None and self.watcher is not None:
            project.settings.put({DECIDED: self.watcher.run.folder.name})

    # Files of the fusion weights

    def _save_picture(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self._fusion, "Save the picture", "fusion.png", "PNG (*.png)")
        if path and not self._fusion.picture().save(path):
            self._notifications.error(f"{path} cannot be written; choose another place.")

    def _save_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self._fusion, "Save the weights", "fusion.csv", "CSV (*.csv)")
        if path:
            try:
                Path(path).write_text(self._fusion.table(), "utf-8", newline="")
            except OSError as error:
                self._notifications.error(error)


def sides_of(project: Project, wanted: Mapping[int, Collection[int]]) -> Iterator[dict[int, Side]]:
    """In a worker: the side of each image, from the ids of its classes."""
    worker = project.connect()
    try:
        yield worker.sides.together(wanted)
    finally:
        worker.close()


def read_fusion(source: str) -> Iterator[FusionSnapshot]:
    """In a worker: a model's fusion weights."""
    load_torch()
    from detector.model.fusion import snapshot
    from detector.model.published import open_model

    yield snapshot(open_model(source).network)
