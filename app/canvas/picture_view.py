"""A picture that one zooms and pans: what the canvas is before it knows boxes."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QIcon,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QTextOption,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

from app import theme
from app.canvas.geometry import Size, fitting_scale, scrolled
from app.canvas.guides import paint_pixel_grid
from app.canvas.mipmap import MipMap
from app.canvas.tone import PLAIN, Tone

STEP = 1.25  # of a zoom by key or by a notch of the wheel
NOTCH, SCROLL = 120, 64  # a wheel's notch in Qt's units, and how many px it scrolls
LARGEST = 64.0  # screen px to an image pixel
LEFT, TOP, RIGHT, BOTTOM = 60, 24, 24, 64  # px around a fitted picture: room for labels and what floats above it
EDGE = 24  # px of ground that the wheel shows beyond a side; above and below it is BOTTOM, for the hints
KEPT = 64  # px of a picture that panning leaves in sight
PATIENCE = 200  # ms until a picture that is not there yet is said to be loading
TEXT_WIDTH, ICON = 440, 40  # px


class PictureView(QGraphicsView):
    """Ctrl+wheel zooms at the pointer, the wheel scrolls, with Shift sideways; the middle button or Space drags.

    Scene coordinates are image pixels.
    """

    zoom_changed = Signal(float)  # screen px per image px
    picture_changed = Signal()
    tone_changed = Signal(object)
    space_tapped = Signal()  # Space came up, and nothing was dragged meanwhile

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheBackground)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._picture: MipMap | None = None
        self._message = ""
        self._tone, self._curve = PLAIN, None
        self._fitted = True
        self._space = self._dragged = False
        self._pan_from: QPointF | None = None
        self._pan_button = Qt.MouseButton.NoButton
        self._loading = False
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE)
        self._patience.timeout.connect(self._on_patience_ended)

    # The picture

    @property
    def picture_size(self) -> Size | None:
        """Width and height of the picture in px; None while there is none."""
        return self._picture.size if self._picture else None

    @property
    def is_broken(self) -> bool:
        """Whether there is no picture, and none will come."""
        return self._picture is None and bool(self._message) and not self._loading

    @property
    def zoom(self) -> float:
        """Screen px per image px."""
        return self.transform().m11()

    def show_picture(self, picture: MipMap | None, *, message: str = "", loading: bool = False) -> None:
        """Show a picture, fitted into the view; or none, and why; or none yet."""
        before = self.picture_size
        self._picture, self._message = picture, message
        self._loading = loading
        self._patience.start() if loading else self._patience.stop()
        if picture is not None and picture.size != before:
            self.fit()
        self._repaint_all()
        self.picture_changed.emit()

    @property
    def tone(self) -> Tone:
        """How bright and how full of contrast the picture is shown."""
        return self._tone

    def set_tone(self, tone: Tone) -> None:
        """Show this picture, and those to come, brighter or darker than they are."""
        if tone != self._tone:
            self._tone, self._curve = tone, None if tone.is_plain else tone.curve()
            self._repaint_all()
            self.tone_changed.emit(tone)

    # Zoom

    def fit(self) -> None:
        """Show the whole picture, and go on doing so when the view changes its size."""
        self._fitted = True
        if self._picture is None:
            return
        offset = QPointF(LEFT - RIGHT, TOP - BOTTOM) / 2
        width, height = self._picture.size
        before, scale = self.zoom, self._fitting_zoom()
        self.setTransform(QTransform.fromScale(scale, scale))
        self._make_room()
        self.centerOn(QPointF(width, height) / 2 - offset / scale)
        if scale != before:
            self.zoom_changed.emit(scale)

    def zoom_in(self) -> None:
        """One step larger."""
        self.zoom_to(self.zoom * STEP)

    def zoom_out(self) -> None:
        """One step smaller."""
        self.zoom_to(self.zoom / STEP)

    def zoom_to(self, scale: float) -> None:
        """So many screen pixels to each of the image's, around the middle of the view."""
        self._zoom_at(scale, QRectF(self.viewport().rect()).center())

    def to_image(self, point: QPointF) -> QPointF:
        """A point of the view in image pixels."""
        return self.viewportTransform().inverted()[0].map(point)

    def _zoom_at(self, scale: float, point: QPointF) -> None:
        """Zoom so that what is at a point of the view stays there."""
        if self._picture is None:
            return
        scale = min(max(scale, min(self._fitting_zoom(), 1.0) / 2), LARGEST)
        self._fitted = False
        if scale == self.zoom:
            return
        held = self.to_image(point)
        self.setTransform(QTransform.fromScale(scale, scale))
        self._make_room()
        self._scroll(point - self.viewportTransform().map(held))
        self.zoom_changed.emit(scale)

    def _fitting_zoom(self) -> float:
        assert self._picture is not None
        view = self.viewport().size()
        room = max(view.width() - LEFT - RIGHT, 1), max(view.height() - TOP - BOTTOM, 1)
        return min(fitting_scale(self._picture.size, room), LARGEST)

    def _make_room(self) -> None:
        """Let the picture be panned until little of it is in sight."""
        if self._picture is not None:
            width, height = self._picture.size
            view = self.viewport().size()
            across, down = (max(side - KEPT, 0) / self.zoom for side in (view.width(), view.height()))
            self.setSceneRect(-across, -down, width + 2 * across, height + 2 * down)

    def _scroll(self, by: QPointF) -> None:
        """Move the picture by px of the view."""
        for bar, way in ((self.horizontalScrollBar(), by.x()), (self.verticalScrollBar(), by.y())):
            bar.setValue(bar.value() - round(way))

    # Events

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms with Ctrl, else scrolls."""
        turned = event.angleDelta()
        event.accept()
        if self._picture is None:
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom_at(self.zoom * STEP ** (turned.y() / NOTCH), event.position())
            return
        x, y = (event.pixelDelta() if not event.pixelDelta().isNull() else turned * SCROLL / NOTCH).toTuple()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            x, y = x or y, 0
        corner, (width, height) = self.viewportTransform().map(QPointF(0, 0)), self._picture.size
        view, zoom = self.viewport().size(), self.zoom
        across = scrolled(corner.x(), corner.x() + width * zoom, by=x, length=view.width(), margin=EDGE)
        down = scrolled(corner.y(), corner.y() + height * zoom, by=y, length=view.height(), margin=BOTTOM)
        self._fitted = self._fitted and not (across or down)
        self._scroll(QPointF(across, down))

    @property
    def is_panning(self) -> bool:
        """Whether a drag moves the picture."""
        return self._pan_from is not None

    @property
    def is_ready_to_pan(self) -> bool:
        """Whether a drag moves the picture, or the next one would."""
        return self._space or self.is_panning

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins to pan with the middle button, or with the left one while Space is down."""
        button = event.button()
        if button is Qt.MouseButton.MiddleButton or (button is Qt.MouseButton.LeftButton and self._space):
            self._pan_from, self._pan_button = event.position(), button
            self._dragged = True
            self._show_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pans."""
        if self._pan_from is not None:
            self._fitted = False
            self._scroll(event.position() - self._pan_from)
            self._pan_from = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ends panning."""
        if self.is_panning and event.button() is self._pan_button:
            self._pan_from = None
            self._show_cursor()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space held down makes the left button pan."""
        if is_space(event):
            if not event.isAutoRepeat():
                self._space, self._dragged = True, False
                self._show_cursor()
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Tells a tap of Space from one that was held to pan."""
        if event.key() == Qt.Key.Key_Space and self._space:
            if not event.isAutoRepeat():
                self._space = False
                self._show_cursor()
                if not self._dragged:
                    self.space_tapped.emit()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forgets that Space is down: its release goes elsewhere."""
        self._space = False
        self._show_cursor()
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fits the picture again if it was."""
        super().resizeEvent(event)
        self._make_room()
        if self._fitted:
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        """Takes over another theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._repaint_all()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """The ground, and the picture or why there is none."""
        look = theme.current()
        painter.fillRect(rect, QColor(look.canvas))
        if self._picture is not None:
            scale = self.zoom * self.devicePixelRatioF()
            self._picture.paint(painter, QRectF(rect), scale=scale, curve=self._curve)
            paint_pixel_grid(painter, QRectF(rect), self._picture.size)
        elif self._message:
            painter.setWorldTransform(QTransform())
            self._paint_message(painter)

    def _paint_message(self, painter: QPainter) -> None:
        view = self.viewport().rect()
        width = min(TEXT_WIDTH, view.width() - 2 * LEFT)
        middle = view.center()
        icon = theme.icon("image").pixmap(QSize(ICON, ICON), self.devicePixelRatioF(), QIcon.Mode.Disabled)
        painter.drawPixmap(middle - QPoint(ICON // 2, ICON + theme.SPACE), icon)
        painter.setPen(QColor(theme.current().text))
        painter.setFont(self.font())
        wrapped = QTextOption(Qt.AlignmentFlag.AlignHCenter)
        wrapped.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)  # a path may be one long word
        place = QRectF(middle.x() - width / 2, middle.y() + theme.SPACE, width, view.height() / 2)
        painter.drawText(place, self._message, wrapped)

    def _show_cursor(self) -> None:
        """Show what the mouse would do."""
        closed, opened = Qt.CursorShape.ClosedHandCursor, Qt.CursorShape.OpenHandCursor
        shape = closed if self.is_panning else opened if self._space else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)

    def _repaint_all(self) -> None:
        """Paint anew, the cached picture included."""
        self.resetCachedContent()
        self.viewport().update()

    def _on_patience_ended(self) -> None:
        self._message = "Loading the picture…"
        self._repaint_all()


def is_space(event: QKeyEvent) -> bool:
    """Whether a key event is of Space alone."""
    return event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
