"""Which images the list shows."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from detector.data.project.records import Origin, ProjectImage, State

Accepts = Callable[[int], bool]


class FilterKind(StrEnum):
    """How images stand, as far as one may ask for them."""

    ALL = "all"
    TO_REVIEW = "to review"
    UNLABELLED = "unlabelled"
    STARTED = "started"
    REVIEWED = "reviewed"
    EMPTY = "reviewed, empty"
    NOTED = "with a note"
    IGNORED = "ignored"
    MISSING = "missing"


STATES = {
    FilterKind.REVIEWED: State.REVIEWED,
    FilterKind.STARTED: State.STARTED,
    FilterKind.UNLABELLED: State.UNLABELLED,
}


@dataclass(frozen=True)
class ImageGroup:
    """Images that something was said about: what, in two or three words, and their ids."""

    title: str
    ids: frozenset[int]


@dataclass(frozen=True)
class ImageFilter:
    """A kind; text that the path, the note or a class must contain, whatever the case; a class that a box or a proposal
    must have; an origin that a box must have; a group that the image must be among.
    """

    kind: FilterKind = FilterKind.ALL
    text: str = ""
    class_id: int | None = None
    origin: Origin | None = None
    among: ImageGroup | None = None

    @property
    def needle(self) -> str:
        """What is looked for."""
        return self.text.strip().casefold()

    @property
    def follows_proposals(self) -> bool:
        """Whether other proposals let other images through."""
        return self.kind is FilterKind.TO_REVIEW or self.class_id is not None


class Facts(Protocol):
    """What is known of all images: how they stand, by ids. Those that are out of sight are in no other group.

    states leaves out those that are ignored. numbers: of boxes, of images with some. origins: the same, by origin.
    """

    images: dict[int, ProjectImage]
    states: dict[State, set[int]]
    ignored: set[int]
    missing: set[int]
    noted: set[int]
    hidden: set[int]
    proposals: dict[int, int]
    boxes: dict
    numbers: dict[int, int]
    origins: dict[Origin, dict[int, int]]

    def of_class(self, class_id: int) -> Set[int]:
        """Images with a box or a proposal of a class."""
        ...


def conditions(wanted: ImageFilter, facts: Facts, names: Mapping[int, str]) -> list[Accepts]:
    """What an image must meet to be listed, by its id; the quick ones first. `names`: of the classes."""
    needed = _kind_conditions(wanted.kind, facts)
    if wanted.among is not None:
        needed.append(wanted.among.ids.__contains__)
    if wanted.origin is not None:
        needed.append(facts.origins[wanted.origin].__contains__)
    if wanted.class_id is not None:
        needed.append(facts.of_class(wanted.class_id).__contains__)
    if wanted.needle:
        needed.append(_text_condition(wanted.needle, facts, names))
    return needed


def kind_counts(facts: Facts) -> dict[FilterKind, int]:
    """How many images each kind has."""
    reviewed = facts.states[State.REVIEWED]
    found = {kind: len(facts.states[state]) for kind, state in STATES.items()}
    return found | {
        FilterKind.ALL: len(facts.images) - len(facts.hidden),
        FilterKind.TO_REVIEW: len(facts.proposals),
        FilterKind.EMPTY: len(reviewed) - len(reviewed & facts.numbers.keys()),
        FilterKind.NOTED: len(facts.noted),
        FilterKind.IGNORED: len(facts.ignored),
        FilterKind.MISSING: len(facts.missing),
    }


def is_to_review(image: ProjectImage, proposals: int) -> bool:
    """Whether a model has something to show here that nobody has vouched for."""
    return image.is_open and proposals > 0


def empty_text(wanted: ImageFilter, counts: dict[FilterKind, int]) -> str:
    """Why no image is listed, and what to do."""
    total = counts[FilterKind.ALL]
    if not total:
        return "No picture here yet."
    if wanted.class_id is not None or wanted.origin is not None or wanted.among is not None:
        return "No image fits all of these filters."
    if text := wanted.text.strip():
        return f"No image matches “{text}”."
    if wanted.kind is FilterKind.TO_REVIEW:
        if counts[FilterKind.REVIEWED] == total:
            return "Everything is reviewed."
        return "Nothing to review. Auto-label proposes boxes; each image with some waits here."
    if wanted.kind is FilterKind.REVIEWED:
        return "Nothing is reviewed yet. Space vouches for the image that you look at."
    if wanted.kind is FilterKind.EMPTY:
        return "No image is recorded as empty. E records that nothing is on the one that you look at."
    if wanted.kind is FilterKind.NOTED:
        return "No image has a note."
    return f"No image is {wanted.kind.value}."


def _kind_conditions(kind: FilterKind, facts: Facts) -> list[Accepts]:
    """Sets are asked directly: a filter over 100,000 images then takes some milliseconds."""
    if kind is FilterKind.ALL:
        return [lambda image_id: image_id not in facts.hidden] if facts.hidden else []
    if kind is FilterKind.EMPTY:
        return [facts.states[State.REVIEWED].__contains__, lambda image_id: image_id not in facts.numbers]
    groups = {
        FilterKind.TO_REVIEW: facts.proposals,
        FilterKind.NOTED: facts.noted,
        FilterKind.IGNORED: facts.ignored,
        FilterKind.MISSING: facts.missing,
        **{kind: facts.states[state] for kind, state in STATES.items()},
    }
    return [groups[kind].__contains__]


def _text_condition(needle: str, facts: Facts, names: Mapping[int, str]) -> Accepts:
    images, boxes = facts.images, facts.boxes
    meant = {class_id for class_id, name in names.items() if needle in name.casefold()}

    def matches(image_id: int) -> bool:
        image = images[image_id]
        if needle in image.path.casefold() or (image.note and needle in image.note.casefold()):
            return True
        return bool(meant) and any(n > 0 and id in meant for id, n in boxes.get(image_id, {}).items())

    return matches
