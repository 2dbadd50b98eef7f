"""A list whose rows are painted: all of one height, on a rounded ground where one is chosen or the mouse is over it."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import theme

Index = QModelIndex | QPersistentModelIndex
Item = TypeVar("Item")


class RowsModel(QAbstractListModel, Generic[Item]):
    """Rows, in their order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Item] = ()

    def set_rows(self, rows: Sequence[Item]) -> None:
        """Show these; where they are the same things as before, said anew, the list keeps its place."""
        if rows == self.rows:
            return
        if rows and self.are_same(rows):
            self.rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def are_same(self, rows: Sequence[Item]) -> bool:
        """Whether rows stand for the same things as those that are shown."""
        return False

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """Rows have nothing below them."""
        return 0 if parent.isValid() else len(self.rows)


class PaintedList(QListView):
    """Scrolls by the pixel, never sideways."""

    def __init__(self, model: QAbstractListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)


class RowPainter(QStyledItemDelegate):
    """Paints the ground, then what `paint_row` does. `height`: of a row in px."""

    def __init__(self, parent: QObject, *, height: int) -> None:
        super().__init__(parent)
        self._height = height

    def is_chosen(self, index: Index) -> bool:
        """Whether a row has the ground of what is chosen."""
        raise NotImplementedError

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, *, is_hovered: bool) -> None:
        """Paint what a row says."""
        raise NotImplementedError

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are as high."""
        return QSize(0, self._height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Ground, then the row."""
        colours, is_chosen = theme.current(), self.is_chosen(index)
        rect: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_chosen or is_hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_soft if is_chosen else colours.hover))
            painter.drawRoundedRect(QRectF(rect), theme.RADIUS, theme.RADIUS)
        self.paint_row(painter, rect, index, is_hovered=is_hovered)
        painter.restore()
