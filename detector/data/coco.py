"""COCO label files, read with their faults reported and written without loss. Boxes are xywh here and nowhere else."""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any

from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass, Rectangle
from detector.data.box_layout import BoxLayout, check_layout
from detector.data.json_stream import json_error, read_text, walk
from detector.data.problems import Problem, Problems
from detector.errors import LabelError
from detector.files import replacing

LARGEST_ID = 2**53  # that is kept; other programs' JSON holds no larger numbers exactly
LARGEST_SIDE = 2**31  # px; a picture that says it is larger does not know its size
_LISTS = ("images", "annotations", "categories")
_IMAGE_KEYS = {"id", "file_name", "width", "height"}
_CLASS_KEYS = {"id", "name"}
_BOX_KEYS = {"id", "image_id", "category_id", "bbox", "area", "segmentation", "iscrowd", "score"}
_AT_ONCE = 1000  # entries made into text together
_TEXT_IDS = -(2**200)  # ids that are texts count down from here until all are known


def read(path: Path, layout: BoxLayout | None = None) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a COCO file, and what is wrong with single entries. Raises LabelError for any other file.

    layout: what the boxes are, whatever they look like. Without it they are COCO's x, y, width and height, and it is a
    LayoutError where they cannot be.
    """
    text = read_text(path)
    try:
        if text.lstrip()[:1] != "{":
            return parse(json.loads(text), str(path), layout=layout)
        reader = _Reader(str(path), layout)
        for key, value, is_item in walk(text, _LISTS):
            reader.take(key, value, is_item=is_item)
    except (RecursionError, ValueError) as error:
        raise json_error(path, error) from error
    del text
    return reader.finish()


def parse(document: object, source: str, *, layout: BoxLayout | None = None) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a COCO document as JSON gives it; `source` names the file in errors.

    Entries that cannot be used are left out, each with a Problem. Unknown keys go into `extra`, and so do an area other
    than width × height and any segmentation. Raises LabelError where the whole cannot be used; `layout`: see `read`.
    """
    if isinstance(document, list):
        are_results = any(isinstance(entry, Mapping) and "score" in entry for entry in document)
        what = "COCO results (boxes with scores, without images and classes)" if are_results else "a bare list"
        raise LabelError(f"{source}: this is {what}, not a label file; name the COCO file that lists the images.")
    reader = _Reader(source, layout)
    for key, value in document.items() if isinstance(document, Mapping) else ():
        reader.take(key, value, is_item=False)
    return reader.finish()


def to_document(dataset: Dataset) -> dict[str, Any]:
    """The COCO document of a data set, ready for JSON; scores are no part of labels and are left out.

    Annotations keep their ids where these are whole numbers from 1 on that no other one has, for pycocotools takes a
    match with id 0 for none. Image ids stay as they are, unless one is below 1: then they count from 1.
    """
    image_ids = _image_ids(dataset)
    return {
        "info": {},  # which some versions of pycocotools need
        **dataset.extra,
        "images": [_image_entry(image, image_ids[image.id]) for image in dataset.images],
        "annotations": list(_annotations(dataset, image_ids)),
        "categories": [{"id": item.id, "name": item.name, **item.extra} for item in dataset.classes],
    }


def write(dataset: Dataset, path: Path) -> None:
    """Writes a data set as a COCO file, whole or not at all. Raises LabelError."""
    image_ids = _image_ids(dataset)
    head = _to_json({"info": {}, **dataset.extra})
    lists = {
        "images": (_image_entry(image, image_ids[image.id]) for image in dataset.images),
        "annotations": _annotations(dataset, image_ids),
        "categories": ({"id": item.id, "name": item.name, **item.extra} for item in dataset.classes),
    }

    def parts() -> Iterator[str]:
        yield head[:-1]
        for name, entries in lists.items():
            yield f', "{name}": '
            yield from _list_parts(entries)
        yield "}\n"

    _write_text(parts(), path)


def write_results(boxes: Iterable[Box], path: Path) -> None:
    """Writes boxes that have scores as COCO results, a bare list, under the image ids they have. Raises LabelError."""
    rows = (
        {"image_id": box.image_id, "category_id": box.class_id, "bbox": _xywh(box.xyxy), "score": box.score}
        for box in boxes
    )
    _write_text((*_list_parts(rows), "\n"), path)


