"""YOLO data sets: data.yaml, pictures in images/, and for each a text in labels/ with a line a box.

A line is `class cx cy w h`, as parts of the picture's width and height; boxes here are in its pixels. A picture without
a text is unlabelled, and one with an empty text has no objects; trainers take both for empty.
"""

import math
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from detector.data import folders
from detector.data.annotations import OURS, Box, Dataset, ImageEntry, ObjectClass, Rectangle
from detector.data.images import SUFFIXES, find_images, size
from detector.data.json_stream import read_text
from detector.data.matching import is_below, is_file_below
from detector.data.problems import Problem, Problems
from detector.data.split import Side
from detector.errors import ImageError, LabelError

CONFIGS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
CLASS_FILES = ("classes.txt", "obj.names")
SPLITS = ("train", "val", "test")
LARGEST_CONFIG, LARGEST_TEXT = 2**20, 2**26  # bytes; reading more takes longer than anybody waits
DEEPEST = 20  # lists and mappings inside each other
_NO_VALUE = ("", "~", "null", "None")


@dataclass(frozen=True)
class Config:
    """What data.yaml says: class names by number; by split its folders or lists of pictures, relative to `path`.

    keypoints: how many numbers of key points follow each box.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path: str = ""
    keypoints: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a label text: the class's number from 0, cx, cy, w, h as parts of the picture, and what else it has."""

    number: int
    cxcywh: Rectangle
    score: float | None = None
    polygon: tuple[float, ...] = ()
    keypoints: tuple[float, ...] = ()


# Reading


