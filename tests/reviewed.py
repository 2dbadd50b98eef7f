"""Projects whose images somebody has vouched for: what runs learn from, and models are measured on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, ProjectImage, State
from detector.data.project.store import Project
from detector.data.split import Side
from detector.data.workbench import CLASSES, scene

PARTS_SIDE = 128  # px
SIDES = (Side.VAL, Side.TRAIN, Side.TRAIN, Side.TRAIN)


def open_scanned(folder: Path) -> Project:
    """The project of a folder, with all its pictures."""
    project = Project.open(folder)
    for _ in project.scan():
        pass
    return project


def review(
    project: Project,
    sides: Sequence[Side],
    *,
    boxes: Iterable[ProjectBox] = (),
    classes: Iterable[ProjectClass] = (),
    ignored: Sequence[int] = (),
) -> None:
    """Stores classes and boxes, and vouches for the first images, which get these sides; some places are ignored."""
    reviewed = [
        (image, replace(image, state=State.REVIEWED, split=side, ignored=place in ignored))
        for place, (image, side) in enumerate(zip(project.images(), sides, strict=False))
    ]
    project.apply(
        Change(
            boxes=tuple((None, box) for box in boxes),
            classes=tuple((None, item) for item in classes),
            images=tuple(reviewed),
        )
    )


def draw_on_each(project: Project, item: ProjectClass, xyxy: tuple[float, float, float, float]) -> list[ProjectBox]:
    """A box of a class at the same place of each image; nothing is stored."""
    return [_drawn(project, image, item, xyxy) for image in project.images()]


def make_parts(folder: Path) -> Project:
    """A new folder of four reviewed pictures of parts, one of them to validate on; the project is open."""
    folder.mkdir()
    found = {}
    for number in range(len(SIDES)):
        pixels, found[f"{number}.png"] = scene(7, number, width=PARTS_SIDE, height=PARTS_SIDE)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    project = open_scanned(folder)
    classes = {item.id: ProjectClass(project.new_id(), item.name, "#000000", item.id, item.id) for item in CLASSES}
    boxes = [
        _drawn(project, image, classes[box.class_id], box.xyxy)
        for image in project.images()
        for box in found[image.path]
    ]
    review(project, SIDES, boxes=boxes, classes=classes.values())
    return project


def _drawn(
    project: Project, image: ProjectImage, item: ProjectClass, xyxy: tuple[float, float, float, float]
) -> ProjectBox:
    return ProjectBox(project.new_id(), image.id, item.id, xyxy, Origin.DRAWN)
