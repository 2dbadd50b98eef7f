"""The current picture with its boxes, as the document has them."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.canvas.box_layer import BoxLayer
from app.canvas.mipmap import MipMap
from app.canvas.picture_view import PictureView
from app.document import Document


class BoxView(PictureView):
    """Follows the document, from `follow` on."""

    boxes_visible_changed = Signal(bool)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._layer = BoxLayer(document)
        self._picture_of: int | None = None
        self._still = self._layer.still
        self.setAccessibleName("Picture with boxes")

    def follow(self) -> None:
        """Show what there is, now and whenever it changes."""
        document = self._document
        document.project_changed.connect(self._on_current_changed)
        document.current_changed.connect(self._on_current_changed)
        document.shown_changed.connect(self._on_shown_changed)
        document.selection_changed.connect(self._on_selection_changed)
        document.classes_changed.connect(self._repaint_all)
        self._on_current_changed()

    def set_picture(self, image_id: int, pixels: NDArray[np.uint8] | MipMap | None, message: str = "") -> None:
        """Show the current image's pixels (H, W, 3) RGB, or say why there are none. Other images' are ignored.

        Large photographs come as a MipMap, made in a worker.
        """
        if image_id == self._document.current:
            self._picture_of = image_id
            picture = MipMap(pixels) if isinstance(pixels, np.ndarray) else pixels
            self.show_picture(picture, message=message)
            self._look_again()

    @property
    def boxes_visible(self) -> bool:
        """Whether boxes are shown."""
        return self._layer.visible

    def set_boxes_visible(self, visible: bool) -> None:
        """Show or hide all boxes."""
        if visible != self._layer.visible:
            self._layer.visible = visible
            self._look_again()
            self.boxes_visible_changed.emit(visible)

    def set_labels_always(self, always: bool) -> None:
        """Label all boxes, not only the hovered and selected ones."""
        self._layer.all_labelled = always
        self.viewport().update()

    # What the document says

    def _on_current_changed(self) -> None:
        current = self._document.current
        if current is None or self._picture_of != current:
            self._picture_of = None
            self.show_picture(None, message="" if current is not None else "No image", loading=current is not None)
        self._on_shown_changed()

    def _on_shown_changed(self) -> None:
        self._layer.reload()
        self._repaint_all()
        self._look_again()

    def _on_selection_changed(self) -> None:
        self._reveal_selection()
        self._look_again()

    def _reveal_selection(self) -> None:
        """Bring the one selected box into view if nothing of it is."""
        keys = self._document.selection
        box = self._layer.rectangle(next(iter(keys))) if len(keys) == 1 else None
        if box is not None and self.picture_size is not None:
            place = QRectF(QPointF(*box[:2]), QPointF(*box[2:]))
            if not self.viewportTransform().mapRect(place).intersects(QRectF(self.viewport().rect())):
                self.centerOn(place.center())

    # Painting

    def _look_again(self) -> None:
        """Paint what may have changed."""
        self._repaint()

    def _repaint(self) -> None:
        """Paint, and of the cached outlines only what has to be painted anew."""
        if self._still == self._layer.still:
            self.viewport().update()
        else:
            self._still = self._layer.still
            self._repaint_all()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Picture and outlines, which stay as they are while the mouse only points."""
        super().drawBackground(painter, rect)
        if self.picture_size is not None:
            self._layer.paint_still(painter, painter.worldTransform().mapRect(QRectF(rect)).toAlignedRect())

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """The boxes that stand out."""
        if self.picture_size is not None:
            self._layer.paint(painter, self.viewport().rect())
