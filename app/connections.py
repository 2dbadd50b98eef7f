"""Which signal of which part of the window leads where."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence

from app import settings as table
from app.background.pictures import Picture
from app.canvas.tools import Tool
from app.verbs.image_verbs import show_group

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Connections(QObject):
    """Lays them once, when all parts are there; what a wire must do on its way is a slot of it."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._wire_start()
        self._wire_picture()
        self._wire_work()
        self._wire_imports()
        self._wire_models()
        self._wire_images()

    def _wire_start(self) -> None:
        window = self._window
        welcome, files, projects = window.welcome, window.files, window.projects
        window.notifications.posted.connect(window.notices.add)
        window.notifications.withdrawn.connect(window.notices.take_back)
        window.document.refused.connect(window.notifications.info)
        welcome.open_folder_wanted.connect(files.ask_folder)
        welcome.open_coco_wanted.connect(files.ask_coco)
        welcome.sample_wanted.connect(projects.open_sample)
        welcome.recent_wanted.connect(projects.open_folder)
        welcome.dropped.connect(files.open_path)
        window.actions_.remapped.connect(self._on_remapped)

    def _wire_picture(self) -> None:
        window = self._window
        canvas, choice = window.canvas, window.class_choice
        window.pictures.ready.connect(self._on_picture_ready)
        canvas.class_wanted.connect(choice.ask_for_boxes)
        canvas.class_missing.connect(choice.ask_for_drawn)
        canvas.space_tapped.connect(self._on_space_tapped)
        canvas.tool_changed.connect(self._on_tool_changed)
        canvas.picture_changed.connect(self._on_picture_changed)
        window.boxes.class_wanted.connect(choice.ask_for_boxes)
        window.classes.removal_wanted.connect(window.class_work.ask_removal)
        window.classes.merge_wanted.connect(window.class_work.ask_merge)

    def _wire_images(self) -> None:
        window = self._window
        images, projects, refreshing = window.images, window.projects, window.refreshing
        images.verb_wanted.connect(window.image_work.run)
        images.note_written.connect(window.image_work.set_note)
        images.order_wanted.connect(window.ordering.choose)
        images.label_wanted.connect(window.requests.label_images)
        images.set_compact(window.settings.get(table.COMPACT_LIST))
        images.compact_changed.connect(self._on_compact_changed)
        window.bookmark.order_wanted.connect(window.ordering.choose)
        projects.opened.connect(window.bookmark.restore_order)
        projects.opened.connect(refreshing.tell_missing)
        for follow in (window.thumbnails.forget, window.pictures.forget, window.ordering.follow_files):
            refreshing.refreshed.connect(follow)

    def _wire_imports(self) -> None:
        window = self._window
        window.projects.opened.connect(window.importing.offer)
        window.projects.labels_wanted.connect(window.importing.look)
        window.importing.report_ready.connect(window.sheets.show_labels)
        window.importing.predictions_ready.connect(window.sheets.show_predictions)

    def _wire_models(self) -> None:
        window = self._window
        bar, model = window.top_bar, window.model
        window.device_finder.found.connect(window.show_device)
        window.device_finder.found.connect(model.note_device)
        window.device_finder.missing.connect(self._on_device_missing)
        bar.device_chosen.connect(model.choose_device)
        model.device_changed.connect(window.find_device)
        model.device_changed.connect(self._show_device_choice)
        self._show_device_choice()
        bar.model_chosen.connect(model.choose)
        model.changed.connect(window.show_models)

    def _wire_work(self) -> None:
        window = self._window
        labelling, bar = window.labelling, window.top_bar
        window.projects.opened.connect(labelling.look_for_unfinished)
        labelling.progressed.connect(bar.set_progress)
        labelling.ended.connect(bar.end_progress)
        labelling.device_found.connect(window.show_device)
        works = (window.projects, window.weights, window.model_opening, window.importing, window.importing_predictions)
        for work in works:
            work.progressed.connect(self._on_progressed)
            work.ended.connect(self._on_ended)
        bar.cancel_wanted.connect(self._on_cancel_wanted)
        window.fine_tuning.bottom_wanted.connect(window.show_bottom)
        window.fine_tuning.device_wanted.connect(labelling.free_device)
        window.fine_tuning.labelling_wanted.connect(window.requests.label_all)
        window.evaluating.images_wanted.connect(partial(show_group, window.document))

    # What wires do on their way

    def _on_remapped(self) -> None:
        self._window.settings.set(table.SHORTCUTS, self._window.actions_.changed())

    def _on_compact_changed(self, compact: bool) -> None:
        self._window.settings.set(table.COMPACT_LIST, compact)

    def _on_picture_ready(self, picture: Picture) -> None:
        self._window.canvas.set_picture(picture.image_id, picture.pixels, picture.message)

    def _on_tool_changed(self, tool: Tool) -> None:
        self._window.actions_["select"].setChecked(tool is Tool.SELECT)
        self._window.actions_["draw"].setChecked(tool is Tool.DRAW)

    def _on_picture_changed(self) -> None:
        self._window.boxes.set_broken(self._window.canvas.is_broken)

    def _on_space_tapped(self) -> None:
        """The picture takes Space, which pans while it is held; a tap is for whichever action has the key."""
        if (name := self._window.actions_.holder(QKeySequence("Space"))) is not None:
            self._window.actions_[name].trigger()

    def _show_device_choice(self) -> None:
        self._window.top_bar.set_device_choice(self._window.model.device)

    def _on_device_missing(self, wanted: str) -> None:
        self._window.top_bar.set_device(f"no {wanted.upper()}", is_fallback=True)
        self._window.notifications.warning(f"The device “{wanted}” is not on this machine; choose Automatic or CPU.")

    def _on_progressed(self, text: str, share: float | None) -> None:
        if not self._window.labelling.is_running:
            self._window.top_bar.set_progress(text, share)

    def _on_ended(self) -> None:
        if not self._window.labelling.is_running:
            self._window.top_bar.end_progress()

    def _on_cancel_wanted(self) -> None:
        """End the work that the bar shows."""
        window = self._window
        if window.labelling.is_running:
            window.labelling.stop()
        elif window.importing.is_running:
            window.importing.stop()
        elif window.importing_predictions.is_running:
            window.importing_predictions.stop()
        else:
            window.weights.stop()
            window.model_opening.stop()
