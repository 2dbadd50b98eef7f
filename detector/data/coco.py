"""COCO label files, read with their faults reported and written without loss. Boxes are xywh here and nowhere else."""

import json
import math
import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePath, PurePosixPath
from reprlib import repr as short_repr
from typing import Any, TypeVar

from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.errors import LabelError
from detector.files import replacing

_LISTS = ("images", "annotations", "categories")
_IMAGE_KEYS = {"id", "file_name", "width", "height"}
_CLASS_KEYS = {"id", "name"}
_BOX_KEYS = {"id", "image_id", "category_id", "bbox", "iscrowd", "score"}
_Entry = TypeVar("_Entry", ImageEntry, ObjectClass)


@dataclass(frozen=True)
class Problem:
    """An entry of a label file that was left out or mended, and why; `file` is the picture it concerns."""

    message: str
    file: str | None = None


@dataclass(frozen=True)
class Matched:
    """Picture files by image id; names without a file; names that fit several files, or one that others fit as well."""

    paths: dict[int, Path]
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]


def read(path: Path) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a COCO file, and what is wrong with single entries. Raises LabelError for any other file."""
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except UnicodeDecodeError as error:
        raise LabelError(f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise LabelError(f"{path}: {_json_fault(error)}; export it again or restore a copy.") from error
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise LabelError(f"{path}: this JSON is no COCO file ({error}); export it again.") from error
    return parse(document, str(path))


def _json_fault(error: json.JSONDecodeError) -> str:
    text = error.doc.rstrip()
    if error.pos >= len(text) or text[-1] not in "}]":
        return f"the JSON breaks off at line {text.count(chr(10)) + 1}, the file is empty or cut short"
    return f"invalid JSON at line {error.lineno}, column {error.colno} ({error.msg})"


def parse(document: object, source: str) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a COCO document as JSON gives it; `source` names the file in errors.

    Entries that cannot be used are left out, each with a Problem. Unknown keys go into `extra`, and so do an area other
    than width × height and any segmentation. Raises LabelError where the whole cannot be used.
    """
    entries = _coco_object(document, source)
    images, image_problems = _by_id("image", map(_image, entries["images"]))
    classes, class_problems = _by_id("category", map(_object_class, entries["categories"]))
    found = [_box(entry, images, classes) for entry in entries["annotations"]]
    boxes = tuple(box for box in found if isinstance(box, Box))
    if _are_normalised(boxes, images):
        raise LabelError(
            f"{source}: all boxes lie between 0 and 1, so they are normalised; COCO boxes are x, y, width, height in "
            "pixels: multiply them by the size of their image."
        )
    extra = _rest(entries, _LISTS)
    if extra.get("info") == {}:
        del extra["info"]
    problems = (
        *image_problems,
        *class_problems,
        *(problem for problem in found if isinstance(problem, Problem)),
        *_repeated_ids(entries["annotations"]),
    )
    return Dataset(tuple(images.values()), tuple(classes.values()), boxes, extra), problems


def to_document(dataset: Dataset) -> dict[str, Any]:
    """The COCO document of a data set, ready for JSON; scores are no part of labels and are left out.

    Annotation ids count from 1, for pycocotools takes a match with id 0 for none. Image ids stay as they are, unless
    one is below 1: then they count from 1, too.
    """
    renumber = any(image.id < 1 for image in dataset.images)
    image_ids = {image.id: number if renumber else image.id for number, image in enumerate(dataset.images, 1)}
    return {
        "info": {},  # which some versions of pycocotools need
        **dataset.extra,
        "images": [_image_entry(image, image_ids[image.id]) for image in dataset.images],
        "annotations": [
            _annotation(box, number, image_ids[box.image_id]) for number, box in enumerate(dataset.boxes, 1)
        ],
        "categories": [{"id": item.id, "name": item.name, **item.extra} for item in dataset.classes],
    }


def write(dataset: Dataset, path: Path) -> None:
    """Writes a data set as a COCO file, whole or not at all. Raises LabelError."""
    _write_json(to_document(dataset), path)


def write_results(boxes: Iterable[Box], path: Path) -> None:
    """Writes boxes that have scores as COCO results, a bare list, under the image ids they have. Raises LabelError."""
    rows = [
        {"image_id": box.image_id, "category_id": box.class_id, "bbox": _xywh(box.xyxy), "score": box.score}
        for box in boxes
    ]
    _write_json(rows, path)


