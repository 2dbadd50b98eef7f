"""Text that is shortened where room is scarce: names in lists, and a label whose tooltip then is the whole text."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.wording import tooltip

TAIL = 6  # letters of a name that stay at its end


def elided_name(metrics: QFontMetrics, name: str, room: int) -> str:
    """A name cut down to a room in px: its beginning, which tells most, and its last letters, which tell numbers."""
    tail = name[-TAIL:]
    beside = room - metrics.horizontalAdvance(tail)
    if metrics.horizontalAdvance(name) <= room or beside < room / 2:
        return metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
    return metrics.elidedText(f"{name[:-TAIL]}…", Qt.TextElideMode.ElideRight, beside) + tail


class ElidedLabel(QLabel):
    """Plain text on one line, with an ellipsis in place of what does not fit: at its end, or where `elide` says."""

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(text, parent)
        self._elide = elide
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._explain()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._explain()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.contentsRect(), self.alignment(), self.shown_text())

    def shown_text(self) -> str:
        """The text as far as there is room."""
        return self.fontMetrics().elidedText(self.text(), self._elide, self.contentsRect().width())

    def _explain(self) -> None:
        self.setToolTip("" if self.shown_text() == self.text() else tooltip(self.text()))
