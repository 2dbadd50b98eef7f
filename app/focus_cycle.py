"""Going from panel to panel with the keyboard: the picture takes Tab for its boxes, so that Tab does not lead out."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from app import theme

RING = 2  # px


def go_to_panel(panels: Sequence[QWidget], by: int) -> None:
    """Put the keyboard on the panel that is so many places (1 or −1) after the one that has it, round and round.

    Left out are those that are folded away; in a panel its list comes first, or else what Tab would come to first.
    """
    entries = [(panel, entry) for panel in panels if (entry := _entry(panel)) is not None]
    if not entries:
        return
    focused = QApplication.focusWidget()
    places = [place for place, (panel, _) in enumerate(entries) if focused and _holds(panel, focused)]
    start = places[0] if places else -1 if by > 0 else 0
    entry = entries[(start + by) % len(entries)][1]
    entry.setFocus(Qt.FocusReason.ShortcutFocusReason)
    FocusRing(entry)


class FocusRing(QWidget):
    """Shows which widget the keyboard has come to, until it goes elsewhere or the mouse is pressed there."""

    def __init__(self, around: QWidget) -> None:
        super().__init__(around)
        self._around = around
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(around.rect())
        around.installEventFilter(self)
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follows the widget's size, and goes."""
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._around.rect())
        elif event.type() in (QEvent.Type.FocusOut, QEvent.Type.MouseButtonPress, QEvent.Type.FocusIn):
            watched.removeEventFilter(self)
            self.hide()
            self.deleteLater()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line in the accent colour along the inside."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.current().accent), RING))
        inset = RING / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), theme.RADIUS, theme.RADIUS)


def _entry(panel: QWidget) -> QWidget | None:
    found = [widget for widget in _in_tab_order(panel) if _takes_keys(widget)]
    lists = (widget for widget in found if isinstance(widget, QAbstractItemView))
    return next(lists, found[0] if found else None)


def _takes_keys(widget: QWidget) -> bool:
    return widget.isVisible() and widget.isEnabled() and bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


def _in_tab_order(panel: QWidget) -> Iterator[QWidget]:
    yield panel
    widget = panel.nextInFocusChain()
    while widget is not None and widget is not panel:
        if _holds(panel, widget):
            yield widget
        widget = widget.nextInFocusChain()


def _holds(panel: QWidget, widget: QWidget) -> bool:
    return widget is panel or panel.isAncestorOf(widget)
