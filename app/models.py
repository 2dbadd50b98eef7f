"""The models that a person can choose, told without torch."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from detector.data.project.passes import known_classes
from detector.data.project.records import KnownClass
from detector.errors import StudioError
from detector.model.coco_names import COCO_OUTPUTS, coco_classes
from detector.model.info import ModelInfo, read_info
from detector.model.weights import PUBLISHED, STARTER, PublishedWeights
from detector.places import user_data
from detector.training.run_folder import RUN_FILE

STARTER_NAME = "starter"
OURS = ".safetensors"
SEPARATOR = " · "
DEVICES = {"auto": "Automatic", "cpu": "CPU"}  # where models can run, as people call it
DEVICES |= {"mps": "MPS (Apple)"} if sys.platform == "darwin" else {"cuda": "CUDA (NVIDIA)"}


@dataclass(frozen=True)
class ModelChoice:
    """A model: `source` opens it (starter, d0 … d7x, d0_ap …, or a path), `title` shows it.

    missing: why it cannot be used now; megabytes: how much there is to fetch so that it can, 0 where nothing helps.
    """

    source: str
    title: str
    missing: str = ""
    megabytes: int = 0

    @property
    def name(self) -> str:
        """The first part of the title, for narrow places."""
        return self.title.partition(SEPARATOR)[0]


@dataclass(frozen=True)
class ModelGroup:
    """Models under a heading; those of a folded group in a menu of their own."""

    heading: str
    choices: Sequence[ModelChoice]
    folded: bool = False


def built_in() -> list[ModelChoice]:
    """The starter and the published variants, absent ones with the reason."""
    return [choice(STARTER_NAME), *(choice(name) for name, item in PUBLISHED.items() if not item.is_advprop)]


def advprop() -> list[ModelChoice]:
    """The published variants that were trained with AdvProp, absent ones with the reason."""
    return [choice(name) for name, item in PUBLISHED.items() if item.is_advprop]


def models_folder() -> Path:
    """Where models are kept that were made from foreign files."""
    return user_data() / "models"


def kept() -> list[ModelChoice]:
    """The models that were made from foreign files."""
    return [choice(str(path)) for path in sorted(models_folder().glob(f"*{OURS}"))]


def choice(source: str) -> ModelChoice:
    """How a model presents itself."""
    if source == STARTER_NAME:
        return ModelChoice(source, _title("Starter", STARTER))
    if source in PUBLISHED:
        return _published_choice(PUBLISHED[source])
    path = Path(source)
    if not path.is_file():
        return ModelChoice(source, path.name, "the file is gone")
    return ModelChoice(source, _title(_file_title(path), path))


def of_runs(checkpoints: Iterable[Path]) -> list[ModelChoice]:
    """The models that fine-tuning has made here, those that can be read."""
    found = [choice(str(path)) for path in checkpoints if path.is_file()]
    return [item for item in found if not item.missing]


def info_of(source: str) -> ModelInfo | None:
    """What one of our own files says of its model; None for a foreign file. Raises CheckpointError."""
    path = STARTER if source == STARTER_NAME else Path(source)
    return read_info(path) if path.suffix == OURS else None


def classes_of(source: str) -> tuple[KnownClass | None, ...]:
    """The classes that a model knows, channel by channel; () for a foreign file. Raises CheckpointError."""
    if source in PUBLISHED:
        return known_classes(coco_classes(), range(1, COCO_OUTPUTS + 1), {})
    info = info_of(source)
    return known_classes(info.classes, info.category_ids, info.thresholds) if info else ()


def _published_choice(weights: PublishedWeights) -> ModelChoice:
    title = f"{weights.title} · COCO · {weights.variant.image_size} px"
    if weights.path.is_file():
        return ModelChoice(weights.name, title)
    missing = f"fetch {weights.megabytes} MB, or put {weights.file} into {weights.path.parent}"
    return ModelChoice(weights.name, title, missing, weights.megabytes)


def _title(name: str, path: Path) -> str:
    if path.suffix != OURS:
        return name
    try:
        info = read_info(path)
    except StudioError:
        return name
    return f"{name} · {info.variant.upper()} · {info.image_size} px"


def _file_title(path: Path) -> str:
    """A run's checkpoint is called by its run, any other by its file."""
    if path.parent.parent.name != "runs":
        return path.stem
    with suppress(OSError, ValueError, AttributeError):
        name = json.loads((path.parent / RUN_FILE).read_text("utf-8")).get("name")
        if name and isinstance(name, str):
            return name
    return path.parent.name
