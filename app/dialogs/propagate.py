"""The sheet before boxes are copied to the next images: to how many."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QWidget

from app.dialogs.sheet import BLOCK, GAP, Sheet, paragraph
from app.wording import count

USUAL = 10  # images
WIDTH = 420  # px


class PropagateDialog(Sheet):
    """Asks for the number of images, at most `room`. propagate_wanted: that number."""

    propagate_wanted = Signal(int)

    def __init__(self, *, boxes: int, selected: bool, room: int, parent: QWidget | None = None) -> None:
        super().__init__("Copy to the next images", wide=WIDTH, confirm="Copy", parent=parent)
        self.number = QSpinBox()
        self.number.setRange(1, room)
        self.number.setValue(min(USUAL, room))
        self.number.setAccessibleName("Number of images")
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setFixedWidth(72)
        self.number.selectAll()
        self.confirm.clicked.connect(self._on_copy)
        self._arrange(what(boxes, selected=selected), room)
        self.number.setFocus()

    def _arrange(self, what_is_copied: str, room: int) -> None:
        self.add_title("Copy to the next images")
        explained = (
            f"{what_is_copied} of this image will be added to the images after it in the list. Reviewed images stay "
            "as they are, and a box that is there already is not added twice."
        )
        row = QHBoxLayout()
        row.addWidget(QLabel("To the next"))
        row.addWidget(self.number)
        row.addWidget(QLabel(f"of {count(room, 'image')}"))
        row.addStretch(1)
        self.add(paragraph(explained, "muted"))
        self.add(row, space=GAP)
        self.add_answers(space=BLOCK)
        self.fit()

    def _on_copy(self) -> None:
        self.accept()
        self.propagate_wanted.emit(self.number.value())


def what(boxes: int, *, selected: bool) -> str:
    """What is copied, at the beginning of a sentence: "The 3 selected boxes", "The only box"."""
    if boxes == 1:
        return "The selected box" if selected else "The only box"
    return f"The {count(boxes, 'selected box' if selected else 'box', 'selected boxes' if selected else 'boxes')}"
