"""The sheet before an import of predictions: what the results file holds, and for which images and classes."""

from reprlib import repr as short_repr

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.dialogs.sheet import GAP, Sheet, paragraph
from app.wording import count
from detector.data.project.importing_predictions import Naming, ReadyPredictions

WIDTH = 520  # px
NAMED = 5  # classes, faults
NAMINGS = {
    Naming.IMPORTED: "Images and classes are told by their numbers in the COCO file that you imported.",
    Naming.EXPORTED: "No COCO file was imported, so images and classes are told by the numbers that exports of this "
    "project have. Of another origin, the boxes would come onto wrong pictures.",
    Naming.NAMES: "Images are told by the names of their pictures, classes by their COCO numbers here.",
}


class ImportPredictionsDialog(Sheet):
    """Asks for an import of predictions. import_wanted: the ReadyPredictions."""

    import_wanted = Signal(object)

    def __init__(self, ready: ReadyPredictions, parent: QWidget | None = None) -> None:
        super().__init__("Import predictions", wide=WIDTH, confirm="Import", parent=parent)
        self._ready = ready
        self.confirm.clicked.connect(self._on_confirm)
        self.add_title("Import predictions", f"COCO results · {ready.source}")
        said = [*map(paragraph, facts(ready)), *(paragraph(text, "warning") for text in warnings(ready))]
        self.add(*said, space=GAP)
        note = "They come in as proposals, and no label changes. The import is one step, which Undo takes back."
        self.add(paragraph(note, "muted"), space=GAP)
        self.add_answers()
        self.fit()

    def _on_confirm(self) -> None:
        self.accept()
        self.import_wanted.emit(self._ready)


def facts(ready: ReadyPredictions) -> list[str]:
    """What comes in."""
    named = [f"{name} ({number:,})" for name, number in sorted(ready.named.items(), key=lambda item: -item[1])]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    boxes, images = count(ready.boxes, "box", "boxes"), count(len(ready.found), "image")
    said = [
        f"{boxes} with scores on {images} of this folder.",
        f"{count(len(named), 'class', 'classes')}: {', '.join(named[:NAMED])}{more}.",
    ]
    return said if ready.naming is Naming.EXPORTED else [*said, NAMINGS[ready.naming]]


def warnings(ready: ReadyPredictions) -> list[str]:
    """What does not come in, or may go wrong."""
    lines = [NAMINGS[ready.naming]] if ready.naming is Naming.EXPORTED else []
    reasons = []
    if ready.unknown_images:
        number = count(len(ready.unknown_images), "image of the file has", "images of the file have")
        reasons.append(f"{number} no picture here, such as {short_repr(ready.unknown_images[0])}")
    if ready.unknown_categories:
        number = count(len(ready.unknown_categories), "category number belongs", "category numbers belong")
        reasons.append(f"{number} to no class here: {', '.join(map(str, ready.unknown_categories[:NAMED]))}")
    if rest := ready.entries - ready.boxes:
        lines.append(f"{count(rest, 'box is', 'boxes are')} left out. {'; '.join(reasons)}.")
    if ready.left_out:
        number = count(len(ready.left_out), "entry", "entries")
        lines.append(f"{number} cannot be used, such as {ready.left_out[0]}.")
    return lines
