"""Where the weights lie that have a name: the starter, and the published COCO weights. Known without torch."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from detector.errors import CheckpointError
from detector.files import replacing
from detector.model.variants import VARIANTS, Variant, find_variant
from detector.places import user_cache

STARTER = Path(__file__).parents[2] / "resources" / "models" / "starter-d0.safetensors"
WEIGHTS_VARIABLE = "EFFICIENTDET_STUDIO_WEIGHTS"
RELEASE = "https://github.com/rwightman/efficientdet-pytorch/releases/download/v0.1"
HASH_DIGITS = 8  # of the sha256, at the end of a published file's name


@dataclass(frozen=True)
class PublishedWeights:
    """One file of the release. Names that end in _ap were trained with AdvProp, and normalise their input otherwise.

    coco_ap: AP on COCO val2017 in percent as google/automl reports it, with soft NMS; hard_nms_ap: as effdet measured
    this file with hard NMS, which this program has too; megabytes: of the file, rounded.
    """

    name: str
    file: str
    megabytes: int
    coco_ap: float
    hard_nms_ap: float | None = None

    @property
    def is_advprop(self) -> bool:
        """Whether it belongs to the AdvProp set."""
        return self.name.endswith("_ap")

    @property
    def variant(self) -> Variant:
        """The network that the weights are for."""
        return find_variant(self.name.removesuffix("_ap"))

    @property
    def title(self) -> str:
        """The name for people: "D0", "D0 AdvProp"."""
        return f"{self.variant.name.upper()} AdvProp" if self.is_advprop else self.variant.name.upper()

    @property
    def hash_start(self) -> str:
        """The first eight hexadecimal digits of the file's sha256, which its name ends with."""
        return Path(self.file).stem[-HASH_DIGITS:]

    @property
    def path(self) -> Path:
        """Where the file is, or belongs."""
        return weights_folder() / self.file

    @property
    def url(self) -> str:
        """Where it can be fetched from: the mirror, if one is named, else the release."""
        return f"{mirror() or RELEASE}/{self.file}"


# Files: rwightman/efficientdet-pytorch, release v0.1. AP: google/automl, README and Det-AdvProp; effdet's README.
PUBLISHED = {
    weights.name: weights
    for weights in (
        PublishedWeights("d0", "tf_efficientdet_d0_34-f153e0cf.pth", 16, 34.3, 34.2),
        PublishedWeights("d1", "tf_efficientdet_d1_40-a30f94af.pth", 27, 40.2, 40.1),
        PublishedWeights("d2", "tf_efficientdet_d2_43-8107aa99.pth", 33, 43.5, 43.4),
        PublishedWeights("d3", "tf_efficientdet_d3_47-0b525f35.pth", 49, 46.8, 47.1),
        PublishedWeights("d4", "tf_efficientdet_d4_49-f56376d9.pth", 84, 49.3, 49.2),
        PublishedWeights("d5", "tf_efficientdet_d5_51-c79f9be6.pth", 136, 51.2, 51.2),
        PublishedWeights("d6", "tf_efficientdet_d6_52-4eda3773.pth", 209, 52.1, 52.0),
        PublishedWeights("d7", "tf_efficientdet_d7_53-6d1d7a95.pth", 209, 53.4, 53.1),
        PublishedWeights("d7x", "tf_efficientdet_d7x-f390b87c.pth", 311, 54.4, 54.3),
        PublishedWeights("d0_ap", "tf_efficientdet_d0_ap-d0cdbd0a.pth", 16, 35.1),
        PublishedWeights("d1_ap", "tf_efficientdet_d1_ap-7721d075.pth", 27, 40.8),
        PublishedWeights("d2_ap", "tf_efficientdet_d2_ap-a2995c19.pth", 33, 44.3),
        PublishedWeights("d3_ap", "tf_efficientdet_d3_ap-e4a2feab.pth", 49, 47.7),
        PublishedWeights("d4_ap", "tf_efficientdet_d4_ap-f601a5fc.pth", 84, 50.4),
        PublishedWeights("d5_ap", "tf_efficientdet_d5_ap-3673ae5d.pth", 136, 52.2),
    )
}


