"""The sheet before an export: where the COCO file goes, and which images it lists."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

FILE = "annotations.json"
FILTER = "COCO files (*.json)"
WIDTH = 520  # px


class ExportDialog(QDialog):
    """Asks where to. export_wanted: the path, and whether only reviewed images are listed."""

    export_wanted = Signal(Path, bool)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._path = QLineEdit(str(folder / FILE))
        self._path.setAccessibleName("COCO file")
        self._path.textChanged.connect(self._refresh)
        browse = QPushButton("Browse…")
        browse.clicked.connect(self._on_browse)
        self._reviewed = QCheckBox("Reviewed images only")
        self._note, self._export = QLabel(), QPushButton("Export")
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        self._note.setWordWrap(True)
        self._export.setProperty("role", "primary")
        self._export.setDefault(True)
        self._export.clicked.connect(self._on_export)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        self._arrange(browse, cancel)
        self._refresh()

    def _arrange(self, browse: QPushButton, cancel: QPushButton) -> None:
        title = QLabel("Export boxes as COCO")
        title.setProperty("role", "title")
        explained = QLabel(
            "One JSON file: every image with its state, your classes, and each box that you drew, accepted or "
            "imported. Proposals are not in it."
        )
        explained.setProperty("role", "muted")
        explained.setWordWrap(True)
        place, buttons, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        for layout in (place, buttons, column):
            layout.setSpacing(8)
        place.addWidget(self._path, 1)
        place.addWidget(browse)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self._export)
        column.addWidget(title)
        column.addWidget(explained)
        column.addSpacing(8)
        column.addLayout(place)
        column.addWidget(self._reviewed)
        column.addWidget(self._note)
        column.addSpacing(8)
        column.addLayout(buttons)

    def _refresh(self) -> None:
        problem, note = problem_with(self._path.text()), ""
        if not problem and Path(self._path.text().strip()).exists():
            note = "The file is there already and will be replaced; a copy of a foreign one is kept."
        self._note.setText(problem or note)
        self._note.setProperty("role", "bad" if problem else "muted")
        self._note.style().unpolish(self._note)
        self._note.style().polish(self._note)
        self._note.setVisible(bool(problem or note))
        self._fit()
        self._export.setEnabled(not problem)

    def _fit(self) -> None:
        """As high as the texts need at this width, which Qt finds by itself only the first time."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.setFixedSize(WIDTH, layout.totalHeightForWidth(WIDTH))

    def _on_browse(self) -> None:
        options = QFileDialog.Option.DontConfirmOverwrite  # the sheet says it
        file, _ = QFileDialog.getSaveFileName(self, "Export as COCO", self._path.text(), FILTER, options=options)
        if file:
            self._path.setText(file if file.lower().endswith(".json") else f"{file}.json")

    def _on_export(self) -> None:
        path, reviewed_only = Path(self._path.text().strip()), self._reviewed.isChecked()
        self.accept()
        self.export_wanted.emit(path, reviewed_only)


def problem_with(text: str) -> str:
    """Why nothing can be written to a path as typed, and what to do; "" where something can."""
    path = Path(text.strip())
    if not text.strip() or path.is_dir():
        return "Name a file, such as annotations.json."
    if not path.is_absolute():
        return "Give the whole path, or choose a place with Browse."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}; choose another place."
    return ""
