"""What a panel shows while there is nothing to show: what belongs here, and how it comes."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget


class EmptyText(QLabel):
    """Quiet words in the middle of what is empty."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "muted")
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)


def empty_page(text: str) -> QWidget:
    """A page of quiet words in its middle."""
    page = QWidget()
    row = QHBoxLayout(page)
    row.addWidget(EmptyText(text))
    return page
