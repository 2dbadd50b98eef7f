"""The panel of training: the curves of a run, how far it is, and at its end the choice between the two models."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.background.training_course import Course, Verdict
from app.background.training_process import RunState
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_page import empty_page
from detector.events import Event

if TYPE_CHECKING:
    from app.panels.training_plots import TrainingPlots

PATIENCE = 10_000  # ms of stopping, after which killing is offered
EMPTY = (
    "No training yet.\n"
    "Review some images, then choose Fine-tune: the model learns from them, and its loss and AP are drawn here."
)
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
    import pyqtgraph  # noqa: F401

    yield None


class TrainingPanel(QWidget):
    """Shows one run: `set_run`, then its events and states as they come.

    use_wanted: a checkpoint's path, to be the model from now on. keep_wanted: the old model stays. plots_wanted: run
    `load_plots` in a worker, then call `show_plots`.
    """

    use_wanted = Signal(Path)
    keep_wanted = Signal()
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
        self._decided = False
        self._plots: TrainingPlots | None = None
        self._patience = QTimer(self, singleShot=True)
        self._patience.timeout.connect(self._on_patience_ended)
        self._build()

    def set_run(self, folder: Path | None, *, model: str = "", decided: bool = False) -> None:
        """Show the run in a folder, which fine-tunes a model of that name; None shows none.

        decided: the person has chosen between the models already.
        """
        self.course, self.state, self._reason, self._decided = Course(), RunState.STARTING, "", decided
        self._patience.stop()
        self._kill.hide()
        self._pages.setCurrentIndex(0 if folder is None else 1)
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

    def show_plots(self) -> None:
        """Draw the curves from now on."""
        if self._plots is None:
            from app.panels.training_plots import TrainingPlots

            self._plots = TrainingPlots()
            self._column.takeAt(self._column.count() - 1)  # the stretch that held their place
            self._column.addWidget(self._plots, 1)
            self._refresh()

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
        header.addWidget(self._stop)
        header.addWidget(self._kill)
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addLayout(header)
        self._bar_row, self._banner_row = _inset(self._bar), _inset(self._make_banner())
        self._column.addWidget(self._bar_row)
        self._column.addWidget(self._banner_row)
        self._column.addStretch(1)
        return page

    def _make_banner(self) -> QFrame:
        banner = QFrame()
        banner.setProperty("role", "field")
        self._verdict_label = QLabel()
        self._verdict_label.setTextFormat(Qt.TextFormat.PlainText)
        self._verdict_label.setWordWrap(True)
        self._use, self._keep = QPushButton(), QPushButton()
        self._use.clicked.connect(self._on_use)
        self._keep.clicked.connect(self._on_keep)
        row = QHBoxLayout(banner)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self._verdict_label, 1)
        row.addWidget(self._keep)
        row.addWidget(self._use)
        return banner

    # State

    def _refresh(self) -> None:
        course, ended = self.course, self.state.has_ended
        self._where.setText(f"{STATES[self.state]} · {course.progress_text(self.state)}")
        self._stop.setVisible(not ended)
        self._stop.setEnabled(self.state is not RunState.STOPPING)
        self._bar_row.setVisible(not ended)
        self._bar.setRange(0, (course.started.steps or 0) if course.started else 0)
        self._bar.setValue(course.step)
        if self._plots is not None:
            self._plots.show_course(course)
        self._refresh_banner()

    def _refresh_banner(self) -> None:
        self.verdict = None if self._decided else self.course.verdict(self.state, reason=self._reason)
        verdict = self.verdict
        self._banner_row.setVisible(verdict is not None)
        if verdict is None:
            return
        self._verdict_label.setText(verdict.text)
        for button, text, preferred in (
            (self._use, verdict.use, verdict.recommended is True),
            (self._keep, verdict.keep, verdict.recommended is False),
        ):
            button.setText(text)
            button.setVisible(bool(text))
            button.setProperty("role", "primary" if preferred else "")
            button.style().unpolish(button)
            button.style().polish(button)

    def _on_patience_ended(self) -> None:
        self._kill.show()

    def _on_use(self) -> None:
        if self.verdict is not None and self.verdict.checkpoint is not None:
            path = self._folder / self.verdict.checkpoint
            self._decide()
            self.use_wanted.emit(path)

    def _on_keep(self) -> None:
        self._decide()
        self.keep_wanted.emit()

    def _decide(self) -> None:
        self._decided = True
        self._refresh_banner()


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
