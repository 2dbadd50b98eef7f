"""The shortcut sheet: every action with its keys."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.actions import Actions

COLUMNS = 2
MOUSE = (
    ("Draw", "drag, or click twice"),
    ("Pan", "Space and drag, or the middle button"),
    ("Zoom", "Ctrl and the wheel"),
    ("Add to the selection", "Ctrl and click"),
    ("Move the box by a pixel", "arrows, with Shift by ten"),
    ("Move its right and lower side", "Ctrl and arrows, with Shift by ten"),
    ("Move its left and upper side", "Alt and arrows, with Shift by ten"),
    ("Change class", "double-click"),
)


class ShortcutSheet(QDialog):
    """Read from the table of actions, so it is never out of date."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Shortcuts")
        rows = [(actions[spec.name].text().rstrip("…"), ", ".join(actions.texts(spec.name))) for spec in actions.table]
        shown = [row for row in rows if row[1] and not row[0].startswith("Class ")]
        shown += [("Class of the selected or the next box", "1 … 9"), *MOUSE]
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        per_column = -(-len(shown) // COLUMNS)
        for place, (text, keys) in enumerate(shown):
            column, row = divmod(place, per_column)
            name, label = QLabel(text), QLabel(keys)
            label.setProperty("role", "muted")
            for part, at in ((name, 0), (label, 1)):
                part.setTextFormat(Qt.TextFormat.PlainText)
                grid.addWidget(part, row, column * 3 + at)
        grid.setColumnMinimumWidth(2, 40)
        title = QLabel("Shortcuts")
        title.setProperty("role", "title")
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(16)
        column.addWidget(title)
        column.addLayout(grid)
        column.addLayout(foot)
