"""The frozen values of a project: images, classes, boxes, rejections, passes, and the change that one gesture makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from detector.data.split import Side

Rectangle = tuple[float, float, float, float]
TILED = "+tiles"  # what the key of a pass ends with in which the model sees tiles


class State(StrEnum):
    """How far a person has got with an image."""

    UNLABELLED = "unlabelled"
    STARTED = "started"  # has a person's boxes, but nobody vouches for all
    REVIEWED = "reviewed"  # with or without boxes


class Origin(StrEnum):
    """Where a box came from."""

    DRAWN = "drawn"
    ACCEPTED = "accepted"  # a model's, as it was
    EDITED = "edited"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class ProjectImage:
    """A picture of the project: POSIX path relative to its folder; size in pixels as displayed, None until decoded;
    whether its file was gone at the last look.
    """

    id: int
    path: str
    width: int | None
    height: int | None
    state: State
    split: Side | None
    ignored: bool = False
    note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    missing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it still wants a look, so that proposals show: neither reviewed nor ignored."""
        return self.state is not State.REVIEWED and not self.ignored

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels as displayed, where they are known."""
        return None if self.width is None or self.height is None else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class ProjectClass:
    """A class of objects: colour "#rrggbb"; place in the list; COCO category; the pass that brought it, if one did."""

    id: int
    name: str
    colour: str
    position: int
    category_id: int
    pass_id: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProjectBox:
    """A rectangle that a person vouches for or works on: xyxy in float image pixels; the model that drew it and its
    score, where one did; unknown COCO keys in `extra`; the annotation's id in the COCO file that it came from.
    """

    id: int
    image_id: int
    class_id: int
    xyxy: Rectangle
    origin: Origin
    model: str | None = None
    score: float | None = None
    iscrowd: bool = False
    occluded: bool = False
    truncated: bool = False
    difficult: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    coco_id: int | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rectangle that holds no object of the class, so a person says; it suppresses later proposals there."""

    id: int
    image_id: int
    class_id: int
    xyxy: Rectangle


@dataclass(frozen=True, slots=True)
class KnownClass:
    """A class as a model knows it: its name there, its COCO category, the score in 0..1 from which on it is shown."""

    name: str
    category_id: int
    threshold: float


def pass_key(weights: str, *, tiled: bool) -> str:
    """What tells passes apart that may find something else, from what tells their models apart by their weights."""
    return weights + TILED if tiled else weights


@dataclass(frozen=True, slots=True)
class Pass:
    """One auto-labelling by one model.

    model: its name as shown; source: the name or path that opens it; class_ids: channel → class id, for classes that
    the project has at present; thresholds: class id → score in 0..1; created: ISO 8601, UTC; active: not undone.
    model_key: a `pass_key`, "" where the model's weights are not known; knows: what the model calls each channel, None
    for a gap.
    """

    id: int
    model: str
    source: str
    class_ids: Mapping[int, int]
    thresholds: Mapping[int, float]
    created: str
    active: bool
    model_key: str = ""
    knows: tuple[KnownClass | None, ...] = ()

    @property
    def tiled(self) -> bool:
        """Whether the model sees tiles of large pictures, too."""
        return self.model_key.endswith(TILED)


@dataclass(frozen=True, slots=True)
class PassClasses:
    """What the channels of a pass stand for, as stored: those of classes that are gone at present included."""

    pass_id: int
    class_ids: Mapping[int, int]
    thresholds: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class KeptSetting:
    """A setting of the project: a JSON value, None where there is none."""

    key: str
    value: Any


@dataclass(frozen=True)
class Change:
    """What one gesture changes: pairs of a row before and after, None where there is none.

    Of images only state, split, ignored and note change.
    """

    boxes: tuple[tuple[ProjectBox | None, ProjectBox | None], ...] = ()
    rejections: tuple[tuple[Rejection | None, Rejection | None], ...] = ()
    classes: tuple[tuple[ProjectClass | None, ProjectClass | None], ...] = ()
    images: tuple[tuple[ProjectImage, ProjectImage], ...] = ()
    passes: tuple[tuple[PassClasses, PassClasses], ...] = ()
    settings: tuple[tuple[KeptSetting, KeptSetting], ...] = ()

    def inverse(self) -> "Change":
        """The change that takes this one back."""
        return Change(
            tuple((after, before) for before, after in reversed(self.boxes)),
            tuple((after, before) for before, after in reversed(self.rejections)),
            tuple((after, before) for before, after in reversed(self.classes)),
            tuple((after, before) for before, after in reversed(self.images)),
            tuple((after, before) for before, after in reversed(self.passes)),
            tuple((after, before) for before, after in reversed(self.settings)),
        )
