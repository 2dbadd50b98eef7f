"""The tour through the sample: label, correct, vouch, fine-tune, better. It follows what the person does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app import settings as table
from app.background.fine_tuning import FineTuning
from app.document import Document
from app.model_choice import ModelInUse
from app.projects import Projects, sample_folder
from app.settings import Settings
from app.widgets.coach_mark import CoachMark, Side
from detector.data.project.records import State

ENOUGH = 3  # reviewed images: two to learn from and one to measure on


@dataclass(frozen=True)
class Stop:
    """One step of the tour: what it points at, from which side, and what it says."""

    target: str
    side: Side
    title: str
    words: str


STOPS = (
    Stop(
        "label",
        Side.BELOW,
        "Let the model label",
        "Auto-label all: the model proposes boxes, and you can look around meanwhile. I does it for one image.",
    ),
    Stop(
        "picture",
        Side.LEFT,
        "Correct what it proposes",
        "Dashed boxes are proposals. Drag an edge, press 1–9 for another class, Del to reject, W to draw.",
    ),
    Stop(
        "picture",
        Side.LEFT,
        "Vouch for images",
        f"Space says that all you see is right, and goes on. {ENOUGH} images are enough to begin with.",
    ),
    Stop(
        "fine-tune",
        Side.BELOW,
        "Teach it your corrections",
        "Fine-tune trains a model on the images that you vouched for. The sheet says how long it takes.",
    ),
    Stop(
        "training",
        Side.ABOVE,
        "Is it better?",
        "Its end says what AP was and is, on images kept aside. Take the new model to label the rest.",
    ),
)


class Tour(QObject):
    """Which stop the person is at: `mark` points at its target, of `targets` by name, and says what to do.

    It only ever goes forward; skipped or ended, it stays away until it is asked for.
    """

    def __init__(
        self,
        document: Document,
        projects: Projects,
        model: ModelInUse,
        fine_tuning: FineTuning,
        *,
        settings: Settings,
        mark: CoachMark,
        targets: Mapping[str, QWidget],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document, self._projects, self._settings = document, projects, settings
        self._model, self._fine_tuning = model, fine_tuning
        self._mark, self._targets = mark, targets
        self.step: int | None = None
        self._wanted = False
        self._done: tuple[Callable[[], bool], ...] = (
            self._has_proposals,
            self._has_boxes,
            self._has_enough,
            self._has_run,
            self._has_own_model,
        )
        mark.skipped.connect(self.skip)
        mark.next_wanted.connect(self.go_on)
        projects.opened.connect(self._on_opened)
        document.project_changed.connect(self._on_project_changed)
        for signal in (document.proposals_changed, document.shown_changed, document.images_changed, model.changed):
            signal.connect(self._look)
        document.image_updated.connect(self._look)
        fine_tuning.bottom_wanted.connect(self._look)

    def begin(self) -> None:
        """Start from the first stop that is still to be done, in the sample where nothing is open."""
        if self._document.project is None:
            self._wanted = True
            self._projects.open_sample()
        else:
            self._start()

    def go_on(self) -> None:
        """To the next stop, though nothing was done at this one."""
        if self.step is not None:
            self._go_to(self.step + 1)

    def skip(self) -> None:
        """No more of it."""
        self._settings.set(table.TOUR, False)
        self._leave()

    def _leave(self) -> None:
        self.step = None
        self._mark.leave()

    def _on_opened(self) -> None:
        project = self._document.project
        in_sample = project is not None and project.folder == sample_folder()
        if self._wanted or (in_sample and self._settings.get(table.TOUR)):
            self._start()

    def _on_project_changed(self) -> None:
        self._leave()

    def _start(self) -> None:
        self._wanted = False
        self._settings.set(table.TOUR, True)
        self._go_to(0)
        self._look()

    def _look(self, *_: object) -> None:
        """Past all that is done already."""
        if self.step is None or self._document.project is None:
            return
        step = self.step
        while step < len(STOPS) and self._done[step]():
            step += 1
        if step != self.step:
            self._go_to(step)

    def _go_to(self, step: int) -> None:
        if step >= len(STOPS):
            self.skip()
            return
        self.step, stop = step, STOPS[step]
        self._mark.say(stop.title, stop.words, step=step + 1, steps=len(STOPS))
        self._mark.point_at(self._targets[stop.target], stop.side)

    # What was done

    def _has_proposals(self) -> bool:
        return self._document.tally.proposal_total()[0] > 0 or self._has_enough()

    def _has_boxes(self) -> bool:
        return bool(self._document.tally.class_counts())

    def _has_enough(self) -> bool:
        return len(self._document.tally.states[State.REVIEWED]) >= ENOUGH

    def _has_run(self) -> bool:
        return self._fine_tuning.watcher is not None

    def _has_own_model(self) -> bool:
        project = self._document.project
        return project is not None and Path(self._model.source).is_relative_to(project.home / "runs")
