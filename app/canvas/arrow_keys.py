"""What the arrow keys do to selected boxes: alone they move them, with Ctrl their right and lower sides, with Alt their
left and upper ones; with Shift all that ten times as far.
"""

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.canvas.tools import Part

FAST = 10  # image px, with Shift
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
PARTS = {
    Qt.KeyboardModifier.NoModifier: Part.ALL,
    Qt.KeyboardModifier.ControlModifier: Part.FAR,
    Qt.KeyboardModifier.AltModifier: Part.LOW,
}


class Stride(NamedTuple):
    """How far which part of a box goes, in image px."""

    dx: int
    dy: int
    part: Part


def stride_of(event: QKeyEvent) -> Stride | None:
    """What an arrow means with what is held beside it; None for any other key."""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    part = PARTS.get(held & ~Qt.KeyboardModifier.ShiftModifier)
    if event.key() not in ARROWS or part is None:
        return None
    far = FAST if held & Qt.KeyboardModifier.ShiftModifier else 1
    dx, dy = ARROWS[Qt.Key(event.key())]
    return Stride(dx * far, dy * far, part)
