"""Lines that help the eye on the canvas: the crosshair while one draws, the grid between large pixels."""

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QPainter, QPen, QTransform

from app.canvas.geometry import Size

CROSSHAIR = ((3, "#000000", 0.35), (1, "#FFFFFF", 0.9))  # width in px, colour, opacity
GRID_FROM, GRID_FULL = 8.0, 24.0  # screen px per image px at which the grid begins to show, and is plain to see
GRID_COLOUR, GRID_FAINT, GRID_PLAIN = "#808080", 0.3, 0.6  # opacities


def paint_crosshair(painter: QPainter, at: tuple[float, float], view: QRect) -> None:
    """Lines through a point of the view, from side to side; the painter is in screen pixels."""
    x, y = (round(value) for value in at)
    for width, colour, opacity in CROSSHAIR:
        ink = QColor(colour)
        ink.setAlphaF(opacity)
        painter.fillRect(QRect(0, y - width // 2, view.width(), width), ink)
        painter.fillRect(QRect(x - width // 2, 0, width, view.height()), ink)


def grid_opacity(zoom: float) -> float:
    """How plain the grid between pixels is at so many screen px to an image px; 0: there is none."""
    if zoom < GRID_FROM:
        return 0.0
    share = min((zoom - GRID_FROM) / (GRID_FULL - GRID_FROM), 1.0)
    return GRID_FAINT + share * (GRID_PLAIN - GRID_FAINT)


def paint_pixel_grid(painter: QPainter, exposed: QRectF, size: Size) -> None:
    """Hairlines between the pixels of a picture (width, height) in `exposed`, both in image px as the painter is."""
    to_screen = painter.worldTransform()
    opacity = grid_opacity(to_screen.m11())
    seen = exposed.intersected(QRectF(0, 0, *size))
    if not opacity or seen.isEmpty():
        return
    ink = QColor(GRID_COLOUR)
    ink.setAlphaF(opacity)
    columns = np.arange(np.ceil(seen.left()), np.floor(seen.right()) + 1).tolist()
    rows = np.arange(np.ceil(seen.top()), np.floor(seen.bottom()) + 1).tolist()
    lines = [QLineF(x, seen.top(), x, seen.bottom()) for x in columns]
    lines += [QLineF(seen.left(), y, seen.right(), y) for y in rows]
    painter.save()
    painter.setWorldTransform(QTransform())
    painter.setPen(QPen(ink, 0))
    painter.drawLines([QLineF(_snapped(to_screen, line.p1()), _snapped(to_screen, line.p2())) for line in lines])
    painter.restore()


def _snapped(to_screen: QTransform, point: QPointF) -> QPointF:
    """A point of the image on the screen, on whole px, so that every line is as plain as the next one."""
    at = to_screen.map(point)
    return QPointF(round(at.x()), round(at.y()))
