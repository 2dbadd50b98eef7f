"""YOLO data sets as data sets; what is wrong with single lines and pictures is told and stops nothing."""

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from detector.data import folders
from detector.data.annotations import OURS, Box, Dataset, ImageEntry, ObjectClass
from detector.data.images import SUFFIXES, find_images, size
from detector.data.matching import is_below, is_file_below
from detector.data.problems import Problem, Problems
from detector.data.yolo.config import CLASS_FILES, Config, bounded_text, read_config
from detector.data.yolo.rows import Row, label_path, parse_rows
from detector.errors import ImageError, LabelError


def read(path: Path, root: Path) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a data.yaml, or of a folder with one, class names or label texts; its pictures are below root.

    No picture elsewhere is looked at, whatever data.yaml says. Class ids are YOLO's numbers plus 1, as COCO counts.
    Raises LabelError where the whole cannot be used.
    """
    problems, config = Problems(), read_config(path)
    reader = _Reader(config, root, problems)
    for split, file in reader.pictures():
        reader.take(file, split)
    if not reader.images:
        raise LabelError(f"{path}: none of its pictures is in {root}; name the folder that holds them.")
    return reader.dataset(), problems.all()


class _Reader:
    """Takes the pictures one by one."""

    def __init__(self, config: Config, root: Path, problems: Problems) -> None:
        self.images: list[ImageEntry] = []
        self._boxes: list[Box] = []
        self._config, self._root, self._problems = config, root, problems
        self._real_root = os.path.realpath(root)
        self._read: set[str] = set()
        self._used: set[int] = set()

    def pictures(self) -> Iterator[tuple[str, Path]]:
        """The files of all splits, each file once."""
        seen: set[str] = set()
        for split, entries in self._config.splits.items() or [("", (".",))]:
            for entry in entries:
                for file in self._files(split, entry):
                    real = os.path.realpath(file)
                    if real not in seen and is_file_below(file, self._real_root):
                        seen.add(real)
                        yield split, file

    def take(self, file: Path, split: str) -> None:
        """A picture, with its text where it has one."""
        name = Path(os.path.relpath(file, self._root)).as_posix()
        try:
            width, height = size(file)
        except ImageError as error:
            self._problems.add(f"{str(error).removeprefix(f'{file}: ')} Its boxes are left out.", name)
            width = height = None
        found = next((text for text in self._texts_of(name) if os.path.isfile(self._root / text)), None)
        rows = None if found is None else self._rows(found)
        said: dict[str, Any] = {} if rows else {"state": "unlabelled" if rows is None else "started"}
        if split:
            said["split"] = split
        image_id = len(self.images) + 1
        self.images.append(ImageEntry(image_id, name, width, height, {OURS: said} if said else {}))
        if rows and width and height:
            self._boxes += (_box(row, image_id, width, height) for row in rows)

    def dataset(self) -> Dataset:
        """The whole; texts that belong to no picture are told."""
        names = self._config.names
        numbers = sorted({*names, *self._used})
        for text in self._orphans():
            self._problems.add("its picture is not there, so its boxes are left out", text)
        return Dataset(
            tuple(self.images),
            tuple(ObjectClass(number + 1, names.get(number, str(number))) for number in numbers),
            tuple(self._boxes),
        )

    def _files(self, split: str, entry: str) -> Iterator[Path]:
        place = self._place(entry)
        if place is None:
            message = f"{split}: “{entry}” is not in {self._root}; name the folder that holds the pictures"
            self._problems.add(message)
        elif place.is_dir():
            yield from find_images(place)
        else:
            yield from self._listed(place)

    def _place(self, entry: str) -> Path | None:
        """A folder or list that data.yaml names, below the root: as it is, or without the climb that some write."""
        entry, base = entry.replace("\\", "/"), self._config.path.replace("\\", "/")
        beyond = entry
        while beyond.startswith("../"):
            beyond = beyond.removeprefix("../")
        for name in (posixpath.join(base, entry), entry, posixpath.join(base, beyond), beyond):
            path = self._root / name
            if "\0" not in name and os.path.exists(path) and is_below(os.path.realpath(path), self._real_root):
                return path
        return None

    def _listed(self, place: Path) -> Iterator[Path]:
        """The pictures that a text lists, a path a line."""
        name = Path(os.path.relpath(place, self._root)).as_posix()
        for number, line in enumerate(bounded_text(place).splitlines(), 1):
            if not (entry := line.strip().replace("\\", "/")):
                continue
            candidates = (place.parent / entry, self._root / self._config.path / entry, self._root / entry)
            file = next((path for path in candidates if is_file_below(path, self._real_root)), None)
            if file is None:
                self._problems.add(f"{entry} is not in {self._root}", name, line=number)
            elif file.name.lower().endswith(SUFFIXES):
                yield file

    def _texts_of(self, name: str) -> Iterator[str]:
        for text in (label_path(name), str(PurePosixPath(name).with_suffix(".txt"))):
            yield text
            yield text.removesuffix(".txt") + ".TXT"

    def _rows(self, name: str) -> list[Row] | None:
        """The usable rows of a label text; None where it cannot be read at all."""
        self._read.add(name)
        if not is_file_below(self._root / name, self._real_root):
            return None
        try:
            text = bounded_text(self._root / name)
        except LabelError as error:
            self._problems.add(str(error).removeprefix(f"{self._root / name}: "), name)
            return None
        rows = parse_rows(text, name, self._problems, keypoints=self._config.keypoints)
        names = self._config.names
        if names:
            for row in rows:
                if row.number not in names:
                    self._problems.add(f"there is no class {row.number} in data.yaml, so its box is left out", name)
            rows = [row for row in rows if row.number in names]
        self._used.update(row.number for row in rows)
        return rows

    def _orphans(self) -> list[str]:
        """Texts in the folders of labels that were read from, and that no picture has."""
        tops = {name.split("labels/")[0] + "labels" for name in self._read if "labels/" in name}
        texts = {f"{top}/{name}" for top in tops for name in folders.below(self._root / top, ".txt")}
        return sorted(text for text in texts - self._read if PurePosixPath(text).name not in CLASS_FILES)


def _box(row: Row, image_id: int, width: int, height: int) -> Box:
    cx, cy, w, h = row.cxcywh
    xyxy = ((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
    extra: dict[str, Any] = {}
    if row.polygon:
        extra["segmentation"] = [[part * (height if at % 2 else width) for at, part in enumerate(row.polygon)]]
    if row.keypoints:
        extra["yolo_keypoints"] = list(row.keypoints)
    return Box(image_id, row.number + 1, xyxy, score=row.score, extra=extra)
