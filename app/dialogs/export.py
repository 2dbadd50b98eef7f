"""The sheet before an export: in which format, where to, which images, and what else."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QWidget,
)

from app.background.exporting import ExportWish, files
from app.dialogs.sheet import GAP, Sheet, paragraph, set_role
from detector.data.formats import Written

FILE = "annotations.json"
FILTER = "COCO files (*.json)"
WIDTH = 520  # px
EXPLAINED = {
    Written.COCO: "One JSON file: every image with its state, your classes, and each box that you drew, accepted or "
    "imported. Proposals are not in it.",
    Written.YOLO: "A new folder: labels/ and images/, each with train and val, and data.yaml. Images that nobody "
    "labelled get no label file; reviewed ones without boxes an empty one.",
    Written.VOC: "A new folder: an XML for each labelled image in Annotations/, JPEGImages/, and the sides in "
    "ImageSets/Main/. Numbers are whole pixels, counted from 1.",
}


class ExportDialog(Sheet):
    """Asks where to and what. export_wanted: the ExportWish."""

    export_wanted = Signal(object)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__("Export", wide=WIDTH, confirm="Export", parent=parent)
        self._folder = folder
        self.formats = {written: QRadioButton(written.upper()) for written in Written}
        self.formats[Written.COCO].setChecked(True)
        for button in self.formats.values():
            button.toggled.connect(self._on_format_chosen)
        self._path = QLineEdit(str(usual_place(folder, Written.COCO)))
        self._path.setAccessibleName("Place")
        self._path.textChanged.connect(self._refresh)
        self._browse = QPushButton("Browse…")
        self._browse.clicked.connect(self._on_browse)
        self._reviewed = QCheckBox("Reviewed images only")
        self.by_side = QCheckBox("Training and validation images in files of their own")
        self.copy_images = QCheckBox("Copy the pictures, too, with their folders")
        self.predictions = QCheckBox("What the models found, as a COCO results file")
        for box in (self._reviewed, self.by_side, self.copy_images, self.predictions):
            box.toggled.connect(self._refresh)
        self._explained, self._note = paragraph(role="muted"), paragraph()
        self.confirm.clicked.connect(self._on_export)
        self._arrange()
        self._refresh()

    @property
    def written(self) -> Written:
        """The format that is chosen."""
        return next(written for written, button in self.formats.items() if button.isChecked())

    def wish(self) -> ExportWish:
        """What is chosen."""
        is_coco = self.written is Written.COCO
        return ExportWish(
            Path(self._path.text().strip()),
            self.written,
            reviewed_only=self._reviewed.isChecked(),
            by_side=is_coco and self.by_side.isChecked(),
            copy_images=self.copy_images.isChecked(),
            predictions=is_coco and self.predictions.isChecked(),
        )

    def _arrange(self) -> None:
        formats, place = QHBoxLayout(), QHBoxLayout()
        for button in self.formats.values():
            formats.addWidget(button)
        formats.addStretch(1)
        place.addWidget(self._path, 1)
        place.addWidget(self._browse)
        self.add_title("Export labels")
        self.add(formats, self._explained, space=GAP)
        formats.setSpacing(24)
        self.add(place, self._reviewed, self.by_side, self.copy_images, self.predictions, self._note, space=GAP)
        self.add_answers()

    def _on_format_chosen(self, chosen: bool) -> None:
        if not chosen:
            return
        if Path(self._path.text().strip()) in [usual_place(self._folder, written) for written in Written]:
            self._path.setText(str(usual_place(self._folder, self.written)))
        self._refresh()

    def _refresh(self) -> None:
        is_coco = self.written is Written.COCO
        self._explained.setText(EXPLAINED[self.written])
        self.by_side.setVisible(is_coco)
        self.predictions.setVisible(is_coco)
        copies_into = self._folder if self.copy_images.isChecked() else None
        problem, note = problem_with(self._path.text(), self.written, copies_into=copies_into), ""
        if not problem and (there := [path for path in files(self.wish()) if path.exists()]):
            names = " and ".join(path.name for path in there)
            is_one = len(there) == 1
            note = f"{names} {'is' if is_one else 'are'} there already and will be replaced; "
            note += "a copy of a foreign one is kept."
        self._note.setText(problem or note)
        set_role(self._note, "bad" if problem else "muted")
        self._note.setVisible(bool(problem or note))
        self.fit()
        self.confirm.setEnabled(not problem)

    def _on_browse(self) -> None:
        if self.written is not Written.COCO:
            if folder := QFileDialog.getExistingDirectory(self, "Export into a new folder in", str(self._folder)):
                self._path.setText(str(Path(folder) / usual_place(self._folder, self.written).name))
            return
        options = QFileDialog.Option.DontConfirmOverwrite  # the sheet says it
        file, _ = QFileDialog.getSaveFileName(self, "Export as COCO", self._path.text(), FILTER, options=options)
        if file:
            self._path.setText(file if file.lower().endswith(".json") else f"{file}.json")

    def _on_export(self) -> None:
        wish = self.wish()
        self.accept()
        self.export_wanted.emit(wish)


def usual_place(folder: Path, written: Written) -> Path:
    """Where labels of the pictures in a folder go: folders lie beside it, else their copies would be found in it."""
    return folder / FILE if written is Written.COCO else folder.with_name(f"{folder.name}-{written}")


def problem_with(text: str, written: Written = Written.COCO, *, copies_into: Path | None = None) -> str:
    """Why nothing can be written to a path as typed, and what to do; "" where something can.

    copies_into: the folder of the project, where pictures are copied.
    """
    path, is_coco = Path(text.strip()), written is Written.COCO
    if not text.strip() or (is_coco and path.is_dir()):
        return f"Name a {'file, such as ' + FILE if is_coco else 'new folder'}."
    if not path.is_absolute():
        return "Give the whole path, or choose a place with Browse."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}; choose another place."
    if not is_coco and path.exists() and not (path.is_dir() and not any(path.iterdir())):
        return f"{path.name} is there already; name a new folder."
    if copies_into is not None and path.is_relative_to(copies_into) and path != copies_into / FILE:
        return "Choose a place outside of the project's folder, or its pictures would be in there twice."
    return ""
