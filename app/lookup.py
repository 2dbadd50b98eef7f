"""What one types to find: an image to go to, a command to run, a class to give."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.actions import Actions
from app.class_choice import ClassChoice
from app.dialogs import go_to, palette
from app.dialogs.finder import Finder
from app.document import Document
from detector.data.project.records import ProjectClass


class Lookup(QObject):
    """Opens the popups; `listed` gives the classes that have a digit. `finder` is the popup that was opened last."""

    def __init__(
        self,
        document: Document,
        actions: Actions,
        classes: ClassChoice,
        *,
        listed: Callable[[], Sequence[ProjectClass]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._document, self._actions, self._classes = document, actions, classes
        self._listed, self._window = listed, parent
        self.finder: Finder | None = None

    def go_to_image(self) -> None:
        """Ask for a number or a name."""
        images = go_to.ImageFinder(self._document)
        self.finder = Finder(images.find, self._window, prompt=go_to.PROMPT)
        self.finder.chosen.connect(self._document.show)
        self.finder.open()

    def find_command(self) -> None:
        """Ask for an action or a class."""
        classes = self._document.classes
        entries = [
            *palette.commands(self._actions),
            *palette.class_commands(self._actions, classes, listed=self._listed(), use=self._classes.give),
        ]
        self.finder = Finder(lambda text: palette.find(entries, text), self._window, prompt=palette.PROMPT)
        self.finder.chosen.connect(lambda run: run())
        self.finder.open()
