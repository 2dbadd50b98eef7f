"""The bar that floats over the canvas and says which keys do what now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.widgets import keycaps

HEIGHT, PADDING, GAP = 32, 16, 20  # px: of the bar, at its ends, between two hints
KEY_GAP = 6  # px between a key's cap and its words


class Hint(NamedTuple):
    """What a key does; no key: how things stand."""

    key: str
    words: str


@dataclass(frozen=True)
class _Widths:
    """Px that a hint takes: its key's cap (0 for none), its words, all of it."""

    cap: int
    words: int

    @property
    def whole(self) -> int:
        return self.cap + (KEY_GAP if self.cap else 0) + self.words


def fitting(widths: Sequence[int], room: int) -> int:
    """How many of the first hints of these widths stand beside each other in a bar no wider than `room`; px."""
    used = 2 * PADDING - GAP
    for number, width in enumerate(widths):
        used += GAP + width
        if used > room:
            return number
    return len(widths)


class HintBar(QWidget):
    """As wide as its hints; where there is no room for all, the last ones are left out."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hints: tuple[Hint, ...] = ()
        self._shown = 0

    def set_hints(self, hints: Sequence[Hint]) -> None:
        """Show these."""
        if self.hints != tuple(hints):
            self.hints = tuple(hints)
            self.setAccessibleName(", ".join(f"{hint.key} {hint.words}".strip() for hint in hints))
            self.update()
        self.setVisible(bool(hints))

    def fit_into(self, room: int) -> None:
        """Take the size that the hints need, at most `room` px wide."""
        widths = [self._measure(hint).whole for hint in self.hints]
        self._shown = fitting(widths, room)
        shown = widths[: self._shown]
        self.resize(QSize(sum(shown) + GAP * max(len(shown) - 1, 0) + 2 * PADDING, HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground, then caps and words."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.overlay))
        painter.drawRoundedRect(QRectF(self.rect()), HEIGHT / 2, HEIGHT / 2)
        x = PADDING
        for hint in self.hints[: self._shown]:
            widths = self._measure(hint)
            if widths.cap:
                place = QPointF(x, (HEIGHT - keycaps.HEIGHT) / 2)
                keycaps.paint_caps(painter, place, [hint.key], base=self.font(), ink=colours.on_overlay)
            painter.setFont(self.font())
            painter.setPen(QColor(colours.on_overlay))
            words = QRectF(x + widths.whole - widths.words, 0, widths.words, HEIGHT)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, hint.words)
            x += widths.whole + GAP

    def _measure(self, hint: Hint) -> _Widths:
        cap = keycaps.cap_width(hint.key, self.font()) if hint.key else 0
        return _Widths(cap, QFontMetrics(self.font()).horizontalAdvance(hint.words))
