"""The panel of training: the curves of a run, how far it is, and at its end the choice between the two models."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.background.run_watcher import RunState
from app.background.training_course import Course, Verdict
from app.panels.training_banner import VerdictBanner
from app.panels.training_classes import ClassChanges
from app.panels.training_runs import RunTable
from app.panels.training_samples import SampleStrip
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_page import empty_page
from detector.events import Event, SampleImage

if TYPE_CHECKING:
    from pyqtgraph import PlotWidget

    from app.panels.training_plots import TrainingPlots

PATIENCE = 10_000  # ms of stopping, after which killing is offered
EMPTY = (
    "No training yet.\n"
    "Review some images, then choose Fine-tune: the model learns from them, and its loss and AP are drawn here."
)
LEAST = (160, 80)  # px of a view, on the lowest of screens
NO_CLASSES = "AP by class is compared here after the first measurement."
STATES = {
    RunState.STARTING: "Starting",
    RunState.RUNNING: "Training",
    RunState.STOPPING: "Stopping after this step",
    RunState.FINISHED: "Finished",
    RunState.STOPPED: "Stopped",
    RunState.DIED: "Ended unexpectedly",
}


def load_plots() -> Iterator[None]:
    """In a worker: loads what the curves need, which would hold the window up for half a second."""
    import app.panels.training_plots  # noqa: F401

    yield None


class View(StrEnum):
    """What the panel shows of a run, or of all."""

    CURVES = "Curves"
    CLASSES = "Classes"
    PICTURES = "Pictures"
    RUNS = "Runs"


HINTS = {
    View.CURVES: "Loss, AP and learning rate",
    View.CLASSES: "AP by class before and after, what got worse first",
    View.PICTURES: "What it finds in some validation images: solid, the firmer the surer; your own boxes are dashed",
    View.RUNS: "All runs side by side",
}


class TrainingPanel(QWidget):
    """Shows one run: `set_run`, then its events and states as they come; and a table of all of them, `runs`.

    use_wanted: a checkpoint's path, to be the model from now on. keep_wanted: the old model stays. revert_wanted: it
    shall be in use again. plots_wanted: run `load_plots` in a worker, then call `show_plots`. pictures_wanted: paths of
    sample images; `samples.set_pictures` follows. runs_wanted: the table is looked at.
    """

    use_wanted = Signal(Path)
    keep_wanted = Signal()
    revert_wanted = Signal()
    pictures_wanted = Signal(list)
    runs_wanted = Signal()
    stop_wanted = Signal()
    kill_wanted = Signal()
    plots_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.course = Course()
        self.state = RunState.STARTING
        self.verdict: Verdict | None = None
        self._folder = Path()
        self._reason = ""
        self._decided = self._in_use = False
        self._thresholds: Mapping[str, float] = {}
        self._wanted: list[str] = []
        self._made: list[PlotWidget] = []
        self._plots: TrainingPlots | None = None
        self._shown_samples: tuple[SampleImage, ...] = ()
        self.view = View.CURVES
        self._patience = QTimer(self, singleShot=True)
        self._patience.timeout.connect(self._on_patience_ended)
        self._build()

    def set_run(self, folder: Path | None, *, model: str = "", decided: bool = False) -> None:
        """Show the run in a folder, which fine-tunes a model of that name; None shows none.

        decided: the person has chosen between the models already.
        """
        self.course, self.state, self._reason, self._decided = Course(), RunState.STARTING, "", decided
        self._in_use, self._thresholds, self._wanted = False, {}, []
        self._patience.stop()
        self._kill.hide()
        self._pages.setCurrentIndex(0 if folder is None else 1)
        self._show_view(View.CURVES)
        if folder is not None:
            self._folder = folder
            self._title.setText(f"Fine-tuning {model}")
            if self._plots is None:
                self.plots_wanted.emit()
        self._refresh()

    def add_events(self, events: Iterable[Event]) -> None:
        """Take in what the run says."""
        self.course.add(events)
        self._refresh()

    def set_state(self, state: RunState, *, reason: str = "") -> None:
        """Take in where the run is; `reason` says why it died."""
        self.state, self._reason = state, reason
        if state is RunState.STOPPING:
            self._patience.start(PATIENCE)
        else:
            self._patience.stop()
            self._kill.hide()
        self._refresh()

    def set_in_use(self, in_use: bool) -> None:
        """Whether the model in use is the one that this run has made."""
        if in_use != self._in_use:
            self._in_use = in_use
            self._refresh_banner()

    def set_thresholds(self, thresholds: Mapping[str, float]) -> None:
        """From which score on the new model's boxes are shown, by class name."""
        self._thresholds = thresholds
        self._classes.show_changes(self.course.class_changes(), thresholds)

    def show_plots(self) -> None:
        """Draw the curves from now on. Each step of making them has a turn of its own: clicks may come between."""
        if not self._made:
            self._make_plot()

    def _make_plot(self) -> None:
        from app.panels.training_plots import line_plot

        self._made.append(line_plot())
        QTimer.singleShot(0, self, self._make_plot if len(self._made) < 2 else self._place_plots)

    def _place_plots(self) -> None:
        from app.panels.training_plots import TrainingPlots

        self._plots = TrainingPlots(*self._made)
        self._views.insertWidget(0, self._plots)
        self._views.removeWidget(self._place)
        self._place.deleteLater()
        self._show_view(self.view)
        QTimer.singleShot(0, self, self._refresh)

    # Construction

    def _build(self) -> None:
        self._title, self._where = ElidedLabel(), ElidedLabel()
        self._title.setProperty("role", "strong")
        self._where.setProperty("role", "small")
        self._stop = _button("Stop", "", "End well: after the step in hand, with a checkpoint")
        self._kill = _button("End it now", "", "End at once; the last checkpoint stays")
        self._stop.clicked.connect(self.stop_wanted)
        self._kill.clicked.connect(self.kill_wanted)
        self._kill.hide()
        self.banner = VerdictBanner()
        self.banner.use_wanted.connect(self._on_use)
        self.banner.keep_wanted.connect(self._on_keep)
        self.banner.revert_wanted.connect(self.revert_wanted)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._pages = QStackedLayout()
        self._pages.addWidget(empty_page(EMPTY))
        self._pages.addWidget(self._run_page())
        self.setLayout(self._pages)

    def _run_page(self) -> QWidget:
        page = QWidget()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._where)
        header = QHBoxLayout()
        header.setContentsMargins(16, 8, 16, 0)
        header.setSpacing(8)
        header.addLayout(words, 1)
        self._chips = {view: _chip(view, HINTS[view]) for view in View}
        for view, chip in self._chips.items():
            chip.clicked.connect(lambda _=False, view=view: self._show_view(view))
            header.addWidget(chip)
        header.addSpacing(8)
        header.addWidget(self._stop)
        header.addWidget(self._kill)
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addLayout(header)
        self._bar_row, self._banner_row = _inset(self._bar), _inset(self.banner)
        self._column.addWidget(self._bar_row)
        self._column.addWidget(self._banner_row)
        self._column.addWidget(self._make_views(), 1)
        return page

    def _make_views(self) -> QWidget:
        """The views one behind the other; the curves take their place when they can be drawn."""
        self._views = QStackedWidget()
        self._views.setMinimumSize(*LEAST)
        self._place, self._classes, self.samples, self.runs = QWidget(), ClassChanges(), SampleStrip(), RunTable()
        classes = QStackedWidget()
        for widget in (empty_page(NO_CLASSES), _inset(self._classes)):
            classes.addWidget(widget)
        self._classes_page = classes
        for widget in (self._place, classes, self.samples, self.runs):
            self._views.addWidget(widget)
        return self._views

    # State

    def _refresh(self) -> None:
        course, ended = self.course, self.state.has_ended
        self._where.setText(f"{STATES[self.state]} · {course.progress_text(self.state)}")
        self._stop.setVisible(not ended)
        self._stop.setEnabled(self.state is not RunState.STOPPING)
        self._bar_row.setVisible(not ended)
        share = course.share
        self._bar.setRange(0, 0 if share is None else 1000)
        self._bar.setValue(round(1000 * (share or 0)))
        if self._plots is not None:
            self._plots.show_course(course)
        self._refresh_views()
        self._refresh_banner()

    def _refresh_views(self) -> None:
        """The views beside the curves."""
        changes = self.course.class_changes()
        self._classes.show_changes(changes, self._thresholds)
        self._classes_page.setCurrentIndex(1 if changes else 0)
        if self.course.samples is not self._shown_samples:
            self._shown_samples = self.course.samples
            self.samples.set_samples(self._shown_samples)
        paths = [sample.path for sample in self._shown_samples]
        if self.view is View.PICTURES and paths != self._wanted:
            self._wanted = paths
            self.pictures_wanted.emit(paths)

    def _show_view(self, view: View) -> None:
        self.view = view
        self._views.setCurrentIndex(list(View).index(view))
        for each, chip in self._chips.items():
            chip.setChecked(each is view)
        self._refresh_views()
        self._refresh_banner()
        if view is View.RUNS:
            self.runs_wanted.emit()

    def _refresh_banner(self) -> None:
        verdict = self.course.verdict(self.state, reason=self._reason)
        self.verdict = None if self._decided else verdict
        self._banner_row.setVisible(verdict is not None and self.view is not View.RUNS)  # which is about others, too
        if verdict is not None and self._decided:
            self.banner.show_decision(verdict, in_use=self._in_use)
        elif verdict is not None:
            self.banner.ask(verdict)

    def _on_patience_ended(self) -> None:
        self._kill.show()

    def _on_use(self) -> None:
        verdict = self.course.verdict(self.state, reason=self._reason)
        if verdict is not None and verdict.checkpoint is not None:
            self._decide()
            self.use_wanted.emit(self._folder / verdict.checkpoint)

    def _on_keep(self) -> None:
        self._decide()
        self.keep_wanted.emit()

    def _decide(self) -> None:
        self._decided = True
        self._refresh_banner()


def _chip(text: str, hint: str) -> QPushButton:
    chip = QPushButton(text)
    chip.setProperty("role", "chip")
    chip.setToolTip(hint)
    chip.setCheckable(True)
    return chip


def _button(text: str, role: str, hint: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", role)
    button.setToolTip(hint)
    return button


def _inset(widget: QWidget) -> QWidget:
    """The widget with the panel's margins beside it."""
    frame = QWidget()
    row = QHBoxLayout(frame)
    row.setContentsMargins(16, 0, 16, 0)
    row.addWidget(widget)
    return frame
