"""What a fine-tuning learns from and is measured on, frozen in its folder so that a resumed run has the same."""

import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from detector.commands.console import progress, warn
from detector.commands.data import find_pictures, match_classes, read_labelled
from detector.data import coco
from detector.data.annotations import Dataset, ObjectClass
from detector.data.images import decode_reduced
from detector.data.near_duplicates import LOOK_SIDE, NOTHING, Signature, groups_across, signature
from detector.data.project import datasets
from detector.data.project.home import find_home
from detector.data.project.store import Project
from detector.data.split import Side, content_key, split
from detector.data.training_data import findings, tabulate
from detector.device import cores
from detector.errors import ImageError, LabelError, OptionsError
from detector.training.dataset import ValidationSet

TRAIN, VAL, REPLAY = "frozen-train.json", "frozen-val.json", "frozen-replay.json"
Sides = Mapping[int, Side]  # by image id


@dataclass(frozen=True)
class RunData:
    """Training images, the classes to learn, and validation and old images with the same class ids, where there are
    some.
    """

    train: ValidationSet
    classes: tuple[ObjectClass, ...]
    validation: ValidationSet | None
    replay: ValidationSet | None = None

    def freeze(self, out: Path) -> None:
        """Writes all parts to a run's folder as COCO files."""
        for name, part in ((TRAIN, self.train), (VAL, self.validation), (REPLAY, self.replay)):
            if part is not None:
                coco.write(part.dataset, out / name)


def collect(data: Path, images: Path, val: Path | None, val_images: Path) -> RunData:
    """The data of a new run: `val` for validation, else a part of `data`, a COCO file or a project folder.

    Raises LabelError, OptionsError; ProjectError where a project cannot be opened.
    """
    train, sides = read_reviewed(data) if data.is_dir() else (read_labelled(data, images), {})
    if val is not None:
        validation = read_labelled(val, val_images)
        _check_apart(train, validation, val)
    else:
        train, validation = _divide(train, sides)
    classes = _learned(train.dataset, data)
    if not validation.paths:
        warn([f"{data} has too few images to keep some for validation: nothing will be measured (see --val)."])
        return RunData(train, classes, None)
    return RunData(train, classes, _in_terms_of(classes, validation))


def check(data: RunData, *, image_size: int, stride: int) -> None:
    """Warns of what makes the data of a run poor to learn from at an image size in px, a multiple of `stride`."""
    of = tabulate(data.train.dataset, data.validation.dataset if data.validation else None)
    warn([finding.text for finding in findings(of, image_size=image_size, stride=stride)])
    if data.validation is None:
        return
    paths = [*data.train.paths.values(), *data.validation.paths.values()]
    with ThreadPoolExecutor(cores()) as threads:
        looks = list(progress(threads.map(_look, paths), len(paths)))
    sides = [place >= len(data.train.paths) for place in range(len(paths))]
    (*_, groups) = groups_across(looks, sides)
    if groups:
        pairs = [" and ".join(paths[place].name for place in group[:2]) for group in groups]
        warn([f"{pair} look alike, and only one of them trains: AP looks better than it is." for pair in pairs])


def read_reviewed(folder: Path) -> tuple[ValidationSet, Sides]:
    """A project's reviewed images, without the ignored ones, and their sides as stored.

    Raises LabelError where the folder is no project or nothing in it is reviewed; ProjectError.
    """
    if not find_home(folder).store.exists():
        raise LabelError(f"{folder}: this folder is no project yet; open it in the window, or name a COCO file.")
    with closing(Project.open(folder)) as project:
        dataset = datasets.read(project, reviewed_only=True)
        sides = {image.id: image.split for image in project.images() if image.split is not None}
    if not dataset.images:
        raise LabelError(f"{folder}: none of its images is reviewed; vouch for some in the window first.")
    return find_pictures(dataset, folder, folder), sides


def with_replay(data: RunData, file: Path, images: Path) -> RunData:
    """`data` with the old images of a COCO file to be shown again; classes are matched by name, others are left out.

    Raises LabelError; OptionsError where the file shares no class with the data, or images with its validation.
    """
    replay = _in_terms_of(data.classes, read_labelled(file, images), otherwise="it is left out of what is replayed")
    if data.validation is not None:
        _check_apart(replay, data.validation, file)
    return replace(data, replay=replay)


