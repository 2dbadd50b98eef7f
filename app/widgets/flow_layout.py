"""A layout that breaks its row where the width ends, as words do."""

from collections.abc import Sequence

from PySide6.QtCore import QMargins, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


def flow(sizes: Sequence[tuple[int, int]], *, width: int, gap: int) -> tuple[list[tuple[int, int]], int]:
    """Top-left corners of items of these (width, height) in rows no wider than `width`, and the height of it all."""
    corners: list[tuple[int, int]] = []
    x = y = row = 0
    for wide, high in sizes:
        if x and x + wide > width:
            x, y, row = 0, y + row + gap, 0
        corners.append((x, y))
        x += wide + gap
        row = max(row, high)
    return corners, y + row


class FlowLayout(QLayout):
    """Widgets from left to right, in as many rows as they need; hidden ones take no room."""

    def __init__(self, parent: QWidget | None = None, *, gap: int) -> None:
        super().__init__(parent)
        self.setContentsMargins(QMargins())
        self._gap = gap
        self._items: list[QLayoutItem] = []

    def addItem(self, item: QLayoutItem) -> None:
        """Called by addWidget."""
        self._items.append(item)

    def count(self) -> int:
        """All items, hidden ones included."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """None behind the last, as Qt asks of layouts."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Gives an item away."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """None: the rows are as high as their widgets."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """The number of rows depends on the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Of all rows together."""
        return flow(self._sizes(), width=width, gap=self._gap)[1]

    def setGeometry(self, rect: QRect) -> None:
        """Puts the widgets in their places."""
        super().setGeometry(rect)
        corners, _ = flow(self._sizes(), width=rect.width(), gap=self._gap)
        for item, (x, y) in zip(self._shown(), corners, strict=True):
            item.setGeometry(QRect(rect.topLeft() + QPoint(x, y), item.sizeHint()))

    def sizeHint(self) -> QSize:
        """As for the narrowest."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """The largest single widget."""
        sizes = self._sizes() or [(0, 0)]
        return QSize(max(width for width, _ in sizes), max(height for _, height in sizes))

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _sizes(self) -> list[tuple[int, int]]:
        return [(item.sizeHint().width(), item.sizeHint().height()) for item in self._shown()]
