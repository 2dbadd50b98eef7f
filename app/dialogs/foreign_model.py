"""The sheet that asks what a foreign model's file does not say: its variant, its normalisation, its classes' names."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QWidget,
)

from app.dialogs.sheet import GAP, Sheet, paragraph, set_role
from app.wording import count
from detector.errors import CheckpointError
from detector.model.foreign_file import ForeignFile, class_names, read_class_names
from detector.model.variants import VARIANTS

WIDTH = 520  # px
NAMES_HEIGHT = 132  # px
LISTS = "Lists of names (*.txt *.names);;All files (*)"
NORMALISATION_NOTE = "How its pictures were normalised. The wrong one raises no error: the model only finds less."
NORMALISATIONS = {  # what a variant's name ends with
    "": "ImageNet: the usual one, zylo117's files too",
    "_ap": "AdvProp: files with _ap in their name, and models made of them",
}


class ForeignModelDialog(Sheet):
    """answered: the variant (d0 … d7x, d0_ap …) and the classes' names, each None where the file says it."""

    answered = Signal(object, object)

    def __init__(self, file: ForeignFile, parent: QWidget | None = None) -> None:
        super().__init__("Open a model", wide=WIDTH, confirm="Use this model", parent=parent)
        self._file = file
        self.add_title(f"What is {file.path.name}?")
        self.add(paragraph(head_text(file), "muted"))
        self.variants = self.normalisations = None
        if file.said is None:
            if len(file.fitting) > 1:
                self.variants = self._add_choice("Variant", variant_note(file), variant_rows(file))
            self.normalisations = self._add_choice("Normalisation", NORMALISATION_NOTE, NORMALISATIONS)
        self.names = self._add_names() if file.lacks_names else None
        self._add_foot()
        self._on_names_changed()
        self._refresh()
        self.fit()
        first = next((group.buttons()[0] for group in (self.variants, self.normalisations) if group), self.names)
        if first is not None:
            first.setFocus()

    # Construction

    def _add_choice(self, title: str, note: str, rows: Mapping[str, str]) -> QButtonGroup:
        """A question with one answer, none at first; its group has a button of the answer's name for each."""
        group = QButtonGroup(self)
        self._add_title(title, note)
        for name, text in rows.items():
            button = QRadioButton(text)
            button.setObjectName(name)
            group.addButton(button)
            self.add(button)
        group.buttonToggled.connect(self._refresh)
        return group

    def _add_names(self) -> QPlainTextEdit:
        self._add_title("Class names", "One a line, in the order in which the model learnt them.")
        names = QPlainTextEdit()
        names.setAccessibleName("Class names, one a line")
        names.setTabChangesFocus(True)
        names.setFixedHeight(NAMES_HEIGHT)
        names.textChanged.connect(self._on_names_changed)
        self._count, load = paragraph(), QPushButton("Load from a file…")
        load.setAutoDefault(False)
        load.clicked.connect(self._on_load)
        row = QHBoxLayout()
        row.addWidget(self._count, 1)
        row.addWidget(load, 0, Qt.AlignmentFlag.AlignTop)
        self.add(names, row)
        return names

    def _add_title(self, text: str, note: str) -> None:
        title = QLabel(text)
        title.setProperty("role", "strong")
        self.add(title, paragraph(note, "muted"), space=GAP)

    def _add_foot(self) -> None:
        self._open_points = QLabel()
        self._open_points.setProperty("role", "small")
        self.confirm.clicked.connect(self._on_use)
        self.add_answers(self._open_points)

    # State

    def open_points(self) -> list[str]:
        """What has not been answered yet."""
        groups = {"variant": self.variants, "normalisation": self.normalisations}
        points = [what for what, group in groups.items() if group is not None and group.checkedId() == -1]
        if self.names is not None and len(class_names(self.names.toPlainText())) != self._file.outputs:
            points.append("class names")
        return points

    def _refresh(self) -> None:
        points = self.open_points()
        self._open_points.setText(f"Still open: {', '.join(points)}" if points else "")
        self.confirm.setEnabled(not points)

    def _on_names_changed(self) -> None:
        if self.names is not None:
            self._tell(*count_text(len(class_names(self.names.toPlainText())), self._file.outputs))
            self._refresh()

    def _tell(self, text: str, role: str) -> None:
        """A line below the names."""
        self._count.setText(text)
        set_role(self._count, role)
        self.fit()

    def _on_load(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Load class names", str(self._file.path.parent), LISTS)
        if file and self.names is not None:
            try:
                self.names.setPlainText("\n".join(read_class_names(Path(file))))
            except CheckpointError as error:
                self._tell(str(error), "bad")

    def _on_use(self) -> None:
        variant = None
        if self.normalisations is not None:
            base = _answer(self.variants) if self.variants else self._file.fitting[0]
            variant = base + _answer(self.normalisations)
        names = None if self.names is None else class_names(self.names.toPlainText())
        self.accept()
        self.answered.emit(variant, names)


def head_text(file: ForeignFile) -> str:
    """What the file does say, and what becomes of the answers."""
    known = ""
    if file.said or len(file.fitting) == 1:
        name = file.said.removesuffix("_ap") if file.said else file.fitting[0]
        known = f", {name.upper()} by its {'name' if file.said else 'shapes'}"
    classes = count(file.outputs, "class", "classes")
    return (
        f"An EfficientDet in {file.naming.program}'s format{known}, with {classes}. The file says no more; your "
        "answers are kept with a copy of the model."
    )


def variant_rows(file: ForeignFile) -> dict[str, str]:
    """The variants that the file can be, each with what tells it from the others."""
    rows = {}
    for name in file.fitting:
        variant = VARIANTS[name]
        anchors = f"anchors of {variant.anchor_scale:g} × the stride"
        rows[name] = f"{name.upper()}: pictures of {variant.image_size} px, {anchors}"
    return rows


def variant_note(file: ForeignFile) -> str:
    """Why the variant is asked for."""
    names = " and ".join(name.upper() for name in file.fitting)
    return f"{names} have the same shapes. Taken for the wrong one, all its boxes are of the wrong size."


def count_text(named: int, outputs: int) -> tuple[str, str]:
    """How many classes have names, and the role of a label that says so."""
    if named > outputs:
        return f"{named:,} names for {count(outputs, 'class', 'classes')}", "warning"
    return f"{named:,} of {outputs:,} named", "good" if named == outputs else "muted"


def _answer(group: QButtonGroup) -> str:
    """The name of the answer that is chosen."""
    return next(button.objectName() for button in group.buttons() if button.isChecked())
