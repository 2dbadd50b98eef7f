"""What the sheets have in common: a title, blocks below each other, and at last the buttons that answer."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from app.widgets.elided_label import ElidedLabel

GAP, BLOCK = 8, 16  # px between lines, and before the buttons of a short sheet


def paragraph(text: str = "", role: str = "") -> QLabel:
    """Plain text over as many lines as it needs."""
    label = QLabel(text, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
    if role:
        label.setProperty("role", role)
    return label


def set_role(label: QLabel, role: str) -> None:
    """Give a label that is shown already another look."""
    label.setProperty("role", role)
    label.style().unpolish(label)
    label.style().polish(label)


class Sheet(QDialog):
    """A dialog `wide` px, as high as its texts need, deleted when it is closed. `confirm` is its main button."""

    def __init__(self, name: str, *, wide: int, confirm: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(name)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._wide = wide
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 24, 24, 16)
        self._column.setSpacing(GAP)
        self.confirm = QPushButton(confirm)
        self.confirm.setProperty("role", "primary")
        self.confirm.setDefault(True)

    def add_title(self, text: str, under: str = "") -> None:
        """The title, and a line of which something is about: names in them may be long."""
        for line, role in ((text, "title"), (under, "muted")):
            if line:
                label = ElidedLabel(line, elide=Qt.TextElideMode.ElideMiddle)
                label.setProperty("role", role)
                self._column.addWidget(label)

    def add(self, *blocks: QWidget | QLayout, space: int = 0) -> None:
        """Blocks below the others, after so many px more than usual; rows of widgets are a block, too."""
        if space:
            self._column.addSpacing(space)
        for block in blocks:
            if isinstance(block, QLayout):
                block.setSpacing(GAP)
                self._column.addLayout(block)
            else:
                self._column.addWidget(block)

    def add_answers(self, beside: QWidget | None = None, *, space: int = GAP) -> None:
        """The last row: Cancel and the main button, and what is said beside them."""
        cancel, row = QPushButton("Cancel"), QHBoxLayout()
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        if beside is None:
            row.addStretch(1)
        else:
            row.addWidget(beside, 1)
        row.addWidget(cancel)
        row.addWidget(self.confirm)
        self.add(row, space=space)

    def fit(self) -> None:
        """As high as the texts need at this width, which Qt finds by itself only the first time."""
        self._column.activate()
        self.setFixedSize(self._wide, self._column.totalHeightForWidth(self._wide))
