"""Data sets as YOLO data sets."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import yaml

from detector.data import folders
from detector.data.annotations import Dataset, Rectangle
from detector.data.problems import Problem, Problems
from detector.data.split import Side
from detector.data.yolo.config import CONFIGS
from detector.data.yolo.rows import label_path


def write(dataset: Dataset, folder: Path, paths: Mapping[int, Path], *, copy_images: bool) -> tuple[Problem, ...]:
    """Writes a data set as a new folder, whole or not at all; gives what had to be left out. Raises LabelError.

    paths: image id → file. Pictures without a stored side get one by their content. An image that is labelled and has
    no boxes gets an empty text, one that nobody looked at gets none. Crowd regions, which YOLO has not, are left out.
    """
    problems = Problems()
    numbers = {item.id: number for number, item in enumerate(dataset.classes)}
    with folders.writing(folder) as temporary:
        for side in Side:
            (temporary / "images" / side).mkdir(parents=True)
            (temporary / "labels" / side).mkdir(parents=True)
        for placed in folders.place(dataset, paths, problems, without=folders.PICTURES):
            picture = PurePosixPath("images", placed.side, placed.name)
            crowds = sum(box.iscrowd for box, _ in placed.boxes)
            if crowds:
                problems.add(f"{crowds} crowd regions are left out", placed.image.path)
            if placed.labelled:
                rows = [_line(numbers[b.class_id], xyxy, placed.size) for b, xyxy in placed.boxes if not b.iscrowd]
                folders.write_text(temporary / label_path(str(picture)), "".join(rows))
            if copy_images and placed.file is not None:
                folders.copy(placed.file, temporary / picture)
        names = {number: item.name for number, item in enumerate(dataset.classes)}
        head = {"train": "images/train", "val": "images/val", "nc": len(names), "names": names}
        folders.write_text(temporary / CONFIGS[0], yaml.safe_dump(head, allow_unicode=True, sort_keys=False))
    return problems.all()


def _line(number: int, xyxy: Rectangle, size: tuple[int, int]) -> str:
    (x1, y1, x2, y2), (width, height) = xyxy, size
    parts = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return f"{number} {' '.join(f'{part:.8f}' for part in parts)}\n"
