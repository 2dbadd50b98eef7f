"""The outlines of objects, which imported files give beside their boxes: shown, never edited."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF

from app.canvas.ink import halo_of, pen
from app.page import ShownBox

LINE, HALO, HAIRLINE = 1.5, 3.5, 1  # screen px
FEW = 100  # outlines that are smooth and have a halo; for more there is no time
LEAST_POINTS, FARTHEST = 3, 1e6  # corners of a polygon, and px from the image's origin

Point = tuple[float, float]


def polygons(segmentation: object) -> list[list[Point]]:
    """The polygons of a COCO `segmentation`, in image pixels; what is none, such as a run-length code, is left out."""
    parts = segmentation if isinstance(segmentation, list) else []
    return [points for part in parts if len(points := _points(part)) >= LEAST_POINTS]


class Outlines:
    """The outlines of the current image's boxes, made ready when they are first painted."""

    def __init__(self) -> None:
        self._paths: dict[int, QPainterPath | None] = {}

    def keep(self, shown: Iterable[ShownBox]) -> None:
        """Forget all but those of these boxes."""
        wanted = {box.key for box in shown if box.segmentation is not None}
        self._paths = {key: path for key, path in self._paths.items() if key in wanted}

    def paint(self, painter: QPainter, boxes: Sequence[tuple[ShownBox, str]]) -> None:
        """Paint those of boxes, each in a colour. The painter is in image pixels."""
        by_colour: dict[str, list[QPainterPath]] = {}
        for box, colour in boxes:
            if (path := self._path(box)) is not None:
                by_colour.setdefault(colour, []).append(path)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        is_smooth = sum(map(len, by_colour.values())) <= FEW
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, is_smooth)
        zoom = painter.worldTransform().m11()
        for width in (HALO, LINE) if is_smooth else (HAIRLINE,):
            for colour, paths in by_colour.items():
                painter.setPen(pen(halo_of(colour) if width == HALO else colour, width / zoom))
                for path in paths:
                    painter.drawPath(path)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _path(self, box: ShownBox) -> QPainterPath | None:
        if box.segmentation is None:
            return None
        if box.key not in self._paths:
            path = QPainterPath()
            for points in polygons(box.segmentation):
                path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
                path.closeSubpath()
            self._paths[box.key] = None if path.isEmpty() else path
        return self._paths[box.key]


def _points(part: object) -> list[Point]:
    """The corners that x1, y1, x2, y2, … name; none where these are no finite numbers."""
    if not isinstance(part, list):
        return []
    numbers = [value for value in part if isinstance(value, int | float) and abs(value) < FARTHEST]
    is_whole = len(numbers) == len(part) and len(part) % 2 == 0
    return list(zip(numbers[::2], numbers[1::2], strict=True)) if is_whole else []
