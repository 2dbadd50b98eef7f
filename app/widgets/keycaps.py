"""Keys drawn as the caps of a keyboard, beside each other."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme

HEIGHT, PADDING, GAP = 18, 6, 4  # px: of a cap, beside its letters, between two


def cap_font(base: QFont) -> QFont:
    """The font on caps."""
    font = QFont(base)
    font.setPixelSize(theme.SMALL)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def cap_width(text: str, base: QFont) -> int:
    """Of one cap, in px."""
    return max(QFontMetrics(cap_font(base)).horizontalAdvance(text) + 2 * PADDING, HEIGHT)


def caps_width(texts: Sequence[str], base: QFont) -> int:
    """Of caps beside each other, in px."""
    return sum(cap_width(text, base) for text in texts) + GAP * max(len(texts) - 1, 0)


def paint_caps(painter: QPainter, place: QPointF, texts: Sequence[str], *, base: QFont, ink: str) -> None:
    """Caps from a top left corner on, "#rrggbb"."""
    letters, rim = QColor(ink), QColor(ink)
    rim.setAlphaF(0.4)
    painter.setFont(cap_font(base))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x = place.x()
    for text in texts:
        cap = QRectF(x, place.y(), cap_width(text, base), HEIGHT)
        painter.setPen(letters)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QPen(rim, 1))
        painter.drawRoundedRect(cap.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        x += cap.width() + GAP


class KeyCaps(QWidget):
    """Some keys."""

    def __init__(self, texts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.texts = tuple(texts)
        self.setAccessibleName(" or ".join(texts))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """All of them."""
        return QSize(caps_width(self.texts, self.font()), HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """All of them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_caps(painter, QPointF(), self.texts, base=self.font(), ink=theme.current().text)