# Reading


class _Reader:
    """Takes a document key by key, in any order; what depends on other entries is looked at in the end."""

    def __init__(self, source: str, layout: BoxLayout | None) -> None:
        self._source, self._layout = source, layout
        self._seen: set[str] = set()
        self._extra: dict[str, Any] = {}
        self._images: dict[int, ImageEntry] = {}
        self._classes: dict[int, ObjectClass] = {}
        self._boxes: list[Box] = []
        self._ids = _Ids()
        self._problems = {key: Problems() for key in _LISTS}
        self._faults: list[tuple[str, int | None]] = []  # of annotations, whose images may not be known yet
        self._take_one = {"images": self._image, "categories": self._class, "annotations": self._annotation}

    def take(self, key: str, value: Any, *, is_item: bool) -> None:
        """A key with its value, or with one item of its value."""
        if key not in _LISTS:
            self._extra[key] = value
            return
        if not is_item and value is not None and not isinstance(value, list):
            raise LabelError(f'{self._source}: "{key}" is no list; export the labels as COCO once more.')
        self._seen.add(key)
        for entry in [value] if is_item else value or ():
            self._seen.add(f"one of {key}")
            self._take_one[key](entry)

    def finish(self) -> tuple[Dataset, tuple[Problem, ...]]:
        """The whole. Raises LabelError where it cannot be used."""
        if "images" not in self._seen:
            raise LabelError(
                f'{self._source}: this JSON has no "images" and is no COCO file; export the labels as COCO.'
            )
        if "one of annotations" in self._seen and "one of categories" not in self._seen:
            raise LabelError(f'{self._source}: has annotations but no "categories" that name their classes; add them.')
        for message, image_id in self._faults:
            image = None if image_id is None else self._images.get(image_id)
            self._problems["annotations"].add(message, image.path if image else None)
        boxes = [box for box in self._boxes if self._belongs(box)]
        self._boxes = []
        if self._layout is None:
            check_layout(boxes, self._images, self._source)
        elif self._layout.is_normalised:
            boxes = self._in_pixels(boxes)
        if self._extra.get("info") == {}:
            del self._extra["info"]
        dataset = Dataset(tuple(self._images.values()), tuple(self._classes.values()), tuple(boxes), self._extra)
        problems = [problem for key in ("images", "categories", "annotations") for problem in self._problems[key].all()]
        return self._ids.numbered(dataset), (*problems, *_repeated_ids(boxes))

    def _image(self, entry: Any) -> None:
        problems = self._problems["images"]
        if not isinstance(entry, Mapping):
            return problems.add(f"image {short_repr(entry)} is no JSON object")
        image_id, name = self._ids.take("image", entry.get("id")), entry.get("file_name")
        if not isinstance(name, str) or not name:
            return problems.add(f"image {short_repr(entry.get('id'))} has no file_name")
        if image_id is None:
            return problems.add(f"image id {short_repr(entry.get('id'))} is neither a whole number nor a text", name)
        path = name.replace("\\", "/").removeprefix("./")
        if image_id in self._images:
            return problems.add(f"image id {short_repr(entry['id'])} is used again; only the first one is kept", path)
        width, height = (_integer(entry.get(key)) for key in ("width", "height"))
        known = width and height and min(width, height) > 0 and max(width, height) <= LARGEST_SIDE
        size = (width, height) if known else (None, None)
        self._images[image_id] = ImageEntry(image_id, path, *size, _rest(entry, _IMAGE_KEYS))
        return None

    def _class(self, entry: Any) -> None:
        problems = self._problems["categories"]
        class_id = self._ids.take("category", entry.get("id")) if isinstance(entry, Mapping) else None
        if class_id is None:
            return problems.add(f"category {short_repr(entry)} has neither a whole number nor a text as its id")
        if class_id in self._classes:
            what = short_repr(entry["id"])
            return problems.add(f"category id {what} is used again; only the first one is kept")
        name = entry.get("name")
        shown = str(entry["id"] if name in (None, "") else name)
        self._classes[class_id] = ObjectClass(class_id, shown, _rest(entry, _CLASS_KEYS))
        return None

    def _annotation(self, entry: Any) -> None:
        if not isinstance(entry, Mapping):
            self._faults.append((f"annotation {short_repr(entry)} is no JSON object", None))
            return
        image_id = self._ids.take("image", entry.get("image_id"))
        class_id = self._ids.take("category", entry.get("category_id"))
        xyxy = _corners(entry, self._layout or BoxLayout.XYWH)
        fault = ""
        if image_id is None:
            fault = f"its image {short_repr(entry.get('image_id'))} is not listed"
        elif class_id is None:
            fault = f"its category {short_repr(entry.get('category_id'))} is not listed"
        elif xyxy is None:
            fault = f"bbox {short_repr(entry.get('bbox'))} is not four finite numbers"
        elif not (xyxy[0] < xyxy[2] < math.inf and xyxy[1] < xyxy[3] < math.inf):
            fault = f"bbox {short_repr(entry.get('bbox'))} has no area"
        else:
            self._boxes.append(_box(entry, image_id, class_id, xyxy))
        if fault:
            self._faults.append((f"annotation {short_repr(entry.get('id', 'without id'))}: {fault}", image_id))

    def _belongs(self, box: Box) -> bool:
        """Whether image and class of a box are listed."""
        image = self._images.get(box.image_id)
        if image is not None and box.class_id in self._classes:
            return True
        lost = ("image", box.image_id) if image is None else ("category", box.class_id)
        name = "without id" if box.id is None else box.id
        message = f"annotation {name}: its {lost[0]} {short_repr(self._ids.written(*lost))} is not listed"
        self._problems["annotations"].add(message, image.path if image else None)
        return False

    def _in_pixels(self, boxes: Iterable[Box]) -> list[Box]:
        made: list[Box] = []
        for box in boxes:
            image = self._images[box.image_id]
            if image.width is None or image.height is None:
                message = "its size is not in the file, so its normalised boxes are left out"
                self._problems["annotations"].add(message, image.path)
            else:
                sizes = (image.width, image.height, image.width, image.height)
                x1, y1, x2, y2 = (part * size for part, size in zip(box.xyxy, sizes, strict=True))
                made.append(replace(box, xyxy=(x1, y1, x2, y2)))
        return made


