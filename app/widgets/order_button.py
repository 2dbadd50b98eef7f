"""The button that says what the images are sorted by, and changes that."""

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app import theme
from app.document import Document
from app.image_order import ImageOrder, OrderKind

TEXTS = {
    OrderKind.NAME: "Name",
    OrderKind.DATE: "Date",
    OrderKind.BOXES: "Boxes",
    OrderKind.BEST: "Highest score",
    OrderKind.WORST: "Lowest score",
    OrderKind.DOUBT: "Doubt",
}
HINTS = {
    OrderKind.NAME: "Folder by folder, numbers by their value",
    OrderKind.DATE: "When the file was changed last",
    OrderKind.BOXES: "How many boxes and proposals an image has",
    OrderKind.BEST: "By the best proposal of each image",
    OrderKind.WORST: "By the weakest proposal of each image",
    OrderKind.DOUBT: "How near to the threshold the model's nearest prediction is: the closest calls first",
}
LARGE_FIRST = (OrderKind.DATE, OrderKind.BOXES, OrderKind.BEST)  # what one mostly wants to see


class OrderButton(QToolButton):
    """`order_wanted` carries an ImageOrder, also the present one: to sort again by what has changed meanwhile."""

    order_wanted = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(14, 14))
        self.setProperty("role", "order")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        together, directions = QActionGroup(self), QActionGroup(self)
        self._kinds = {kind: _checkable(TEXTS[kind], together, menu) for kind in OrderKind}
        for kind, action in self._kinds.items():
            action.setToolTip(HINTS[kind])
            action.triggered.connect(lambda _=False, kind=kind: self._on_kind_chosen(kind))
        menu.addSeparator()
        self._directions = {
            False: _checkable("Ascending", directions, menu),
            True: _checkable("Descending", directions, menu),
        }
        for descending, action in self._directions.items():
            action.triggered.connect(lambda _=False, descending=descending: self._on_direction_chosen(descending))
        menu.addSeparator()
        menu.addAction("Sort again", lambda: self.order_wanted.emit(self._document.order))
        self.setMenu(menu)
        document.filter_changed.connect(self._show_order)
        document.project_changed.connect(self._show_order)
        self._show_order()

    def _on_kind_chosen(self, kind: OrderKind) -> None:
        if kind is self._document.order.kind:
            self.order_wanted.emit(self._document.order)
        else:
            self.order_wanted.emit(ImageOrder(kind, descending=kind in LARGE_FIRST))
        self._show_order()  # it may take a moment, and until then nothing has changed

    def _on_direction_chosen(self, descending: bool) -> None:
        self.order_wanted.emit(replace(self._document.order, descending=descending))
        self._show_order()

    def _show_order(self) -> None:
        order = self._document.order
        self._kinds[order.kind].setChecked(True)
        self._directions[order.descending].setChecked(True)
        self.setText(TEXTS[order.kind])
        self.setIcon(theme.icon("sort-down" if order.descending else "sort-up", ink="muted"))
        direction = "descending" if order.descending else "ascending"
        self.setToolTip(f"Sorted by {order.kind.value}, {direction}")
        self.setAccessibleName(f"Order of images: {TEXTS[order.kind]}, {direction}")


def _checkable(text: str, group: QActionGroup, menu: QMenu) -> QAction:
    action = menu.addAction(text)
    action.setCheckable(True)
    group.addAction(action)
    return action
