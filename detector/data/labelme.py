"""labelme's label files, a JSON for each picture, also as X-AnyLabeling writes them. They are read, not written."""

import json
import math
import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from reprlib import repr as short_repr
from typing import Any

from detector.data import folders
from detector.data.annotations import FLAGS, OURS, Box, Dataset, ImageEntry, ObjectClass, Rectangle
from detector.data.images import SUFFIXES
from detector.data.json_stream import json_error, read_text
from detector.data.matching import is_file_below, safe_path
from detector.data.problems import Problem, Problems
from detector.errors import LabelError

LARGEST_FILE = 2**28  # bytes; some hold the picture itself
_WITHOUT_AREA = ("point", "line", "linestrip", "points")
_KEPT = ("group_id", "description", "attributes")


@dataclass(frozen=True)
class Shape:
    """A shape's class, enclosing rectangle in pixels, polygon (x1, y1, x2, …) where it is one, flags and other keys."""

    label: str
    xyxy: Rectangle
    polygon: tuple[float, ...]
    flags: tuple[str, ...]
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class LabelmeFile:
    """What one file says: the picture's path, POSIX, as it has it; its size where it is said; the shapes."""

    image_path: str
    size: tuple[int, int] | None
    shapes: tuple[Shape, ...]


def read(path: Path, root: Path) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a folder of labelme's files, or of a single one, whose pictures are below `root`.

    A file that cannot be read is told and passed over; JSON of other kinds is none of them. Raises LabelError where
    none can be read.
    """
    folder = path if path.is_dir() else path.parent
    names = folders.below(folder, ".json") if path.is_dir() else [path.name]
    problems, files = Problems(), list[tuple[str, LabelmeFile]]()
    for name in names:
        try:
            document = _load(folder / name)
            if isinstance(document, Mapping) and "shapes" in document:
                files.append((name, parse(document, name, problems)))
        except LabelError as error:
            problems.add(str(error).removeprefix(f"{folder / name}: ").removeprefix(f"{name}: "), name)
    if not files:
        reason = problems.all()[0] if problems.all() else "holds no file of labelme's"
        raise LabelError(f"{path}: {reason}; name a folder of labelme's labels.")
    return _dataset(files, folder, root), problems.all()


def parse(document: object, source: str, problems: Problems) -> LabelmeFile:
    """What a file says, as JSON gives it; shapes that cannot be used are told. Raises LabelError."""
    if not isinstance(document, Mapping) or not isinstance(document.get("shapes"), list):
        raise LabelError(f"{source}: has no list of “shapes” and is no file of labelme's; leave it out.")
    shapes: list[Shape] = []
    for number, entry in enumerate(document["shapes"], 1):
        shape = _shape(entry)
        if isinstance(shape, Shape):
            shapes.append(shape)
        else:
            problems.add(f"shape {number}: {shape}, so it is left out", source)
    path = document.get("imagePath")
    width, height = (_whole(document.get(key)) for key in ("imageWidth", "imageHeight"))
    size = (width, height) if width and height else None
    return LabelmeFile(path.replace("\\", "/") if isinstance(path, str) else "", size, tuple(shapes))


def _load(path: Path) -> object:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LabelError(f"{path}: is too large for the labels of one picture; leave it out.")
        return json.loads(read_text(path))
    except (RecursionError, ValueError) as error:
        raise json_error(path, error) from error


def _shape(entry: Any) -> Shape | str:
    """A shape, or why it is none."""
    if not isinstance(entry, Mapping):
        return f"{short_repr(entry)} is no JSON object"
    label, kind, points = entry.get("label"), entry.get("shape_type") or "polygon", _points(entry.get("points"))
    if not isinstance(label, str | int) or not str(label).strip():
        return "it has no label"
    if kind in _WITHOUT_AREA:
        return f"a {kind} has no area"
    if points is None or len(points) < 2:
        return f"points {short_repr(entry.get('points'))} are not pairs of finite numbers"
    if kind == "circle":  # its centre and a point on it
        radius = math.dist(points[0], points[1])
        (x, y), points = points[0], []
        xyxy = (x - radius, y - radius, x + radius, y + radius)
    else:
        xs, ys = zip(*points, strict=True)
        xyxy = (min(xs), min(ys), max(xs), max(ys))
    if not (xyxy[0] < xyxy[2] < math.inf and xyxy[1] < xyxy[3] < math.inf):
        return "it has no area"
    flags = entry.get("flags") if isinstance(entry.get("flags"), Mapping) else {}
    is_set = tuple(flag for flag in FLAGS if (flags or {}).get(flag) is True or entry.get(flag) is True)
    is_polygon = kind not in ("rectangle", "circle", "mask") and len(points) > 2
    polygon = tuple(part for point in points for part in point) if is_polygon else ()
    extra = {key: entry[key] for key in _KEPT if entry.get(key) not in (None, "", {}, [])}
    return Shape(str(label).strip(), xyxy, polygon, is_set, extra)


def _points(value: Any) -> list[tuple[float, float]] | None:
    points: list[tuple[float, float]] = []
    for point in value if isinstance(value, list) else [None]:
        if not isinstance(point, list) or len(point) < 2 or not all(map(_is_number, point[:2])):
            return None
        points.append((float(point[0]), float(point[1])))
    return points


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _whole(value: Any) -> int | None:
    return int(value) if _is_number(value) and 1 <= value < 2**31 else None


def _dataset(files: list[tuple[str, LabelmeFile]], folder: Path, root: Path) -> Dataset:
    names = sorted({shape.label for _, file in files for shape in file.shapes})
    classes = {name: ObjectClass(number, name) for number, name in enumerate(names, 1)}
    images: list[ImageEntry] = []
    boxes: list[Box] = []
    for image_id, (name, file) in enumerate(files, 1):
        picture, size = _picture(folder, name, file.image_path, root), file.size or (None, None)
        images.append(ImageEntry(image_id, picture, *size, {} if file.shapes else {OURS: {"state": "started"}}))
        for shape in file.shapes:
            extra: dict[str, Any] = dict(shape.extra)
            if shape.polygon:
                extra["segmentation"] = [list(shape.polygon)]
            if shape.flags:
                extra[OURS] = dict.fromkeys(shape.flags, True)
            boxes.append(Box(image_id, classes[shape.label].id, shape.xyxy, extra=extra))
    return Dataset(tuple(images), tuple(classes.values()), tuple(boxes))


def _picture(folder: Path, name: str, image_path: str, root: Path) -> str:
    """The picture's path relative to the root: imagePath, which is relative to the file that says it, or else the
    picture of the file's own name beside it: whoever renames both seldom mends imagePath.
    """
    own, real_root = PurePosixPath(name), os.path.realpath(root)
    beside = (own.with_suffix(suffix) for suffix in SUFFIXES)
    for path in (folder / place for place in (own.parent / image_path, *beside)):
        if "\0" not in str(path) and is_file_below(path, real_root):
            return PurePosixPath(posixpath.normpath(Path(os.path.relpath(path, root)).as_posix())).as_posix()
    return safe_path(image_path) or PurePosixPath(image_path).name or own.stem
