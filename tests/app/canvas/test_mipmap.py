"""A picture painted at any scale is the picture."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.canvas.mipmap import MipMap


def painted(
    picture: MipMap, *, scale: float, size: tuple[int, int], exposed: QRectF | None = None
) -> NDArray[np.uint8]:
    """The picture (H, W, 3) as it is painted from its upper left corner on a magenta ground."""
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(QColor("#FF00FF"))
    painter = QPainter(image)
    painter.scale(scale, scale)
    picture.paint(painter, exposed or QRectF(0, 0, size[0] / scale, size[1] / scale), scale=scale)
    painter.end()
    return np.array(image.constBits()).reshape(size[1], size[0], 4)[:, :, 2::-1]


def slope(width: int, height: int) -> NDArray[np.uint8]:
    """Colours that rise evenly to the right and downwards, so that any interpolation hits them."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], axis=-1).astype(np.uint8)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("scale", [0.07, 0.2, 0.31, 0.5, 0.8, 1.0, 1.7])
@pytest.mark.parametrize("size", [(1801, 1203), (2048, 1024)])
def test_each_scale_shows_the_same_picture(scale: float, size: tuple[int, int]) -> None:
    pixels = slope(*size)
    width, height = int(size[0] * scale) - 1, int(size[1] * scale) - 1
    found = painted(MipMap(pixels), scale=scale, size=(min(width, 600), min(height, 400)))
    y, x = np.mgrid[0 : found.shape[0], 0 : found.shape[1]]
    wanted = pixels[((y + 0.5) / scale).astype(int), ((x + 0.5) / scale).astype(int)].astype(int)
    assert np.abs(found - wanted).max() <= max(4, 1.5 * 255 / scale / min(size))


@pytest.mark.usefixtures("qapp")
def test_from_three_times_on_each_pixel_is_a_square() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    assert (painted(MipMap(pixels), scale=3, size=(150, 120)) == pixels.repeat(3, 0).repeat(3, 1)).all()
    assert (painted(MipMap(pixels), scale=2, size=(100, 80)) != pixels.repeat(2, 0).repeat(2, 1)).any()


@pytest.mark.usefixtures("qapp")
def test_a_part_is_painted_as_it_is_in_the_whole(qapp: QApplication) -> None:
    picture = MipMap(np.random.default_rng(1).integers(0, 256, (900, 1200, 3), np.uint8))
    whole = painted(picture, scale=0.4, size=(480, 360))
    part = painted(picture, scale=0.4, size=(480, 360), exposed=QRectF(400, 300, 100, 80))
    assert (part[120:152, 160:200] == whole[120:152, 160:200]).all()
    assert (part[:100] == (255, 0, 255)).all()
    beside = painted(picture, scale=0.4, size=(480, 360), exposed=QRectF(-900, 0, 100, 80))
    assert (beside == (255, 0, 255)).all()


def test_pixels_are_shared_and_copies_halve() -> None:
    pixels = slope(3000, 2001)
    picture = MipMap(pixels)
    assert picture.size == (3000, 2001)
    assert np.shares_memory(picture.levels[0], pixels)
    assert [level.shape[:2] for level in picture.levels] == [(2001, 3000), (1001, 1500), (501, 750), (251, 375)]
