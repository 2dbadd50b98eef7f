"""A small bubble that points at a part of the window and says what to do there; it takes no focus, blocks nothing."""

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app import theme

ARROW = 9  # px, how far it sticks out; twice that is its base
GAP = 2  # px between its tip and what it points at
WIDTH = 252  # px, of the bubble with its arrow
RADIUS = 10  # px
EDGE = 8  # px that stay free around it
FOOT = 56  # px that stay free below it, where it stands beside something: a field below the list


class Side(Enum):
    """Where the bubble stands, as seen from what it points at."""

    BELOW = "below"
    ABOVE = "above"
    LEFT = "left"


@dataclass(frozen=True)
class Place:
    """Where a bubble goes: its left top corner, and how far along its side the arrow's tip is; px."""

    corner: QPoint
    tip: int


def place(size: QSize, target: QRect, room: QRect, side: Side) -> Place:
    """The place of a bubble of `size`, arrow included, beside `target`; inside `room`, whose coordinates all have.

    LEFT keeps it near the target's lower end, where the list beside it is used least; ABOVE near its left one.
    """
    match side:
        case Side.BELOW:
            x, y = target.center().x() - size.width() // 2, target.bottom() + 1 + GAP
        case Side.ABOVE:
            x, y = target.left() + EDGE, target.top() - GAP - size.height()
        case Side.LEFT:
            x, y = target.left() - GAP - size.width(), target.bottom() - size.height() - FOOT
    x = min(max(x, room.left() + EDGE), max(room.right() - EDGE - size.width(), room.left() + EDGE))
    y = min(max(y, room.top() + EDGE), max(room.bottom() - EDGE - size.height(), room.top() + EDGE))
    along = {Side.BELOW: target.center().x() - x, Side.ABOVE: 4 * EDGE, Side.LEFT: size.height() // 2}[side]
    longest = (size.height() if side is Side.LEFT else size.width()) - RADIUS - 2 * ARROW
    return Place(QPoint(x, y), min(max(along, RADIUS + 2 * ARROW), longest))


class CoachMark(QWidget):
    """The bubble; a child of the window that it explains. skipped: no more of this; next_wanted: on to the next one."""

    skipped = Signal()
    next_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "coach")
        self._side, self._tip = Side.BELOW, 0
        self._window = parent
        self._target: QWidget | None = None
        self._title, self._words, self._count = QLabel(), QLabel(), QLabel()
        self._title.setProperty("role", "strong")
        self._words.setWordWrap(True)
        for label in (self._title, self._words, self._count):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.skip_button, self.next_button = QPushButton("Skip tour"), QPushButton("Next")
        self.skip_button.clicked.connect(self.skipped)
        self.next_button.clicked.connect(self.next_wanted)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._count)
        row.addStretch(1)
        for button in (self.skip_button, self.next_button):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            row.addWidget(button)
        self._column = QVBoxLayout(self)
        self._column.setSpacing(6)
        self._column.addWidget(self._title)
        self._column.addWidget(self._words)
        self._column.addLayout(row)
        parent.installEventFilter(self)
        self.hide()

    def point_at(self, target: QWidget, side: Side) -> None:
        """Stand at that side of a widget from now on, as long as it shows."""
        if self._target is not None:
            self._target.removeEventFilter(self)
        self._target, self._side = target, side
        target.installEventFilter(self)
        margins = [12, 10, 8, 8]
        margins[{Side.LEFT: 2, Side.BELOW: 1, Side.ABOVE: 3}[side]] += ARROW
        self._column.setContentsMargins(*margins)
        self._follow()

    def say(self, title: str, words: str, *, step: int, steps: int) -> None:
        """What to do; the `step`-th thing, from 1, of so many."""
        self._title.setText(title)
        self._words.setText(words)
        self._count.setText(f"{step} of {steps}")
        self.next_button.setText("Next" if step < steps else "Done")
        self._follow()

    def leave(self) -> None:
        """Point at nothing."""
        if self._target is not None:
            self._target.removeEventFilter(self)
        self._target = None
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follows what it points at, and the window."""
        kinds = (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide)
        if event.type() in kinds and self._target is not None:
            self._follow()
        return super().eventFilter(watched, event)

    def _follow(self) -> None:
        target, window = self._target, self._window
        if target is None or not target.isVisibleTo(window):
            self.hide()
            return
        self._column.activate()
        self.resize(WIDTH, self._column.totalHeightForWidth(WIDTH))
        rectangle = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
        found = place(self.size(), rectangle, window.rect(), self._side)
        self._tip = found.tip
        self.move(found.corner)
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bubble and its arrow, in one colour."""
        body, arrow = self._shapes()
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.panel), 1))
        painter.setBrush(QColor(colours.accent))
        painter.drawRoundedRect(body, RADIUS, RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(arrow)

    def _shapes(self) -> tuple[QRectF, QPolygonF]:
        whole, tip = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), self._tip
        match self._side:
            case Side.BELOW:
                body = whole.adjusted(0, ARROW, 0, 0)
                points = (tip - ARROW, body.top() + 1), (tip, 0), (tip + ARROW, body.top() + 1)
            case Side.ABOVE:
                body = whole.adjusted(0, 0, 0, -ARROW)
                points = (tip - ARROW, body.bottom() - 1), (tip, self.height()), (tip + ARROW, body.bottom() - 1)
            case Side.LEFT:
                body = whole.adjusted(0, 0, -ARROW, 0)
                points = (body.right() - 1, tip - ARROW), (self.width(), tip), (body.right() - 1, tip + ARROW)
        return body, QPolygonF([QPointF(x, y) for x, y in points])
