"""The popup that gives a box its class: type to search, Enter picks, an unknown name becomes a new class."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.widgets.popup import Popup
from app.widgets.swatches import SWATCH, swatch
from detector.data.project.records import ProjectClass

WIDTH = 240  # px
ROW = 28  # px
ROWS = 8  # that are seen without scrolling
_KEYS_OF_LIST = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_CLASS = Qt.ItemDataRole.UserRole  # the class id, None in the row that adds one


def matching(classes: Sequence[ProjectClass], text: str) -> list[ProjectClass]:
    """The classes whose names hold the text, whatever the case: equal ones, then beginnings, words, and the rest."""
    wanted = text.strip().casefold()

    def rank(name: str) -> int:
        if name == wanted:
            return 0
        if name.startswith(wanted):
            return 1
        return 2 if f" {wanted}" in name else 3

    found = [(rank(entry.name.casefold()), entry) for entry in classes if wanted in entry.name.casefold()]
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]


class ClassChooser(Popup):
    """`chosen` carries a class id, `new_wanted` the name of a class that there is not yet; then the popup closes."""

    chosen = Signal(int)
    new_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes: Sequence[ProjectClass] = ()
        self._field = QLineEdit(placeholderText="Class")
        self._field.setAccessibleName("Search a class, or name a new one")
        self._field.textChanged.connect(self._on_text_changed)
        self._field.installEventFilter(self)
        self._list = QTreeWidget()  # as a plain list
        self._list.setHeaderHidden(True)
        self._list.setRootIsDecorated(False)
        self._list.setIndentation(0)
        self._list.setUniformRowHeights(True)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setIconSize(QSize(SWATCH, SWATCH))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.itemClicked.connect(self._take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self._field)
        layout.addWidget(self._list)
        self.setFixedWidth(WIDTH)

    def open_at(self, point: QPoint, classes: Sequence[ProjectClass], *, current: int | None = None) -> None:
        """Shows the popup at a point of the desktop, moved so that the screen holds it, on the row of a class id."""
        self._classes = classes
        self._field.clear()
        self._fill()
        self._choose_row(next((row for row, entry in enumerate(classes) if entry.id == current), 0))
        self.show_at(point)
        self._field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hands the keys that move, pick and close from the field to the list."""
        if watched is not self._field or not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        if event.key() in _KEYS_OF_LIST:
            self._list.keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self._take(self._list.currentItem())
        elif event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            return False
        return True

    def _on_text_changed(self) -> None:
        self._fill()

    def _fill(self) -> None:
        text = self._field.text().strip()
        found = matching(self._classes, text)
        self._list.clear()
        for entry in found:
            self._add_row(swatch(entry.colour), entry.name, entry.id)
        if text and not any(entry.name.casefold() == text.casefold() for entry in found):
            self._add_row(theme.icon("plus"), f"Add “{text}”", None)
        self._choose_row(0)
        rows = min(max(self._list.topLevelItemCount(), 1), ROWS)
        self._list.setFixedHeight(rows * ROW)
        self.adjustSize()

    def _choose_row(self, row: int) -> None:
        if (item := self._list.topLevelItem(row)) is not None:
            self._list.setCurrentItem(item)
            self._list.scrollToItem(item, QTreeWidget.ScrollHint.PositionAtCenter)

    def _add_row(self, icon: QIcon, text: str, class_id: int | None) -> None:
        item = QTreeWidgetItem([text])
        item.setIcon(0, icon)
        item.setData(0, _CLASS, class_id)
        item.setSizeHint(0, QSize(0, ROW))
        self._list.addTopLevelItem(item)

    def _take(self, item: QTreeWidgetItem | None) -> None:
        if item is None:
            return
        name, class_id = self._field.text().strip(), item.data(0, _CLASS)
        self.close()  # first: a receiver may open a message, which a popup would cover
        if class_id is None:
            self.new_wanted.emit(name)
        else:
            self.chosen.emit(class_id)
