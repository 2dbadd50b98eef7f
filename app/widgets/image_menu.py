"""What can be done with the images that are chosen, as a menu."""

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app import theme
from app.document import Document
from app.wording import count
from detector.data.project.records import State
from detector.data.split import Side


class ImageVerb(StrEnum):
    """What a person does to images as wholes."""

    REVIEW = "review"
    REOPEN = "reopen"
    IGNORE = "ignore"
    USE = "use"
    TRAIN = "train"
    VALIDATE = "validate"
    NOTE = "note"
    LABEL = "label"
    TRASH = "trash"


class ImageMenu(QMenu):
    """`verb_wanted` carries the verb and the ids of the images. Verbs that would change nothing are left out."""

    verb_wanted = Signal(object, object)

    def __init__(self, document: Document, image_ids: Sequence[int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._ids = tuple(image_ids)
        images = [document.images[image_id] for image_id in image_ids]
        if waiting := sum(image.is_open for image in images):
            self._add(ImageVerb.REVIEW, f"Vouch for {self._which(waiting, 'what is shown')}", "review")
        if reviewed := sum(image.state is State.REVIEWED for image in images):
            self._add(ImageVerb.REOPEN, f"Take the review{self._which(reviewed, '', before=' of ')} back", "undo")
        self._add(ImageVerb.LABEL, f"Auto-label{self._which(len(images), '', before=' ')}", "auto-label")
        self.addSeparator()
        if len(images) == 1:
            self._add(ImageVerb.NOTE, "Note…", "note")
        self._add_sides({image.split for image in images})
        if used := sum(not image.ignored for image in images):
            self._add(ImageVerb.IGNORE, f"Ignore{self._which(used, '', before=' ')}", "eye-off")
        if ignored := len(images) - used:
            self._add(ImageVerb.USE, f"Use{self._which(ignored, '', before=' ')} again", "eye")
        if files := sum(not image.missing for image in images):
            self.addSeparator()
            what = "the file" if len(images) == 1 else count(files, "file")
            self._add(ImageVerb.TRASH, f"Move {what} to the trash…", "trash")
        if document.read_only:
            for action in self.actions():
                action.setEnabled(False)

    def _which(self, number: int, alone: str, *, before: str = "") -> str:
        """How many images a verb is about, where several are chosen."""
        return f"{before}{count(number, 'image')}" if len(self._ids) > 1 else alone

    def _add_sides(self, sides: set[Side | None]) -> None:
        menu = self.addMenu("Use for")
        for verb, side, text in (
            (ImageVerb.TRAIN, Side.TRAIN, "Training"),
            (ImageVerb.VALIDATE, Side.VAL, "Validation"),
        ):
            action = menu.addAction(text, lambda verb=verb: self.verb_wanted.emit(verb, self._ids))
            action.setCheckable(True)
            action.setChecked(sides == {side})

    def _add(self, verb: ImageVerb, text: str, icon: str) -> None:
        self.addAction(theme.icon(icon), text, lambda: self.verb_wanted.emit(verb, self._ids))
