"""A layout that puts blocks below each other in as many columns as fit, as a newspaper does."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QLayoutItem, QWidget

from app.widgets.items_layout import ItemsLayout


def columns(heights: Sequence[int], number: int) -> list[list[int]]:
    """The places of blocks of these heights, in order, in at most so many columns, the highest as low as can be."""
    low, high = max(heights, default=0), sum(heights)
    while low < high:  # the least height that does with so many columns
        middle = (low + high) // 2
        if len(_filled(heights, middle)) <= number:
            high = middle
        else:
            low = middle + 1
    return _filled(heights, low)


def _filled(heights: Sequence[int], most: int) -> list[list[int]]:
    made: list[list[int]] = []
    left = 0
    for place, height in enumerate(heights):
        if not made or height > left:
            made.append([])
            left = most
        made[-1].append(place)
        left -= height
    return made


class ColumnLayout(ItemsLayout):
    """Columns of one width, none narrower than `least` px if more than one."""

    def __init__(self, parent: QWidget | None = None, *, least: int, gap: int, spacing: int) -> None:
        super().__init__(parent)
        self._least, self._gap, self._below = least, gap, spacing

    def expandingDirections(self) -> Qt.Orientation:
        """To the sides."""
        return Qt.Orientation.Horizontal

    def heightForWidth(self, width: int) -> int:
        """Of the highest column."""
        return max((rect.bottom() + 1 for rect in self._places(width)), default=0)

    def setGeometry(self, rect: QRect) -> None:
        """Puts the blocks in their places."""
        super().setGeometry(rect)
        for item, place in zip(self._items, self._places(rect.width()), strict=True):
            item.setGeometry(place.translated(rect.topLeft()))

    def minimumSize(self) -> QSize:
        """One column."""
        return QSize(max((item.minimumSize().width() for item in self._items), default=0), 0)

    def _places(self, width: int) -> list[QRect]:
        number = max(1, (width + self._gap) // (self._least + self._gap))
        wide = (width - (number - 1) * self._gap) // number
        heights = [_height(item, wide) for item in self._items]
        places: list[QRect] = []
        for column, held in enumerate(columns([height + self._below for height in heights], number)):
            y = 0
            for place in held:
                places.append(QRect(column * (wide + self._gap), y, wide, heights[place]))
                y += heights[place] + self._below
        return places


def _height(item: QLayoutItem, width: int) -> int:
    return item.heightForWidth(width) if item.hasHeightForWidth() else item.sizeHint().height()
