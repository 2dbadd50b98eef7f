"""The sheet before an import: what the labels hold, and what becomes of those that are here."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QPlainTextEdit, QPushButton, QRadioButton, QSizePolicy, QWidget

from app.dialogs.sheet import GAP, Sheet, paragraph
from app.theme import icon
from app.wording import count
from detector.data.formats import Format
from detector.data.project.import_report import ImportReport, ReadyImport
from detector.data.project.importing import Mode

WIDTH = 520  # px
DETAILS_HEIGHT = 160  # px
NAMED = 5  # classes
LISTED = 500  # lines of details of a kind


class ImportDialog(Sheet):
    """Asks for an import. import_wanted: the ReadyImport, perhaps without unused classes, and the Mode."""

    import_wanted = Signal(object, object)

    def __init__(self, ready: ReadyImport, parent: QWidget | None = None) -> None:
        super().__init__("Import labels", wide=WIDTH, confirm="Import", parent=parent)
        self._ready = ready
        report = ready.report
        self.merge = QRadioButton("Keep them, and add what the file has besides")
        self.replace = QRadioButton(f"Replace them: {count(report.boxes_here, 'box goes', 'boxes go')}")
        self.merge.setChecked(True)
        unused = len(report.unused)
        self.drop = QCheckBox(f"Leave out {count(unused, 'class', 'classes')} that no box has")
        self.fold = QPushButton("Details")
        self.fold.setProperty("role", "fold")
        self.fold.setIcon(icon("chevron-right"))
        self.fold.setCheckable(True)
        self.fold.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.fold.toggled.connect(self._on_folded)
        self.details = QPlainTextEdit("\n".join(details(report)))
        self.details.setReadOnly(True)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setFixedHeight(DETAILS_HEIGHT)
        self.details.setAccessibleName("Details")
        self.details.hide()
        self.fold.setVisible(bool(self.details.toPlainText()))
        self.confirm.clicked.connect(self._on_confirm)
        self._arrange()

    def _arrange(self) -> None:
        report = self._ready.report
        self.add_title("Import labels", source_line(report))
        said = [*map(paragraph, facts(report)), *(paragraph(text, "warning") for text in warnings(report))]
        self.add(*said, self.fold, self.details, space=GAP)
        if report.labelled:
            self.add(paragraph(here(report)), self.merge, self.replace, space=GAP)
        if report.unused:
            self.add(self.drop, space=GAP)
        note = "Nothing is changed yet. The import is one step, which Undo takes back."
        self.add(paragraph(note, "muted"), space=GAP)
        self.add_answers()
        self.fit()

    def _on_folded(self, opened: bool) -> None:
        self.fold.setIcon(icon("chevron-down" if opened else "chevron-right"))
        self.details.setVisible(opened)
        self.fit()

    def _on_confirm(self) -> None:
        ready = self._ready.without_unused() if self.drop.isChecked() else self._ready
        mode = Mode.REPLACE if self.replace.isChecked() else Mode.MERGE
        self.accept()
        self.import_wanted.emit(ready, mode)


def source_line(report: ImportReport) -> str:
    """Which labels, of which format."""
    name = "labelme" if report.format is Format.LABELME else report.format.upper()
    return f"{name} · {report.source}"


def facts(report: ImportReport) -> list[str]:
    """What the labels hold."""
    lines = [
        f"{count(report.boxes, 'box', 'boxes')} on {count(report.images, 'image')}; "
        f"{'all' if report.matched == report.images else f'{report.matched:,}'} of these pictures are in this folder."
    ]
    named = [f"{item.name} ({item.boxes:,})" for item in sorted(report.classes, key=lambda item: -item.boxes)]
    if named:
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        new = sum(item.is_new for item in report.classes)
        lines.append(
            f"{count(len(named), 'class', 'classes')}, {'all' if new == len(named) else new or 'none'} of them new: "
            f"{', '.join(named[:NAMED])}{more}."
        )
    return lines


def warnings(report: ImportReport) -> list[str]:
    """What does not come in, or is worth a look."""
    lines = []
    if report.missing:
        lines.append(f"{count(len(report.missing), 'picture')} not found, such as {report.missing[0]}.")
    if report.ambiguous:
        number = count(len(report.ambiguous), "name fits", "names fit")
        lines.append(f"{number} several pictures, such as {report.ambiguous[0]}.")
    if report.left_out:
        lines.append(f"{count(len(report.left_out), 'entry', 'entries')} cannot be used and will be left out.")
    if report.odd:
        lines.append(f"{count(len(report.odd), 'remark')} on what will be imported, in the details.")
    return lines


def here(report: ImportReport) -> str:
    """Whose labels are in the way."""
    text = f"{count(report.labelled, 'of these images', 'of these images')} {'has' if report.labelled == 1 else 'have'}"
    text += " labels here already."
    if report.reviewed:
        are = "is" if report.reviewed == 1 else "are"
        text += f" {report.reviewed:,} {are} reviewed: adding leaves {'it' if report.reviewed == 1 else 'them'} alone."
    return text


def details(report: ImportReport) -> list[str]:
    """Everything that is wrong or odd, by file, a line each."""
    lines: list[str] = []
    for title, entries in (
        ("Not found:", report.missing),
        ("Fit several pictures:", report.ambiguous),
        ("Left out:", [str(problem) for problem in report.left_out]),
        ("Imported, but worth a look:", [str(problem) for problem in report.odd]),
    ):
        lines += _section(title, entries)
    return lines


def _section(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    more = [f"  … and {len(entries) - LISTED:,} more"] if len(entries) > LISTED else []
    return [title, *(f"  {' '.join(entry.split())}" for entry in entries[:LISTED]), *more]
