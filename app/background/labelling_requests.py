"""What a person asks of auto-labelling, answered with the chosen model on the chosen device."""

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject

from app.background.auto_labelling import AutoLabelling
from app.background.class_work import ClassWork
from app.background.weights_download import WeightsDownload
from app.document import Document
from app.model_choice import ModelInUse
from app.models import STARTER_NAME, choice, classes_of
from app.notifications import Notifications
from app.projects import sample_folder
from app.wording import count
from detector.data.project.passes import Unfinished
from detector.data.project.records import Pass
from detector.errors import StudioError
from detector.model.weights import published


class LabellingRequests(QObject):
    """Starts passes; where the model's weights are not here offers to fetch them first."""

    def __init__(
        self,
        document: Document,
        labelling: AutoLabelling,
        model: ModelInUse,
        weights: WeightsDownload,
        *,
        classes: ClassWork,
        notifications: Notifications,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document, self._labelling, self._model, self._weights = document, labelling, model, weights
        self._classes, self._notifications = classes, notifications
        self._told: Path | None = None
        labelling.again_wanted.connect(self.label_again)
        labelling.go_on_wanted.connect(self.go_on)
        labelling.classes_brought.connect(self._on_classes_brought)

    def label_current(self) -> None:
        """The current image."""
        self._start(self._labelling.label_current)

    def label_visible(self) -> None:
        """The images that the filter shows."""
        self._start(self._labelling.label_visible)

    def label_all(self) -> None:
        """All images."""
        self._start(self._labelling.label_all)

    def label_images(self, image_ids: Iterable[int]) -> None:
        """These images."""
        ids = list(image_ids)
        self._start(lambda **how: self._labelling.label_images(ids, **how))

    def label_again(self, image_ids: Iterable[int]) -> None:
        """These images, though the model has seen them as they are."""
        ids = list(image_ids)
        self._start(lambda **how: self._labelling.label_images(ids, again=True, **how))

    def go_on(self, unfinished: Unfinished) -> None:
        """What is left of a pass, with its own model."""
        self._guard(lambda: self._labelling.go_on(unfinished, device=self._model.device))

    def ask_classes(self) -> None:
        """Which of the chosen model's classes are used, and what they are called here."""
        self._guard(self._ask_classes)

    def _ask_classes(self) -> None:
        source = self._model.source
        project = self._document.project
        seen = [item.knows for item in project.passes.all() if item.source == source] if project else []
        knows = classes_of(source) or (seen[-1] if seen else ())
        if knows:
            self._classes.ask_class_map(choice(source).name, knows)
        else:
            self._notifications.info("What this model knows shows when it has labelled an image: press I first.")

    def _on_classes_brought(self, begun: Pass, number: int) -> None:
        """A model with many classes: most of them are seldom wanted."""
        self._notifications.info(
            f"{begun.model} brings {count(number, 'class', 'classes')} that this project does not have.",
            action="Choose which to use…",
            run=lambda: self._classes.ask_class_map(begun.model, begun.knows),
        )

    def _start(self, verb: Callable[..., None]) -> None:
        if self._model.choice.megabytes:
            self._weights.offer(self._model.source)
        else:
            self._guard(lambda: self._label(verb))

    def _label(self, verb: Callable[..., None]) -> None:
        verb(source=self._model.source, device=self._model.device, tiled=self._model.tiled)
        self._tell_of_starter()

    def _tell_of_starter(self) -> None:
        """Once a project: what little the starter knows, and what knows more; not of the sample, which it is for."""
        project, coco = self._document.project, published("d0")
        if project is None or project.folder in (self._told, sample_folder()):
            return
        if self._model.source != STARTER_NAME or coco.path.is_file():
            return
        self._told = project.folder
        known = ", ".join(item.name for item in classes_of(STARTER_NAME) if item is not None)
        self._notifications.info(
            f"The starter knows only {known}. {coco.title} with its COCO weights knows 80 everyday things.",
            action=f"Download ({coco.megabytes} MB)",
            run=lambda: self._weights.start(coco),
        )

    def _guard(self, verb: Callable[[], None]) -> None:
        try:
            verb()
        except StudioError as error:
            self._notifications.warning(str(error))
