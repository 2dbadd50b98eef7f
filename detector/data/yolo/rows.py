"""The lines of a YOLO label text, and where the text of a picture is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from detector.data.annotations import Rectangle
from detector.data.problems import Problems


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a label text: the class's number from 0, cx, cy, w, h as parts of the picture, and what else it has."""

    number: int
    cxcywh: Rectangle
    score: float | None = None
    polygon: tuple[float, ...] = ()
    keypoints: tuple[float, ...] = ()


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
