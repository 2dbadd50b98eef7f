"""What a model's classes are called in a project: by their own names, by other ones, or left out."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from detector.data.annotations import ObjectClass
from detector.data.classes import match
from detector.data.project.colours import class_colour
from detector.data.project.records import KnownClass, ProjectClass

CLASS_MAPS = "class-maps"  # setting: key of the names → class map; models that know the same names share one
FORMER_NAMES = "former-names"  # setting: a name that a class once had → its id
ClassMap = Mapping[str, int | None]  # the model's name → class id, None: left out; names not in it are kept
Knows = Sequence[KnownClass | None]


@dataclass(frozen=True)
class Mapped:
    """class_ids: channel → class id; thresholds: class id → score; added: classes that the project lacks."""

    class_ids: Mapping[int, int]
    thresholds: Mapping[int, float]
    added: tuple[ProjectClass, ...]


def names_key(knows: Knows) -> str:
    """What models share that know the same names on the same channels."""
    names = json.dumps([item.name if item else None for item in knows])
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def map_classes(
    knows: Knows,
    classes: Sequence[ProjectClass],
    *,
    class_map: ClassMap,
    former: Mapping[str, int],
    new_ids: Iterator[int],
) -> Mapped:
    """What each channel of a model stands for among a project's classes.

    As the class map says; else the class of that name, or that once had it; else a new one. Of several channels of one
    class the lowest threshold counts.
    """
    present = {item.id for item in classes}
    class_ids, names = _as_told(knows, class_map, present)
    class_ids |= match(names, [ObjectClass(item.id, item.name) for item in classes])
    for channel, name in enumerate(names):
        if name is not None and channel not in class_ids and former.get(name) in present:
            class_ids[channel] = former[name]
    added = _add_missing(knows, names, classes, class_ids, new_ids)
    thresholds: dict[int, float] = {}
    for channel, class_id in class_ids.items():
        known = knows[channel]
        assert known is not None
        thresholds[class_id] = min(known.threshold, thresholds.get(class_id, 1.0))
    return Mapped(class_ids, thresholds, tuple(added))


def free_category_ids(taken: Collection[int]) -> Iterator[int]:
    """COCO category ids that no class has yet."""
    return count(max([0, *taken]) + 1)


def _as_told(knows: Knows, class_map: ClassMap, present: Collection[int]) -> tuple[dict[int, int], list[str | None]]:
    """Channel → class id where the map names one that there is; the names of the channels of which it says nothing."""
    class_ids: dict[int, int] = {}
    names: list[str | None] = [None] * len(knows)
    for channel, known in enumerate(knows):
        if known is None:
            continue
        target = class_map.get(known.name)
        if target is not None and target in present:
            class_ids[channel] = target
        elif target is not None or known.name not in class_map:
            names[channel] = known.name
    return class_ids, names


def _add_missing(
    knows: Knows,
    names: Sequence[str | None],
    classes: Sequence[ProjectClass],
    class_ids: dict[int, int],
    new_ids: Iterator[int],
) -> list[ProjectClass]:
    """Classes for named channels that have none, which `class_ids` then holds; channels of one name share one."""
    by_name = {item.name: item.id for item in reversed(classes)}
    taken = {item.category_id for item in classes}
    position = max((item.position for item in classes), default=-1)
    added: list[ProjectClass] = []
    for channel, (name, known) in enumerate(zip(names, knows, strict=True)):
        if name is None or known is None or channel in class_ids:
            continue
        if name not in by_name:
            category_id = known.category_id if known.category_id not in taken else next(free_category_ids(taken))
            position += 1
            added.append(ProjectClass(next(new_ids), name, class_colour(position), position, category_id))
            taken.add(category_id)
            by_name[name] = added[-1].id
        class_ids[channel] = by_name[name]
    return added
