"""The sheet of a fine-tuning at work: it is filled from the document, its data are checked, its ways out are gone."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app import settings as table
from app.background.model_work import ModelWork, Studio
from app.background.training_data_check import CheckEvent, Compared, NearDuplicatesSought, check_training_data
from app.background.training_pace import Pace, paces, remember, remembered
from app.background.training_process import Run, chosen_options, list_runs
from app.dialogs.fine_tune import FineTuneDialog
from app.dialogs.fine_tune_options import ModelFacts, facts_of
from app.dialogs.fine_tune_plan import FineTunePlan, plan
from app.jobs import Job
from app.models import choice
from app.settings import Settings
from app.verbs.image_verbs import show_group, unite_sides
from app.verbs.reviewing import started, vouch
from detector.data.near_duplicates import Signature
from detector.data.project.store import Project
from detector.data.split import Side
from detector.data.training_data import TrainingData
from detector.errors import StudioError

RUNS_TIMED = 5


class FineTuneSheet(ModelWork):
    """Shows one sheet at a time. start_wanted: as the sheet's."""

    start_wanted = Signal(object, str, int)

    def __init__(self, studio: Studio, *, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._settings = settings
        self._sheet: FineTuneDialog | None = None
        self._checking: Job | None = None
        self._looks: dict[int, Signature] = {}
        self._document.project_changed.connect(self._on_project_changed)

    def open(self, parent: QWidget) -> None:
        """Show the sheet, and check the data meanwhile."""
        project = self._document.project
        if project is None:
            return
        runs = list_runs(project.home / "runs")
        choices = [item for group in self._model.groups() for item in group.choices if not item.missing]
        self._sheet = sheet = FineTuneDialog(
            self._plan(),
            self._facts(self._model.source),
            models=choices,
            source=self._model.source,
            paces=self._paces(runs),
            gpus=self._model.gpus,
            before=chosen_options(runs[0]) if runs else None,
            parent=parent,
        )
        sheet.start_wanted.connect(self.start_wanted)
        sheet.vouch_wanted.connect(self._vouch)
        sheet.model_chosen.connect(lambda source: sheet.set_model(self._facts(source)))
        sheet.images_wanted.connect(partial(show_group, self._document))
        sheet.one_side_wanted.connect(self._unite)
        sheet.finished.connect(self._on_sheet_closed)
        sheet.open()
        self._check()

    def _plan(self) -> FineTunePlan:
        document = self._document
        return plan(document.images.values(), document.tally.boxes, document.classes)

    def _facts(self, source: str) -> ModelFacts:
        try:
            return facts_of(choice(source))
        except StudioError as error:
            self._notifications.error(error)
            return ModelFacts(choice(source).title)

    def _paces(self, runs: Sequence[Run]) -> tuple[Pace, ...]:
        """Those of this project's runs, then those of others on this machine."""
        of_project = paces(runs[:RUNS_TIMED])
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
            self._checking = job = self._jobs.start(
                "Checking the data",
                lambda: check_training_data(project, looks),
                on_events=lambda events: self._on_checked(job, events),
            )

    def _on_checked(self, job: Job, events: list[CheckEvent]) -> None:
        sheet = self._sheet
        if sheet is None or job is not self._checking or job.cancelling:
            return
        for event in events:
            match event:
                case TrainingData():
                    sheet.set_training_data(event)
                case Compared():
                    sheet.set_compared(event)
                case NearDuplicatesSought():
                    sheet.set_near_duplicates(event.finding)

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

    def _on_project_changed(self) -> None:
        self._looks = {}  # not cleared: a worker may still be filling those of the project before

    def _on_sheet_closed(self) -> None:
        self._sheet = None
        if self._checking is not None:
            self._checking.cancel()
            self._checking = None


def sides_of(project: Project, wanted: Mapping[int, Collection[int]]) -> Iterator[dict[int, Side]]:
    """In a worker: the side of each image, from the ids of its classes."""
    worker = project.connect()
    try:
        yield worker.sides.together(wanted)
    finally:
        worker.close()
