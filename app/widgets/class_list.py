"""The list of classes: shows its rows, and tells what was meant by a click, a drag, a key or the menu."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLineEdit,
    QMenu,
    QStyleOptionViewItem,
    QWidget,
)

from app import theme
from app.document import Document
from app.verbs.class_verbs import rename_class
from app.widgets.class_rows import ROW, ClassRow, Row, RowParts, paint_class, paint_fold, row_parts
from app.widgets.painted_list import Index, PaintedList, RowPainter, RowsModel
from app.wording import count, tooltip

_REACH = (-6, -8, 4, 8)  # px around a swatch where a click still means it
Role = Qt.ItemDataRole


class ClassesModel(RowsModel[Row]):
    """The rows of `listed`; renaming goes to the document, which may refuse."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document

    def are_same(self, rows: Sequence[Row]) -> bool:
        """As many: it is enough to look anew."""
        return len(rows) == len(self.rows)

    def classes(self) -> list[ClassRow]:
        """The rows that are classes."""
        return [row for row in self.rows if isinstance(row, ClassRow)]

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


class ClassesList(PaintedList):
    """Draws the rows and tells what was meant by a click, a key or the menu."""

    row_pressed = Signal(object)
    colour_wanted = Signal(int)
    removal_wanted = Signal(int)
    hiding_wanted = Signal(int, bool)
    hiding_others_wanted = Signal(int)
    merge_wanted = Signal(int, QPoint)  # at a point of the desktop
    move_wanted = Signal(int, object)  # behind which class, None: to the top
    step_wanted = Signal(int, int)  # by so many places

    def __init__(self, model: ClassesModel) -> None:
        super().__init__(model)
        self._model = model
        self.active: int | None = None
        self.drop_row: int | None = None  # where a class that is dragged would come, above that row
        self._dragged: ClassRow | None = None
        self._pressed_at = QPoint()
        self.setItemDelegate(_Painter(self))
        self.setAccessibleName("Classes")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)  # a drag must not choose
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
        """Tells colours, hiding, removal, folding and choosing apart by the place."""
        point = event.position().toPoint()
        index = self.indexAt(point)
        row = self.row_at(index)
        if event.button() is not Qt.MouseButton.LeftButton or row is None:
            return
        if isinstance(row, ClassRow):
            if self._press_button(row, row_parts(self.visualRect(index)), point):
                return
            self._dragged, self._pressed_at = row, point
        super().mousePressEvent(event)
        self.row_pressed.emit(row)

    def _press_button(self, row: ClassRow, parts: RowParts, point: QPoint) -> bool:
        """Whether a click on a row is one on a button in it, and not on the row."""
        if parts.swatch.adjusted(*_REACH).contains(point):
            self.colour_wanted.emit(row.entry.id)
        elif parts.eye.contains(point):
            self.hiding_wanted.emit(row.entry.id, not row.hidden)
        elif not row.boxes and parts.removal.contains(point):
            self.removal_wanted.emit(row.entry.id)
        else:
            return False
        return True

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drags a class to another place; near the ends the list scrolls."""
        point = event.position().toPoint()
        far = (point - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()
        if self._dragged is None or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
        elif (far or self.drop_row is not None) and not self.is_editing():
            index = self.indexAt(QPoint(8, min(max(point.y(), 0), self.viewport().height() - 1)))
            row = index.row() if index.isValid() else len(self._model.rows) - 1
            below = point.y() > self.visualRect(self._model.index(row)).center().y()
            self.drop_row = min(row + below, self._last_place())
            self.scrollTo(self._model.index(min(max(row + (1 if below else -1), 0), len(self._model.rows) - 1)))
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Drops the class that was dragged."""
        dragged, row = self._dragged, self.drop_row
        self._dragged = self.drop_row = None
        super().mouseReleaseEvent(event)
        if dragged is None or row is None:
            return
        above = [item.entry.id for item in self._model.rows[:row] if isinstance(item, ClassRow)]
        above = [class_id for class_id in above if class_id != dragged.entry.id]
        self.viewport().update()
        self.move_wanted.emit(dragged.entry.id, above[-1] if above else None)

    def _last_place(self) -> int:
        """Classes that are not folded away come before the fold."""
        folds = (row for row, item in enumerate(self._model.rows) if not isinstance(item, ClassRow))
        return next(folds, len(self._model.rows))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Renames, where the name is."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and row_parts(self.visualRect(index)).name.contains(event.position().toPoint()):
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows choose, with Alt they move, F2 renames, Delete removes; letters and digits are left to the window."""
        row = self.row_at(self.currentIndex())
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if by and event.modifiers() & Qt.KeyboardModifier.AltModifier and isinstance(row, ClassRow):
            self.step_wanted.emit(row.entry.id, by)
        elif event.key() == Qt.Key.Key_Delete and isinstance(row, ClassRow):
            self.removal_wanted.emit(row.entry.id)
        elif event.text().strip():
            event.ignore()
        else:
            super().keyPressEvent(event)
            now = self.row_at(self.currentIndex())
            if isinstance(now, ClassRow) and now is not row:
                self.row_pressed.emit(now)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """All that can be done to a class."""
        index = self.indexAt(event.pos())
        row = self.row_at(index)
        if isinstance(row, ClassRow):
            menu = self._menu(index, row, event.globalPos())
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def _menu(self, index: QModelIndex, row: ClassRow, point: QPoint) -> QMenu:
        menu, class_id = QMenu(self), row.entry.id
        many = len(self._model.classes()) > 1
        menu.addAction("Rename", QKeySequence("F2"), lambda: self.edit(index))
        menu.addAction("Colour…", lambda: self.colour_wanted.emit(class_id))
        merge = menu.addAction("Merge into…", lambda: self.merge_wanted.emit(class_id, point))
        menu.addSeparator()
        hide = "Show its boxes" if row.hidden else "Hide its boxes"
        eye = theme.icon("eye" if row.hidden else "eye-off")
        menu.addAction(eye, hide, lambda: self.hiding_wanted.emit(class_id, not row.hidden))
        others = menu.addAction("Hide all others", lambda: self.hiding_others_wanted.emit(class_id))
        menu.addSeparator()
        menu.addAction("Move up", QKeySequence("Alt+Up"), lambda: self.step_wanted.emit(class_id, -1))
        menu.addAction("Move down", QKeySequence("Alt+Down"), lambda: self.step_wanted.emit(class_id, 1))
        menu.addSeparator()
        text = "Remove…" if row.boxes else "Remove"
        menu.addAction(theme.icon("delete"), text, QKeySequence("Del"), lambda: self.removal_wanted.emit(class_id))
        merge.setEnabled(many)
        others.setEnabled(many)
        return menu


class _Painter(RowPainter):
    """Paints rows, and edits names where they stand."""

    def __init__(self, rows: ClassesList) -> None:
        super().__init__(rows, height=ROW)
        self._list = rows

    def is_chosen(self, index: Index) -> bool:
        """The class of the next box."""
        row = self._list.row_at(index)
        return isinstance(row, ClassRow) and row.entry.id == self._list.active

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, *, is_hovered: bool) -> None:
        """The parts of a class or the fold, and where a class would be dropped."""
        row, colours = self._list.row_at(index), theme.current()
        if isinstance(row, ClassRow):
            paint_class(painter, rect, row, is_hovered=is_hovered)
        elif row is not None:
            paint_fold(painter, rect, row)
        if index.row() == self._list.drop_row:
            painter.fillRect(rect.left(), rect.top() - 1, rect.width(), 2, QColor(colours.accent))
        elif index.row() + 1 == self._list.drop_row:
            painter.fillRect(rect.left(), rect.bottom(), rect.width(), 2, QColor(colours.accent))

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
