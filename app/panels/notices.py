"""Notices for the person, newest at the bottom: one sentence each, with details on demand and a way on.

They float over the top of what is beneath, which does not move when they come and go.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
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
INKS = {Kind.INFO: "accent", Kind.WARNING: "warning", Kind.ERROR: "bad"}
WIDTH, MARGIN = 600, 12  # px: of a notice at most, around all of them


class Notices(QWidget):
    """A stack of notices at the top of its parent, in the middle."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._ground = parent
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        parent.installEventFilter(self)
        self.hide()

    def add(self, notice: Notice) -> None:
        """Show a notice; the oldest goes where there are too many, and one that says the same makes room for it."""
        for card in self.cards():
            if card.notice.text == notice.text:
                if card.action_button is not None and not notice.action:
                    return  # it still says so, and offers the way out
                self._remove(card)
        for card in self.cards()[: -SHOWN + 1]:
            self._remove(card)
        card = NoticeCard(notice, self)
        card.close_button.clicked.connect(lambda: self._remove(card))
        for button in (card.action_button, card.other_button):
            if button is not None:
                button.clicked.connect(lambda: self._remove(card))
        if notice.kind is Kind.INFO and not notice.action:
            leaving = QTimer(card, singleShot=True, interval=STAYS_MS)  # the card's own: it goes with it
            leaving.timeout.connect(lambda: self._remove(card))
            leaving.start()
        card.resized.connect(self._place)
        self._column.addWidget(card)
        card.show()  # now, since the place depends on what shows
        self.show()
        self.raise_()
        self._place()

    def cards(self) -> list["NoticeCard"]:
        """What is shown now, oldest first."""
        return [card for card in self.findChildren(NoticeCard) if self._column.indexOf(card) >= 0]

    def take_back(self, text: str) -> None:
        """Take the notice away that says this, if it is still there."""
        for card in self.cards():
            if card.notice.text == text:
                self._remove(card)

    def clear(self) -> None:
        """Take all away."""
        for card in self.cards():
            self._remove(card)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keeps its place in its parent."""
        if watched is self._ground and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        """As wide as there is room and as high as the texts need at that width."""
        room = self._ground.width()
        width = min(WIDTH, room - 2 * MARGIN)
        self._column.activate()
        self.setGeometry((room - width) // 2, MARGIN, width, self._column.totalHeightForWidth(width))

    def _remove(self, card: "NoticeCard") -> None:
        if self._column.indexOf(card) >= 0:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.setVisible(self._column.count() > 0)
        self._place()


class NoticeCard(QFrame):
    """One notice. resized: its details were unfolded, or folded."""

    resized = Signal()

    def __init__(self, notice: Notice, parent: QWidget) -> None:
        super().__init__(parent)
        self.notice = notice
        self.action_button = self._button(notice.action, notice.run, role="soft")
        self.other_button = self._button(notice.other, notice.run_other, role="quiet")
        self.setProperty("role", "notice")
        self._sign = QLabel(self)
        self._paint_sign()
        text = QLabel(notice.text, self)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._sign)
        row.addWidget(text, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 6, 6)
        column.addLayout(row)
        if notice.details:
            row.addWidget(self._details_button(column))
        for button in (self.action_button, self.other_button):
            if button is not None:
                row.addWidget(button)
        self.close_button = QToolButton(self)
        self.close_button.setIcon(icon("close"))
        self.close_button.setToolTip("Close")
        row.addWidget(self.close_button)

    def changeEvent(self, event: QEvent) -> None:
        """Takes over another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_sign()

    def _paint_sign(self) -> None:
        image = icon(ICONS[self.notice.kind], ink=INKS[self.notice.kind])
        self._sign.setPixmap(image.pixmap(QSize(18, 18), self.devicePixelRatioF()))

    def _button(self, text: str, run: Callable[[], None] | None, *, role: str) -> QPushButton | None:
        if not text or run is None:
            return None
        button = QPushButton(text, self)
        button.setProperty("role", role)
        button.clicked.connect(run)
        return button

    def _details_button(self, column: QVBoxLayout) -> QPushButton:
        details = QPlainTextEdit(self.notice.details, self)
        details.setReadOnly(True)
        details.setFixedHeight(140)
        details.hide()
        below = QHBoxLayout()
        below.setContentsMargins(0, 0, 6, 6)  # they end below the cross, not below its room
        below.addWidget(details)
        column.addLayout(below)
        button = QPushButton("Details", self)
        button.setProperty("role", "quiet")
        button.setCheckable(True)
        button.toggled.connect(details.setVisible)
        button.toggled.connect(lambda shown: button.setText("Hide details" if shown else "Details"))
        button.toggled.connect(self.resized)
        return button