def match_images(dataset: Dataset, root: Path) -> Matched:
    """Finds the pictures of a data set below `root`; whatever a name says, no other file nor any address is opened.

    A name is a path below the root, or else fits the file of the same base name whose folders agree furthest with its
    own, read from the end. No file serves two names. Raises LabelError if there is no such folder.
    """
    if not root.is_dir():
        raise LabelError(f"{root}: there is no such folder; name the one that holds the pictures.")
    real_root = os.path.realpath(root)
    local = [image for image in dataset.images if "://" not in image.path]
    paths = {image.id: root / image.path for image in local if _is_file_below(root / image.path, real_root)}
    fits = _fitting_files([image for image in local if image.id not in paths], root)
    unique = {image_id: files[0] for image_id, files in fits.items() if len(files) == 1}
    claims = Counter(map(os.path.realpath, [*paths.values(), *unique.values()]))
    paths |= {image_id: file for image_id, file in unique.items() if claims[os.path.realpath(file)] == 1}
    left = [image for image in dataset.images if image.id not in paths]
    return Matched(
        paths,
        missing=tuple(image.path for image in left if not fits.get(image.id)),
        ambiguous=tuple(image.path for image in left if fits.get(image.id)),
    )


def _coco_object(document: object, source: str) -> dict[str, Any]:
    """The document with its three lists, of which images are a must."""
    if isinstance(document, list):
        are_results = any(isinstance(entry, Mapping) and "score" in entry for entry in document)
        what = "COCO results (boxes with scores, without images and classes)" if are_results else "a bare list"
        raise LabelError(f"{source}: this is {what}, not a label file; name the COCO file that lists the images.")
    if not isinstance(document, Mapping) or "images" not in document:
        raise LabelError(f'{source}: this JSON has no "images" and is no COCO file; export the labels as COCO.')
    lists = {key: [] if document.get(key) is None else document[key] for key in _LISTS}
    for key, value in lists.items():
        if not isinstance(value, list):
            raise LabelError(f'{source}: "{key}" is no list; export the labels as COCO once more.')
    if lists["annotations"] and not lists["categories"]:
        raise LabelError(f'{source}: has annotations but no "categories" that name their classes; add them.')
    return {**document, **lists}


def _image(entry: Any) -> ImageEntry | Problem:
    if not isinstance(entry, Mapping):
        return Problem(f"image {short_repr(entry)} is no JSON object")
    image_id, name = _integer(entry.get("id")), entry.get("file_name")
    if not isinstance(name, str) or not name:
        return Problem(f"image {short_repr(entry.get('id'))} has no file_name")
    if image_id is None:
        return Problem(f"image id {short_repr(entry.get('id'))} is no whole number", name)
    width, height = (_integer(entry.get(key)) for key in ("width", "height"))
    known = width and height and min(width, height) > 0
    path = name.replace("\\", "/").removeprefix("./")
    return ImageEntry(image_id, path, *((width, height) if known else (None, None)), _rest(entry, _IMAGE_KEYS))


def _object_class(entry: Any) -> ObjectClass | Problem:
    class_id = _integer(entry.get("id")) if isinstance(entry, Mapping) else None
    if class_id is None:
        return Problem(f"category {short_repr(entry)} has no whole number as its id")
    name = entry.get("name")
    return ObjectClass(class_id, str(class_id if name in (None, "") else name), _rest(entry, _CLASS_KEYS))


def _box(entry: Any, images: Mapping[int, ImageEntry], classes: Mapping[int, ObjectClass]) -> Box | Problem:
    if not isinstance(entry, Mapping):
        return Problem(f"annotation {short_repr(entry)} is no JSON object")

    def fault(what: str, file: str | None = None) -> Problem:
        return Problem(f"annotation {short_repr(entry.get('id', 'without id'))}: {what}", file)

    image_id, class_id = _integer(entry.get("image_id")), _integer(entry.get("category_id"))
    if image_id is None or image_id not in images:
        return fault(f"its image {short_repr(entry.get('image_id'))} is not listed")
    path = images[image_id].path
    if class_id is None or class_id not in classes:
        return fault(f"its category {short_repr(entry.get('category_id'))} is not listed", path)
    bbox = entry.get("bbox")
    numbers = [_number(value) for value in bbox] if isinstance(bbox, list | tuple) else []
    xywh = [number for number in numbers if number is not None]
    if len(numbers) != 4 or len(xywh) != 4:
        return fault(f"bbox {short_repr(bbox)} is not four finite numbers", path)
    x, y, width, height = xywh
    xyxy = (x, y, x + width, y + height)
    if not (x < xyxy[2] < math.inf and y < xyxy[3] < math.inf):
        return fault(f"bbox {short_repr(bbox)} has no area", path)
    extra = _rest(entry, _BOX_KEYS)
    area, segmentation = _number(extra.pop("area", None)), extra.pop("segmentation", None)
    if area not in (None, width * height):
        extra["area"] = area
    if segmentation not in (None, []):
        extra["segmentation"] = segmentation
    return Box(image_id, class_id, xyxy, bool(_number(entry.get("iscrowd"))), _number(entry.get("score")), extra)


