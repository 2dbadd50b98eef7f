"""What parts of the window are put together with: columns, splitters, hairlines."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSplitter, QToolButton, QVBoxLayout, QWidget

from app import theme


def splitter(orientation: Qt.Orientation, *widgets: QWidget, sizes: tuple[int, ...]) -> QSplitter:
    """Widgets beside or below each other, with borders that can be dragged; sizes in px at first."""
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(1)
    splitter.setChildrenCollapsible(False)
    for widget in widgets:
        splitter.addWidget(widget)
    splitter.setSizes(list(sizes))
    return splitter


def column(parent: QWidget, *widgets: QWidget) -> QVBoxLayout:
    """Widgets below each other, without gaps, in a parent that has no layout yet."""
    column = QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for widget in widgets:
        column.addWidget(widget)
    return column


def fold_button(fold: Callable[[], object]) -> QToolButton:
    """A button that folds something away."""
    button = QToolButton()
    button.setIcon(theme.icon("chevron-down"))
    button.setToolTip("Fold away")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: fold())
    return button


def line() -> QFrame:
    """A hairline."""
    line = QFrame()
    line.setProperty("role", "line")
    return line
