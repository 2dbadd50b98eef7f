"""The list of classes: colour, name, number of boxes, and the digit that gives a box this class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import theme
from app.class_verbs import rename_class
from app.document import Document
from app.swatches import SWATCH, paint_swatch
from app.wording import count, tooltip
from detector.data.project.records import ProjectClass

ROW = 32  # px
NUMBER_WIDTH = 44  # px
_REACH = (-6, -8, 4, 8)  # px around a swatch where a click still means it
DIGITS = 9
FOLD_BEYOND = 12  # classes
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine


@dataclass(frozen=True)
class ClassRow:
    """A class as listed. `digit` 1 … 9 is its key, None has none."""

    entry: ProjectClass
    boxes: int
    digit: int | None


@dataclass(frozen=True)
class FoldRow:
    """The row behind which classes wait that a model brought and no box has."""

    hidden: int
    is_open: bool

    @property
    def text(self) -> str:
        """What a click on it does."""
        return f"Hide {self.hidden} unused" if self.is_open else f"{self.hidden} more from the model"


Row = ClassRow | FoldRow


@dataclass(frozen=True)
class RowParts:
    """Where the parts of a row are, in the coordinates of its rectangle."""

    swatch: QRect
    name: QRect
    number: QRect
    removal: QRect  # a button that takes the number's place where there is no box
    chip: QRect


def row_parts(row: QRect) -> RowParts:
    """Where the parts of a row go."""
    middle = row.top() + row.height() // 2
    swatch = QRect(row.left() + 8, middle - SWATCH // 2, SWATCH, SWATCH)
    chip = QRect(row.left() + row.width() - 32, middle - 9, 24, 18)
    number = QRect(chip.left() - 8 - NUMBER_WIDTH, row.top(), NUMBER_WIDTH, row.height())
    removal = QRect(chip.left() - 8 - 20, middle - 12, 24, 24)
    left = swatch.left() + SWATCH + 8
    name = QRect(left, row.top(), number.left() - 8 - left, row.height())
    return RowParts(swatch, name, number, removal, chip)


def listed(
    classes: Sequence[ProjectClass], counts: Mapping[int, int], *, active: int | None, is_open: bool
) -> list[Row]:
    """The rows: classes in order, but of a long list those that a model brought and no box has wait behind a fold.

    Digits go to the first nine that need no fold, whichever class is active: a key must not change its meaning by that.
    """
    is_long = len(classes) > FOLD_BEYOND
    unused = {item.id for item in classes if is_long and item.pass_id is not None and not counts.get(item.id)}
    kept = [item.id for item in classes if item.id not in unused]
    digits = {class_id: digit for digit, class_id in enumerate(kept[:DIGITS], 1)}
    shown = [item for item in classes if item.id not in unused or item.id == active]
    hidden = [item for item in classes if item.id in unused and item.id != active]
    rows: list[Row] = [ClassRow(item, counts.get(item.id, 0), digits.get(item.id)) for item in shown]
    if hidden:
        rows.append(FoldRow(len(hidden), is_open))
    return rows + [ClassRow(item, 0, None) for item in hidden if is_open]


class ClassesModel(QAbstractListModel):
    """The rows of `listed`; renaming goes to the document, which may refuse."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self.rows: list[Row] = []

    def set_rows(self, rows: list[Row]) -> None:
        """Shows these; a list of the same length keeps its place."""
        if rows == self.rows:
            return
        if len(rows) == len(self.rows):
            self.rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """Classes, and perhaps a fold."""
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names of classes can be edited."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        is_class = index.isValid() and isinstance(self.rows[index.row()], ClassRow)
        return flags | Qt.ItemFlag.ItemIsEditable if is_class and not self._document.read_only else flags

    def data(self, index: Index, role: int = Role.DisplayRole) -> object:
        """Names, for whoever reads the screen aloud, and as tooltips."""
        row = self.rows[index.row()]
        text = row.entry.name if isinstance(row, ClassRow) else row.text
        if role in (Role.DisplayRole, Role.EditRole):
            return text
        if role == Role.ToolTipRole and isinstance(row, ClassRow):
            return tooltip(f"{text}: {count(row.boxes, 'box', 'boxes')}")
        return None

    def setData(self, index: Index, value: str, role: int = Role.EditRole) -> bool:
        """Renames."""
        row = self.rows[index.row()]
        if not isinstance(row, ClassRow):
            return False
        rename_class(self._document, row.entry.id, value)
        return True