def _by_id(kind: str, entries: Iterable[_Entry | Problem]) -> tuple[dict[int, _Entry], list[Problem]]:
    """Entries by id, the first where an id is repeated; and the problems."""
    kept: dict[int, _Entry] = {}
    problems: list[Problem] = []
    for entry in entries:
        if isinstance(entry, Problem):
            problems.append(entry)
        elif entry.id in kept:
            file = entry.path if isinstance(entry, ImageEntry) else None
            problems.append(Problem(f"{kind} id {entry.id} is used again; only the first one is kept", file))
        else:
            kept[entry.id] = entry
    return kept, problems


def _repeated_ids(annotations: Iterable[Any]) -> list[Problem]:
    uses = Counter(_integer(entry.get("id")) for entry in annotations if isinstance(entry, Mapping))
    repeated = [(used, times) for used, times in uses.items() if used is not None and times > 1]
    return [
        Problem(f"annotation id {used} is used {times} times; all are kept, renumbered") for used, times in repeated
    ]


def _are_normalised(boxes: Sequence[Box], images: Mapping[int, ImageEntry]) -> bool:
    """Whether no number of any box exceeds 1, though images have more pixels than that."""
    large = {image.id for image in images.values() if (image.width or 9) > 2 and (image.height or 9) > 2}
    judged = [box.xyxy for box in boxes if box.image_id in large]
    return bool(judged) and all(max(map(abs, _xywh(xyxy))) <= 1 for xyxy in judged)


def _rest(entry: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in known}


def _integer(value: Any) -> int | None:
    """Whole numbers, also as strings or floats such as "3" and 3.0."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _image_entry(image: ImageEntry, image_id: int) -> dict[str, Any]:
    sizes = {} if image.width is None or image.height is None else {"width": image.width, "height": image.height}
    return {"id": image_id, "file_name": image.path, **sizes, **image.extra}


def _annotation(box: Box, number: int, image_id: int) -> dict[str, Any]:
    bbox = _xywh(box.xyxy)
    return {
        "id": number,
        "image_id": image_id,
        "category_id": box.class_id,
        "bbox": bbox,
        "area": bbox[2] * bbox[3],
        "iscrowd": int(box.iscrowd),
        "segmentation": [],
        **box.extra,
    }


def _xywh(xyxy: tuple[float, float, float, float]) -> list[float]:
    x1, y1, x2, y2 = map(float, xyxy)
    return [x1, y1, _length(x1, x2), _length(y1, y2)]


def _length(start: float, end: float) -> float:
    """What added to `start` gives `end`, as short as that allows: a 30.3 that was read is written as 30.3 again."""
    length = end - start
    short = round(length, 9)
    return short if start + short == end else length


def _write_json(document: object, path: Path) -> None:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except ValueError:  # NaN in keys that are passed through; JSON has none
        text = json.dumps(json.loads(json.dumps(document), parse_constant=lambda _: None), ensure_ascii=False)
    try:
        # Names that are not Unicode hold lone surrogates, which JSON writes as \udc80 and this handler does, too.
        with replacing(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise LabelError(f"{path}: cannot be written ({error.strerror}); choose another place.") from error


def _is_file_below(path: Path, real_root: str) -> bool:
    return os.path.isfile(path) and Path(os.path.realpath(path)).is_relative_to(real_root)


def _fitting_files(images: Sequence[ImageEntry], root: Path) -> dict[int, list[Path]]:
    """Image id → the files below `root` of the same base name that agree furthest with its path."""
    if not images:
        return {}  # the walk takes long where there are many files
    wanted = {image.id: parts for image in images if (parts := _composed_parts(PurePosixPath(image.path)))}
    files: dict[str, list[Path]] = {parts[-1]: [] for parts in wanted.values()}
    real_root = os.path.realpath(root)
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name[0] != "."]
        for name in names:
            same = files.get(unicodedata.normalize("NFC", name))
            if same is not None and _is_file_below(path := Path(parent, name), real_root):
                same.append(path)
    return {image_id: _closest(parts, files[parts[-1]], root) for image_id, parts in wanted.items()}


def _closest(parts: list[str], files: Sequence[Path], root: Path) -> list[Path]:
    """Of files of one base name, those that share most parts with a path, read from the end."""
    shared = [_shared_tail(parts, _composed_parts(file.relative_to(root))) for file in files]
    return [file for file, count in zip(files, shared, strict=True) if count == max(shared)]


def _shared_tail(a: Sequence[str], b: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(a), reversed(b), strict=False)))


def _composed_parts(path: PurePath) -> list[str]:
    """The parts of a path with letters and accents composed: macOS takes them apart in file names."""
    return [unicodedata.normalize("NFC", part) for part in path.parts]
