"""The sheet before boxes are copied to the next images: to how many."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from app.wording import count

USUAL = 10  # images
WIDTH = 420  # px


class PropagateDialog(QDialog):
    """Asks for the number of images, at most `room`. propagate_wanted: that number."""

    propagate_wanted = Signal(int)

    def __init__(self, *, boxes: int, selected: bool, room: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Copy to the next images")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.number = QSpinBox()
        self.number.setRange(1, room)
        self.number.setValue(min(USUAL, room))
        self.number.setAccessibleName("Number of images")
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setFixedWidth(72)
        self.number.selectAll()
        self._copy = QPushButton("Copy")
        self._copy.setProperty("role", "primary")
        self._copy.setDefault(True)
        self._copy.clicked.connect(self._on_copy)
        self._arrange(what(boxes, selected=selected), room)
        self.number.setFocus()

    def _arrange(self, what_is_copied: str, room: int) -> None:
        title = QLabel("Copy to the next images")
        title.setProperty("role", "title")
        explained = QLabel(
            f"{what_is_copied} of this image will be added to the images after it in the list. Reviewed images stay "
            "as they are, and a box that is there already is not added twice."
        )
        explained.setProperty("role", "muted")
        explained.setWordWrap(True)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        row, buttons, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        row.addWidget(QLabel("To the next"))
        row.addWidget(self.number)
        row.addWidget(QLabel(f"of {count(room, 'image')}"))
        row.addStretch(1)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self._copy)
        column.setContentsMargins(24, 24, 24, 16)
        for layout in (row, buttons, column):
            layout.setSpacing(8)
        column.addWidget(title)
        column.addWidget(explained)
        column.addSpacing(8)
        column.addLayout(row)
        column.addSpacing(16)
        column.addLayout(buttons)
        column.activate()
        self.setFixedSize(WIDTH, column.totalHeightForWidth(WIDTH))

    def _on_copy(self) -> None:
        self.accept()
        self.propagate_wanted.emit(self.number.value())


def what(boxes: int, *, selected: bool) -> str:
    """What is copied, at the beginning of a sentence: "The 3 selected boxes", "The only box"."""
    if boxes == 1:
        return "The selected box" if selected else "The only box"
    return f"The {count(boxes, 'selected box' if selected else 'box', 'selected boxes' if selected else 'boxes')}"
