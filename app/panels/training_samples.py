"""What a model in training finds in some validation images, as it gets on."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app import theme
from app.widgets.empty_page import EmptyText
from detector.events import SampleImage

GAP, EDGE, CAPTION = 16, 16, 20  # px
FAINTEST = 0.25  # opacity of what the model hardly believes
EMPTY = "No predictions yet: some validation images are shown here after each measurement."


class SampleStrip(QWidget):
    """The images beside each other: a person's boxes dashed, the model's solid, the firmer the surer it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(64)
        self._samples: Sequence[SampleImage] = ()
        self._pictures: Mapping[str, tuple[QImage, int]] = {}
        self._colours: Mapping[str, str] = {}
        self._empty = EmptyText(EMPTY, self)
        self.setToolTip("Solid: what the model finds, the firmer the surer it is. Dashed: your boxes.")

    def set_samples(self, samples: Sequence[SampleImage]) -> None:
        """What was found last."""
        self._samples = samples
        self._empty.setVisible(not samples)
        names = [f"{_name(sample)}: {len(sample.boxes)} found, {len(sample.truth)} are there" for sample in samples]
        self.setAccessibleDescription("; ".join(names))
        self.update()

    def set_pictures(self, pictures: Mapping[str, tuple[QImage, int]]) -> None:
        """The pictures by their paths, each with the width in px that it has as a file."""
        self._pictures = pictures
        self.update()

    def set_colours(self, colours: Mapping[str, str]) -> None:
        """Colours of the classes, by name."""
        self._colours = colours
        self.update()

    def resizeEvent(self, event: object) -> None:
        self._empty.setGeometry(self.rect())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(theme.SMALL)
        painter.setFont(font)
        for rect, sample in zip(places(self.width(), self.height(), len(self._samples)), self._samples, strict=False):
            self._paint(painter, rect, sample)

    def _paint(self, painter: QPainter, rect: QRectF, sample: SampleImage) -> None:
        colours = theme.current()
        picture, width = self._pictures.get(sample.path, (None, 0))
        caption = QRectF(rect.left(), rect.bottom() - CAPTION, rect.width(), CAPTION)
        room = rect.adjusted(0, 0, 0, -CAPTION)
        painter.setPen(QColor(colours.muted))
        text = painter.fontMetrics().elidedText(_name(sample), Qt.TextElideMode.ElideMiddle, int(caption.width()))
        if picture is None:
            painter.fillRect(room, QColor(colours.field))
            painter.drawText(caption, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            return
        shown = fitted(room, picture.width(), picture.height())
        caption.moveTop(shown.bottom())
        caption.moveLeft(shown.left())
        painter.drawText(caption, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.drawImage(shown, picture)
        scale = shown.width() / width
        painter.save()
        painter.setClipRect(shown)
        for box in sample.truth:
            painter.setPen(QPen(QColor("#FFFFFF"), 1.5, Qt.PenStyle.DashLine))
            painter.drawRect(_scaled(box, scale, shown.topLeft()))
        for box, score, name in zip(sample.boxes, sample.scores, sample.names, strict=True):
            colour = QColor(self._colours.get(name, colours.accent))
            colour.setAlphaF(FAINTEST + (1 - FAINTEST) * min(1.0, max(0.0, score)))
            painter.setPen(QPen(colour, 2))
            painter.drawRect(_scaled(box, scale, shown.topLeft()))
        painter.restore()


def places(width: int, height: int, number: int) -> list[QRectF]:
    """Where so many pictures go beside each other, with the room for a caption at the foot of each."""
    if not number:
        return []
    each = (width - 2 * EDGE - (number - 1) * GAP) / number
    return [QRectF(EDGE + place * (each + GAP), 0, each, height - 4) for place in range(number)]


def fitted(room: QRectF, width: int, height: int) -> QRectF:
    """The largest place of that shape at the top left of a room."""
    scale = min(room.width() / width, room.height() / height)
    return QRectF(room.left(), room.top(), width * scale, height * scale)


def _scaled(box: Sequence[float], scale: float, origin: QPointF) -> QRectF:
    x1, y1, x2, y2 = box
    return QRectF(origin.x() + x1 * scale, origin.y() + y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale)


def _name(sample: SampleImage) -> str:
    return sample.path.replace("\\", "/").rpartition("/")[2]