def default_model() -> str:
    """The model of whoever names none: D0 where its COCO weights are here, else the starter."""
    return "d0" if PUBLISHED["d0"].path.is_file() else "starter"


def model_path(name: str) -> Path:
    """Where a model is read from, whether it is there or not: `starter`, published weights, or a path."""
    if name.lower() in PUBLISHED and not Path(name).is_file():
        return PUBLISHED[name.lower()].path
    return STARTER if name == "starter" else Path(name)


def model_file(name: str) -> Path:
    """The file of a model: `starter`, published weights that are here (`d0` … `d7x`, `d0_ap` …), or a path.

    Raises CheckpointError where there is none.
    """
    path = model_path(name)
    if path.is_file():
        return path
    if name.lower() in PUBLISHED:
        return find_weights(name)
    raise CheckpointError(
        f"There is no model “{path}”: name a checkpoint file, starter, or one of {', '.join(VARIANTS)}."
    )


def mirror() -> str | None:
    """The address in EFFICIENTDET_STUDIO_WEIGHTS, where that is one, without a slash at its end."""
    value = os.environ.get(WEIGHTS_VARIABLE, "")
    return value.rstrip("/") if value.lower().startswith(("http://", "https://")) else None


def weights_folder() -> Path:
    """Where published weights are kept: the folder in EFFICIENTDET_STUDIO_WEIGHTS, else one in the user's cache."""
    folder = os.environ.get(WEIGHTS_VARIABLE)
    return Path(folder) if folder and mirror() is None else user_cache() / "weights"


def published(name: str) -> PublishedWeights:
    """The published weights called `name` (d0 … d7x, d0_ap …), in any case. Raises CheckpointError."""
    weights = PUBLISHED.get(name.lower())
    if weights is None:
        raise CheckpointError(f"There are no published weights “{name}”; there are {', '.join(PUBLISHED)}.")
    return weights


def find_weights(name: str) -> Path:
    """The file of published weights. Raises CheckpointError that says which one is wanted and where to put it."""
    weights = published(name)
    if not weights.path.is_file():
        raise CheckpointError(
            f"The COCO weights of {weights.title} are not on this machine: fetch them with “weights get "
            f"{weights.name}”, or {by_hand(weights)}."
        )
    return weights.path


def by_hand(weights: PublishedWeights) -> str:
    """How a person brings a file where the program cannot: which one, from where, and where to."""
    return (
        f"put {weights.file} from {weights.url} into {weights_folder()} (or name a folder that has it, or a mirror's "
        f"address, in {WEIGHTS_VARIABLE})"
    )


def hash_start(path: Path) -> str:
    """The first eight hexadecimal digits of a file's sha256. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:HASH_DIGITS]


def recognise(path: Path) -> PublishedWeights | None:
    """The published weights that a file holds, whatever it is called; None for any other file. Raises OSError."""
    start = hash_start(path)
    return next((weights for weights in PUBLISHED.values() if weights.hash_start == start), None)


def keep(path: Path) -> PublishedWeights:
    """Copy a published file, known by its contents, to where it is looked for. Raises CheckpointError or OSError."""
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}; name a file of published weights.")
    weights = recognise(path)
    if weights is None:
        raise CheckpointError(_unknown(path))
    if not (weights.path.exists() and weights.path.samefile(path)):
        weights.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(weights.path) as temporary:
            shutil.copyfile(path, temporary)
    return weights


def _unknown(path: Path) -> str:
    if any(weights.file == path.name for weights in PUBLISHED.values()):
        return (
            f"{path} is damaged, or not what its name says: its sha256 begins with {hash_start(path)}; fetch it again."
        )
    return (
        f"{path} is none of the published files (its sha256 begins with {hash_start(path)}); it can be used where it "
        f"is: open it as a model file in the window, or give its path as the model, with --variant d0 or whichever it "
        f"is."
    )
