"""What the classes panel asks for that takes a question or a worker: merging classes, removing one in use, naming a
model's classes.
"""

from collections.abc import Iterator

from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtWidgets import QWidget

from app.class_mapping import names_here, set_names_here
from app.dialogs.class_chooser import ClassChooser
from app.dialogs.class_map import ClassMapDialog
from app.dialogs.class_removal import ClassRemovalDialog
from app.document import Document
from app.jobs import Jobs
from app.verbs.class_verbs import Regroup, merge_class, remove_class, remove_with_boxes, rename_class
from detector.data.project.mapping import Knows
from detector.data.project.records import Change, State
from detector.data.project.regrouping import Regrouped, Regrouping
from detector.data.project.store import Project

SLICE = 4000  # images that are counted anew at a time


class ClassWork(QObject):
    """Asks in the window and has a worker do what concerns very many boxes; nothing can be edited meanwhile."""

    def __init__(self, document: Document, jobs: Jobs, parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._jobs, self._window = document, jobs, parent
        self.chooser: ClassChooser | None = None
        self._taking: Iterator[None] = iter(())
        self._slices = QTimer(self, interval=0)
        self._slices.timeout.connect(self._on_slice_due)
        document.regroup_wanted.connect(self._on_regroup_wanted)

    def ask_merge(self, class_id: int, point: QPoint) -> None:
        """Into which class, asked at a point of the desktop; a name that is new renames the class."""
        others = [item for item in self._document.classes if item.id != class_id]
        self.chooser = ClassChooser(self._window)
        self.chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.chooser.chosen.connect(lambda into: merge_class(self._document, class_id, into))
        self.chooser.new_wanted.connect(lambda name: rename_class(self._document, class_id, name))
        self.chooser.open_at(point, others)

    def ask_removal(self, class_id: int) -> None:
        """Removes a class; where it is in use, asks what is to become of its boxes."""
        used = self._document.tally.class_counts().get(class_id, 0)
        if not used or self._document.refuse_editing():
            remove_class(self._document, class_id)
            return
        others = [item for item in self._document.classes if item.id != class_id]
        dialog = ClassRemovalDialog(self._document.class_of(class_id), used, others, self._window)
        dialog.move_wanted.connect(lambda into: merge_class(self._document, class_id, into))
        dialog.deletion_wanted.connect(lambda: remove_with_boxes(self._document, class_id))
        dialog.open()

    def ask_class_map(self, model: str, knows: Knows) -> None:
        """Which of a model's classes are used, and what they are called here."""
        document = self._document
        if document.project is None:
            return
        used = document.tally.class_counts()
        mine = [item.name for item in document.classes if item.pass_id is None or used.get(item.id)]
        names = names_here(document.project, knows)
        dialog = ClassMapDialog(model, names, document.classes, mine=mine, parent=self._window)
        dialog.map_wanted.connect(lambda names: set_names_here(self._document, knows, names))
        dialog.open()

    def _on_slice_due(self) -> None:
        self._slices.stop()  # so that what fails does not fail for ever
        if next(self._taking, self) is not self:
            self._slices.start()

    def _on_regroup_wanted(self, step: Regroup, back: bool) -> None:
        document, project = self._document, self._document.project
        if project is None:
            return
        document.busy = "Boxes are getting another class; try again in a moment."
        change = step.change.inverse() if back else step.change

        def done(events: list[Regrouped]) -> None:
            self._taking = take_regrouped(document, step, events[0], back=back)
            self._slices.start()

        def failed() -> None:
            if document.project is project:
                document.busy = ""
                step.fail(document.undo_stack, back=back)

        self._jobs.start(
            step.text, lambda: _regroup(project, step.what, change, back), on_events=done, on_failed=failed
        )


def take_regrouped(document: Document, step: Regroup, regrouped: Regrouped, *, back: bool) -> Iterator[None]:
    """Show what a worker has done to all boxes of a class; in slices, since they may be on very many images."""
    project, what, tally = document.project, step.what, document.tally
    for part in regrouped.parts(SLICE):
        if project is None or document.project is not project:
            return
        tally.take_regrouped(part, source=what.class_id, into=what.into, back=back)
        yield
    if project is None or document.project is not project:
        return
    project.sides.forget()
    document.busy = ""
    for image_id in regrouped.emptied:
        tally.restate(image_id, State.STARTED if back else State.UNLABELLED)
    was_active = document.active_class == what.class_id
    document.read_classes()
    if was_active and what.into is not None:
        document.set_active_class(what.into)
    document.read_settings(step.change)
    document.show_anew()


def _regroup(project: Project, what: Regrouping, change: Change, back: bool) -> Iterator[Regrouped]:
    """In the worker."""
    worker = project.connect()
    try:
        yield worker.regroup(what, change, back=back)
    finally:
        worker.close()
