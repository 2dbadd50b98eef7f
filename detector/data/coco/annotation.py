"""One annotation of a COCO file as a box. There are millions of them: each step here is counted."""

import math
from collections.abc import Mapping
from typing import Any

from detector.data.annotations import Box, Rectangle
from detector.data.coco.ids import whole_number

_KNOWN = {"id", "image_id", "category_id", "bbox", "area", "segmentation", "iscrowd", "score"}


def corners(entry: Mapping[str, Any], *, are_written: bool) -> Rectangle | None:
    """The bbox as two corners, or what encloses the polygons where there is none; None where there is neither.

    are_written: the bbox holds the corners themselves, not x, y, width and height.
    """
    bbox = entry.get("bbox")
    if bbox is None or bbox == []:
        return _around(entry.get("segmentation"))
    if not isinstance(bbox, list | tuple) or len(bbox) != 4:
        return None
    try:
        x, y, third, fourth = map(float, bbox)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(x + y + third + fourth) and not all(map(math.isfinite, (x, y, third, fourth))):
        return None
    return (x, y, third, fourth) if are_written else (x, y, x + third, y + fourth)


def box(entry: Mapping[str, Any], image_id: int, class_id: int, xyxy: Rectangle) -> Box:
    """The box of an annotation; keys that this program does not know, an area of its own and polygons are `extra`."""
    extra = {} if entry.keys() <= _KNOWN else {key: value for key, value in entry.items() if key not in _KNOWN}
    area, segmentation = _number(entry.get("area")), entry.get("segmentation")
    if area is not None and not math.isclose(area, (xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1])):  # of what was written
        extra["area"] = area
    if segmentation is not None and segmentation != []:
        extra["segmentation"] = segmentation
    iscrowd = bool(_number(entry.get("iscrowd")))
    if not iscrowd and "ignore" in entry and _number(entry["ignore"]):  # the word of older files
        iscrowd, extra["iscrowd"] = True, 0
    return Box(image_id, class_id, xyxy, iscrowd, _number(entry.get("score")), extra, whole_number(entry.get("id")))


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


def _number(value: Any) -> float | None:
    """A finite number, also as a string; None for anything else."""
    if value is None:  # first: most keys are missing
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
