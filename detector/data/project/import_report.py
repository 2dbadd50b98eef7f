"""What labels hold for a project, found out before anything is changed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from detector.data import checks, labels
from detector.data.annotations import Dataset, ObjectClass
from detector.data.box_layout import BoxLayout
from detector.data.classes import match
from detector.data.formats import Format
from detector.data.matching import match_images, safe_path
from detector.data.problems import Problem, Problems
from detector.data.project.records import State
from detector.data.project.store import Project
from detector.errors import LabelError


@dataclass(frozen=True)
class ClassFound:
    """A class of the labels: how many boxes have it, and whether the project lacks it."""

    name: str
    boxes: int
    is_new: bool


@dataclass(frozen=True)
class ImportReport:
    """What labels hold for a project.

    images, boxes: in the labels; matched: images whose picture is here. missing: names without a picture; ambiguous:
    names that fit several. left_out: entries that cannot be used; odd: those that are used and yet worth a look.
    labelled: matched images that have boxes here or are reviewed, the latter being `reviewed`; boxes_here: their boxes.
    """

    source: Path
    format: Format
    images: int
    boxes: int
    matched: int
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]
    classes: tuple[ClassFound, ...]
    left_out: tuple[Problem, ...]
    odd: tuple[Problem, ...]
    labelled: int
    reviewed: int
    boxes_here: int

    @property
    def unused(self) -> tuple[str, ...]:
        """Classes that no box has."""
        return tuple(item.name for item in self.classes if not item.boxes)


@dataclass(frozen=True)
class ReadyImport:
    """A report, and what there is to import: the data set, and its pictures' files by image id."""

    report: ImportReport
    dataset: Dataset
    paths: Mapping[int, Path]

    def without_unused(self) -> "ReadyImport":
        """The same without classes that no box has."""
        unused = checks.unused_classes(self.dataset)
        kept = tuple(item for item in self.dataset.classes if item not in unused)
        return replace(self, dataset=replace(self.dataset, classes=kept))


def look_into(project: Project, path: Path, *, layout: BoxLayout | None = None) -> ReadyImport:
    """Reads labels for a project and changes nothing. Raises LabelError, also where none of its pictures is named."""
    read = labels.read(path, images=project.folder, layout=layout)
    if not read.dataset.images:
        why = f" ({read.problems[0]})" if read.problems else ""
        raise LabelError(f"{path}: lists no image that can be used{why}; export the labels once more.")
    matched = match_images(read.dataset, project.folder)
    if not matched.paths:
        count = len(read.dataset.images)
        raise LabelError(f"{path}: none of its {count} images is in {project.folder}; open the folder that holds them.")
    dataset, mended = checks.upright(read.dataset, matched.paths)
    left_out = tuple(problem for problem in read.problems if not problem.kept) + _leading_out(dataset, matched.paths)
    odd = tuple(problem for problem in read.problems if problem.kept) + mended + checks.odd_entries(dataset)
    here = _labelled_here(project, matched.paths)
    report = ImportReport(
        source=read.source,
        format=read.format,
        images=len(dataset.images),
        boxes=len(dataset.boxes),
        matched=len(matched.paths),
        missing=matched.missing,
        ambiguous=matched.ambiguous,
        classes=_classes(project, dataset),
        left_out=left_out,
        odd=odd,
        labelled=len(here),
        reviewed=sum(is_reviewed for is_reviewed, _ in here.values()),
        boxes_here=sum(boxes for _, boxes in here.values()),
    )
    return ReadyImport(report, dataset, matched.paths)


def _leading_out(dataset: Dataset, paths: Mapping[int, Path]) -> tuple[Problem, ...]:
    """Images without a picture whose names lead out of the folder: these alone are not kept until one is found."""
    lost = {image.id: image.path for image in dataset.images if image.id not in paths and not safe_path(image.path)}
    boxes = Counter(box.image_id for box in dataset.boxes if box.image_id in lost)
    problems = Problems()
    for image_id, name in lost.items():
        problems.add(f"leads out of the folder, so it is left out with its {boxes[image_id]} boxes", name)
    return problems.all()


def _classes(project: Project, dataset: Dataset) -> tuple[ClassFound, ...]:
    used = Counter(box.class_id for box in dataset.boxes)
    known = match([item.name for item in dataset.classes], [ObjectClass(it.id, it.name) for it in project.classes()])
    return tuple(
        ClassFound(item.name, used[item.id], number not in known) for number, item in enumerate(dataset.classes)
    )


def _labelled_here(project: Project, paths: Mapping[int, Path]) -> dict[int, tuple[bool, int]]:
    """Of the pictures that labels name, those that somebody worked on: image id → reviewed?, number of boxes."""
    named = {path.relative_to(project.folder).as_posix() for path in paths.values()}
    counts = project.box_counts()
    return {
        image.id: (image.state is State.REVIEWED, counts.get(image.id, Counter()).total())
        for image in project.images()
        if image.path in named and (image.id in counts or image.state is State.REVIEWED)
    }
