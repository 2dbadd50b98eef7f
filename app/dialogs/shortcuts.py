"""The shortcut sheet: every action with its keys, and what the mouse does, subject by subject."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QMargins, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.actions import TABLE, Actions, Subject
from app.habits import HABITS
from app.widgets.column_layout import ColumnLayout
from app.widgets.keycaps import HEIGHT, KeyCaps

DIGIT = "class-"  # how the names of the actions begin that give a class by its digit
WIDTH, LEAST, MARGIN = 1120, 320, 16  # px: of the sheet, of a column, around the sheet within its window
GAP, ROW_GAP, SECTION_GAP, EDGE = 40, 4, 16, 8  # px; EDGE: between the last column and the scroll bar
SIDES = (24, 24, 6, 16)  # px: left, top, right, bottom; the scroll bar stands in what is empty on the right


class Line(NamedTuple):
    """What one gets; by which keys, or by what else."""

    text: str
    keys: tuple[str, ...] = ()
    by: str = ""


class Section(NamedTuple):
    """What there is to know about a subject."""

    title: str
    lines: Sequence[Line]


def sections(actions: Actions) -> list[Section]:
    """Every action that has keys, as they are now, and every habit; the digits as one line."""
    found: list[Section] = []
    for subject in Subject:
        specs = [spec for spec in TABLE if spec.subject is subject and actions.keys(spec.name)]
        lines = [Line(spec.text.rstrip("…"), actions.texts(spec.name)) for spec in specs if DIGIT not in spec.name]
        digits = [text for spec in specs if DIGIT in spec.name for text in actions.texts(spec.name)]
        if digits:
            lines.append(Line("Class of selected or next box", (digits[0], "…", digits[-1])))
        if lines:
            found.append(Section(subject.value, lines))
    return [*found, Section("On the picture", [Line(habit.text, by=habit.by) for habit in HABITS])]


class ShortcutSheet(QDialog):
    """Read from the table of actions, so it is never out of date. `change_wanted`: other keys, please."""

    change_wanted = Signal()

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Shortcuts")
        page = QWidget()
        page.setProperty("role", "panel")
        page.setContentsMargins(0, 0, EDGE, 0)
        blocks = ColumnLayout(page, least=LEAST, gap=GAP, spacing=SECTION_GAP)
        for section in sections(actions):
            blocks.addWidget(_block(section))
        title = QLabel("Shortcuts")
        title.setProperty("role", "title")
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # else the columns jump as it comes
        bar = scroll.verticalScrollBar()
        bar.rangeChanged.connect(lambda low, high: bar.setEnabled(high > low))  # without a handle it is not seen
        scroll.setWidget(page)
        for part in page.findChildren(QWidget):
            part.ensurePolished()  # sizes before it is shown are of other fonts
        column = QVBoxLayout(self)
        column.setContentsMargins(*SIDES)
        column.setSpacing(16)
        column.addWidget(title)
        column.addWidget(scroll, 1)
        column.addLayout(self._foot())
        room = parent.window().size().shrunkBy(QMargins(MARGIN, MARGIN, MARGIN, MARGIN))
        width = min(WIDTH, room.width())
        above_and_below = column.totalSizeHint().height() - scroll.sizeHint().height()
        inner = width - SIDES[0] - SIDES[2] - bar.sizeHint().width() - EDGE
        height = blocks.heightForWidth(inner) + above_and_below
        self.resize(width, min(height, room.height()))

    def _foot(self) -> QHBoxLayout:
        change, close = QPushButton("Change shortcuts…"), QPushButton("Close")
        change.clicked.connect(self._on_change_clicked)
        close.clicked.connect(self.accept)
        close.setDefault(True)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, SIDES[0] - SIDES[2], 0)
        foot.addWidget(change)
        foot.addStretch(1)
        foot.addWidget(close)
        return foot

    def _on_change_clicked(self) -> None:
        self.accept()
        self.change_wanted.emit()


def _block(section: Section) -> QWidget:
    block = QWidget()
    column = QVBoxLayout(block)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(ROW_GAP)
    title = QLabel(section.title)
    title.setProperty("role", "strong")
    column.addWidget(title)
    for line in section.lines:
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(QLabel(line.text, textFormat=Qt.TextFormat.PlainText), 1)
        row.addWidget(KeyCaps(line.keys) if line.keys else _muted(line.by))
        column.addLayout(row)
    return block


def _muted(text: str) -> QLabel:
    label = QLabel(text, textFormat=Qt.TextFormat.PlainText)
    label.setProperty("role", "muted")
    label.setMinimumHeight(HEIGHT)  # as the keys of other lines
    return label