class ClassesList(QListView):
    """Draws the rows and tells what was meant by a click, a key or the menu."""

    row_pressed = Signal(object)
    colour_wanted = Signal(int)
    removal_wanted = Signal(int)

    def __init__(self, model: ClassesModel) -> None:
        super().__init__()
        self._model = model
        self.active: int | None = None
        self.setModel(model)
        self.setItemDelegate(_RowPainter(self))
        self.setAccessibleName("Classes")
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)  # a drag must not choose
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        trigger = QAbstractItemView.EditTrigger
        self.setEditTriggers(trigger.DoubleClicked | trigger.EditKeyPressed)

    def is_editing(self) -> bool:
        """Whether a name is open for editing."""
        return self.state() == QAbstractItemView.State.EditingState

    def mark_active(self, class_id: int | None) -> None:
        """Shows which class the next box gets."""
        self.active = class_id
        for place, row in enumerate(self._model.rows):
            if isinstance(row, ClassRow) and row.entry.id == class_id:
                self.setCurrentIndex(self._model.index(place))
        self.viewport().update()

    def show_class(self, class_id: int) -> None:
        """Scrolls to a class."""
        self.mark_active(class_id)
        self.scrollTo(self.currentIndex())

    def row_at(self, index: Index) -> Row | None:
        """The row of a model index."""
        return self._model.rows[index.row()] if index.isValid() else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tells colours, removal, folding and choosing apart by the place."""
        index = self.indexAt(event.position().toPoint())
        row = self.row_at(index)
        if event.button() is not Qt.MouseButton.LeftButton or row is None:
            return
        if isinstance(row, ClassRow):
            parts, point = row_parts(self.visualRect(index)), event.position().toPoint()
            if parts.swatch.adjusted(*_REACH).contains(point):
                self.colour_wanted.emit(row.entry.id)
                return
            if not row.boxes and parts.removal.contains(point):
                self.removal_wanted.emit(row.entry.id)
                return
        super().mousePressEvent(event)
        self.row_pressed.emit(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Renames, where the name is."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and row_parts(self.visualRect(index)).name.contains(event.position().toPoint()):
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows choose, F2 renames, Delete removes; letters and digits are left to the window."""
        row = self.row_at(self.currentIndex())
        if event.key() == Qt.Key.Key_Delete and isinstance(row, ClassRow):
            self.removal_wanted.emit(row.entry.id)
        elif event.text().strip():
            event.ignore()
        else:
            super().keyPressEvent(event)
            now = self.row_at(self.currentIndex())
            if isinstance(now, ClassRow) and now is not row:
                self.row_pressed.emit(now)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Rename, colour, remove."""
        index = self.indexAt(event.pos())
        row = self.row_at(index)
        if not isinstance(row, ClassRow):
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename", lambda: self.edit(index))
        menu.addAction("Colour…", lambda: self.colour_wanted.emit(row.entry.id))
        menu.addAction(theme.icon("delete"), "Remove", lambda: self.removal_wanted.emit(row.entry.id))
        menu.popup(event.globalPos())


class _RowPainter(QStyledItemDelegate):
    """Paints rows, and edits names where they stand."""

    def __init__(self, rows: ClassesList) -> None:
        super().__init__(rows)
        self._list = rows

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are as high."""
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Ground, then the parts of a class or the fold."""
        row, colours = self._list.row_at(index), theme.current()
        rect: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        is_active = isinstance(row, ClassRow) and row.entry.id == self._list.active
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_active or is_hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_soft if is_active else colours.hover))
            painter.drawRoundedRect(QRectF(rect), theme.RADIUS, theme.RADIUS)
        if isinstance(row, ClassRow):
            _paint_class(painter, rect, row, is_hovered=is_hovered)
        elif row is not None:
            _paint_fold(painter, rect, row)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """A plain field."""
        return QLineEdit(parent)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Renames, unless the field was left empty."""
        assert isinstance(editor, QLineEdit)
        if editor.text().strip():
            model.setData(index, editor.text())  # pyright: ignore[reportArgumentType]

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Over the name, so that the text stays where it was."""
        rect: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        name = row_parts(rect).name
        editor.setGeometry(name.adjusted(-9, 1, 0, -1))


def _paint_class(painter: QPainter, rect: QRect, row: ClassRow, *, is_hovered: bool) -> None:
    colours, parts = theme.current(), row_parts(rect)
    paint_swatch(painter, QRectF(parts.swatch), row.entry.colour)
    painter.setPen(QColor(colours.text))
    name = painter.fontMetrics().elidedText(row.entry.name, Qt.TextElideMode.ElideMiddle, parts.name.width())
    painter.drawText(parts.name, _LEFT, name)
    font = painter.font()
    font.setPixelSize(theme.SMALL)
    painter.setFont(font)
    painter.setPen(QColor(colours.muted))
    if row.boxes:
        painter.drawText(parts.number, _RIGHT, f"{row.boxes:,}")
    elif is_hovered:
        theme.icon("delete").paint(painter, parts.removal.adjusted(4, 4, -4, -4))
    if row.digit is not None:
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.field))
        painter.drawRoundedRect(QRectF(parts.chip).adjusted(0.5, 0.5, -0.5, -0.5), 8.5, 8.5)
        painter.setPen(QColor(colours.text))
        painter.drawText(parts.chip, Qt.AlignmentFlag.AlignCenter, str(row.digit))


def _paint_fold(painter: QPainter, rect: QRect, row: FoldRow) -> None:
    parts = row_parts(rect)
    arrow = QRect(parts.swatch.center() - QPoint(7, 7), QSize(16, 16))
    theme.icon("chevron-down" if row.is_open else "chevron-right").paint(painter, arrow)
    painter.setPen(QColor(theme.current().muted))
    painter.drawText(rect.adjusted(parts.name.left() - rect.left(), 0, -8, 0), _LEFT, row.text)
