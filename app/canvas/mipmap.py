"""A decoded photograph, ready to be painted at any scale: no more pixels are touched than are seen."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.canvas.geometry import Size

SINGLE_PIXELS = 3.0  # from this scale on, the pixels are shown as they are
SMALLEST = 512  # px; a copy whose longer side is at most this is not halved again
MARGIN = 2  # px of a level around what is painted, for interpolation


class MipMap:
    """A photograph (H, W, 3) uint8 RGB and copies of it, each half the size of the one before.

    Making one takes a few ms per 10 megapixels; for large photographs that belongs into a worker.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.levels = [pixels]
        while max(self.levels[-1].shape[:2]) > SMALLEST:
            height, width = self.levels[-1].shape[:2]
            half = ((width + 1) // 2, (height + 1) // 2)
            self.levels.append(np.asarray(cv2.resize(self.levels[-1], half, interpolation=cv2.INTER_AREA), np.uint8))

    @property
    def size(self) -> Size:
        """Width and height in px."""
        height, width = self.levels[0].shape[:2]
        return float(width), float(height)

    def paint(
        self, painter: QPainter, exposed: QRectF, *, scale: float, curve: NDArray[np.uint8] | None = None
    ) -> None:
        """Paint the part in `exposed`; the painter's coordinates are image pixels, `scale` device pixels to each.

        `curve` (256,): what is shown for each value of a channel, where that is another one.
        """
        halvings = math.floor(math.log2(1 / scale)) if scale < 1 else 0
        level = self.levels[min(halvings, len(self.levels) - 1)]
        across, down = self.size[0] / level.shape[1], self.size[1] / level.shape[0]
        left, right = _span(exposed.left() / across, exposed.right() / across, level.shape[1])
        top, bottom = _span(exposed.top() / down, exposed.bottom() / down, level.shape[0])
        if left >= right or top >= bottom:
            return
        crop = level[top:bottom, left:right]
        crop = cv2.cvtColor(crop if curve is None else cv2.LUT(crop, curve), cv2.COLOR_RGB2BGRA)  # as Qt paints fastest
        image = QImage(crop.data, right - left, bottom - top, crop.strides[0], QImage.Format.Format_RGB32)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < SINGLE_PIXELS)
        painter.drawImage(QRectF(left * across, top * down, (right - left) * across, (bottom - top) * down), image)


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    return max(math.floor(low) - MARGIN, 0), min(math.ceil(high) + MARGIN, length)
