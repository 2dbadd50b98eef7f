"""Pens and colours of what is drawn over a photograph."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from app import theme

DARK_HALO, LIGHT_HALO = "#15181C", "#F4F5F7"  # opaque: blending four edges of 2,000 boxes takes a tenth of a second


def halo_of(colour: str) -> str:
    """What sets a line off from any picture: dark, or light around a line that is dark itself."""
    return LIGHT_HALO if theme.contrast(colour, DARK_HALO) < theme.contrast(colour, LIGHT_HALO) else DARK_HALO


def pen(colour: str, width: float) -> QPen:
    """A pen with sharp corners, for a painter in screen pixels."""
    made = QPen(QColor(colour), width)
    made.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return made


def faint(colour: str, opacity: float) -> QColor:
    """A colour through which the picture is seen."""
    made = QColor(colour)
    made.setAlphaF(opacity)
    return made
