"""COCO files as the subcommands take them: what is wrong with one is said, its pictures and classes are found."""

from collections.abc import Sequence
from pathlib import Path

from detector.commands.console import warn
from detector.data import classes, coco
from detector.data.annotations import Dataset
from detector.data.matching import match_images
from detector.errors import LabelError, OptionsError
from detector.training.dataset import ValidationSet


def read_labelled(path: Path, images: Path) -> ValidationSet:
    """The data set of a COCO file, and its picture files below `images`.

    Raises LabelError where the file cannot be used or none of its pictures is found.
    """
    if path.is_dir():
        raise LabelError(f"{path}: this is a folder; name the COCO file that lists its images.")
    dataset, problems = coco.read(path)
    warn([f"{path}: {f'{problem.file}: ' if problem.file else ''}{problem.message}." for problem in problems])
    return find_pictures(dataset, path, images)


def find_pictures(dataset: Dataset, path: Path, images: Path) -> ValidationSet:
    """The data set that came from `path`, with its picture files below `images`. Raises LabelError without any."""
    matched = match_images(dataset, images)
    if not matched.paths:
        count = len(dataset.images)
        raise LabelError(f"{path}: none of its {count} images is in {images}; name the folder that holds them.")
    warn([f"{name} is not in {images}; it is left out." for name in matched.missing])
    warn([f"{name} fits several files in {images}; it is left out." for name in matched.ambiguous])
    return ValidationSet(dataset, matched.paths)


def match_classes(names: Sequence[str | None], dataset: Dataset, *, otherwise: str) -> dict[int, int]:
    """Model channel → class id by name; classes with boxes that no channel has are named, with what becomes of them.

    Raises OptionsError where no name is shared.
    """
    matched = classes.match(names, dataset.classes)
    if not matched:
        theirs, ours = (", ".join(n) for n in ([item.name for item in dataset.classes], [n for n in names if n]))
        raise OptionsError(f"The model and the data share no class: it knows {ours}; the data have {theirs}.")
    used = {box.class_id for box in dataset.boxes if not box.iscrowd}
    if unknown := [item.name for item in dataset.classes if item.id in used.difference(matched.values())]:
        warn([f"The model does not know {', '.join(unknown)}: {otherwise}."])
    return matched
