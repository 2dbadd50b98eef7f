"""The popup in which one types and picks from what fits."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app import theme
from app.widgets import row_list
from app.widgets.elided_label import ElidedLabel
from app.widgets.popup import Popup
from app.widgets.row_list import Row, RowList

WIDTH, TOP, MARGIN = 560, 64, 24  # px: of the popup, below the window's edge, beside it at least
ROWS = 10  # that are seen without scrolling


class Found(NamedTuple):
    """What fits, and a remark below it, such as how much more there is."""

    rows: Sequence[Row]
    remark: str = ""


class Finder(Popup):
    """Lists what `find` gives for the text so far. `chosen`: the value of the row that was picked."""

    chosen = Signal(object)

    def __init__(self, find: Callable[[str], Found], parent: QWidget, *, prompt: str) -> None:
        super().__init__(parent)
        self._find, self._window = find, parent.window()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._field = QLineEdit(placeholderText=prompt)
        self._field.setAccessibleName(prompt)
        self._field.installEventFilter(self)
        self._field.textChanged.connect(self._on_text_changed)
        self.list = RowList()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName(prompt)
        self.list.taken.connect(self._on_taken)
        self._remark = ElidedLabel()
        self._remark.setProperty("role", "small")
        self._remark.setContentsMargins(row_list.EDGE, 0, row_list.EDGE, 0)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        self._column.setSpacing(theme.SPACE)
        for widget in (self._field, self.list, self._remark):
            self._column.addWidget(widget)

    def open(self) -> None:
        """Show it near the top of its window."""
        window = self._window
        self.setFixedWidth(min(WIDTH, window.width() - 2 * MARGIN))
        self._on_text_changed("")
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, TOP)))
        self.show()
        self._field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys that move, pick and close are not the field's."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self.list.take_current()
        else:
            return self.list.move_on(event)
        return True

    def _on_text_changed(self, text: str) -> None:
        found = self._find(text)
        self.list.set_rows(found.rows)
        self.list.setFixedHeight(min(len(found.rows), ROWS) * row_list.HEIGHT)
        self.list.setVisible(bool(found.rows))
        self._remark.setText(found.remark)
        self._remark.setVisible(bool(found.remark))
        self.setFixedHeight(self._column.totalSizeHint().height())

    def _on_taken(self, value: object) -> None:
        self.close()  # first: what follows may open a dialog, which a popup would cover
        self.chosen.emit(value)
