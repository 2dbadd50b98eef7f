"""The frame of what pops up over the window and goes when one clicks elsewhere."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QStyle, QStyleOption, QWidget


class Popup(QFrame):
    """With round corners, in the theme's colours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "notice")
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)  # for the round corners

    def show_at(self, point: QPoint) -> None:
        """Show it, as large as it has to be, at a point of the desktop, moved so that the screen holds it."""
        self.adjustSize()
        available = (QGuiApplication.screenAt(point) or self.screen()).availableGeometry()
        corner = available.bottomRight() - QPoint(self.width(), self.height())
        self.move(max(available.left(), min(point.x(), corner.x())), max(available.top(), min(point.y(), corner.y())))
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The styled ground, which Qt leaves out where a window is translucent."""
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, QPainter(self), self)
