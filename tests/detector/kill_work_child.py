"""Long work to be killed: each line on stdin (what, folder) gets a process that does it over and over, and tells how
far it is. Modules are loaded once.
"""

import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np

from detector.boxes import Detections
from detector.data import coco, labels
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.formats import Written
from detector.data.project import datasets, shelf
from detector.data.project.importing import Mode
from detector.data.project.store import Project

CATEGORY, BOXES = 7, 10  # what comes in: the class, and boxes of each image


def tell(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def incoming(project: Project) -> tuple[Dataset, dict[int, Path]]:
    """Labels for every image of a project."""
    images = tuple(ImageEntry(image.id, image.path, 64, 48) for image in project.images())
    boxes = [
        Box(image.id, CATEGORY, (n, 1.5, n + 9.25, 20), id=len(images) * n + place + 1)
        for place, image in enumerate(images)
        for n in range(BOXES)
    ]
    paths = {image.id: project.folder / image.path for image in images}
    return Dataset(images, (ObjectClass(CATEGORY, "imported"),), tuple(boxes)), paths


def bring_in(folder: Path, mode: Mode) -> None:
    """An import, taken back and brought in again without an end."""
    shelf.AT_ONCE = 20
    project = Project.open(folder)
    dataset, paths = incoming(project)
    *_, imported = (tell("step", step) or step for step in datasets.bring_in(project, dataset, paths, mode=mode))
    for number in count():
        tell("whole", number)
        for moved in datasets.switch(project, imported.step, is_in=bool(number % 2)):
            tell("moved", moved)


def write(folder: Path, written: Written) -> None:
    """Exports with copies of the pictures, each to a place of its own, beside the project."""
    project = Project.open(folder)
    dataset = datasets.read(project)
    paths = {image.id: folder / image.path for image in dataset.images}
    for number in count():
        tell("begins", number)
        out = folder.parent / "out" / (f"{number}/labels.json" if written is Written.COCO else str(number))
        out.parent.mkdir(parents=True, exist_ok=True)
        labels.write(dataset, out, written, paths=paths, copy_images=True)
        coco.write_results([Box(1, 1, (0, 0, 1, 1), score=0.5)] * 999, folder.parent / "out" / f"results {number}.json")


def label(folder: Path) -> None:
    """A pass over all images, one by one."""
    project = Project.open(folder)
    images = [image.id for image in project.images()]
    begun = project.passes.begin(model="m", source="m", names=["nut"], category_ids=[1], thresholds={}, model_key="key")
    project.passes.plan(begun.id, images)
    found = Detections(np.ones((3, 4), np.float32), np.full(3, 0.5, np.float32), np.zeros(3, np.int64), np.arange(3))
    for image_id in images:
        project.predictions.put(begun.id, [(image_id, found)])
        tell("seen", image_id)
    project.passes.end_plan()
    tell("over")
    sys.stdin.read()


KINDS: dict[str, Callable[[Path], None]] = {
    "merge": lambda folder: bring_in(folder, Mode.MERGE),
    "replace": lambda folder: bring_in(folder, Mode.REPLACE),
    **{written.value: lambda folder, written=written: write(folder, written) for written in Written},
    "pass": label,
}


def main() -> None:
    for line in sys.stdin:
        kind, folder = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            KINDS[kind](Path(folder))
            os._exit(1)
        tell(child)
        os.waitpid(child, 0)
        tell("gone")


if __name__ == "__main__":
    main()
