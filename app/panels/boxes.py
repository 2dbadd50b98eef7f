"""The boxes and proposals of the current image as a table, in step with what is selected on the canvas."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.document import Document
from app.page import ShownBox
from app.swatches import SWATCH, swatch
from app.wording import count, tooltip

ROW = 32  # px
SCORE_WIDTH, ORIGIN_WIDTH = 60, 88  # px
EMPTY = "No box on this image.\nPress W and drag to draw one, or I to auto-label it."
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


class Column(IntEnum):
    """The table's columns."""

    CLASS = 0
    SCORE = 1
    ORIGIN = 2


TITLES = {Column.CLASS: "Class", Column.SCORE: "Score", Column.ORIGIN: "Origin"}


def summary_text(shown: Sequence[ShownBox]) -> str:
    """How many boxes and how many proposals: "2 boxes, 10 proposals", "" for none."""
    proposed = sum(box.is_proposal for box in shown)
    parts = (count(len(shown) - proposed, "box", "boxes"), count(proposed, "proposal"))
    return ", ".join(part for part in parts if not part.startswith("0 "))


def origin_text(box: ShownBox) -> str:
    """Who says so: what a person did, or for a proposal the model's name."""
    return box.origin.value if box.origin is not None else box.model or "model"


def in_order(
    shown: Sequence[ShownBox], column: Column, *, descending: bool, name_of: Callable[[int], str]
) -> list[ShownBox]:
    """The boxes sorted by a column. Those without a score count as sure; equal ones stay as they are."""
    keys: dict[Column, Callable[[ShownBox], Any]] = {
        Column.CLASS: lambda box: name_of(box.class_id).casefold(),
        Column.SCORE: lambda box: 2.0 if box.score is None else box.score,
        Column.ORIGIN: lambda box: origin_text(box).casefold(),
    }
    return sorted(shown, key=keys[column], reverse=descending)


class BoxesPanel(QWidget):
    """What is shown on the current image: class, score, origin; sorted by a click on a column's title."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._is_following = False  # the document's selection, so that none goes back to it
        self._model = _BoxesModel(document, self)
        self._table = _BoxesTable()
        self._table.setModel(self._model)
        self._table.sortByColumn(Column.SCORE, Qt.SortOrder.DescendingOrder)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(Column.CLASS, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(Column.SCORE, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.ORIGIN, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(Column.SCORE, SCORE_WIDTH)
        header.resizeSection(Column.ORIGIN, ORIGIN_WIDTH)
        self._summary = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._summary.setProperty("role", "small")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._table)
        self._stack.addWidget(_empty_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 12, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(self._head())
        layout.addWidget(self._stack)
        self._table.selectionModel().selectionChanged.connect(self._on_table_selection_changed)
        document.shown_changed.connect(self._on_shown_changed)
        document.classes_changed.connect(self._on_shown_changed)
        document.project_changed.connect(self._on_shown_changed)
        document.selection_changed.connect(self._on_selection_changed)
        self._on_shown_changed()

    def _head(self) -> QHBoxLayout:
        title = QLabel("Boxes")
        title.setProperty("role", "strong")
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 8, 0)
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self._summary)
        return head

    def _on_shown_changed(self) -> None:
        self._is_following = True
        self._model.read()
        self._is_following = False
        self._summary.setText(summary_text(self._model.boxes))
        self._stack.setCurrentIndex(0 if self._model.boxes or self._document.current is None else 1)
        self._on_selection_changed()

    def _on_selection_changed(self) -> None:
        """Selects the rows of what the document has selected, and shows the first of them."""
        wanted = QItemSelection()
        last = len(Column) - 1
        for row, box in enumerate(self._model.boxes):
            if box.key in self._document.selection:
                wanted.select(self._model.index(row, 0), self._model.index(row, last))
        selection = self._table.selectionModel()
        self._is_following = True
        selection.select(wanted, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._is_following = False
        if not wanted.isEmpty():
            first = wanted.indexes()[0]
            selection.setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
            self._table.scrollTo(first)

    def _on_table_selection_changed(self) -> None:
        if not self._is_following:
            rows = self._table.selectionModel().selectedRows()
            self._document.set_selection(self._model.boxes[index.row()].key for index in rows)


class _BoxesTable(QTableView):
    """Whole rows, several at once; letters and digits are left to the window."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Boxes of this image")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setIconSize(QSize(SWATCH, SWATCH))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(True)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Without Qt's search as one types, which would swallow shortcuts."""
        if event.text().strip() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)


class _BoxesModel(QAbstractTableModel):
    """The document's shown boxes in the order of the chosen column."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._column, self._descending = Column.SCORE, True
        self.boxes: list[ShownBox] = []

    def read(self) -> None:
        """Takes over what the document shows."""
        self.beginResetModel()
        self.boxes = in_order(self._document.shown, self._column, descending=self._descending, name_of=self._name)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """One row a box."""
        return 0 if parent.isValid() else len(self.boxes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Class, score, origin."""
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> object:
        """The columns' titles."""
        is_title = orientation is Qt.Orientation.Horizontal and role == Role.DisplayRole
        return TITLES[Column(section)] if is_title else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> object:
        """Words, swatch and tooltip of a cell."""
        box, column = self.boxes[index.row()], Column(index.column())
        if role == Role.DisplayRole:
            return self._text(box, column)
        if role == Role.DecorationRole and column is Column.CLASS:
            return swatch(self._document.class_of(box.class_id).colour)
        if role == Role.ToolTipRole:
            return tooltip(self._text(box, column))
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sorts by a column; what was selected stays selected."""
        self._column, self._descending = Column(column), order is Qt.SortOrder.DescendingOrder
        before = self.boxes
        self.layoutAboutToBeChanged.emit()
        self.boxes = in_order(before, self._column, descending=self._descending, name_of=self._name)
        places = {box.key: row for row, box in enumerate(self.boxes)}
        old = self.persistentIndexList()
        self.changePersistentIndexList(
            old, [self.index(places[before[index.row()].key], index.column()) for index in old]
        )
        self.layoutChanged.emit()

    def _name(self, class_id: int) -> str:
        return self._document.class_of(class_id).name

    def _text(self, box: ShownBox, column: Column) -> str:
        if column is Column.CLASS:
            return self._name(box.class_id) + (" (crowd)" if box.iscrowd else "")
        if column is Column.SCORE:
            return "" if box.score is None else f"{box.score:.2f}"
        return origin_text(box)


def _empty_page() -> QWidget:
    page = QWidget()
    text = QLabel(EMPTY, wordWrap=True, alignment=Qt.AlignmentFlag.AlignHCenter)
    text.setTextFormat(Qt.TextFormat.PlainText)
    text.setProperty("role", "muted")
    layout = QVBoxLayout(page)
    layout.setContentsMargins(theme.SPACE, 24, theme.SPACE, 24)
    layout.addWidget(text)
    layout.addStretch()
    return page
