"""What all parts of the window need that work on the project with the model in use."""

from dataclasses import dataclass

from PySide6.QtCore import QObject

from app.document import Document
from app.jobs import Jobs
from app.model_choice import ModelInUse
from app.notifications import Notifications


@dataclass(frozen=True)
class Studio:
    """The open project, the workers, the one door to the person, and the model in use."""

    document: Document
    jobs: Jobs
    notifications: Notifications
    model: ModelInUse


class ModelWork(QObject):
    """Work on the open project with the model in use."""

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._jobs = studio.document, studio.jobs
        self._notifications, self._model = studio.notifications, studio.model
