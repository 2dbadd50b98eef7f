"""The document's visible images, as a grid of thumbnails or a compact list; several can be chosen together."""

from collections.abc import Iterable, Sequence
from itertools import compress
from itertools import count as numbers
from operator import ne

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from app.background.thumbnails import Thumbnails
from app.document import Document
from app.image_selection import ImageSelection
from app.verbs import navigation
from app.widgets.image_cells import Cell, paint_row, paint_thumbnail, state_text
from app.widgets.uniform_grid import UniformGrid
from app.wording import tooltip

NARROWEST = 112  # px, of a cell where there are more than two columns
ROW = 32  # px, of a line of the compact list
PADS = (6, 4, 2, 4)  # px around a thumbnail within its cell: left, top, right, bottom
ROW_PADS = (2, 1, 2, 1)
SHAPE = 3 / 2  # width to height of a thumbnail
RESET_FROM = 1000  # rows; fewer that come or go are moved one by one, which keeps the place in the list
Index = QModelIndex | QPersistentModelIndex
Modifier = Qt.KeyboardModifier


def cell_size(width: int) -> tuple[int, int]:
    """Width and height of the cells that fill a list of this width: two columns, or more where they fit. Pixels."""
    columns = max(2, width // NARROWEST)
    wide = max((width - 1) // columns, 1)  # a row that fills its list to the last pixel is broken by Qt
    left, top, right, bottom = PADS
    return wide, max(round((wide - left - right) / SHAPE), 1) + top + bottom


def splice(before: Sequence[int], after: Sequence[int]) -> tuple[int, int, int]:
    """What turns one list into another: the place, how many are taken out there, and how many come in."""
    shorter = min(len(before), len(after))
    start = next(compress(numbers(), map(ne, before, after)), shorter)
    ends = map(ne, reversed(before), reversed(after))
    same_end = min(next(compress(numbers(), ends), shorter), shorter - start)
    return start, len(before) - start - same_end, len(after) - start - same_end


class ThumbnailGrid(UniformGrid):
    """The document's visible images. A click shows one; with Ctrl or Shift several are `chosen` together, for verbs on
    them. Keys that it has no use for go on to the window's actions.
    """

    chosen_changed = Signal()
    menu_wanted = Signal(object, QPoint)  # ids, and where on the desktop

    def __init__(self, document: Document, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._thumbnails = document, thumbnails
        self._ids: list[int] = []
        self._selection = ImageSelection()
        self.is_compact = False
        self._rows = _Rows(document, self._ids, self)
        self.setModel(self._rows)
        self.setItemDelegate(_Painter(document, thumbnails, self))
        self.setAccessibleName("Images")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # else columns jump as rows come
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self._asking = QTimer(self, singleShot=True, interval=0)
        self._asking.timeout.connect(self._on_rows_moved)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)
        for signal in (thumbnails.ready, document.image_updated, document.images_changed, document.proposals_changed):
            signal.connect(self._on_pictures_changed)
        thumbnails.forgotten.connect(self._asking.start)
        document.visible_changed.connect(self._on_visible_changed)
        document.project_changed.connect(self._on_project_changed)
        document.current_changed.connect(self._on_current_changed)
        self._on_visible_changed()

    @property
    def chosen(self) -> tuple[int, ...]:
        """The images that are chosen together, as they are listed; mostly none."""
        wanted = self._selection.chosen
        return tuple(image_id for image_id in self._ids if image_id in wanted) if wanted else ()

    def choose(self, image_ids: Iterable[int]) -> None:
        """Choose these together, as far as they are listed."""
        self._select(ImageSelection(frozenset(image_ids), self._selection.anchor).among(self._ids))

    def is_chosen(self, image_id: int) -> bool:
        """Whether an image is one of those."""
        return image_id in self._selection.chosen

    def set_compact(self, compact: bool) -> None:
        """Show lines with names, or thumbnails."""
        if compact != self.is_compact:
            self.is_compact = compact
            self._fit_cells()

    def image_at(self, row: int) -> int | None:
        """The id of the image in a row."""
        return self._ids[row] if 0 <= row < len(self._ids) else None

    # Events

    def event(self, event: QEvent) -> bool:
        """While several images are chosen, Ctrl+A is about images and not about boxes, and Escape ends the choice."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and self._is_about_chosen(event)
        ):
            event.accept()
            return True
        return super().event(event)

    def _is_about_chosen(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and not event.modifiers():
            return bool(self._selection.chosen)
        is_all = event.key() == Qt.Key.Key_A and event.modifiers() == Modifier.ControlModifier
        return is_all and len(self._selection.chosen) > 1

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows step through the images, with Shift they choose on the way; page keys scroll; the rest is for the
        window.
        """
        row, modifiers = self.columns(), event.modifiers() & ~Modifier.KeypadModifier
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -row, Qt.Key.Key_Down: row}
        if self._is_about_chosen(event):
            self.choose(self._ids if event.key() == Qt.Key.Key_A else ())
        elif modifiers and (modifiers != Modifier.ShiftModifier or event.key() not in steps):
            event.ignore()
        elif event.key() in steps:
            self._step(steps[Qt.Key(event.key())], extend=bool(modifiers))
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + (bar.pageStep() if event.key() == Qt.Key.Key_PageDown else -bar.pageStep()))
        else:
            event.ignore()

    def _step(self, by: int, *, extend: bool) -> None:
        before = self._document.current
        navigation.step(self._document, by)
        current = self._document.current
        if extend and current is not None:
            self._select(self._selection.extended(current, self._ids, current=before))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Ctrl and Shift choose; without them the image is shown and the choice ends."""
        image_id = self.image_at(self.indexAt(event.position().toPoint()).row())
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if image_id is None:
            self._select(ImageSelection())
        elif event.modifiers() & Modifier.ShiftModifier:
            self._select(self._selection.extended(image_id, self._ids, current=self._document.current))
        elif event.modifiers() & Modifier.ControlModifier:
            self._select(self._selection.toggled(image_id, current=self._document.current))
        else:
            self._select(ImageSelection(anchor=image_id))
            self._document.show(image_id)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """A menu about the image under the mouse, or about all that are chosen if it is one of them."""
        at_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        image_id = self.image_at(self.indexAt(event.pos()).row()) if at_mouse else self._document.current
        if image_id is not None:
            targets = self.chosen if self.is_chosen(image_id) else (image_id,)
            self.menu_wanted.emit(targets, event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fits the columns to the width."""
        super().resizeEvent(event)
        self._fit_cells()

    # What changes

    def _fit_cells(self) -> None:
        width = self.viewport().width()
        size = QSize(max(width - 1, 1), ROW) if self.is_compact else QSize(*cell_size(width))
        if size != self.gridSize():
            self.setGridSize(size)
            self._on_current_changed()
        self._asking.start()

    def _select(self, wanted: ImageSelection) -> None:
        before, self._selection = self._selection, wanted
        if before.chosen != wanted.chosen:
            self.viewport().update()
            self.chosen_changed.emit()

    def _on_project_changed(self) -> None:
        self._select(ImageSelection())
        self._on_visible_changed()

    def _on_visible_changed(self) -> None:
        before = list(self._ids)
        self._ids[:] = self._document.visible
        self._rows.follow(*splice(before, self._ids))
        self.updateGeometries()
        self._select(self._selection.among(self._ids))
        self._on_current_changed()
        self._asking.start()

    def _on_current_changed(self) -> None:
        place = navigation.place(self._document)
        if self.image_at(place) is not None and self._ids[place] == self._document.current:
            index = self._rows.index(place)
            self.setCurrentIndex(index)
            self.scrollTo(index)
        self.viewport().update()

    def _on_pictures_changed(self) -> None:
        self.viewport().update()

    def _on_range_changed(self, low: int, high: int) -> None:
        """Without a handle, too, where there is nothing to scroll."""
        self.verticalScrollBar().setEnabled(high > low)

    def _on_scrolled(self) -> None:
        self._asking.start()

    def _on_rows_moved(self) -> None:
        """Asks for the thumbnails on screen, then for the screen below and the one above."""
        if not self._ids or not self.isVisible():
            return
        height, cell = max(self.gridSize().height(), 1), self.columns()
        first = self.verticalScrollBar().value() // height * cell
        shown = (self.viewport().height() // height + 2) * cell
        ids = self._ids
        below, above = ids[first + shown : first + 2 * shown], ids[max(0, first - shown) : first]
        self._thumbnails.want([*ids[first : first + shown], *below, *above])


class _Rows(QAbstractListModel):
    """As many rows as there are ids; only a row that is asked for gets its text."""

    def __init__(self, document: Document, ids: list[int], parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._ids, self._count = document, ids, len(ids)

    def follow(self, start: int, gone: int, come: int) -> None:
        """Rows go and others come at a place; the ids have changed already."""
        if gone + come > RESET_FROM:
            self.beginResetModel()
            self._count = len(self._ids)
            self.endResetModel()
            return
        if gone:
            self.beginRemoveRows(QModelIndex(), start, start + gone - 1)
            self._count -= gone
            self.endRemoveRows()
        if come:
            self.beginInsertRows(QModelIndex(), start, start + come - 1)
            self._count += come
            self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """One row an image."""
        return 0 if parent.isValid() else self._count

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        """The path, for those who listen instead of looking."""
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        image = self._document.images.get(self._ids[index.row()]) if index.row() < len(self._ids) else None
        return image.path if image else None


class _Painter(QStyledItemDelegate):
    """Paints an image as a thumbnail or as a line."""

    def __init__(self, document: Document, thumbnails: Thumbnails, grid: ThumbnailGrid) -> None:
        super().__init__(grid)
        self._document, self._thumbnails, self._grid = document, thumbnails, grid

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """As the grid's cells."""
        return self._grid.gridSize()

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        """The file's name, letter by letter, its state in words, and its note."""
        if event.type() != QEvent.Type.ToolTip or (image_id := self._grid.image_at(index.row())) is None:
            return False
        cell = self._cell(image_id)
        words = state_text(cell.image, boxes=cell.boxes, proposals=cell.proposals, is_broken=cell.is_broken)
        note = f"<br>{tooltip(cell.image.note)}" if cell.image.note else ""
        QToolTip.showText(event.globalPos(), f"{tooltip(cell.image.path)}<br>{words}{note}", view)
        return True

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell."""
        image_id = self._grid.image_at(index.row())
        if image_id is None or image_id not in self._document.images:
            return
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)  # pyright: ignore[reportAttributeAccessIssue]
        rect: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        left, top, right, bottom = ROW_PADS if self._grid.is_compact else PADS
        paint = paint_row if self._grid.is_compact else paint_thumbnail
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        cell = self._cell(image_id)._replace(is_hovered=is_hovered)
        paint(painter, rect.adjusted(left, top, -right, -bottom), cell)
        painter.restore()

    def _cell(self, image_id: int) -> Cell:
        document, thumbnails = self._document, self._thumbnails
        return Cell(
            document.images[image_id],
            thumbnails.image(image_id),
            document.tally.box_count(image_id),
            document.tally.proposals.get(image_id, 0),
            is_broken=thumbnails.is_broken(image_id),
            is_current=image_id == document.current,
            is_chosen=self._grid.is_chosen(image_id),
        )
