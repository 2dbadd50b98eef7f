"""The small coloured squares that stand for classes."""

from functools import cache

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPen, QPixmap

from app import theme

SWATCH = 12  # px


def paint_swatch(painter: QPainter, rect: QRectF, colour: str) -> None:
    """A rounded square; its faint rim keeps yellow visible on white."""
    rim = QColor(theme.current().text)
    rim.setAlphaF(0.25)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(rim, 1))
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
    painter.restore()


@cache
def swatch(colour: str) -> QIcon:
    """A class's colour "#rrggbb" as an icon that is crisp at any scale."""
    return QIcon(_SwatchEngine(colour))


class _SwatchEngine(QIconEngine):
    def __init__(self, colour: str) -> None:
        super().__init__()
        self._colour = colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint_swatch(painter, QRectF(rect), self._colour)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _SwatchEngine(self._colour)
