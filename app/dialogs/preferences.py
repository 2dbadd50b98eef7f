"""The preferences: how the program looks, where models run, what happens at the start; and all keys."""

from PySide6.QtCore import QMargins, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.dialogs.shortcut_page import ShortcutPage
from app.models import DEVICES

WIDTH, HEIGHT, MARGIN = 640, 620, 24  # px; MARGIN: around it within its window
COLOURS = {"theme-system": "As the system", "theme-light": "Light", "theme-dark": "Dark"}
SIDES = (24, 16, 24, 16)  # px: left, top, right, bottom


class Preferences(QDialog):
    """Everything acts at once; there is nothing to confirm. The pages are public, so that a caller can show one."""

    device_chosen = Signal(str)
    reopening_chosen = Signal(bool)

    def __init__(self, actions: Actions, parent: QWidget, *, device: str, reopens: bool) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Preferences")
        self._actions = actions
        self.shortcuts = ShortcutPage(actions)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._general(device, reopens=reopens), "General")
        self.tabs.addTab(self.shortcuts, "Shortcuts")
        close = QPushButton("Close")
        close.setAutoDefault(False)
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(*SIDES)
        column.setSpacing(16)
        column.addWidget(self.tabs, 1)
        column.addLayout(foot)
        room = parent.window().size().shrunkBy(QMargins(MARGIN, MARGIN, MARGIN, MARGIN))
        self.resize(QSize(WIDTH, HEIGHT).boundedTo(room))

    def show_shortcuts(self) -> None:
        """Turn to the keys."""
        self.tabs.setCurrentWidget(self.shortcuts)
        self.shortcuts.search.setFocus()

    def _general(self, device: str, *, reopens: bool) -> QWidget:
        page = QWidget()
        self.colours, self.device = QComboBox(), QComboBox()
        for name, text in COLOURS.items():
            self.colours.addItem(text, name)
            if self._actions[name].isChecked():
                self.colours.setCurrentIndex(self.colours.count() - 1)
        for name, text in DEVICES.items():
            self.device.addItem(text, name)
        self.device.setCurrentIndex(max(self.device.findData(device), 0))
        self.reopens = QCheckBox("Open the folder of last time at the start")
        self.reopens.setChecked(reopens)
        self.labels = QCheckBox("Class names on all boxes, not only on the one under the mouse")
        self.labels.setChecked(self._actions["show-labels"].isChecked())
        self.colours.activated.connect(lambda _: self._actions[self.colours.currentData()].trigger())
        self.device.activated.connect(lambda _: self.device_chosen.emit(self.device.currentData()))
        self.reopens.toggled.connect(self.reopening_chosen)
        self.labels.toggled.connect(lambda _: self._actions["show-labels"].trigger())
        form = QFormLayout(page)
        form.setContentsMargins(0, 16, 0, 0)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(12)
        for text, widget in (("Colours", self.colours), ("Models run on", self.device)):
            label = QLabel(text)
            label.setBuddy(widget)
            label.setFixedHeight(widget.sizeHint().height())  # else it stands higher than the words beside it
            form.addRow(label, widget)
        form.addRow("", self.labels)
        form.addRow("", self.reopens)
        return page
