"""The grid between large pixels."""

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.canvas.guides import GRID_FROM, grid_opacity, paint_pixel_grid
from app.canvas.view import CanvasView


def painted(zoom: float) -> np.ndarray:
    """Which pixels (100, 160) of a view at that zoom the grid of a picture of 7 × 5 px covers."""
    image = QImage(160, 100, QImage.Format.Format_RGB32)
    image.fill(QColor("#FFFFFF"))
    painter = QPainter(image)
    painter.scale(zoom, zoom)
    paint_pixel_grid(painter, QRectF(0, 0, 160 / zoom, 100 / zoom), (7, 5))
    painter.end()
    return np.array(image.constBits()).reshape(100, 160, 4)[:, :, 0] < 255


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("zoom", [8.0, 12.5, 15.0])
def test_lines_lie_between_the_pixels_and_end_with_the_picture(zoom: float) -> None:
    covered = painted(zoom)
    columns, rows = np.flatnonzero(covered[round(zoom / 2)]), np.flatnonzero(covered[:, round(zoom / 2)])
    assert columns.tolist() == [round(number * zoom) for number in range(8)]
    assert rows.tolist() == [round(number * zoom) for number in range(6)]
    assert not covered[round(5 * zoom) + 1 :].any()
    assert not covered[:, round(7 * zoom) + 1 :].any()


@pytest.mark.usefixtures("qapp")
def test_below_eight_times_there_is_none() -> None:
    assert not painted(GRID_FROM - 0.1).any()
    assert grid_opacity(7.9) == 0
    assert 0 < grid_opacity(8) < grid_opacity(16) < grid_opacity(24) == grid_opacity(64) < 1


def test_the_canvas_shows_it(canvas: CanvasView) -> None:
    canvas.set_boxes_visible(False)
    canvas.zoom_to(20)
    canvas.centerOn(50, 50)
    picture = canvas.grab().toImage()
    x, y = (round(value) for value in canvas.viewportTransform().map(50, 50))
    assert picture.pixel(x, y + 10) != picture.pixel(x + 3, y + 10)
    assert picture.pixel(x + 3, y + 10) == picture.pixel(x + 15, y + 10)
