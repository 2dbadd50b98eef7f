"""The ids of COCO's images, categories and annotations: whole numbers, however they are written, and texts."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from detector.data.annotations import Dataset

LARGEST_ID = 2**53  # that is kept; other programs' JSON holds no larger numbers exactly
_TEXT_IDS = -(2**200)  # ids that are texts count down from here until all are known


class Ids:
    """Ids of images and categories. Texts that are no numbers, such as UUIDs, get numbers that no other one has."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], int] = {}

    def take(self, kind: str, value: Any) -> int | None:
        """The id as a number, for now; None where the value can be none."""
        number = whole_number(value)
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


def whole_number(value: Any) -> int | None:
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


def _counted_on(ids: Sequence[int]) -> dict[int, int]:
    new = count(max([0, *ids]) + 1)
    return {number: number if number > _TEXT_IDS else next(new) for number in ids}