def reopen(out: Path, images: Path, val_images: Path) -> RunData:
    """The data that the run in `out` froze, but for old images. Raises LabelError, OptionsError."""
    if not (out / TRAIN).is_file():
        raise OptionsError(f"There is no run to resume in {out}; leave --resume out to start one.")
    data = out / TRAIN
    train = read_labelled(data, images)
    validation = read_labelled(out / VAL, val_images) if (out / VAL).is_file() else None
    return RunData(train, _learned(train.dataset, data), validation)


def _learned(dataset: Dataset, source: Path) -> tuple[ObjectClass, ...]:
    """The classes that have boxes. Raises LabelError where there is none, or two have one name."""
    used = {box.class_id for box in dataset.boxes if not box.iscrowd}
    classes = tuple(item for item in dataset.classes if item.id in used)
    if not classes:
        raise LabelError(f"{source}: there are no boxes to learn from; label some images first.")
    names = [item.name for item in classes]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise LabelError(f"{source}: several classes are called “{min(repeated)}”; give each a name of its own.")
    if unused := [item.name for item in dataset.classes if item.id not in used]:
        warn([f"{source}: no boxes to learn {', '.join(unused)} from; the model will not know them."])
    return classes


def _check_apart(train: ValidationSet, validation: ValidationSet, val: Path) -> None:
    """Raises OptionsError where a picture is in both: what was learnt by heart is no measure."""
    learnt = {os.path.realpath(path) for path in train.paths.values()}
    if shared := [path for path in validation.paths.values() if os.path.realpath(path) in learnt]:
        raise OptionsError(
            f"{val}: {len(shared)} of its images are trained on, too, such as {shared[0].name}; a model is measured on "
            "others: leave them out of one of the files, or leave --val out to keep a fifth."
        )


def _divide(labelled: ValidationSet, known: Sides) -> tuple[ValidationSet, ValidationSet]:
    """The images that have files, for training and for validation; those whose side is known stay on it."""
    found = [image.id for image in labelled.dataset.images if image.id in labelled.paths]
    classes: dict[int, set[int]] = {image_id: set() for image_id in found if image_id not in known}
    for box in labelled.dataset.boxes:
        if box.image_id in classes and not box.iscrowd:
            classes[box.image_id].add(box.class_id)
    keys = [content_key(labelled.paths[image_id]) for image_id in progress(classes, len(classes))]
    sides = {**known, **dict(zip(classes, split(keys, list(classes.values())), strict=True))}
    train, validation = (_part(labelled, {id for id in found if sides[id] is side}) for side in (Side.TRAIN, Side.VAL))
    return train, validation


def _part(labelled: ValidationSet, ids: Collection[int]) -> ValidationSet:
    images = tuple(image for image in labelled.dataset.images if image.id in ids)
    boxes = tuple(box for box in labelled.dataset.boxes if box.image_id in ids)
    paths = {image_id: path for image_id, path in labelled.paths.items() if image_id in ids}
    return ValidationSet(replace(labelled.dataset, images=images, boxes=boxes), paths)


def _look(path: Path) -> Signature:
    """What a picture looks like; what cannot be read looks like nothing, and is told of by whoever needs it."""
    try:
        return signature(decode_reduced(path, LOOK_SIDE)[0])
    except ImageError:
        return NOTHING


def _in_terms_of(
    classes: Sequence[ObjectClass], other: ValidationSet, *, otherwise: str = "each counts with AP 0"
) -> ValidationSet:
    """`other` with the ids of `classes` for classes of the same name, and with further ids for the rest."""
    matched = match_classes([item.name for item in classes], other.dataset, otherwise=otherwise)
    new_ids = count(max(item.id for item in classes) + 1)
    ids = {theirs: classes[channel].id for channel, theirs in matched.items()}
    ids |= {item.id: next(new_ids) for item in other.dataset.classes if item.id not in ids}
    renamed = tuple(replace(item, id=ids[item.id]) for item in other.dataset.classes)
    boxes = tuple(replace(box, class_id=ids[box.class_id]) for box in other.dataset.boxes)
    return ValidationSet(replace(other.dataset, classes=renamed, boxes=boxes), other.paths)
