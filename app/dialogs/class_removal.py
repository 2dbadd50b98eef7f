"""The question before a class in use goes: what is to become of its boxes."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.elided_label import ElidedLabel
from app.widgets.swatches import SWATCH, swatch
from app.wording import count
from detector.data.project.records import ProjectClass

WIDTH = 440  # px


class ClassRemovalDialog(QDialog):
    """move_wanted: the id of the class that the boxes are to get. deletion_wanted: they are to go, too."""

    move_wanted = Signal(int)
    deletion_wanted = Signal()

    def __init__(
        self, item: ProjectClass, boxes: int, others: Sequence[ProjectClass], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Remove class")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(WIDTH)
        has = count(boxes, "box", "boxes")
        self.move_button = QRadioButton(f"Give its {has} another class:")
        self.delete_button = QRadioButton(f"Delete its {has}")
        self.target = QComboBox()
        self.target.setIconSize(QSize(SWATCH, SWATCH))
        self.target.setAccessibleName("Class that the boxes get")
        self.target.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for other in others:
            self.target.addItem(swatch(other.colour), other.name, other.id)
        self.move_button.setEnabled(bool(others))
        (self.move_button if others else self.delete_button).setChecked(True)
        self.target.setEnabled(bool(others))
        self.target.activated.connect(lambda: self.move_button.setChecked(True))
        self.remove_button = QPushButton("Remove class")
        self.remove_button.setProperty("role", "primary")
        self.remove_button.setDefault(True)
        self.remove_button.clicked.connect(self._on_remove)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        self._arrange(f"Remove “{item.name}”?", cancel)

    def _arrange(self, question: str, cancel: QPushButton) -> None:
        title = ElidedLabel(question)
        title.setProperty("role", "title")
        note = QLabel("Either way it is one step, which Undo takes back.")
        note.setProperty("role", "muted")
        choice, buttons, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(8)
        choice.setSpacing(8)
        choice.addWidget(self.move_button)
        choice.addWidget(self.target, 1)
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.remove_button)
        column.addWidget(title)
        column.addWidget(note)
        column.addSpacing(8)
        column.addLayout(choice)
        column.addWidget(self.delete_button)
        column.addSpacing(16)
        column.addLayout(buttons)

    def _on_remove(self) -> None:
        self.accept()
        if self.delete_button.isChecked():
            self.deletion_wanted.emit()
        else:
            self.move_wanted.emit(self.target.currentData())
