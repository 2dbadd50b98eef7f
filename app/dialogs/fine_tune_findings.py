"""What the check of the data found, each finding with its ways out."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.image_filter import ImageGroup
from app.theme import icon
from app.wording import count
from detector.data.training_data import Fault, Finding

TITLES = {
    Fault.FEW: "Few boxes",
    Fault.UNMEASURED: "Not measured",
    Fault.FLAT: "No area",
    Fault.SMALL: "Small objects",
    Fault.NEAR_DUPLICATES: "Look alike",
}
ICON = 16  # px


class FindingList(QFrame):
    """images_wanted: an ImageGroup to be shown in the images list. size_wanted: an image size in px.
    one_side_wanted: groups of ids of images that look alike, each of which
    shall be on one side.
    """

    images_wanted = Signal(object)
    size_wanted = Signal(int)
    one_side_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "field")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 8, 8)
        self._column.setSpacing(8)
        self.findings: Sequence[Finding] = ()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show these and no others."""
        if findings == self.findings:
            return
        self.findings = findings
        while (item := self._column.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for finding in findings:
            self._column.addWidget(row := self._row(finding))
            row.show()  # at once: what is still to be shown counts for no height

    def _row(self, finding: Finding) -> QWidget:
        row = QWidget()
        mark, text = QLabel(), QLabel(finding.text)
        mark.setPixmap(icon("warning", ink="warning").pixmap(ICON, ICON))
        mark.setFixedWidth(ICON)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        ways = QHBoxLayout()
        ways.setSpacing(4)
        for button in self._ways_out(finding):
            ways.addWidget(button)
        ways.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(text)
        words.addLayout(ways)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        return row

    def _ways_out(self, finding: Finding) -> list[QPushButton]:
        ids = finding.image_ids
        group = ImageGroup(TITLES[finding.fault], frozenset(ids))
        buttons = [_way(f"Show {'the image' if len(ids) == 1 else count(len(ids), 'image')}")]
        buttons[0].clicked.connect(lambda: self.images_wanted.emit(group))
        if finding.image_size is not None:
            size = finding.image_size
            buttons.append(_way(f"Use {size} px"))
            buttons[-1].clicked.connect(lambda: self.size_wanted.emit(size))
        if finding.fault is Fault.NEAR_DUPLICATES:
            buttons.append(_way("Move them to one side"))
            buttons[-1].setToolTip("Each group goes where most of it is, at a tie to training; Undo takes it back")
            buttons[-1].clicked.connect(lambda: self.one_side_wanted.emit(finding.groups))
        return buttons


def _way(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "mark")
    button.setAutoDefault(False)
    return button
