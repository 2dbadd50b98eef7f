"""The model that labels and that fine-tuning starts from, chosen for the project and remembered with it; its device."""

from PySide6.QtCore import QObject, Signal

from app import settings as table
from app.document import Document
from app.models import ModelChoice, ModelGroup, advprop, built_in, choice, kept, of_runs
from app.settings import Settings
from detector.device import is_cpu
from detector.training.run_folder import BEST

MODEL, TILES = "model", "tiles"  # settings of the project


class ModelInUse(QObject):
    """Which model is chosen, and which ones can be. weights_wanted: published ones that are not here, by name."""

    changed = Signal()
    weights_wanted = Signal(str)
    device_changed = Signal()

    def __init__(self, document: Document, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._settings = document, settings
        self.source = settings.get(table.MODEL)
        self._gpus: int | None = None
        document.project_changed.connect(self._on_project_changed)

    @property
    def choice(self) -> ModelChoice:
        """The chosen model as it presents itself."""
        return choice(self.source)

    @property
    def device(self) -> str:
        """Where models are to run: auto, cpu, cuda or mps."""
        return self._settings.get(table.DEVICE)

    @property
    def gpus(self) -> int:
        """How many GPUs a training can use, 0 for the CPU; guessed until the device was found."""
        return int(not is_cpu(self.device)) if self._gpus is None else self._gpus

    def note_device(self, _: str, gpus: int) -> None:
        """The device was found, with so many GPUs for a training."""
        self._gpus = gpus

    def choose_device(self, device: str) -> None:
        """Let models run elsewhere from now on."""
        if device != self.device:
            self._gpus = None
            self._settings.set(table.DEVICE, device)
            self.device_changed.emit()

    @property
    def tiled(self) -> bool:
        """Whether large pictures of the project are looked at in tiles, too."""
        project = self._document.project
        return project is not None and project.settings.get(TILES) is True

    def set_tiled(self, tiled: bool) -> None:
        """Look at large pictures of the project in tiles, too, or no longer."""
        project = self._document.project
        if project is not None and project.read_only is None:
            project.settings.put({TILES: tiled})
        self.changed.emit()

    def choose(self, source: str) -> None:
        """Take another model: a name, or a file's path. Published weights have to be here first: they are asked for."""
        if choice(source).megabytes:
            self.weights_wanted.emit(source)
            return
        if source == self.source:
            return
        self.source = source
        self.changed.emit()
        project = self._document.project
        if project is not None and project.read_only is None:  # last: the store may refuse
            project.settings.put({MODEL: source})

    def refresh(self) -> None:
        """Other models can be chosen than before."""
        self.changed.emit()

    def groups(self) -> list[ModelGroup]:
        """What can be chosen."""
        project, built, others, files = self._document.project, built_in(), advprop(), kept()
        runs = sorted((project.home / "runs").glob(f"*/{BEST}"), reverse=True) if project else []
        of_project = of_runs(runs)
        if self.source not in {item.source for item in (*built, *others, *files, *of_project)}:
            files = [self.choice, *files]
        return [
            ModelGroup("Fine-tuned here", of_project),
            ModelGroup("Files", files),
            ModelGroup("Built in and published", built),
            ModelGroup("AdvProp: D0 – D5", others, folded=True),
        ]

    def _on_project_changed(self) -> None:
        project = self._document.project
        kept = project.settings.get(MODEL) if project is not None else None
        self.source = kept if isinstance(kept, str) and not choice(kept).missing else self._settings.get(table.MODEL)
        self.changed.emit()
