"""The button that takes the next key that is pressed."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPushButton, QWidget

from app.keys import recorded

WAITING = "Press the keys, or Esc"


class KeyRecorder(QPushButton):
    """A click, or `start`, and it listens until a key was `pressed`, Esc gives up, or the focus goes elsewhere."""

    pressed_keys = Signal(QKeySequence)

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._text = text
        self._listens = False
        self.setAutoDefault(False)
        self.clicked.connect(self.start)

    def start(self) -> None:
        """Listen."""
        self._listens = True
        self.setText(WAITING)
        self.setFocus()

    def event(self, event: QEvent) -> bool:
        """Takes every key before dialog, tab order and shortcuts do."""
        if self._listens and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
                self._take(event)
            event.accept()
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Gives up."""
        self._stop()
        super().focusOutEvent(event)

    def _take(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._stop()
        elif (key := recorded(event)) is not None:
            self._stop()
            self.pressed_keys.emit(key)

    def _stop(self) -> None:
        self._listens = False
        self.setText(self._text)