def read(path: Path, root: Path) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a data.yaml, or of a folder with one or with a list of class names, and its pictures below root.

    No picture elsewhere is looked at, whatever data.yaml says. Class ids are YOLO's numbers plus 1, as COCO counts.
    Raises LabelError where the whole cannot be used.
    """
    problems, config = Problems(), _read_config(path)
    reader = _Reader(config, root, problems)
    for split, file in reader.pictures():
        reader.take(file, split)
    if not reader.images:
        raise LabelError(f"{path}: none of its pictures is in {root}; name the folder that holds them.")
    return reader.dataset(), problems.all()


def parse_config(text: str, source: str) -> Config:
    """What a data.yaml says; `source` names it in errors. Raises LabelError."""
    if len(text) > LARGEST_CONFIG:
        raise LabelError(f"{source}: {len(text):,} characters are too many for a data.yaml; name the right file.")
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # only texts: no class is called “no” and becomes False
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):  # before it is built, which libyaml does without a limit
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise LabelError(f"{source}: lists lie too deep inside each other for a data.yaml; mend it.")
        document = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        what = " ".join(str(getattr(error, "problem", None) or error).split())
        raise LabelError(f"{source}: invalid YAML{line} ({what}); mend it or export it again.") from error
    except (RecursionError, ValueError) as error:
        raise LabelError(f"{source}: this YAML is no data set ({error}); export it again.") from error
    if not isinstance(document, Mapping):
        raise LabelError(f"{source}: this is no data.yaml of a YOLO data set; name one that has “names” and “train”.")
    splits = {split: _texts(document.get(split)) for split in SPLITS}
    splits["val"] = splits["val"] or _texts(document.get("valid"))
    return Config(
        _names(document.get("names"), document.get("nc"), source),
        {split: entries for split, entries in splits.items() if entries},
        _texts(document.get("path"))[0] if _texts(document.get("path")) else "",
        _keypoints(document.get("kpt_shape")),
    )


def parse_rows(text: str, source: str, problems: Problems, *, keypoints: int = 0) -> list[Row]:
    """The rows of a label text; lines that are none are told."""
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (words := line.split()):
            continue
        row = _row(words, keypoints)
        if isinstance(row, Row):
            rows.append(row)
        else:
            problems.add(row, source, line=number)
    return rows


def label_path(picture: str) -> str:
    """Where the text of a picture is: the last folder “images” on its path is “labels” there, and it ends in .txt."""
    parts = list(PurePosixPath(picture).with_suffix(".txt").parts)
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return "/".join(parts)


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
        for number, line in enumerate(_bounded_text(place).splitlines(), 1):
            if not (entry := line.strip().replace("\\", "/")):
                continue
            candidates = (place.parent / entry, self._root / self._config.path / entry, self._root / entry)
            file = next((path for path in candidates if is_file_below(path, self._real_root)), None)
            if file is None:
                self._problems.add(f"{entry} is not in {self._root}", name, line=number)
            elif file.name.lower().endswith(SUFFIXES):
                yield file

    def _texts_of(self, name: str) -> Iterator[str]:
        yield label_path(name)
        yield str(PurePosixPath(name).with_suffix(".txt"))

    def _rows(self, name: str) -> list[Row] | None:
        """The usable rows of a label text; None where it cannot be read at all."""
        self._read.add(name)
        if not is_file_below(self._root / name, self._real_root):
            return None
        try:
            text = _bounded_text(self._root / name)
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


def _read_config(path: Path) -> Config:
    if path.is_file():
        if path.name in CLASS_FILES:
            return _config_of_names(path)
        return parse_config(read_text(path), str(path))
    for name in CONFIGS:
        if (path / name).is_file():
            return parse_config(read_text(path / name), str(path / name))
    for name in CLASS_FILES:
        if (path / name).is_file():
            return _config_of_names(path / name)
    raise LabelError(f"{path}: holds no {CONFIGS[0]}; name the folder of a YOLO data set.")


def _config_of_names(path: Path) -> Config:
    names = [line.strip() for line in _bounded_text(path).splitlines()]
    return Config({number: name for number, name in enumerate(names) if name})


def _bounded_text(path: Path) -> str:
    if path.stat().st_size > LARGEST_TEXT:
        raise LabelError(f"{path}: is too large for a label text; name the right folder.")
    return read_text(path)


def _names(names: Any, count: Any, source: str) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, Mapping):
        wanted = int(count) if isinstance(count, str) and count.isdecimal() and len(count) < 6 else 0
        return {number: str(number) for number in range(wanted)}
    numbered: dict[int, str] = {}
    for key, name in names.items():
        number = str(key).strip()
        if not number.isdecimal() or len(number) > 9 or not isinstance(name, str):
            raise LabelError(f"{source}: “names” must be a list, or names by number; mend it.")
        numbered[int(number)] = name if name.strip() else number
    return numbered


def _texts(value: Any) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    return tuple(entry for entry in entries if isinstance(entry, str) and entry.strip() not in _NO_VALUE)


def _keypoints(shape: Any) -> int:
    """How many numbers a pose has behind its box."""
    if not isinstance(shape, list) or len(shape) != 2:
        return 0
    sizes = [int(part) for part in shape if isinstance(part, str) and part.isdecimal() and len(part) < 5]
    return sizes[0] * sizes[1] if len(sizes) == 2 else 0


def _row(words: Sequence[str], keypoints: int) -> Row | str:
    """A row, or why it is none."""
    try:
        first, *numbers = map(float, words)
    except ValueError:
        return f"“{' '.join(words)[:60]}” is not numbers only"
    if not all(map(math.isfinite, (first, *numbers))) or not first.is_integer() or not 0 <= first < 2**31:
        return "the class or a number is none"
    number, count = int(first), len(numbers)
    if count < 4:
        return f"{count + 1} numbers are too few for a box"
    if max(map(abs, numbers[:4] if keypoints or count <= 5 else numbers[: count - count % 2])) > 2:
        return "the numbers are larger than the picture: they must be parts of its width and height"
    if keypoints and count >= 4 + keypoints:
        return _checked(Row(number, _four(numbers), keypoints=tuple(numbers[4 : 4 + keypoints])))
    if count <= 5:
        return _checked(Row(number, _four(numbers), numbers[4] if count == 5 else None))
    score = numbers.pop() if count % 2 else None
    if len(numbers) < 6:
        return f"{count + 1} numbers are neither a box nor a polygon"
    xs, ys = numbers[::2], numbers[1::2]
    left, top, width, height = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    return _checked(Row(number, (left + width / 2, top + height / 2, width, height), score, tuple(numbers)))


def _checked(row: Row) -> Row | str:
    return row if row.cxcywh[2] > 0 and row.cxcywh[3] > 0 else "the box has no area"


def _four(numbers: Sequence[float]) -> Rectangle:
    a, b, c, d = numbers[:4]
    return a, b, c, d


def _box(row: Row, image_id: int, width: int, height: int) -> Box:
    cx, cy, w, h = row.cxcywh
    xyxy = ((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
    extra: dict[str, Any] = {}
    if row.polygon:
        extra["segmentation"] = [[part * (height if at % 2 else width) for at, part in enumerate(row.polygon)]]
    if row.keypoints:
        extra["yolo_keypoints"] = list(row.keypoints)
    return Box(image_id, row.number + 1, xyxy, score=row.score, extra=extra)


# Writing


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
