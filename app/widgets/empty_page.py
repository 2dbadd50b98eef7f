"""What a panel shows while there is nothing to show: what belongs here, and how it comes."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget


def empty_page(text: str) -> QWidget:
    """A page of quiet words in its middle."""
    page = QWidget()
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    row = QHBoxLayout(page)
    row.addWidget(label)
    return page
