"""The table of an image's boxes: class and where it is from, score and size."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QContextMenuEvent, QFontMetrics, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app import theme
from app.document import Document
from app.page import ShownBox
from app.widgets.elided_label import elided_name
from app.widgets.swatches import SWATCH, paint_swatch
from app.wording import tooltip

ROW = 42  # px: two lines
SCORE_WIDTH = 84  # px
SIDE = 8  # px between a cell's words and its sides
MARK = 14  # px, a flag's letter in its frame
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine


class Column(IntEnum):
    """The table's columns, and what else it can be sorted by."""

    CLASS = 0
    SCORE = 1
    SIZE = 2  # stands below the score
    ORIGIN = 3  # stands below the class


SHOWN = (Column.CLASS, Column.SCORE)
TITLES = {Column.CLASS: "Class", Column.SCORE: "Score", Column.SIZE: "Size", Column.ORIGIN: "Origin"}


def origin_text(box: ShownBox) -> str:
    """Who says so: "proposal · D0", "accepted · D0", "drawn"."""
    if box.origin is None:
        return f"proposal · {box.model}" if box.model else "proposal"
    return f"{box.origin.value} · {box.model}" if box.model else box.origin.value


def size_text(box: ShownBox) -> str:
    """Width and height in pixels: "128 × 96"."""
    x1, y1, x2, y2 = box.xyxy
    return f"{x2 - x1:.0f} × {y2 - y1:.0f}"


def told(box: ShownBox, name: str) -> str:
    """All that there is to say of a box, line by line."""
    x1, y1, *_ = box.xyxy
    score = "" if box.score is None else f", score {box.score:.2f}"
    lines = [name, origin_text(box) + score, f"{size_text(box)} px at {x1:.0f}, {y1:.0f}"]
    said = [*(["crowd"] if box.iscrowd else []), *box.flags]
    return "\n".join([*lines, ", ".join(said)] if said else lines)


def in_order(
    shown: Sequence[ShownBox], column: Column, *, descending: bool, name_of: Callable[[int], str]
) -> list[ShownBox]:
    """The boxes sorted by a column, by area for the size. Those without a score count as sure; equal ones stay."""
    keys: dict[Column, Callable[[ShownBox], Any]] = {
        Column.CLASS: lambda box: name_of(box.class_id).casefold(),
        Column.SIZE: lambda box: (box.xyxy[2] - box.xyxy[0]) * (box.xyxy[3] - box.xyxy[1]),
        Column.SCORE: lambda box: 2.0 if box.score is None else box.score,
        Column.ORIGIN: lambda box: origin_text(box).casefold(),
    }
    return sorted(shown, key=keys[column], reverse=descending)


class BoxesModel(QAbstractTableModel):
    """The document's shown boxes in the order of the chosen column."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self.column, self.descending = Column.SCORE, True
        self.boxes: list[ShownBox] = []

    def read(self) -> None:
        """Takes over what the document shows."""
        self.beginResetModel()
        self.boxes = in_order(self._document.shown, self.column, descending=self.descending, name_of=self.name)
        self.endResetModel()

    def name(self, class_id: int) -> str:
        """The name of a class."""
        return self._document.class_of(class_id).name

    def colour(self, class_id: int) -> str:
        """The colour of a class."""
        return self._document.class_of(class_id).colour

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """One row a box."""
        return 0 if parent.isValid() else len(self.boxes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Class and score."""
        return 0 if parent.isValid() else len(SHOWN)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> object:
        """The columns' titles."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Role.TextAlignmentRole:
            return _alignment(Column(section))
        if role != Role.DisplayRole:
            return None
        arrow = "" if section != self.column else " ↓" if self.descending else " ↑"
        return TITLES[Column(section)] + arrow

    def data(self, index: Index, role: int = Role.DisplayRole) -> object:
        """Words and tooltip of a cell."""
        box, column = self.boxes[index.row()], Column(index.column())
        if role == Role.DisplayRole:
            return self._text(box, column)
        if role == Role.ToolTipRole:
            return tooltip(told(box, self.name(box.class_id))).replace("\n", "<br>")
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sorts by a column; what was selected stays selected."""
        if column < 0:  # the title's arrow was taken away
            return
        self.column, self.descending = Column(column), order is Qt.SortOrder.DescendingOrder
        before = self.boxes
        self.layoutAboutToBeChanged.emit()
        self.boxes = in_order(before, self.column, descending=self.descending, name_of=self.name)
        places = {box.key: row for row, box in enumerate(self.boxes)}
        old = self.persistentIndexList()
        self.changePersistentIndexList(
            old, [self.index(places[before[index.row()].key], index.column()) for index in old]
        )
        self.layoutChanged.emit()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(SHOWN) - 1)

    def _text(self, box: ShownBox, column: Column) -> str:
        if column is Column.CLASS:
            return self.name(box.class_id) + (" (crowd)" if box.iscrowd else "")
        return "" if box.score is None else f"{box.score:.2f}"


