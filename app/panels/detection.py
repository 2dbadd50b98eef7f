"""From which score on the model's predictions are proposals; acts at once on all images."""

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QSlider, QVBoxLayout, QWidget

from app.document import Document
from app.wording import count
from detector.data.project.records import Pass

LOWEST, HIGHEST = 5, 100  # per cent; below 0.05 no predictions are kept
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


class DetectionPanel(QWidget):
    """The score threshold, what it leaves, and the pass that it applies to."""

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
        policy = self._own.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves while one drags the slider
        self._own.setSizePolicy(policy)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._lay_out()
        self._slider.valueChanged.connect(self._on_slider_moved)
        self._own.clicked.connect(self._on_own_clicked)
        document.proposals_changed.connect(self._on_proposals_changed)
        document.project_changed.connect(self._on_proposals_changed)
        self._on_proposals_changed()

    def _on_slider_moved(self, value: int) -> None:
        self._document.set_threshold(value / 100)
        self._on_proposals_changed()  # also where that leaves the same proposals

    def _on_own_clicked(self) -> None:
        self._document.set_threshold(None)
        self._on_proposals_changed()

    def _on_proposals_changed(self) -> None:
        project, threshold = self._document.project, self._document.threshold
        shown = newest(project.passes()) if project else None
        is_own = threshold is None
        typical = median(shown.thresholds.values()) if shown and shown.thresholds else DEFAULT
        self._slider.blockSignals(True)  # following the document is no wish of the person
        self._slider.setValue(round(100 * (typical if threshold is None else threshold)))
        self._slider.blockSignals(False)
        self._value.setText("model's own" if is_own else f"{threshold:.2f}")
        self._own.setVisible(not is_own)
        self._total.setText(total_text(*self._document.proposal_total()))
        self._pass.setText(pass_text(shown, datetime.now().astimezone()))
        self.setEnabled(project is not None)

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
        layout.addWidget(self._pass)


def _small_label() -> QLabel:
    label = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
    label.setProperty("role", "small")
    return label