class _Ids:
    """Ids of images and categories. Texts that are no numbers, such as UUIDs, get numbers that no other one has."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], int] = {}

    def take(self, kind: str, value: Any) -> int | None:
        """The id as a number, for now; None where the value can be none."""
        number = _integer(value)
        if number is None and isinstance(value, str) and value:
            return self._texts.setdefault((kind, value), _TEXT_IDS - len(self._texts))
        return number

    def written(self, kind: str, number: int) -> int | str:
        """How the file has it."""
        return next((text for (of, text), it in self._texts.items() if of == kind and it == number), number)

    def numbered(self, dataset: Dataset) -> Dataset:
        """The data set with final numbers, from 1 or the largest one on, in place of texts."""
        if not self._texts:
            return dataset
        images = _counted_on([image.id for image in dataset.images])
        classes = _counted_on([item.id for item in dataset.classes])
        return Dataset(
            tuple(replace(image, id=images[image.id]) for image in dataset.images),
            tuple(replace(item, id=classes[item.id]) for item in dataset.classes),
            tuple(replace(box, image_id=images[box.image_id], class_id=classes[box.class_id]) for box in dataset.boxes),
            dataset.extra,
        )


def _counted_on(ids: Sequence[int]) -> dict[int, int]:
    new = count(max([0, *ids]) + 1)
    return {number: number if number > _TEXT_IDS else next(new) for number in ids}


def _corners(entry: Mapping[str, Any], layout: BoxLayout) -> Rectangle | None:
    """The bbox as two corners, or what encloses the polygons where there is none; None where there is neither."""
    bbox = entry.get("bbox")
    if bbox is None or bbox == []:
        return _around(entry.get("segmentation"))
    if not isinstance(bbox, list | tuple) or len(bbox) != 4:
        return None
    x, y, third, fourth = map(_number, bbox)
    if x is None or y is None or third is None or fourth is None:
        return None
    return (x, y, third, fourth) if layout.has_corners else (x, y, x + third, y + fourth)


def _around(polygons: Any) -> Rectangle | None:
    """The rectangle that encloses polygons, each x1, y1, x2, y2, …"""
    if not isinstance(polygons, list) or not all(isinstance(polygon, list) for polygon in polygons):
        return None
    xs = [_number(x) for polygon in polygons for x in polygon[::2]]
    ys = [_number(y) for polygon in polygons for y in polygon[1::2]]
    columns, rows = [x for x in xs if x is not None], [y for y in ys if y is not None]
    if not columns or not rows or len(columns) + len(rows) < len(xs) + len(ys):
        return None
    return min(columns), min(rows), max(columns), max(rows)


def _box(entry: Mapping[str, Any], image_id: int, class_id: int, xyxy: Rectangle) -> Box:
    extra = _rest(entry, _BOX_KEYS)
    area, segmentation = _number(entry.get("area")), entry.get("segmentation")
    if area is not None and not math.isclose(area, (xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1])):  # of what was written
        extra["area"] = area
    if segmentation is not None and segmentation != []:
        extra["segmentation"] = segmentation
    iscrowd = bool(_number(entry.get("iscrowd")))
    if not iscrowd and "ignore" in entry and _number(entry["ignore"]):  # the word of older files
        iscrowd, extra["iscrowd"] = True, 0
    return Box(image_id, class_id, xyxy, iscrowd, _number(entry.get("score")), extra, _integer(entry.get("id")))


def _repeated_ids(boxes: Sequence[Box]) -> list[Problem]:
    seen: set[int] = set()
    repeated: dict[int, int] = {}
    for box in boxes:
        if box.id is not None and (box.id in seen or seen.add(box.id)):
            repeated[box.id] = repeated.get(box.id, 1) + 1
    return [
        Problem(f"annotation id {used} is used {times} times; all are kept, renumbered", kept=True)
        for used, times in islice(repeated.items(), _AT_ONCE)
    ]


def _rest(entry: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in known}


def _integer(value: Any) -> int | None:
    """Whole numbers, also as strings or floats such as "3" and 3.0."""
    if type(value) is int:  # first: there are millions
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    if type(value) is float and -math.inf < value < math.inf:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


# Writing


def _image_ids(dataset: Dataset) -> dict[int, int]:
    renumber = any(image.id < 1 for image in dataset.images)
    return {image.id: number if renumber else image.id for number, image in enumerate(dataset.images, 1)}


def _image_entry(image: ImageEntry, image_id: int) -> dict[str, Any]:
    sizes = {} if image.width is None or image.height is None else {"width": image.width, "height": image.height}
    return {"id": image_id, "file_name": image.path, **sizes, **image.extra}


def _annotations(dataset: Dataset, image_ids: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    largest = max((box.id for box in dataset.boxes if box.id is not None and box.id < LARGEST_ID), default=0)
    new, taken = count(max(largest, 0) + 1), set[int]()
    for box in dataset.boxes:
        number = box.id if box.id is not None and 0 < box.id < LARGEST_ID and box.id not in taken else next(new)
        taken.add(number)
        bbox = _xywh(box.xyxy)
        yield {
            "id": number,
            "image_id": image_ids[box.image_id],
            "category_id": box.class_id,
            "bbox": bbox,
            "area": bbox[2] * bbox[3],
            "iscrowd": int(box.iscrowd),
            "segmentation": [],
            **box.extra,
        }


def _xywh(xyxy: Rectangle) -> list[float]:
    x1, y1, x2, y2 = xyxy
    return [float(x1), float(y1), _length(x1, x2), _length(y1, y2)]


def _length(start: float, end: float) -> float:
    """What added to `start` gives `end`, as short as that allows: a 30.3 that was read is written as 30.3 again."""
    length = float(end - start)
    short = round(length, 9)
    return short if start + short == end else length


def _list_parts(entries: Iterable[object]) -> Iterator[str]:
    """A JSON list as text, in pieces."""
    rest, before = iter(entries), "["
    while some := list(islice(rest, _AT_ONCE)):
        yield before
        yield _to_json(some)[1:-1]
        before = ", "
    yield "]" if before == ", " else "[]"


def _to_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:  # NaN in keys that are passed through; JSON has none
        return json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None), ensure_ascii=False)


def _write_text(parts: Iterable[str], path: Path) -> None:
    try:
        # Names that are not Unicode hold lone surrogates, which JSON writes as \udc80 and this handler does, too.
        with (
            replacing(path) as temporary,
            temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
        ):
            file.writelines(parts)
    except OSError as error:
        raise LabelError(f"{path}: cannot be written ({error.strerror}); choose another place.") from error