class BoxesTable(QTableView):
    """Whole rows, several at once. Del and Enter are told; letters and digits are left to the window."""

    deletion_wanted = Signal()
    acceptance_wanted = Signal()
    menu_wanted = Signal(QPoint)  # of the desktop

    def __init__(self, model: BoxesModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegateForColumn(Column.CLASS, _ClassPainter(model, self))
        self.setItemDelegateForColumn(Column.SCORE, _ScorePainter(model, self))
        self.setAccessibleName("Boxes of this image")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(True)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.sortByColumn(Column.SCORE, Qt.SortOrder.DescendingOrder)
        self._set_up_header(self.horizontalHeader())

    def _set_up_header(self, header: QHeaderView) -> None:
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(Column.CLASS, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(Column.SCORE, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(Column.SCORE, SCORE_WIDTH)

    def sort_by(self, column: Column, *, descending: bool) -> None:
        """Sort, also by what has no column."""
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        if column in SHOWN:
            self.sortByColumn(column, order)
        else:
            self.horizontalHeader().setSortIndicator(-1, order)
            self.model().sort(column, order)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Without Qt's search as one types, which would swallow shortcuts."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.deletion_wanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.acceptance_wanted.emit()
        elif event.text().strip() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """By the mouse where it is, by the key at the current row."""
        if event.reason() is QContextMenuEvent.Reason.Mouse:
            self.menu_wanted.emit(event.globalPos())
        else:
            row = self.visualRect(self.currentIndex())
            self.menu_wanted.emit(self.viewport().mapToGlobal(row.center()))


class _TwoLines(QStyledItemDelegate):
    """A cell of two lines, the lower one small and quiet."""

    def __init__(self, model: BoxesModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Only the ground is left to Qt."""
        super().initStyleOption(option, index)
        option.text = ""  # pyright: ignore[reportAttributeAccessIssue]

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are as high."""
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The ground, then the upper line, then the lower one in the small font."""
        super().paint(painter, option, index)  # pyright: ignore[reportArgumentType]
        rect: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        upper = QRect(rect.left() + SIDE, rect.top() + 4, rect.width() - 2 * SIDE, 18)
        lower = QRect(upper.left(), upper.bottom() + 1, upper.width(), 15)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(theme.current().text))
        self._paint_lines(painter, upper, lower, self._model.boxes[index.row()], index.data())
        painter.restore()

    def _paint_lines(self, painter: QPainter, upper: QRect, lower: QRect, box: ShownBox, text: str) -> None:
        raise NotImplementedError


class _ClassPainter(_TwoLines):
    """Swatch, name and marks, and below them where the box is from."""

    def _paint_lines(self, painter: QPainter, upper: QRect, lower: QRect, box: ShownBox, text: str) -> None:
        swatch = QRectF(upper.left(), upper.center().y() - SWATCH / 2 + 1, SWATCH, SWATCH)
        paint_swatch(painter, swatch, self._model.colour(box.class_id))
        for line in (upper, lower):
            line.setLeft(line.left() + SWATCH + SIDE)
        room = upper.width() - (len(box.flags) * (MARK + 3) + 4 if box.flags else 0)
        name = elided_name(painter.fontMetrics(), text, room)
        painter.drawText(upper, _LEFT, name)
        left = upper.left() + painter.fontMetrics().horizontalAdvance(name) + 6
        _write_small(painter, lower, origin_text(box), _LEFT)
        for number, flag in enumerate(box.flags):
            mark = QRectF(left + number * (MARK + 3) + 0.5, upper.center().y() - MARK / 2 + 1.5, MARK - 1, MARK - 1)
            _paint_mark(painter, mark, flag[0].upper())


class _ScorePainter(_TwoLines):
    """The score, and below it the size."""

    def _paint_lines(self, painter: QPainter, upper: QRect, lower: QRect, box: ShownBox, text: str) -> None:
        painter.drawText(upper, _RIGHT, text)
        _write_small(painter, lower, size_text(box), _RIGHT)


def _write_small(painter: QPainter, line: QRect, text: str, alignment: int) -> None:
    font = painter.font()
    font.setPixelSize(theme.SMALL)
    painter.setFont(font)
    painter.setPen(QColor(theme.current().muted))
    painter.drawText(line, alignment, QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, line.width()))


def _alignment(column: Column) -> Qt.AlignmentFlag:
    """Numbers stand below each other."""
    side = Qt.AlignmentFlag.AlignLeft if column is Column.CLASS else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _paint_mark(painter: QPainter, rect: QRectF, letter: str) -> None:
    colours = theme.current()
    font = painter.font()
    font.setPixelSize(9)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QPen(QColor(colours.muted), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect, 3, 3)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, letter)
