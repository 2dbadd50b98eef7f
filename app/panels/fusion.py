"""The panel of fusion weights: the model's, and those of a run from its start on."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSlider,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.panels.fusion_view import FusionView, largest_change
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_page import empty_page
from app.wording import count
from detector.errors import OptionsError
from detector.events import Event, FusionWeights, RunStarted
from detector.model.fusion import FusionSnapshot, assemble, to_csv
from detector.model.variants import Variant, find_variant

EMPTY = (
    "No fusion weights to show yet.\n"
    "Choose a model: its feature pyramid appears here as a graph, each edge as thick as its weight."
)
ONLY_RATIOS = "compare within a node"
HARDLY = 0.1  # of what the learning rates allow: less is hardly a movement
PICTURE_SCALE = 2  # of exported pictures


@dataclass(frozen=True)
class Moment:
    """The averaged weights of a run after a step, and how far the learning rates until then could have moved one."""

    step: int
    snapshot: FusionSnapshot
    reach: float


class FusionPanel(QWidget):
    """Follows the chosen model, and a run's events. `picture_wanted` and `table_wanted` ask for a file of what is
    shown; `picture` and `table` give its contents.
    """

    picture_wanted = Signal()
    table_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._model: FusionSnapshot | None = None
        self._title = ""
        self._variant: Variant | None = None
        self._steps = 0
        self._moments: list[Moment] = []
        self._build()
        self._refresh()

    def set_model(self, snapshot: FusionSnapshot | None, *, title: str) -> None:
        """Show the weights of a model that is called `title`; None where none is open."""
        self._model, self._title = snapshot, title
        self._model_button.setChecked(True)
        self._refresh()

    def clear_run(self) -> None:
        """Forget the run; events of another one come."""
        self._variant, self._moments = None, []
        self._model_button.setChecked(True)
        self._refresh()

    def add_events(self, events: Iterable[Event]) -> None:
        """Take in what a run says; its first weights make it the one shown."""
        before = len(self._moments)
        follows = self._slider.value() >= before - 1
        for event in events:
            if isinstance(event, RunStarted):
                self._begin(event)
            elif isinstance(event, FusionWeights):
                self._add(event)
        if len(self._moments) == before and not self._moments:
            return
        self._slider.setRange(0, max(0, len(self._moments) - 1))
        if follows:
            self._slider.setValue(len(self._moments) - 1)
        if not before:
            self._run_button.setChecked(True)
        self._refresh()

    @property
    def shows_run(self) -> bool:
        """Whether it shows a moment of the run, not the model."""
        return self._run_button.isChecked() and bool(self._moments)

    def shown(self) -> FusionSnapshot | None:
        """The snapshot that is drawn."""
        return self._moments[self._slider.value()].snapshot if self.shows_run else self._model

    def table(self) -> str:
        """What is shown as CSV, a row per edge."""
        snapshot = self.shown()
        return "" if snapshot is None else to_csv(snapshot)

    def picture(self) -> QImage:
        """What is shown as a picture, with its caption."""
        line = 24
        size = QSize(self._view.width(), self._view.height() + 2 * line)
        image = QImage(size * PICTURE_SCALE, QImage.Format.Format_RGB32)
        image.fill(QColor(theme.current().panel))
        painter = QPainter(image)
        painter.scale(PICTURE_SCALE, PICTURE_SCALE)
        painter.translate(0, line)
        self._view.forget_pointer()
        self._view.draw(painter)
        painter.setPen(QColor(theme.current().muted))
        for y, label in ((-line, self._caption), (self._view.height(), self._note)):
            painter.drawText(16, y, size.width() - 32, line, Qt.AlignmentFlag.AlignVCenter, label.text())
        painter.end()
        return image

    # Construction

    def _build(self) -> None:
        self._caption = _small_label()
        self._note = _small_label()
        self._model_button, self._run_button = _chip("Model"), _chip("Run")
        self._model_button.setChecked(True)
        for button in (self._model_button, self._run_button):
            button.setAutoExclusive(True)
            button.toggled.connect(self._refresh)
        self._difference = _chip("Difference to start")
        self._difference.toggled.connect(self._refresh)
        self._step_label = QLabel()
        self._step_label.setProperty("role", "small")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setFixedWidth(96)
        self._slider.setAccessibleName("Step of the run")
        self._slider.valueChanged.connect(self._refresh)
        self._export = QPushButton("Export")
        self._export.setProperty("role", "quiet")
        self._export.setProperty("menu", True)
        menu = QMenu(self._export)
        menu.addAction("Picture (PNG)…", self.picture_wanted.emit)
        menu.addAction("Table (CSV)…", self.table_wanted.emit)
        self._export.setMenu(menu)
        self._view = FusionView()
        self._pages = QStackedLayout()
        for page in (empty_page(EMPTY), self._graph_page()):
            self._pages.addWidget(page)
        self.setLayout(self._pages)

    def _graph_page(self) -> QWidget:
        page = QWidget()
        header = QHBoxLayout()
        header.setContentsMargins(16, 4, 12, 0)
        header.setSpacing(theme.SPACE)
        header.addWidget(self._caption, 1)
        for widget in (self._step_label, self._slider, self._difference, self._model_button, self._run_button):
            header.addWidget(widget)
        header.addWidget(self._export)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(self._view)
        self._view.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(area, 1)
        self._note.setContentsMargins(16, 0, 16, 4)
        layout.addWidget(self._note)
        return page

    # State

    def _begin(self, event: RunStarted) -> None:
        try:
            self._variant = find_variant(event.variant)
        except OptionsError:  # of a later version
            self._variant = None
        self._steps = event.steps or 0
        # What a run told after the state that it goes on from is told again.
        self._moments = self._moments[: bisect_right(self._moments, event.step, key=lambda moment: moment.step)]

    def _add(self, event: FusionWeights) -> None:
        if self._variant is None:
            return
        try:
            snapshot = assemble(self._variant, event.raw, event.weights)
        except ValueError:  # of a later version, too
            return
        self._moments.append(Moment(event.step, snapshot, event.reach))

    def _refresh(self) -> None:
        snapshot = self.shown()
        self._pages.setCurrentIndex(0 if snapshot is None else 1)
        is_run = self.shows_run
        for button in (self._model_button, self._run_button):
            button.setVisible(bool(self._moments) and self._model is not None)
        for widget in (self._slider, self._step_label):
            widget.setVisible(is_run and len(self._moments) > 1)
        self._difference.setVisible(self._can_compare())
        self._caption.setText(self._caption_text())
        self._note.setText(self._note_text())
        self._note.setVisible(bool(self._note.text()))
        if is_run:
            step, of = self._moments[self._slider.value()].step, f" of {self._steps:,}" if self._steps else ""
            self._step_label.setText(f"step {step:,}{of}")
        self._view.show_weights(snapshot, start=self._moments[0].snapshot if self._shows_difference() else None)

    def _shows_difference(self) -> bool:
        return self._difference.isChecked() and self._can_compare()

    def _can_compare(self) -> bool:
        return self.shows_run and len(self._moments) > 1 and self._moments[0].snapshot.normalised

    def _caption_text(self) -> str:
        snapshot = self.shown()
        if snapshot is None:
            return ""
        if not snapshot.normalised:
            return f"{snapshot.variant.upper()}: every edge is fixed at 1, unnormalised; there are no weights to learn"
        if not self.shows_run:
            return f"The weights of {self._title} as it uses them, normalised in each node; {ONLY_RATIOS}"
        of_change = "Change since the start (EMA weights)"
        what = of_change if self._shows_difference() else "EMA weights of the run"
        return f"{what}; {ONLY_RATIOS}"

    def _note_text(self) -> str:
        """In words what thickness and colour mean, and whether the change is one."""
        snapshot = self.shown()
        if snapshot is None or not snapshot.normalised:
            return ""
        if not self._shows_difference():
            dead = sum(edge.dead for edge in snapshot.edges)
            said = f"{count(dead, 'dead edge')} (dashed, crossed): raw ≤ 0, which training does not undo"
            return said if dead else ""
        moment, start = self._moments[self._slider.value()], self._moments[0]
        return change_in_words(moment, start)


def change_in_words(moment: Moment, start: Moment) -> str:
    """How much the weights have changed since the start, beside what the learning rates allow."""
    most = largest_change(moment.snapshot, start.snapshot)
    pairs = zip(moment.snapshot.edges, start.snapshot.edges, strict=True)
    raw = max(abs((edge.raw or 0.0) - (before.raw or 0.0)) for edge, before in pairs)
    if moment.step == start.step:
        return "This is the start: nothing has changed yet"
    verdict = ": hardly moved" if raw < HARDLY * moment.reach else ""
    return (
        f"Blue: more, amber: less; the thickest changed by {most:.4f}. "
        f"The largest change of a raw weight is {raw:.4f}, of about {moment.reach:.4f} that the learning rates "
        f"allow{verdict}"
    )


def _small_label() -> ElidedLabel:
    label = ElidedLabel()
    label.setProperty("role", "small")
    return label


def _chip(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "chip")
    button.setCheckable(True)
    return button
