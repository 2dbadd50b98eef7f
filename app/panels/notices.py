"""Notices for the person, newest at the bottom: one sentence each, with details on demand and a way on."""

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.notifications import Kind, Notice
from app.theme import icon

SHOWN = 3
STAYS_MS = 6000  # news goes by itself, warnings and errors stay until they are closed
ICONS = {Kind.INFO: "info", Kind.WARNING: "warning", Kind.ERROR: "warning"}


class Notices(QWidget):
    """A stack of notices; takes no room while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.hide()

    def add(self, notice: Notice) -> None:
        """Show a notice; the oldest goes where there are too many, and one that says the same makes room for it."""
        for card in self.cards():
            if card.notice.text == notice.text:
                self._remove(card)
        for card in self.cards()[: -SHOWN + 1]:
            self._remove(card)
        card = NoticeCard(notice, self)
        card.close_button.clicked.connect(lambda: self._remove(card))
        if card.action_button is not None:
            card.action_button.clicked.connect(lambda: self._remove(card))
        if notice.kind is Kind.INFO and not notice.action:
            QTimer.singleShot(STAYS_MS, card, lambda: self._remove(card))
        self._column.addWidget(card)
        self.show()

    def cards(self) -> list["NoticeCard"]:
        """What is shown now, oldest first."""
        return [card for card in self.findChildren(NoticeCard) if self._column.indexOf(card) >= 0]

    def clear(self) -> None:
        """Take all away."""
        for card in self.cards():
            self._remove(card)

    def _remove(self, card: "NoticeCard") -> None:
        if self._column.indexOf(card) >= 0:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.setVisible(self._column.count() > 0)


class NoticeCard(QFrame):
    """One notice."""

    def __init__(self, notice: Notice, parent: QWidget) -> None:
        super().__init__(parent)
        self.notice = notice
        self.action_button: QPushButton | None = None
        self.setProperty("role", "notice")
        role = {Kind.WARNING: "warning", Kind.ERROR: "bad"}.get(notice.kind, "")
        sign = QLabel(self)
        sign.setPixmap(icon(ICONS[notice.kind]).pixmap(QSize(18, 18)))
        text = QLabel(notice.text, self)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setProperty("role", role)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(sign)
        row.addWidget(text, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 6, 6)
        column.addLayout(row)
        if notice.details:
            row.addWidget(self._details_button(column))
        if notice.action and notice.run:
            self.action_button = QPushButton(notice.action, self)
            self.action_button.setProperty("role", "soft")
            self.action_button.clicked.connect(notice.run)
            row.addWidget(self.action_button)
        self.close_button = QToolButton(self)
        self.close_button.setIcon(icon("close"))
        self.close_button.setToolTip("Close")
        row.addWidget(self.close_button)

    def _details_button(self, column: QVBoxLayout) -> QPushButton:
        details = QPlainTextEdit(self.notice.details, self)
        details.setReadOnly(True)
        details.setFixedHeight(140)
        details.hide()
        column.addWidget(details)
        button = QPushButton("Details", self)
        button.setProperty("role", "quiet")
        button.setCheckable(True)
        button.toggled.connect(details.setVisible)
        return button
