"""The verbs on classes; each is one step of undo. What models call them follows them; COCO ids never change."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from app.document import Document
from app.edits import new_class
from app.history import LongStep
from app.limits import HIDDEN
from detector.data.project.mapping import CLASS_MAPS, FORMER_NAMES
from detector.data.project.records import Change, KeptSetting, PassClasses, ProjectClass
from detector.data.project.regrouping import Regrouping


def add_class(document: Document, name: str) -> int | None:
    """A new class, which is then the active one; its id, or that of the class that has this name."""
    wanted = " ".join(name.split())
    if same := class_called(document, wanted):
        document.set_active_class(same.id)
        return same.id
    if document.refuse_editing() or not wanted:
        return None
    made = new_class(wanted, document.classes, class_id=document.opened.new_id())
    document.do(f"Add class {wanted}", Change(classes=((None, made),)))
    document.set_active_class(made.id)
    return made.id


def rename_class(document: Document, class_id: int, name: str) -> None:
    """Another name, which no other class may have; a model's class of the old name stays the same class."""
    wanted, before = " ".join(name.split()), document.class_of(class_id)
    same = class_called(document, wanted)
    if same is not None and same.id != class_id:
        document.refused.emit(f"There already is a class “{same.name}”; to make the two one, merge this one into it.")
    elif wanted and wanted != before.name and not document.refuse_editing():
        former = {**document.opened.settings.get(FORMER_NAMES, {}), before.name: class_id}
        change = Change(
            classes=((before, replace(before, name=wanted)),),
            settings=changed_settings(document, {FORMER_NAMES: former}),
        )
        document.do("Rename class", change)


def recolour_class(document: Document, class_id: int, colour: str) -> None:
    """Another colour, "#rrggbb"."""
    before = document.class_of(class_id)
    if colour != before.colour and not document.refuse_editing():
        document.do("Recolour class", Change(classes=((before, replace(before, colour=colour)),)))


def move_class(document: Document, class_id: int, place: int) -> None:
    """Put a class at a place of the list, from 0, counted without it."""
    others = [item for item in document.classes if item.id != class_id]
    place = min(max(place, 0), len(others))
    order = [*others[:place], document.class_of(class_id), *others[place:]]
    rows = [(item, replace(item, position=n)) for n, item in enumerate(order) if item.position != n]
    if order != list(document.classes) and not document.refuse_editing():
        document.do("Reorder classes", Change(classes=tuple(rows)))


def hide_classes(document: Document, class_ids: Collection[int]) -> None:
    """Take the boxes and proposals of exactly these classes out of sight; of no class: show all."""
    before = document.limits.hidden
    if set(class_ids) == before or document.refuse_editing():
        return
    text = "Hide classes" if set(class_ids) - before else "Show classes"
    document.do(text, Change(settings=changed_settings(document, {HIDDEN: sorted(class_ids)})))


def remove_class(document: Document, class_id: int) -> None:
    """Remove a class that no box has."""
    item, used = document.class_of(class_id), document.tally.class_counts().get(class_id, 0)
    if used:
        document.refused.emit(f"{used} boxes are “{item.name}”; give them another class before you remove it.")
    elif not document.refuse_editing():
        document.do("Remove class", Change(classes=((item, None),)))


def remove_with_boxes(document: Document, class_id: int) -> None:
    """Remove a class and all its boxes, on all images; a worker does it."""
    if not document.refuse_editing():
        item = document.class_of(class_id)
        what = Regrouping(document.opened.new_id(), class_id, None)
        change = Change(classes=((item, None),))
        document.push(Regroup(document, what, change, text=f"Remove class {item.name} and its boxes"))


def merge_class(document: Document, class_id: int, into: int) -> None:
    """Make a class part of another: its boxes, rejections and what models call so get that class; a worker does it."""
    if class_id == into or document.refuse_editing():
        return
    item, target, kept = document.class_of(class_id), document.class_of(into), document.opened
    former = {name: _followed(known, class_id, into) for name, known in kept.settings.get(FORMER_NAMES, {}).items()}
    maps = {
        key: {name: _followed(known, class_id, into) for name, known in class_map.items()}
        for key, class_map in kept.settings.get(CLASS_MAPS, {}).items()
    }
    settings = {FORMER_NAMES: {**former, item.name: into}, CLASS_MAPS: maps or None}
    pairs = [(each, _with_class(each, class_id, into)) for each in kept.passes.classes()]
    change = Change(
        classes=((item, None),),
        passes=tuple((before, after) for before, after in pairs if after != before),
        settings=changed_settings(document, settings),
    )
    what = Regrouping(document.opened.new_id(), class_id, into)
    document.push(Regroup(document, what, change, text=f"Merge {item.name} into {target.name}"))


def class_called(document: Document, name: str) -> ProjectClass | None:
    """The class of a name, whatever the case."""
    wanted = name.casefold()
    return next((item for item in document.classes if item.name.casefold() == wanted), None)


class Regroup(LongStep):
    """A step over all boxes of a class, however many: begun here, done by a worker, then told to the document."""

    def __init__(self, document: Document, what: Regrouping, change: Change, *, text: str) -> None:
        super().__init__(text)
        self.what, self.change = what, change
        self._document = document

    def _do(self) -> None:
        self._document.regroup_wanted.emit(self, False)

    def _take_back(self) -> None:
        self._document.regroup_wanted.emit(self, True)


def _followed(known: int | None, class_id: int, into: int) -> int | None:
    return into if known == class_id else known


def _with_class(of_pass: PassClasses, class_id: int, into: int) -> PassClasses:
    """Channels of a class stand for another one; the lower of the two thresholds counts."""
    if class_id not in of_pass.class_ids.values():
        return of_pass
    thresholds = dict(of_pass.thresholds)
    thresholds[into] = min(thresholds.pop(class_id), thresholds.get(into, 1.0))
    class_ids = {channel: into if known == class_id else known for channel, known in of_pass.class_ids.items()}
    return replace(of_pass, class_ids=class_ids, thresholds=thresholds)


def changed_settings(document: Document, wanted: Mapping[str, Any]) -> tuple[tuple[KeptSetting, KeptSetting], ...]:
    """The project's settings, before and after; those that stay as they are left out."""
    kept = document.opened
    pairs = ((KeptSetting(key, kept.settings.get(key)), KeptSetting(key, value)) for key, value in wanted.items())
    return tuple((before, after) for before, after in pairs if before != after)
