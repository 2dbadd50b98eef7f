"""COCO label files as data sets; what is wrong with single entries is told and stops nothing."""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any

from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.box_layout import BoxLayout, check_layout
from detector.data.coco.annotation import box, corners
from detector.data.coco.ids import Ids, whole_number
from detector.data.json_stream import json_error, read_text, walk
from detector.data.problems import LISTED, Problem, Problems
from detector.errors import LabelError

LARGEST_SIDE = 2**31  # px; a picture that says it is larger does not know its size
_LISTS = ("images", "annotations", "categories")
_IMAGE_KEYS = {"id", "file_name", "width", "height"}
_CLASS_KEYS = {"id", "name"}


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
            (reader.take_item if is_item else reader.take)(key, value)
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
        are_results = any(isinstance(entry, dict) and "score" in entry for entry in document)
        what = "COCO results (boxes with scores, without images and classes)" if are_results else "a bare list"
        raise LabelError(f"{source}: this is {what}, not a label file; name the COCO file that lists the images.")
    reader = _Reader(source, layout)
    for key, value in document.items() if isinstance(document, Mapping) else ():
        reader.take(key, value)
    return reader.finish()


class _Reader:
    """Takes a document key by key, in any order; what depends on other entries is looked at in the end."""

    def __init__(self, source: str, layout: BoxLayout | None) -> None:
        self._source, self._layout = source, layout
        self._has_corners = layout is not None and layout.has_corners
        self._seen: set[str] = set()
        self._with_items: set[str] = set()
        self._extra: dict[str, Any] = {}
        self._images: dict[int, ImageEntry] = {}
        self._classes: dict[int, ObjectClass] = {}
        self._boxes: list[Box] = []
        self._ids = Ids()
        self._problems = {key: Problems() for key in _LISTS}
        self._faults: list[tuple[str, int | None]] = []  # of annotations, whose images may not be known yet
        self._take_one = {"images": self._image, "categories": self._class, "annotations": self._annotation}

    def take(self, key: str, value: Any) -> None:
        """A key with its whole value."""
        if key not in _LISTS:
            self._extra[key] = value
            return
        if value is not None and not isinstance(value, list):
            raise LabelError(f'{self._source}: "{key}" is no list; export the labels as COCO once more.')
        self._seen.add(key)
        for entry in value or ():
            self.take_item(key, entry)

    def take_item(self, key: str, entry: Any) -> None:
        """One item of a list."""
        self._with_items.add(key)
        self._take_one[key](entry)

    def finish(self) -> tuple[Dataset, tuple[Problem, ...]]:
        """The whole. Raises LabelError where it cannot be used."""
        if "images" not in self._seen:
            raise LabelError(
                f'{self._source}: this JSON has no "images" and is no COCO file; export the labels as COCO.'
            )
        if "annotations" in self._with_items and "categories" not in self._with_items:
            raise LabelError(f'{self._source}: has annotations but no "categories" that name their classes; add them.')
        for message, image_id in self._faults:
            image = None if image_id is None else self._images.get(image_id)
            self._problems["annotations"].add(message, image.path if image else None)
        boxes = self._whole()
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
        if not isinstance(entry, dict):
            return problems.add(f"image {short_repr(entry)} is no JSON object")
        image_id, name = self._ids.take("image", entry.get("id")), entry.get("file_name")
        if not isinstance(name, str) or not name:
            return problems.add(f"image {short_repr(entry.get('id'))} has no file_name")
        if image_id is None:
            return problems.add(f"image id {short_repr(entry.get('id'))} is neither a whole number nor a text", name)
        path = name.replace("\\", "/").removeprefix("./")
        if image_id in self._images:
            return problems.add(f"image id {short_repr(entry['id'])} is used again; only the first one is kept", path)
        width, height = (whole_number(entry.get(key)) for key in ("width", "height"))
        known = width and height and min(width, height) > 0 and max(width, height) <= LARGEST_SIDE
        size = (width, height) if known else (None, None)
        self._images[image_id] = ImageEntry(image_id, path, *size, _rest(entry, _IMAGE_KEYS))
        return None

    def _class(self, entry: Any) -> None:
        problems = self._problems["categories"]
        class_id = self._ids.take("category", entry.get("id")) if isinstance(entry, dict) else None
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
        if not isinstance(entry, dict):
            self._faults.append((f"annotation {short_repr(entry)} is no JSON object", None))
            return
        image_id, class_id = entry.get("image_id"), entry.get("category_id")
        if type(image_id) is not int:
            image_id = self._ids.take("image", image_id)
        if type(class_id) is not int:
            class_id = self._ids.take("category", class_id)
        xyxy = corners(entry, are_written=self._has_corners)
        if image_id is None:
            fault = f"its image {short_repr(entry.get('image_id'))} is not listed"
        elif class_id is None:
            fault = f"its category {short_repr(entry.get('category_id'))} is not listed"
        elif xyxy is None:
            fault = f"bbox {short_repr(entry.get('bbox'))} is not four finite numbers"
        elif not (xyxy[0] < xyxy[2] < math.inf and xyxy[1] < xyxy[3] < math.inf):
            fault = f"bbox {short_repr(entry.get('bbox'))} has no area"
        else:
            self._boxes.append(box(entry, image_id, class_id, xyxy))
            return
        self._faults.append((f"annotation {short_repr(entry.get('id', 'without id'))}: {fault}", image_id))

    def _whole(self) -> list[Box]:
        """The boxes whose image and class are listed; the others are told."""
        images, classes, whole = self._images, self._classes, list[Box]()
        for one in self._boxes:
            if one.image_id in images and one.class_id in classes:
                whole.append(one)
            else:
                self._tell_lost(one)
        return whole

    def _tell_lost(self, one: Box) -> None:
        image = self._images.get(one.image_id)
        lost = ("image", one.image_id) if image is None else ("category", one.class_id)
        name = "without id" if one.id is None else one.id
        message = f"annotation {name}: its {lost[0]} {short_repr(self._ids.written(*lost))} is not listed"
        self._problems["annotations"].add(message, image.path if image else None)

    def _in_pixels(self, boxes: Iterable[Box]) -> list[Box]:
        made: list[Box] = []
        for one in boxes:
            image = self._images[one.image_id]
            if image.width is None or image.height is None:
                message = "its size is not in the file, so its normalised boxes are left out"
                self._problems["annotations"].add(message, image.path)
            else:
                sizes = (image.width, image.height, image.width, image.height)
                x1, y1, x2, y2 = (part * size for part, size in zip(one.xyxy, sizes, strict=True))
                made.append(replace(one, xyxy=(x1, y1, x2, y2)))
        return made


def _repeated_ids(boxes: Sequence[Box]) -> list[Problem]:
    seen: set[int] = set()
    repeated: dict[int, int] = {}
    for one in boxes:
        if one.id is not None and (one.id in seen or seen.add(one.id)):
            repeated[one.id] = repeated.get(one.id, 1) + 1
    return [
        Problem(f"annotation id {used} is used {times} times; all are kept, renumbered", kept=True)
        for used, times in islice(repeated.items(), LISTED)
    ]


def _rest(entry: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in known}
