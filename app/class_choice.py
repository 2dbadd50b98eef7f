"""Giving a class to what is selected or just drawn: by a digit, or chosen in place by typing."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QWidget

from app.dialogs.class_chooser import ClassChooser
from app.document import Document
from app.verbs import box_verbs
from app.verbs.class_verbs import add_class
from detector.data.project.records import ProjectClass, Rectangle


class ClassChoice(QObject):
    """Asks beside the box; a class that does not exist yet is added. `chooser` is the popup that asked last."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._window = document, parent
        self.chooser: ClassChooser | None = None

    def use(self, listed: Sequence[ProjectClass], place: int) -> None:
        """A digit: the class at a place of the list for what is selected, or else for the next box."""
        if place < len(listed):
            self.give(listed[place].id)

    def give(self, class_id: int) -> None:
        """A class for what is selected, or else for the next box."""
        if self._document.selection:
            box_verbs.relabel(self._document, self._document.selection, class_id)
        else:
            self._document.set_active_class(class_id)

    def ask_for_boxes(self, point: QPoint, keys: frozenset[int]) -> None:
        """Another class for these boxes, asked at a point of the desktop."""
        shown = {box.key: box.class_id for box in self._document.shown}
        current = next((shown[key] for key in keys if key in shown), None)
        self._ask(point, lambda class_id: box_verbs.relabel(self._document, keys, class_id), current)

    def ask_for_drawn(self, point: QPoint, rectangle: Rectangle) -> None:
        """The very first class, for a rectangle that was drawn and has none."""

        def draw(class_id: int) -> None:
            self._document.set_active_class(class_id)
            box_verbs.draw(self._document, rectangle)

        self._ask(point, draw, None)

    def _ask(self, point: QPoint, use: Callable[[int], object], current: int | None) -> None:
        def add(name: str) -> None:
            if (class_id := add_class(self._document, name)) is not None:
                use(class_id)

        self.chooser = ClassChooser(self._window)
        self.chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.chooser.chosen.connect(use)
        self.chooser.new_wanted.connect(add)
        self.chooser.open_at(point, self._document.classes, current=current)
