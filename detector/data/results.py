"""COCO results: a bare list of boxes with scores, which names images and classes by their numbers alone."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any, TypeGuard

from detector.data.annotations import Rectangle
from detector.data.json_stream import items, json_error, read_text
from detector.data.problems import Problem, Problems

_BEGINNING = 2**16  # bytes that tell what a JSON file is


@dataclass(frozen=True, slots=True)
class Result:
    """A box with its score; the image is a number, or a text where a tool had none."""

    image: int | str
    category: int
    xyxy: Rectangle
    score: float


def is_results(path: Path) -> bool:
    """Whether a file looks like COCO results, by its first entry."""
    with suppress(OSError, RecursionError, ValueError):  # the text breaks off, mostly; or it is no list
        with path.open("rb") as file:
            text = file.read(_BEGINNING).decode("utf-8-sig", errors="replace")
        first = next(items(text), None)
        return isinstance(first, Mapping) and "score" in first and "image_id" in first
    return False


def read(path: Path) -> tuple[tuple[Result, ...], tuple[Problem, ...]]:
    """The results in a file, and what is wrong with single entries, which are left out. Raises LabelError."""
    text, found, problems = read_text(path), list[Result](), Problems()
    try:
        for number, entry in enumerate(items(text), 1):
            made = _result(entry)
            if isinstance(made, str):
                problems.add(f"entry {number}: {made}")
            else:
                found.append(made)
    except (RecursionError, ValueError) as error:
        raise json_error(path, error) from error
    return tuple(found), problems.all()


def _result(entry: Any) -> Result | str:
    """An entry as a result, or why it is none."""
    if not isinstance(entry, Mapping):
        return f"{short_repr(entry)} is no JSON object"
    named, category = entry.get("image_id"), _whole(entry.get("category_id"))
    image = named if isinstance(named, str) and named else _whole(named)
    if image is None:
        return f"image_id {short_repr(named)} is neither a whole number nor a text"
    if category is None:
        return f"category_id {short_repr(entry.get('category_id'))} is no whole number"
    bbox, score = entry.get("bbox"), entry.get("score")
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(map(_is_finite, bbox)):
        return f"bbox {short_repr(bbox)} is not four finite numbers"
    x, y, width, height = map(float, bbox)
    if not (x < x + width < math.inf and y < y + height < math.inf):
        return f"bbox {short_repr(bbox)} has no area"
    if not _is_finite(score) or not 0 <= score <= 1:
        return f"score {short_repr(score)} is not between 0 and 1"
    return Result(image, category, (x, y, x + width, y + height), float(score))


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_finite(value: Any) -> TypeGuard[float]:
    with suppress(OverflowError):  # of a whole number of hundreds of digits
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(float(value))
    return False
