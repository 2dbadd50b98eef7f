"""The question before a class in use goes: what is to become of its boxes."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QRadioButton, QWidget

from app.dialogs.sheet import BLOCK, GAP, Sheet, paragraph
from app.widgets.swatches import SWATCH, swatch
from app.wording import count
from detector.data.project.records import ProjectClass

WIDTH = 440  # px


class ClassRemovalDialog(Sheet):
    """move_wanted: the id of the class that the boxes are to get. deletion_wanted: they are to go, too."""

    move_wanted = Signal(int)
    deletion_wanted = Signal()

    def __init__(
        self, item: ProjectClass, boxes: int, others: Sequence[ProjectClass], parent: QWidget | None = None
    ) -> None:
        super().__init__("Remove class", wide=WIDTH, confirm="Remove class", parent=parent)
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
        self.confirm.clicked.connect(self._on_remove)
        choice = QHBoxLayout()
        choice.addWidget(self.move_button)
        choice.addWidget(self.target, 1)
        self.add_title(f"Remove “{item.name}”?")
        self.add(paragraph("Either way it is one step, which Undo takes back.", "muted"))
        self.add(choice, self.delete_button, space=GAP)
        self.add_answers(space=BLOCK)
        self.fit()

    def _on_remove(self) -> None:
        self.accept()
        if self.delete_button.isChecked():
            self.deletion_wanted.emit()
        else:
            self.move_wanted.emit(self.target.currentData())
