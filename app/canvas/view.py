"""The canvas: what mouse and keys do to the boxes of the current picture."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QTransform, QWheelEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.canvas.arrow_keys import ARROWS, stride_of
from app.canvas.box_view import BoxView
from app.canvas.geometry import Box, Handle
from app.canvas.guides import paint_crosshair
from app.canvas.picture_view import is_space
from app.canvas.tools import SLOP, Band, Draw, Gesture, Move, Nudge, Pointer, Resize, Tool, selection_at
from app.document import Document
from app.verbs import box_verbs

CURSORS = {
    Handle.NORTH_WEST: Qt.CursorShape.SizeFDiagCursor,
    Handle.SOUTH_EAST: Qt.CursorShape.SizeFDiagCursor,
    Handle.NORTH_EAST: Qt.CursorShape.SizeBDiagCursor,
    Handle.SOUTH_WEST: Qt.CursorShape.SizeBDiagCursor,
    Handle.NORTH: Qt.CursorShape.SizeVerCursor,
    Handle.SOUTH: Qt.CursorShape.SizeVerCursor,
    Handle.WEST: Qt.CursorShape.SizeHorCursor,
    Handle.EAST: Qt.CursorShape.SizeHorCursor,
}


class CanvasView(BoxView):
    """Follows the document; each gesture ends in one of its verbs.

    Its own keys are Space, Esc, and the arrows while boxes are selected; all others are actions of the window.
    """

    tool_changed = Signal(object)
    class_wanted = Signal(QPoint, object)  # where on the desktop, for which keys
    menu_wanted = Signal(QPoint)  # where on the desktop; what it is about is selected
    class_missing = Signal(QPoint, object)  # a rectangle was drawn here, and there is no class to give it

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self._tool = Tool.SELECT
        self._gesture: Gesture | None = None
        self._pointer: Pointer | None = None  # None while the mouse is elsewhere
        self._last_click: Pointer | None = None
        self.follow()

    # What the window asks for

    @property
    def tool(self) -> Tool:
        """What the left button does."""
        return self._tool

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does; a gesture under way is cancelled."""
        self._cancel()
        if tool is not self._tool:
            self._tool = tool
            self._layer.with_handles = tool is Tool.SELECT
            self._look_again()
            self.tool_changed.emit(tool)

    def set_boxes_visible(self, visible: bool) -> None:
        """Show or hide all boxes; a gesture under way is cancelled."""
        if visible != self.boxes_visible:
            self._cancel()
        super().set_boxes_visible(visible)

    def select_all(self) -> None:
        """Select all boxes and proposals."""
        self._document.set_selection(box.key for box in self._document.shown)

    def select_next(self, by: int) -> None:
        """Select the box that is so many places (1 or −1) after the selected one, round and round."""
        keys = [box.key for box in self._document.shown]
        places = [place for place, key in enumerate(keys) if key in self._document.selection]
        if keys:
            start = places[0] if places else -1 if by > 0 else 0
            self._document.set_selection([keys[(start + by) % len(keys)]])

    def ask_class(self) -> None:
        """Ask for another class for the selected boxes, beside the first of them."""
        boxes = [xyxy for key in self._document.selection if (xyxy := self._layer.rectangle(key))]
        if boxes:
            corner = self.viewportTransform().map(QPointF(*min(boxes, key=lambda box: (box[1], box[0]))[:2])).toPoint()
            view = self.viewport().rect()
            inside = QPoint(min(max(corner.x(), 0), view.right()), min(max(corner.y(), 0), view.bottom()))
            self.class_wanted.emit(self.viewport().mapToGlobal(inside), self._document.selection)

    # What the document says

    def _on_current_changed(self) -> None:
        self._cancel()
        self._last_click = None
        super()._on_current_changed()

    def _on_shown_changed(self) -> None:
        super()._on_shown_changed()
        if self._gesture is not None and not self._gesture.is_valid():
            self._cancel()
            self._look_again()

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins a gesture."""
        super().mousePressEvent(event)
        self._finish_nudge()
        if self.is_panning or event.button() is not Qt.MouseButton.LeftButton or self.picture_size is None:
            return
        pointer = self._follow(event.position())
        if self._gesture is None:
            self._gesture = self._begin(pointer, adds=bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))
        self._look_again()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Asks for the class of a box; elsewhere it is one more press."""
        pointer = self._follow(event.position())
        stack = self._stack(pointer) if self._tool is Tool.SELECT and not self.is_ready_to_pan else []
        if event.button() is Qt.MouseButton.LeftButton and self._document.selection & set(stack):
            self.class_wanted.emit(event.globalPosition().toPoint(), self._document.selection)
        else:
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Shows what the gesture makes of the boxes, or what a press would take."""
        super().mouseMoveEvent(event)
        pointer = self._follow(event.position())
        if self._gesture is not None and not self.is_panning:
            self._gesture.moved(pointer)
        before = self._layer.hovered
        self._point()
        if self._gesture is not None or self._tool is Tool.DRAW or self._layer.hovered != before:
            self._repaint()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ends the gesture with a verb."""
        was_panning = self.is_panning
        super().mouseReleaseEvent(event)
        if was_panning or self._gesture is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        gesture, self._gesture = self._gesture, None
        if not gesture.released(self._follow(event.position())):
            self._gesture = gesture  # it waits for the second click
        self._look_again()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms or scrolls, also within a gesture."""
        super().wheelEvent(event)
        pointer = self._follow(event.position())
        if self._gesture is not None:
            self._gesture.moved(pointer)
        self._look_again()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Selects what it is asked about, and asks for a menu."""
        event.accept()
        if self._gesture is not None or self._document.current is None:
            return
        stack = self._stack(self._follow(QPointF(event.pos()))) if self.picture_size is not None else []
        if stack and not self._document.selection & set(stack):
            self._document.set_selection(stack[:1])
        self.menu_wanted.emit(event.globalPos())

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse points at nothing here."""
        super().leaveEvent(event)
        self._pointer = None
        self._look_again()

    # The keys

    def event(self, event: QEvent) -> bool:
        """Takes its own keys before the window's actions do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._takes(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc gives up, step by step; arrows nudge what is selected."""
        if not self._takes(event) or is_space(event):
            super().keyPressEvent(event)
            self._dragged = self._dragged or self._gesture is not None  # Space that meets a gesture is no tap
        elif event.key() == Qt.Key.Key_Escape:
            self._escape()
        else:
            self._nudge_on(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """An arrow that comes up ends the nudge: however long it was held, it is one verb."""
        if event.key() in ARROWS and isinstance(self._gesture, Nudge):
            if not event.isAutoRepeat():
                self._finish_nudge()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keys that come up later are not seen here."""
        self._finish_nudge()
        super().focusOutEvent(event)

    def _takes(self, event: QKeyEvent) -> bool:
        """Whether a key is the canvas's own at this moment."""
        if event.key() == Qt.Key.Key_Escape:
            return self._gesture is not None or self._tool is not Tool.SELECT or bool(self._document.selection)
        if event.key() in ARROWS:
            return stride_of(event) is not None and bool(self._document.selection)
        return is_space(event)

    def _escape(self) -> None:
        if self._gesture is not None:
            self._cancel()
            self._look_again()
        elif self._tool is not Tool.SELECT:
            self.set_tool(Tool.SELECT)
        else:
            self._document.set_selection([])

    def _nudge_on(self, event: QKeyEvent) -> None:
        size, stride = self.picture_size, stride_of(event)
        if stride is None or size is None:
            return
        if isinstance(self._gesture, Nudge) and self._gesture.part is not stride.part:
            self._finish_nudge()
        if self._gesture is None and self._document.selection:
            self._gesture = Nudge(self._document, self._layer, size=size, part=stride.part)
        if isinstance(self._gesture, Nudge):
            self._gesture.go(stride.dx, stride.dy)
            self._repaint()

    def _finish_nudge(self) -> None:
        if isinstance(self._gesture, Nudge):
            nudge, self._gesture = self._gesture, None
            nudge.finish()

    # Gestures

    def _begin(self, pointer: Pointer, *, adds: bool) -> Gesture | None:
        """The gesture that a press of the left button begins; `adds`: with Ctrl."""
        size, document, layer = self.picture_size, self._document, self._layer
        assert size is not None
        if self._tool is Tool.DRAW:
            return Draw(layer, pointer, size=size, colour=self._active_colour(), done=self._on_drawn)
        if not adds and (taken := layer.handle_at(pointer.screen, self.viewportTransform())):
            return Resize(document, layer, pointer, size=size, key=taken[0], handle=taken[1])
        stack = self._stack(pointer)
        again = self._last_click is not None and self._last_click.is_near(pointer)
        self._last_click = pointer
        if not stack:
            return Band(document, layer, pointer, keep=document.selection if adds else frozenset())
        if adds:
            document.set_selection(document.selection ^ {stack[0]})
            return None
        selection, clicked = selection_at(stack, document.selection, again=again)
        document.set_selection(selection)
        return Move(document, layer, pointer, size=size, keys=selection, clicked=clicked)

    def _on_drawn(self, xyxy: Box) -> None:
        self.set_boxes_visible(True)  # or the new one would not be seen either
        if self._document.active_class is None and not self._document.read_only and self._pointer is not None:
            where = self.viewport().mapToGlobal(QPointF(*self._pointer.screen).toPoint())
            self.class_missing.emit(where, xyxy)
        else:
            box_verbs.draw(self._document, xyxy)
        self.set_tool(Tool.SELECT)

    def _cancel(self) -> None:
        if self._gesture is not None:
            self._gesture.cancelled()
            self._gesture = None

    def _active_colour(self) -> str:
        active = self._document.active_class
        return theme.current().accent if active is None else self._document.class_of(active).colour

    # What is under the pointer

    def _follow(self, position: QPointF) -> Pointer:
        at = self.to_image(position)
        self._pointer = Pointer((at.x(), at.y()), (position.x(), position.y()), self.zoom)
        return self._pointer

    def _stack(self, pointer: Pointer) -> list[int]:
        return self._layer.stack_at(pointer.at, reach=SLOP / pointer.scale)

    def _look_again(self) -> None:
        """Find out what the pointer is over, and paint."""
        self._point()
        super()._look_again()

    def _point(self) -> None:
        """Find out what the pointer is over, and show what a press would do."""
        if self._gesture is None:
            free = self._pointer if self._tool is Tool.SELECT and not self.is_ready_to_pan else None
            stack = self._stack(free) if free and self.picture_size else []
            self._layer.hovered = stack[0] if stack else None
        self._show_cursor()

    def _show_cursor(self) -> None:
        if self.is_ready_to_pan or self.picture_size is None:
            super()._show_cursor()
        elif self._tool is Tool.DRAW:
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        elif self._gesture is None:
            self.viewport().setCursor(self._cursor_of_selecting())

    def _cursor_of_selecting(self) -> Qt.CursorShape:
        if self._pointer is not None:
            taken = self._layer.handle_at(self._pointer.screen, self.viewportTransform())
            if taken is not None:
                return CURSORS[taken[1]]
            if self._layer.hovered in self._document.selection:
                return Qt.CursorShape.SizeAllCursor
        return Qt.CursorShape.ArrowCursor

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """The boxes that stand out, and a crosshair while one draws."""
        super().drawForeground(painter, rect)
        drawing = self._tool is Tool.DRAW and self.picture_size is not None
        if drawing and self._pointer is not None and not self.is_ready_to_pan:
            painter.setWorldTransform(QTransform())
            paint_crosshair(painter, self._pointer.screen, self.viewport().rect())
