"""The end of a run in words, and the choice between the two models, which stays open."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.background.training_course import Verdict


class VerdictBanner(QFrame):
    """use_wanted, keep_wanted: the answers to the question; revert_wanted: the old model, after all."""

    use_wanted = Signal()
    keep_wanted = Signal()
    revert_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "field")
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.use, self.keep, self.revert = QPushButton(), QPushButton(), QPushButton("Back to the old model")
        self.revert.setToolTip("The model that this run began with; its proposals come back, too")
        self.use.clicked.connect(self.use_wanted)
        self.keep.clicked.connect(self.keep_wanted)
        self.revert.clicked.connect(self.revert_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        for button in (self.keep, self.revert, self.use):
            row.addWidget(button)

    def ask(self, verdict: Verdict) -> None:
        """Put the question."""
        self.text.setText(verdict.text)
        self.revert.hide()
        for button, text, preferred in (
            (self.use, verdict.use, verdict.recommended is True),
            (self.keep, verdict.keep, verdict.recommended is False),
        ):
            button.setText(text)
            button.setVisible(bool(text))
            _emphasise(button, preferred)

    def show_decision(self, verdict: Verdict, *, in_use: bool) -> None:
        """Say what was chosen, and offer the other model."""
        which = "The new model is in use." if in_use else "The new model is not in use."
        self.text.setText(f"{verdict.outcome} {which}" if verdict.checkpoint else verdict.outcome)
        self.keep.hide()
        self.revert.setVisible(in_use)
        self.use.setText("Use the new model")
        self.use.setVisible(not in_use and verdict.checkpoint is not None)
        _emphasise(self.use, False)


def _emphasise(button: QPushButton, preferred: bool) -> None:
    button.setProperty("role", "primary" if preferred else "")
    button.style().unpolish(button)
    button.style().polish(button)
