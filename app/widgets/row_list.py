"""A list of things to choose from: an icon, words, what is said about them, and their keys as caps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QPointF,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QIcon, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QWidget,
)

from app import theme
from app.widgets import keycaps
from app.widgets.painted_list import Index, PaintedList, RowPainter, RowsModel
from app.wording import tooltip

HEIGHT, EDGE, GAP, ICON = 32, 12, 8, 16  # px
ROUNDING = 2  # px by which a font's own measure may fall short
LEAST_DETAIL = 40  # px, a narrower one is left out
MOVING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
Role = Qt.ItemDataRole
_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


@dataclass(frozen=True)
class Row:
    """What can be chosen: `value` is what the list gives; `reason`: why not now, "" if it can be."""

    value: Any
    text: str
    detail: str = ""
    keys: tuple[str, ...] = ()
    icon: QIcon | None = None
    reason: str = ""


@dataclass(frozen=True)
class RowPlaces:
    """Where the parts of a row are."""

    icon: QRect
    text: QRect
    detail: QRect
    keys: QRect


def row_places(rect: QRect, *, text: int, keys: int) -> RowPlaces:
    """Where the parts of a row go, whose words and caps are so wide (px); the words give way to the caps."""
    icon = QRect(rect.left() + EDGE, rect.top() + (rect.height() - ICON) // 2, ICON, ICON)
    caps = QRect(rect.right() - EDGE - keys + 1, rect.top(), keys, rect.height())
    left, right = icon.right() + 1 + GAP, caps.left() - (GAP if keys else 0)
    words = QRect(left, rect.top(), max(min(text, right - left), 0), rect.height())
    detail = QRect(words.right() + 1 + EDGE, rect.top(), max(right - words.right() - 1 - EDGE, 0), rect.height())
    return RowPlaces(icon, words, detail, caps)


class RowList(PaintedList):
    """Rows, one of them current. `taken`: the value of one that was clicked or on which Enter was pressed."""

    taken = Signal(object)
    current_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = _Rows()
        super().__init__(self._model, parent)
        self.setItemDelegate(_Painter(self))
        self.clicked.connect(lambda _: self.take_current())
        self.selectionModel().currentChanged.connect(lambda *_: self.current_changed.emit())

    @property
    def rows(self) -> Sequence[Row]:
        """What is listed."""
        return self._model.rows

    def set_rows(self, rows: Sequence[Row], *, current: int = 0) -> None:
        """List these."""
        self._model.set_rows(rows)
        if rows:
            self.setCurrentIndex(self._model.index(min(max(current, 0), len(rows) - 1)))

    def row(self, index: Index | None = None) -> Row | None:
        """The row of an index, by default the current one."""
        wanted = self.currentIndex() if index is None else index
        return self._model.rows[wanted.row()] if wanted.isValid() else None

    def take_current(self) -> None:
        """As if the current row was clicked."""
        row = self.row()
        if row is not None and not row.reason:
            self.taken.emit(row.value)

    def move_on(self, event: QKeyEvent) -> bool:
        """Whether a key moves on in the list: an arrow from the last row leads to the first."""
        if event.key() not in MOVING:
            return False
        last, here = len(self.rows) - 1, self.currentIndex().row()
        if event.key() == Qt.Key.Key_Down and here == last:
            self.setCurrentIndex(self._model.index(0))
        elif event.key() == Qt.Key.Key_Up and here == 0:
            self.setCurrentIndex(self._model.index(last))
        else:
            super().keyPressEvent(event)
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the current row in sight."""
        super().resizeEvent(event)
        self.scrollTo(self.currentIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes; without Qt's search as one types."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.take_current()
        elif not self.move_on(event):
            event.ignore()


class _Rows(RowsModel[Row]):
    def data(self, index: Index, role: int = Role.DisplayRole) -> object:
        """The words, for whoever reads the screen aloud, and as a tooltip."""
        row = self.rows[index.row()]
        if role == Role.DisplayRole:
            return row.text
        if role == Role.AccessibleDescriptionRole:
            return ", ".join(filter(None, (row.reason or row.detail, *row.keys)))
        return tooltip(row.text) if role == Role.ToolTipRole else None


class _Painter(RowPainter):
    def __init__(self, rows: RowList) -> None:
        super().__init__(rows, height=HEIGHT)
        self._list = rows

    def is_chosen(self, index: Index) -> bool:
        """The current one."""
        return index == self._list.currentIndex()

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, *, is_hovered: bool) -> None:
        """Icon, words, caps."""
        if (row := self._list.row(index)) is not None:
            _paint_row(painter, rect, row, base=self._list.font())


def _paint_row(painter: QPainter, rect: QRect, row: Row, *, base: QFont) -> None:
    colours, metrics = theme.current(), QFontMetrics(base)
    keys = keycaps.caps_width(row.keys, base)
    places = row_places(rect, text=metrics.horizontalAdvance(row.text) + ROUNDING, keys=keys)
    if row.icon is not None:
        row.icon.paint(painter, places.icon, mode=QIcon.Mode.Disabled if row.reason else QIcon.Mode.Normal)
    painter.setFont(base)
    painter.setPen(QColor(colours.muted if row.reason else colours.text))
    elide = Qt.TextElideMode.ElideMiddle
    painter.drawText(places.text, _MIDDLE, metrics.elidedText(row.text, elide, places.text.width()))
    detail = row.reason or row.detail
    if detail and places.detail.width() >= LEAST_DETAIL:
        small = QFont(base)
        small.setPixelSize(theme.SMALL)
        painter.setFont(small)
        painter.setPen(QColor(colours.muted))
        right = Qt.TextElideMode.ElideRight
        painter.drawText(places.detail, _MIDDLE, QFontMetrics(small).elidedText(detail, right, places.detail.width()))
    place = QPointF(places.keys.left(), rect.top() + (rect.height() - keycaps.HEIGHT) / 2)
    keycaps.paint_caps(painter, place, row.keys, base=base, ink=colours.muted if row.reason else colours.text)
