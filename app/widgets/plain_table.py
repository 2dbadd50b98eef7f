"""A table to be read: words on the left, numbers on the right, sorted by a click on a column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app import theme
from app.wording import tooltip

ROW = 26  # px
WIDEST, NARROWEST = 240, 150  # px: of a first column, as far as others make room for it, and where they cannot
_KEY, _ROLE, _VALUE = (Qt.ItemDataRole(Qt.ItemDataRole.UserRole + n) for n in range(3))


@dataclass(frozen=True)
class Cell:
    """What a place of the table says. key: what it is sorted by, else its text; role: a colour of the theme; value:
    what is meant, for whoever asks.
    """

    text: str
    key: float | None = None
    role: str = ""
    value: Any = None


class PlainTable(QTableWidget):
    """Rows of cells; the first column takes the room that is left. `numeric` columns stand on the right. Where the room
    is short, columns are left out as `expendable` lists them.
    """

    def __init__(
        self, titles: Sequence[str], *, numeric: int, expendable: Sequence[int] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._expendable = expendable
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(48)
        self.set_titles(titles, numeric=numeric)

    def set_titles(self, titles: Sequence[str], *, numeric: int) -> None:
        """Other columns, without rows."""
        self._numeric = range(len(titles) - numeric, len(titles))
        self.setRowCount(0)
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(list(titles))
        if titles:
            self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        for column in self._numeric:
            if (title := self.horizontalHeaderItem(column)) is not None:
                title.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def set_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Show these, in the order that was chosen before; the chosen row stays chosen."""
        chosen = self.currentRow()
        self.setSortingEnabled(False)
        self.setRowCount(len(rows))
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                self.setItem(row, column, self._item(cell, column))
        self._paint_in_theme()
        self._fit_first()
        if 0 <= chosen < len(rows):
            self.setCurrentCell(chosen, 0)

    def let_sort(self) -> None:
        """From now on a click on a title sorts."""
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicatorShown(False)  # the style paints none, and it takes room

    def value(self, row: int, column: int = 0) -> Any:
        """What the cell at a place means."""
        item = self.item(row, column)
        return None if item is None else item.data(_VALUE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_first()

    def _fit_first(self) -> None:
        """Give the first column what the others leave: what its words need, as far as these are usual, at the cost of
        columns that can be spared; before there is a scroll bar, less.
        """
        if not self.columnCount():
            return
        header, room = self.horizontalHeader(), self.viewport().width()
        wanted = [max(self.sizeHintForColumn(place), header.sectionSizeHint(place)) for place in range(header.count())]
        first, shown = min(wanted[0], WIDEST), dict(enumerate(wanted[1:], 1))
        for column in self._expendable:
            if min(first, NARROWEST) + sum(shown.values()) > room:
                del shown[column]
        for column in range(1, self.columnCount()):
            self.setColumnHidden(column, column not in shown)
        others = sum(self.columnWidth(column) for column in shown)
        self.setColumnWidth(0, max(min(first, NARROWEST), room - others))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_in_theme()

    def _item(self, cell: Cell, column: int) -> QTableWidgetItem:
        item = _Item(cell.text)
        item.setData(_KEY, cell.key)
        item.setData(_ROLE, cell.role)
        item.setData(_VALUE, cell.value)
        if cell.text:
            item.setToolTip(tooltip(cell.text))
        if column in self._numeric:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return item

    def _paint_in_theme(self) -> None:
        colours = theme.current()
        for row in range(self.rowCount()):
            for column in range(self.columnCount()):
                item = self.item(row, column)
                if item is not None:
                    item.setForeground(QColor(getattr(colours, item.data(_ROLE) or "text")))


class _Item(QTableWidgetItem):
    def __lt__(self, other: QTableWidgetItem) -> bool:
        own, theirs = self.data(_KEY), other.data(_KEY)
        if own is None or theirs is None:
            return (own is not None, self.text().casefold()) < (theirs is not None, other.text().casefold())
        return own < theirs
