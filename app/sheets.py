"""The sheets that ask before something is done; each tells the part of the window that does it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app import settings as table
from app.dialogs.export import ExportDialog
from app.dialogs.import_labels import ImportDialog
from app.dialogs.import_predictions import ImportPredictionsDialog
from app.dialogs.preferences import Preferences
from app.dialogs.propagate import PropagateDialog
from app.dialogs.shortcuts import ShortcutSheet
from detector.data.project.import_report import ReadyImport
from detector.data.project.importing_predictions import ReadyPredictions

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Sheets(QObject):
    """Opens them on the window."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window

    def ask_export(self) -> None:
        """What to write, and where."""
        project = self._window.document.project
        if project is not None:
            dialog = ExportDialog(project.folder, self._window)
            dialog.export_wanted.connect(self._window.exporting.export)
            dialog.open()

    def ask_import(self) -> None:
        """A file or folder of labels, which is looked into before anything changes."""
        document, importing = self._window.document, self._window.importing
        if document.project is not None and not document.refuse_editing():
            self._window.files.ask_labels(document.project.folder, importing.look)

    def show_labels(self, ready: ReadyImport) -> None:
        """What labels hold, and what is to become of them."""
        dialog, importing = ImportDialog(ready, self._window), self._window.importing
        dialog.import_wanted.connect(lambda wanted, mode: importing.bring_in(wanted, mode=mode))
        dialog.open()

    def show_predictions(self, ready: ReadyPredictions) -> None:
        """What results hold."""
        dialog = ImportPredictionsDialog(ready, self._window)
        dialog.import_wanted.connect(self._window.importing_predictions.bring_in)
        dialog.open()

    def ask_propagate(self) -> None:
        """Onto how many images boxes are to be handed on."""
        work = self._window.propagation
        if not work.refuse():
            selected = bool(self._window.document.selection)
            dialog = PropagateDialog(boxes=len(work.boxes()), selected=selected, room=work.room(), parent=self._window)
            dialog.propagate_wanted.connect(work.propagate)
            dialog.open()

    def ask_fine_tune(self) -> None:
        """What a run is to do."""
        self._window.fine_tuning.ask(self._window)

    def show_shortcuts(self) -> None:
        """The sheet of keys."""
        sheet = ShortcutSheet(self._window.actions_, self._window)
        sheet.change_wanted.connect(lambda: self.show_preferences().show_shortcuts())
        sheet.open()

    def show_preferences(self) -> Preferences:
        """The preferences, and their dialog."""
        model, settings = self._window.model, self._window.settings
        reopens = settings.get(table.REOPENS)
        dialog = Preferences(self._window.actions_, self._window, device=model.device, reopens=reopens)
        dialog.device_chosen.connect(model.choose_device)
        dialog.reopening_chosen.connect(lambda reopens: settings.set(table.REOPENS, reopens))
        dialog.open()
        return dialog
