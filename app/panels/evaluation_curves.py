"""Precision against recall, a curve for each class."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app import theme

LEFT, BOTTOM, TOP, LEGEND, LINE = 40, 32, 8, 176, 18  # px
MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)
Curve = tuple[str, str, Sequence[float]]  # name, colour, precision at recall 0 … 1


class PrecisionRecall(QWidget):
    """The curves at IoU 0.5, with a legend beside them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(48)
        self._curves: Sequence[Curve] = ()

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Show those that have values."""
        self._curves = [curve for curve in curves if curve[2]]
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(theme.SMALL)
        painter.setFont(font)
        plot = QRectF(LEFT, TOP, max(1, self.width() - LEFT - LEGEND), max(1, self.height() - TOP - BOTTOM))
        self._paint_axes(painter, plot)
        for _, colour, values in self._curves:
            painter.setPen(QPen(QColor(colour), 2))
            painter.drawPolyline(QPolygonF(points(plot, values)))
        self._paint_legend(painter, plot)

    def _paint_axes(self, painter: QPainter, plot: QRectF) -> None:
        colours, align = theme.current(), Qt.AlignmentFlag
        for mark in MARKS:
            x, y = plot.left() + mark * plot.width(), plot.bottom() - mark * plot.height()
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(QColor(colours.muted))
            painter.drawText(QRectF(0, y - 8, LEFT - 6, 16), align.AlignRight | align.AlignVCenter, f"{mark:g}")
            painter.drawText(QRectF(x - 20, plot.bottom() + 2, 40, 14), align.AlignCenter, f"{mark:g}")
        words = QRectF(plot.left(), plot.bottom() + 15, plot.width(), 15)
        painter.drawText(words, align.AlignCenter, "recall → · precision ↑ · IoU 0.5")

    def _paint_legend(self, painter: QPainter, plot: QRectF) -> None:
        room = max(1, int(plot.height()) // LINE)
        shown = self._curves if len(self._curves) <= room else self._curves[: room - 1]
        left, width = plot.right() + 16, LEGEND - 32
        for place, (name, colour, _) in enumerate(shown):
            y = plot.top() + place * LINE
            painter.fillRect(QRectF(left, y + 4, 10, 10), QColor(colour))
            painter.setPen(QColor(theme.current().text))
            text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, width - 16)
            painter.drawText(QRectF(left + 16, y, width - 16, LINE), Qt.AlignmentFlag.AlignVCenter, text)
        if len(shown) < len(self._curves):
            painter.setPen(QColor(theme.current().muted))
            rest = QRectF(left, plot.top() + len(shown) * LINE, width, LINE)
            painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, f"and {len(self._curves) - len(shown)} more")


def points(plot: QRectF, values: Sequence[float]) -> list[QPointF]:
    """Where a curve of values at equal steps from recall 0 to 1 runs."""
    last = max(1, len(values) - 1)
    return [
        QPointF(plot.left() + place / last * plot.width(), plot.bottom() - value * plot.height())
        for place, value in enumerate(values)
    ]
