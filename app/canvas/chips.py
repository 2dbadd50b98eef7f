"""The labels beside boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from app import theme
from app.canvas.geometry import Box, place_chip
from app.theme import readable_on

HEIGHT, PADDING, LONGEST_NAME = 18, 6, 200  # screen px
ROUNDING = 3  # screen px
MOST = 150  # more labels than fit a screen; the largest boxes get theirs


@dataclass(frozen=True, slots=True)
class Chip:
    """The label of a box at `box` (screen pixels): a name, what follows it, its ground "#rrggbb"."""

    box: Box
    name: str
    detail: str
    colour: str
    must: bool  # is shown even where it covers another one
    avoid: tuple[Box, ...] = ()  # what else it must not cover


def chip_font(base: QFont) -> QFont:
    """The font of labels."""
    font = QFont(base)
    font.setPixelSize(theme.SMALL)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def paint_chips(painter: QPainter, chips: Sequence[Chip], bounds: Box) -> list[Box]:
    """Paint labels in screen pixels, the first ones in the best places; gives where they are."""
    metrics = QFontMetrics(painter.font())
    taken: list[Box] = []
    for chip in chips[:MOST]:
        text = metrics.elidedText(chip.name, Qt.TextElideMode.ElideRight, LONGEST_NAME) + chip.detail
        size = (metrics.horizontalAdvance(text) + 2 * PADDING, HEIGHT)
        place = place_chip(chip.box, size, bounds=bounds, taken=[*taken, *chip.avoid], must=chip.must)
        if place is not None:
            taken.append(place)
            _paint(painter, place, text, chip.colour)
    return taken


def _paint(painter: QPainter, place: Box, text: str, colour: str) -> None:
    rect = QRectF(place[0], place[1], place[2] - place[0], place[3] - place[1])
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(rect, ROUNDING, ROUNDING)
    painter.setPen(QColor(readable_on(colour)))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine, text)
