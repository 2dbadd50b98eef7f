"""Data sets as COCO label files, and scored boxes as COCO results."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import Any

from detector.data.annotations import Box, Dataset, ImageEntry, Rectangle
from detector.data.coco.ids import LARGEST_ID
from detector.errors import LabelError
from detector.files import replacing

_AT_ONCE = 1000  # entries made into text together


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
