"""The field for a note on the current image."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.document import Document


class NoteField(QLineEdit):
    """A note on the current image; `written` when the person is done with it, also by going to another image."""

    written = Signal(int, str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent, placeholderText="Note on this image")
        self.setAccessibleName("Note on this image")
        self._document = document
        self._image_id: int | None = None
        self.editingFinished.connect(self._write)
        document.current_changed.connect(self._on_current_changed)
        document.project_closing.connect(self._write)
        for signal in (document.image_updated, document.images_changed, document.project_changed):
            signal.connect(self._show_note)
        self._show_note()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape takes back what was typed; Enter and Escape leave the field."""
        if event.key() == Qt.Key.Key_Escape:
            self.setModified(False)
            self._show_note()
            self.clearFocus()
            return
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clearFocus()

    def _on_current_changed(self) -> None:
        self._write()
        self._show_note()

    def _write(self) -> None:
        if self.isModified() and self._image_id is not None:
            self.setModified(False)
            self.written.emit(self._image_id, self.text())

    def _show_note(self, *_: object) -> None:
        if self.isModified():
            return
        self._image_id = self._document.current
        image = self._document.images.get(self._image_id) if self._image_id is not None else None
        self.setVisible(image is not None)
        if image is not None and image.note != self.text():
            self.setText(image.note)
