"""COCO results for a project: whose images and classes their numbers mean is found out before anything is changed; then
they come in as a pass of their own.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from pathlib import Path, PurePosixPath
from reprlib import repr as short_repr

import numpy as np

from detector.boxes import Detections
from detector.data import results
from detector.data.problems import Problem
from detector.data.project import datasets
from detector.data.project.exchange import COCO_EXTRA, merged_categories
from detector.data.project.records import Origin, Pass, ProjectClass, ProjectImage
from detector.data.project.store import Project
from detector.data.results import Result
from detector.errors import LabelError

_AT_ONCE = 200  # images that one transaction stores, in some milliseconds


class Naming(Enum):
    """What results call images by."""

    IMPORTED = auto()  # the numbers of the COCO file that was imported
    EXPORTED = auto()  # the numbers that exports of this project have
    NAMES = auto()  # of the pictures


@dataclass(frozen=True)
class ReadyPredictions:
    """What results hold for a project, of which nothing is in it yet.

    found: image id → its results, best first; classes: category → class; named: boxes by the name of their class.
    entries: usable ones in the file; unknown_images, unknown_categories: numbers that mean nothing here.
    """

    source: Path
    naming: Naming
    found: Mapping[int, Sequence[Result]]
    classes: Mapping[int, ProjectClass]
    named: Mapping[str, int]
    entries: int
    unknown_images: tuple[int | str, ...]
    unknown_categories: tuple[int, ...]
    left_out: tuple[Problem, ...]

    @property
    def boxes(self) -> int:
        """How many will come in."""
        return sum(map(len, self.found.values()))


def look_into(project: Project, path: Path) -> ReadyPredictions:
    """Reads results for a project and changes nothing. Raises LabelError, also where their numbers mean nothing here.

    Categories are those of the project's classes, which an imported COCO file gives them; so it is with images. Where
    these numbers do not fit, an image_id may be the name of a picture, also without its ending: "a", 139 for 0139.jpg.
    """
    entries, problems = results.read(path)
    if not entries:
        raise LabelError(f"{path}: holds no result that can be used; write the results once more.")
    classes = _by_category(project)
    if not classes:
        raise LabelError(
            f"{path}: COCO results name classes only by number, and this project has no classes yet; "
            "import the COCO file that the results were made for first."
        )
    image_ids, naming = _image_ids(project, {entry.image: None for entry in entries}.keys(), path)
    found: dict[int, list[Result]] = defaultdict(list)
    for entry in entries:
        if entry.image in image_ids and entry.category in classes:
            found[image_ids[entry.image]].append(entry)
    unknown = sorted({entry.category for entry in entries} - classes.keys())
    if not found:
        raise LabelError(
            f"{path}: no category_id in it, such as {entries[0].category}, is that of a class here; "
            "import the COCO file that the results were made for first."
        )
    for of_image in found.values():
        of_image.sort(key=lambda entry: -entry.score)
    named = Counter(classes[entry.category].name for of_image in found.values() for entry in of_image)
    strange = tuple(dict.fromkeys(entry.image for entry in entries if entry.image not in image_ids))
    return ReadyPredictions(path, naming, found, classes, named, len(entries), strange, tuple(unknown), problems)


def bring_in(project: Project, ready: ReadyPredictions) -> Iterator[int | Pass]:
    """Stores predictions as those of a new pass that is called like the file; gives how many images are done, at last
    the pass. It is not active: until somebody makes it so nothing shows it. Raises ProjectError.
    """
    present = {item.id for item in project.classes()}
    classes = [item for item in ready.classes.values() if item.id in present]
    channels = {item.id: channel for channel, item in enumerate(classes)}
    made = project.passes.begin(
        model=ready.source.name,
        source=str(ready.source),
        names=[item.name for item in classes],
        category_ids=[item.category_id for item in classes],
        thresholds={},
    )
    project.passes.set_active(made.id, False)
    rest, done = iter(ready.found.items()), 0
    known = {category: channels[item.id] for category, item in ready.classes.items() if item.id in channels}
    while some := list(islice(rest, _AT_ONCE)):
        project.predictions.put(made.id, [(image_id, _detections(of_image, known)) for image_id, of_image in some])
        done += len(some)
        yield done
    yield made


def _detections(entries: Sequence[Result], channels: Mapping[int, int]) -> Detections:
    known = [entry for entry in entries if entry.category in channels]
    boxes = np.array([entry.xyxy for entry in known], np.float32).reshape(-1, 4)
    scores = np.array([entry.score for entry in known], np.float32)
    kinds = np.array([channels[entry.category] for entry in known], np.int64)
    return Detections(boxes, scores, kinds, np.zeros(len(known), np.int64))


def _by_category(project: Project) -> dict[int, ProjectClass]:
    """Category → class, as imported files have them, else as a COCO file of the project does."""
    _, categories = datasets.coco_ids(project)
    classes = {item.id: item for item in project.classes()}
    merged = merged_categories(project.settings.get(COCO_EXTRA, {}))
    imported = {category: classes[class_id] for category, class_id in merged.items() if class_id in classes}
    return {categories[item.id]: item for item in classes.values()} | imported


def _image_ids(project: Project, wanted: Collection[int | str], path: Path) -> tuple[dict[int | str, int], Naming]:
    """What results call an image → its id here, and how they call it. Raises LabelError."""
    images = [image for image in project.images() if not image.missing]
    numbers, _ = datasets.coco_ids(project)
    by_number: dict[int | str, int] = {numbers[image.id]: image.id for image in images if image.id in numbers}
    imported = _has_imported(project)
    if by_number.keys() & wanted and (imported or not set(wanted).difference(numbers.values())):
        return by_number, Naming.IMPORTED if imported else Naming.EXPORTED
    by_name = _by_name(images)
    if not by_name.keys() & wanted:
        strange = short_repr(next(iter(wanted)))
        raise LabelError(
            f"{path}: COCO results name images by number, and {strange} is none of this project's; "
            "import the COCO file that the results were made for first."
        )
    return by_name, Naming.NAMES


def _has_imported(project: Project) -> bool:
    is_said = project.settings.get(COCO_EXTRA) is not None or any(image.extra for image in project.images())
    return is_said or bool(project.origin_counts()[Origin.IMPORTED])


def _by_name(images: Sequence[ProjectImage]) -> dict[int | str, int]:
    """Paths, names, and names without their endings, also as numbers, of pictures → image id; what fits one alone."""
    owners: dict[int | str, set[int]] = defaultdict(set)
    for image in images:
        path = PurePosixPath(image.path)
        names: set[int | str] = {image.path, path.name, path.stem, path.with_suffix("").as_posix()}
        if path.stem.isdecimal() and len(path.stem) < 20:
            names.add(int(path.stem))
        for name in names:
            owners[name].add(image.id)
    return {name: next(iter(ids)) for name, ids in owners.items() if len(ids) == 1}
