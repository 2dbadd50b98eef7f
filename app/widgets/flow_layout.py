"""A layout that breaks its row where the width ends, as words do."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayoutItem, QWidget

from app.widgets.items_layout import ItemsLayout


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


class FlowLayout(ItemsLayout):
    """Widgets from left to right, in as many rows as they need; hidden ones take no room."""

    def __init__(self, parent: QWidget | None = None, *, gap: int) -> None:
        super().__init__(parent)
        self._gap = gap

    def expandingDirections(self) -> Qt.Orientation:
        """None: the rows are as high as their widgets."""
        return Qt.Orientation(0)

    def heightForWidth(self, width: int) -> int:
        """Of all rows together."""
        return flow(self._sizes(), width=width, gap=self._gap)[1]

    def setGeometry(self, rect: QRect) -> None:
        """Puts the widgets in their places."""
        super().setGeometry(rect)
        corners, _ = flow(self._sizes(), width=rect.width(), gap=self._gap)
        for item, (x, y) in zip(self._shown(), corners, strict=True):
            item.setGeometry(QRect(rect.topLeft() + QPoint(x, y), item.sizeHint()))

    def minimumSize(self) -> QSize:
        """The largest single widget."""
        sizes = self._sizes() or [(0, 0)]
        return QSize(max(width for width, _ in sizes), max(height for _, height in sizes))

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _sizes(self) -> list[tuple[int, int]]:
        return [(item.sizeHint().width(), item.sizeHint().height()) for item in self._shown()]
