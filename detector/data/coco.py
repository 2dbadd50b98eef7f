"""COCO label files: reading with every trap reported, writing that loses nothing. xywh exists only here."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass


def to_document(dataset: Dataset) -> dict[str, Any]:
    """The COCO document of a data set, ready for JSON. Annotation ids start at 1: pycocotools takes a match with id 0 for none.

    Image ids stay as they are unless one is below 1; then all are renumbered from 1. Scores are no annotation field and are left out.
    """
    renumber = any(image.id < 1 for image in dataset.images)
    image_ids = {image.id: number if renumber else image.id for number, image in enumerate(dataset.images, 1)}
    return {
        **dataset.extra,
        "images": [_image_entry(image, image_ids[image.id]) for image in dataset.images],
        "annotations": [
            _annotation(box, number, image_ids[box.image_id]) for number, box in enumerate(dataset.boxes, 1)
        ],
        "categories": [{**item.extra, "id": item.id, "name": item.name} for item in dataset.classes],
    }


def write(dataset: Dataset, path: Path) -> None:
    """Writes a data set as a COCO file, whole or not at all."""
    _write_json(to_document(dataset), path)


def write_results(boxes: Iterable[Box], path: Path) -> None:
    """Writes scored boxes as COCO results: a bare list of image_id, category_id, bbox xywh and score."""
    rows = [
        {"image_id": box.image_id, "category_id": box.class_id, "bbox": _xywh(box.xyxy), "score": box.score}
        for box in boxes
    ]
    _write_json(rows, path)


def _image_entry(image: ImageEntry, image_id: int) -> dict[str, Any]:
    sizes = {"width": image.width, "height": image.height}
    return {**image.extra, "id": image_id, "file_name": image.path, **{k: v for k, v in sizes.items() if v is not None}}


def _annotation(box: Box, number: int, image_id: int) -> dict[str, Any]:
    bbox = _xywh(box.xyxy)
    return {
        "segmentation": [],
        "area": bbox[2] * bbox[3],
        **box.extra,
        "id": number,
        "image_id": image_id,
        "category_id": box.class_id,
        "bbox": bbox,
        "iscrowd": int(box.iscrowd),
    }


def _xywh(xyxy: tuple[float, float, float, float]) -> list[float]:
    x1, y1, x2, y2 = xyxy
    return [x1, y1, x2 - x1, y2 - y1]


def _write_json(document: object, path: Path) -> None:
    """UTF-8 JSON through a temporary file beside it, so that a crash leaves the old file or the new one, never half of one."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
