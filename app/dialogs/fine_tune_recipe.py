"""The choice between the two ways to fine-tune, each with how long it takes and what it does."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QRadioButton, QVBoxLayout, QWidget

from app.dialogs.fine_tune_plan import RecipeWords
from app.dialogs.sheet import paragraph

INDENT = 24  # px: below the words of a radio button


class RecipeChoice(QWidget):
    """Quick or full; `quick_chosen`: which of them, as a person changes it."""

    quick_chosen = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.quick, self.full = QRadioButton(), QRadioButton()
        self.quick_words, self.full_words = paragraph(role="muted"), paragraph(role="muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for button, words in ((self.quick, self.quick_words), (self.full, self.full_words)):
            words.setContentsMargins(INDENT, 0, 0, 4)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
            column.addWidget(words)
        self.full.setChecked(True)
        self.quick.toggled.connect(self.quick_chosen)

    def show_words(self, quick: RecipeWords, full: RecipeWords) -> None:
        """Say what each would be."""
        for button, label, words in ((self.quick, self.quick_words, quick), (self.full, self.full_words, full)):
            button.setText(words.title)
            button.setAccessibleDescription(words.detail)
            label.setText(words.detail)
