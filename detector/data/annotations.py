"""The frozen values of a labelled data set, whatever file format they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OURS = "efficientdet_studio"  # the key in `extra` for what no file format says: state, split, flags, origin
FLAGS = ("occluded", "truncated", "difficult")
Rectangle = tuple[float, float, float, float]  # xyxy in image pixels


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """A class of objects. `id` is the original COCO category id, kept on a round trip; `extra` holds unknown keys."""

    id: int
    name: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """A picture of a data set: POSIX path relative to the image root, displayed size in pixels (None: unknown)."""

    id: int
    path: str
    width: int | None = None
    height: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled rectangle: xyxy in float image pixels. `iscrowd` marks a region to ignore; a model gives a `score`.

    `id` is the original COCO annotation id, which tells nothing about the box itself.
    """

    image_id: int
    class_id: int
    xyxy: Rectangle
    iscrowd: bool = False
    score: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Dataset:
    """Images, classes and boxes that belong together; `extra` holds whatever else the file said (info, licenses)."""

    images: tuple[ImageEntry, ...]
    classes: tuple[ObjectClass, ...]
    boxes: tuple[Box, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def boxes_by_image(self) -> dict[int, list[Box]]:
        """Every image's boxes by image id; images without boxes have an empty list."""
        groups: dict[int, list[Box]] = {image.id: [] for image in self.images}
        for box in self.boxes:
            groups[box.image_id].append(box)
        return groups


def said(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """What this program wrote into an entry, whatever others made of it."""
    ours = extra.get(OURS)
    return ours if isinstance(ours, Mapping) else {}
