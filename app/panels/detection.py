"""From which score on the model's predictions are proposals, for all classes or each; acts at once on all images."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from statistics import median

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QSlider, QVBoxLayout, QWidget

from app import theme
from app.document import Document
from app.limits import with_class
from app.widgets.threshold_list import ROW, ThresholdList, rows_of
from app.wording import count
from detector.data.project.proposals import Limits
from detector.data.project.records import Pass

LOWEST, HIGHEST = 5, 100  # per cent; below 0.05 no predictions are kept
ROWS = 5  # of the list of classes that are seen without scrolling
DEFAULT = 0.35  # where a model says nothing


def newest(passes: Sequence[Pass]) -> Pass | None:
    """The last pass that was not undone; `passes` are in the order of their making."""
    return next((item for item in reversed(passes) if item.active), None)


def total_text(proposals: int, images: int) -> str:
    """How much there is to look at, at the present threshold."""
    return f"{count(proposals, 'proposal')} in {count(images, 'image')}" if proposals else "No proposals"


def pass_text(item: Pass | None, now: datetime) -> str:
    """Which model looked last, and when. `now` is aware of its time zone, in which the time is told."""
    if item is None:
        return "No model has looked at these images yet. Auto-label proposes boxes."
    created = datetime.fromisoformat(item.created).astimezone(now.tzinfo)
    day = "today" if created.date() == now.date() else f"on {created.day} {created:%b %Y}"
    return f"Last pass: {item.model}, {day} at {created:%H:%M}."


def value_text(limits: Limits) -> str:
    """What is in force for classes that have no threshold of their own: "model's own", "0.46"."""
    return "model's own" if limits.overall is None else f"{limits.overall:.2f}"


class DetectionPanel(QWidget):
    """The score threshold, for all or class by class, what it leaves, and the pass that it applies to."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._value = QLabel()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(LOWEST, HIGHEST)
        self._slider.setPageStep(5)
        self._slider.setAccessibleName("Score threshold")
        self._total, self._pass = _small_label(), _small_label()
        self._own = QPushButton("Model's own")
        self._own.setProperty("role", "chip")
        self._own.setToolTip("Use the model's own thresholds again: one for each class, chosen when it was made")
        self._fold = QPushButton("By class")
        self._fold.setProperty("role", "fold")
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._on_folded)
        self._classes = ThresholdList()
        self._classes.score_wanted.connect(self._on_class_score_wanted)
        self._no_classes = _small_label()
        self._no_classes.setText("No class has proposals yet.")
        self._classes.hide()
        self._show_fold(False)
        policy = self._own.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves while one drags the slider
        self._own.setSizePolicy(policy)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._lay_out()
        self._slider.valueChanged.connect(self._on_slider_moved)
        self._own.clicked.connect(self._on_own_clicked)
        document.proposals_changed.connect(self._on_proposals_changed)
        document.project_changed.connect(self._on_proposals_changed)
        document.classes_changed.connect(self._on_proposals_changed)
        self._on_proposals_changed()

    def _on_slider_moved(self, value: int) -> None:
        self._document.set_limits(replace(self._document.limits, overall=value / 100))
        self._on_proposals_changed()  # also where that leaves the same proposals

    def _on_own_clicked(self) -> None:
        self._document.set_limits(replace(self._document.limits, overall=None, by_class={}))
        self._on_proposals_changed()

    def _on_class_score_wanted(self, class_id: int, score: float | None) -> None:
        self._document.set_limits(with_class(self._document.limits, class_id, score))
        self._on_proposals_changed()

    def _on_folded(self, is_open: bool) -> None:
        self._show_fold(is_open)
        self._on_proposals_changed()

    def _show_fold(self, is_open: bool) -> None:
        self._fold.setIcon(theme.icon("chevron-down" if is_open else "chevron-right"))
        self._classes.setVisible(is_open)
        self._no_classes.hide()

    def _on_proposals_changed(self) -> None:
        project, limits = self._document.project, self._document.limits
        threshold = limits.overall
        shown = newest(project.passes.all()) if project else None
        typical = median(shown.thresholds.values()) if shown and shown.thresholds else DEFAULT
        self._slider.blockSignals(True)  # following the document is no wish of the person
        self._slider.setValue(round(100 * (typical if threshold is None else threshold)))
        self._slider.blockSignals(False)
        self._value.setText(value_text(limits))
        self._fold.setText(f"By class: {len(limits.by_class)} set" if limits.by_class else "By class")
        self._own.setVisible(threshold is not None or bool(limits.by_class))
        self._total.setText(total_text(*self._document.tally.proposal_total()))
        self._pass.setText(pass_text(shown, datetime.now().astimezone()))
        self.setEnabled(project is not None)
        if self._fold.isChecked():
            self._read_classes(shown)

    def _read_classes(self, shown: Pass | None) -> None:
        """The list, as high as its rows up to a few."""
        document = self._document
        own = shown.thresholds if shown else {}
        rows = rows_of(
            document.classes, document.limits, own=own, proposals=document.tally.proposals_by_class(document.limits)
        )
        self._classes.model_.set_rows(rows)
        self._classes.setVisible(bool(rows))
        self._no_classes.setVisible(not rows)
        self._classes.setFixedHeight(ROW * min(max(len(rows), 1), ROWS) + 2)

    def _lay_out(self) -> None:
        title = QLabel("Score threshold")
        title.setProperty("role", "strong")
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self._value)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self._slider)
        below = QHBoxLayout()
        below.addWidget(self._total, 1)
        below.addWidget(self._own)
        layout.addLayout(below)
        layout.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._classes)
        layout.addWidget(self._no_classes)
        layout.addWidget(self._pass)


def _small_label() -> QLabel:
    label = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
    label.setProperty("role", "small")
    return label
