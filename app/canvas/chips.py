"""The labels beside boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from app import theme
from app.canvas.geometry import Box, place_chip
from app.page import ShownBox
from app.theme import readable_on
from app.widgets.elided_label import elided_name

HEIGHT, PADDING, GAP, LONGEST_NAME = 18, 6, 5, 200  # screen px
ROUNDING = 3  # screen px
MOST = 150  # more labels than fit a screen; the largest boxes get theirs


@dataclass(frozen=True, slots=True)
class Chip:
    """The label of a box at `box` (screen pixels): a name, what follows it in a lighter hand, its ground "#rrggbb"."""

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
    fonts = painter.font(), _light(painter.font())
    bold, light = (QFontMetrics(font) for font in fonts)
    taken: list[Box] = []
    for chip in chips:
        beside = light.horizontalAdvance(chip.detail) + GAP if chip.detail else 0
        room = max(min(LONGEST_NAME, round(bounds[2] - bounds[0]) - 2 * PADDING - beside), 0)
        name = elided_name(bold, chip.name, room)
        size = (bold.horizontalAdvance(name) + beside + 2 * PADDING, HEIGHT)
        place = place_chip(chip.box, size, bounds=bounds, taken=[*taken, *chip.avoid], must=chip.must)
        if place is not None:
            taken.append(place)
            _paint(painter, place, ((name, fonts[0]), (chip.detail, fonts[1])), chip.colour)
    return taken


def provenance(box: ShownBox) -> str:
    """Where a box is from, as its label says it: "0.91 · D0" for a proposal, "accepted · 0.91 · D0", "drawn"."""
    score = "" if box.score is None else f"{box.score:.2f}"
    kind = "" if box.origin is None else box.origin.value
    region = "ignore region" if box.iscrowd else ""
    return " · ".join(filter(None, (region, kind, score, box.model)))


def _light(font: QFont) -> QFont:
    light = QFont(font)
    light.setWeight(QFont.Weight.Normal)
    return light


def _paint(painter: QPainter, place: Box, words: Sequence[tuple[str, QFont]], colour: str) -> None:
    rect = QRectF(place[0], place[1], place[2] - place[0], place[3] - place[1])
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(rect, ROUNDING, ROUNDING)
    painter.setPen(QColor(readable_on(colour)))
    inside = rect.adjusted(PADDING, 0, -PADDING, 0)
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine | Qt.TextFlag.TextDontClip
    for (text, font), side in zip(words, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True):
        if text:
            painter.setFont(font)
            painter.drawText(inside, flags | side, text)
    painter.setFont(words[0][1])
