"""The panel of fusion weights at work: the weights of the model in use are read, and what it shows is saved."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app.background.model_work import ModelWork, Studio
from app.jobs import Job
from app.panels.fusion import FusionPanel
from detector.loading import load_torch
from detector.model.fusion import FusionSnapshot


class FusionWork(ModelWork):
    """Reads the weights while the panel is looked at."""

    def __init__(self, studio: Studio, *, panel: FusionPanel, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._panel = panel
        self._reading: Job | None = None
        self._shown_model = ""
        self._document.project_changed.connect(self._on_project_changed)
        self._model.changed.connect(self._on_model_changed)
        panel.picture_wanted.connect(self._save_picture)
        panel.table_wanted.connect(self._save_table)

    def show(self) -> None:
        """Read the chosen model's weights, if the panel lacks them. It loads torch, so only when wanted."""
        source = self._model.source
        if self._document.project is None or self._shown_model == source or self._model.choice.missing:
            return
        if self._reading:
            self._reading.cancel()
        self._shown_model = source
        title = self._model.choice.title
        self._reading = self._jobs.start(
            "Reading fusion weights",
            lambda: read_fusion(source),
            on_events=lambda read: self._panel.set_model(read[-1], title=title),
        )

    def _on_project_changed(self) -> None:
        self._shown_model = ""
        self._panel.set_model(None, title="")

    def _on_model_changed(self) -> None:
        if self._panel.isVisible():
            self.show()

    def _save_picture(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self._panel, "Save the picture", "fusion.png", "PNG (*.png)")
        if path and not self._panel.picture().save(path):
            self._notifications.error(f"{path} cannot be written; choose another place.")

    def _save_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self._panel, "Save the weights", "fusion.csv", "CSV (*.csv)")
        if path:
            try:
                Path(path).write_text(self._panel.table(), "utf-8", newline="")
            except OSError as error:
                self._notifications.error(error)


def read_fusion(source: str) -> Iterator[FusionSnapshot]:
    """In a worker: a model's fusion weights."""
    load_torch()
    from detector.model.fusion import snapshot
    from detector.model.published import open_model

    yield snapshot(open_model(source).network)
