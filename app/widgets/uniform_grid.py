"""A list view whose cells are all alike, so that where each one is follows from its row: nothing is laid out."""

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize
from PySide6.QtGui import QCursor, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem

Index = QModelIndex | QPersistentModelIndex


class UniformGrid(QListView):
    """Cells of `gridSize` from left to right in as many columns as fit, scrolled up and down.

    Qt lays out each of its rows whenever some come or go: some 20 ms for 100,000, many times while a folder opens.
    """

    def columns(self) -> int:
        """How many cells fit beside each other."""
        return max(1, (self.viewport().width() - 1) // max(1, self.gridSize().width()))

    def visualRect(self, index: Index) -> QRect:
        """The cell of a row, in the viewport."""
        if not index.isValid():
            return QRect()
        cell, (line, column) = self._cell(), divmod(index.row(), self.columns())
        return QRect(QPoint(column * cell.width(), line * cell.height() - self.verticalOffset()), cell)

    def indexAt(self, p: QPoint) -> QModelIndex:
        """The row whose cell is at a point of the viewport."""
        cell, columns = self._cell(), self.columns()
        line, column = (p.y() + self.verticalOffset()) // cell.height(), p.x() // cell.width()
        row = line * columns + column
        is_there = p.x() >= 0 and line >= 0 and column < columns and row < self.model().rowCount()
        return self.model().index(row, 0) if is_there else QModelIndex()

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Scroll no further than it takes to see a row."""
        rect, bar, height = self.visualRect(index), self.verticalScrollBar(), self.viewport().height()
        if not index.isValid():
            return
        if rect.top() < 0 or rect.height() > height:
            bar.setValue(bar.value() + rect.top())
        elif rect.bottom() >= height:
            bar.setValue(bar.value() + rect.bottom() + 1 - height)

    def verticalOffset(self) -> int:
        """How far the list is scrolled down, in px."""
        return self.verticalScrollBar().value()

    def horizontalOffset(self) -> int:
        """Nothing is ever wider than the list."""
        return 0

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Moves what is painted already."""
        self.viewport().scroll(dx, dy)

    def doItemsLayout(self) -> None:
        """Nothing is to be laid out but the scroll bar."""
        self.updateGeometries()
        self.viewport().update()

    def updateGeometries(self) -> None:
        """Fits the scroll bar to the number of rows."""
        cell, height, bar = self._cell(), self.viewport().height(), self.verticalScrollBar()
        lines = -(-(self.model().rowCount() if self.model() else 0) // self.columns())
        bar.setSingleStep(cell.height())
        bar.setPageStep(height)
        bar.setRange(0, max(0, lines * cell.height() - height))

    def visualRegionForSelection(self, selection: object) -> QRegion:
        """Qt's own selection is not used."""
        return QRegion()

    def paintEvent(self, e: QPaintEvent) -> None:
        """Paints the cells that are in sight."""
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        mouse = self.viewport().mapFromGlobal(QCursor.pos())
        under = self.indexAt(mouse) if self.viewport().underMouse() else QModelIndex()
        plain = option.state
        for index in self._rows_in(e.rect()):
            option.rect = self.visualRect(index)
            option.state = plain | QStyle.StateFlag.State_MouseOver if index == under else plain
            self.itemDelegate().paint(painter, option, index)

    def _rows_in(self, rect: QRect) -> Iterator[QModelIndex]:
        cell, columns, model = self._cell(), self.columns(), self.model()
        first, last = ((y + self.verticalOffset()) // cell.height() for y in (rect.top(), rect.bottom()))
        for row in range(max(first, 0) * columns, min((last + 1) * columns, model.rowCount())):
            yield model.index(row, 0)

    def _cell(self) -> QSize:
        return self.gridSize().expandedTo(QSize(1, 1))
