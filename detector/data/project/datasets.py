"""A whole project goes out as a data set, or takes one in."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from detector.boxes import clip
from detector.data.annotations import Box, Dataset
from detector.data.project import exchange, importing, scanning
from detector.data.project.importing import Imported, Mode
from detector.data.project.records import ProjectImage, State
from detector.data.project.rows import BOXES, reserve_ids
from detector.data.project.store import Project
from detector.data.split import Side

_AT_ONCE = 1000  # sizes stored in one transaction


def read(project: Project, *, reviewed_only: bool = False, side: Side | None = None) -> Dataset:
    """The images with their boxes, as a data set; sizes that are unknown are read from the files.

    reviewed_only: leaves out images that nobody vouched for, or that are ignored. side: only images on it. Raises
    ProjectError.
    """
    chosen = [
        image
        for image in _listed(project)
        if (side is None or image.split is side)
        and (not reviewed_only or (image.state is State.REVIEWED and not image.ignored))
    ]
    sized = [exchange.with_size(image, project.folder) for image in chosen]
    _note_sizes(project, [after for before, after in zip(chosen, sized, strict=True) if before is not after])
    boxes = BOXES.stream(project.database, "ORDER BY image_id, id")
    return exchange.to_dataset(sized, project.classes(), boxes, project.settings.get(exchange.COCO_EXTRA, {}))


def coco_ids(project: Project) -> tuple[dict[int, int], dict[int, int]]:
    """Image id → its id in data sets, class id → its category. Raises ProjectError."""
    return exchange.coco_ids(_listed(project), project.classes())


def scored_boxes(project: Project, coco_images: Collection[int]) -> Iterator[Box]:
    """What the models found, as boxes of a data set: of its images with these ids, and of classes that are here."""
    image_ids, categories = coco_ids(project)
    sizes = {image.id: image.size for image in project.images()}
    for image_id, pass_, found in project.predictions.all():
        if image_ids.get(image_id) in coco_images:
            size = sizes.get(image_id)
            boxes = clip(found.boxes, *size) if size else found.boxes
            rows = zip(boxes.tolist(), found.scores.tolist(), found.channels.tolist(), strict=True)
            for (x1, y1, x2, y2), score, channel in rows:
                category = categories.get(pass_.class_ids.get(channel, 0))
                if category is not None and x1 < x2 and y1 < y2:
                    yield Box(image_ids[image_id], category, (x1, y1, x2, y2), score=score)


def bring_in(
    project: Project, dataset: Dataset, paths: Mapping[int, Path], *, mode: Mode = Mode.MERGE
) -> Iterator[int | Imported]:
    """Takes in a labelled data set, all of it or nothing, in short transactions; gives how many boxes are done, at last
    what came.

    `paths`: image id → file below the folder, whose sizes must be as displayed. Boxes make an image started: to be
    reviewed, a person must vouch for it. Closing it before the end takes all back. Raises ProjectError.
    """
    first = reserve_ids(project.database, importing.ids_needed(dataset))
    project.sides.forget()
    yield from importing.bring_in(project.database, dataset, paths, folder=project.folder, first_id=first, mode=mode)


def switch(project: Project, step: int, *, is_in: bool) -> Iterator[int]:
    """Takes an import of this session back, or brings it in again, in short transactions. Raises ProjectError."""
    project.sides.forget()
    yield from importing.switch(project.database, step, is_in=is_in)


def _listed(project: Project) -> list[ProjectImage]:
    """The images, with those that only an imported data set lists and that have no file."""
    return scanning.in_order(project.database, f"{scanning.LISTED} OR extra IS NOT NULL")


def _note_sizes(project: Project, images: Sequence[ProjectImage]) -> None:
    if images and project.read_only is None:
        sql = "UPDATE images SET width = ?, height = ? WHERE id = ?"
        for start in range(0, len(images), _AT_ONCE):
            rows = [(image.width, image.height, image.id) for image in images[start : start + _AT_ONCE]]
            with project.database.transaction() as connection:
                connection.executemany(sql, rows)
