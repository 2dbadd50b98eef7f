"""What a model's classes are called in the project: acts at once on what the model has found, as one step of undo."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

from app.document import Document
from app.edits import new_class
from app.verbs.class_verbs import changed_settings
from detector.data.project.mapping import CLASS_MAPS, FORMER_NAMES, Knows, map_classes, names_key
from detector.data.project.records import Change, PassClasses, ProjectClass
from detector.data.project.store import Project

Names = Mapping[str, str | None]  # the model's name → the name here, None: left out


def names_here(project: Project, knows: Knows) -> dict[str, str | None]:
    """What each class of a model is called here, or would be after its first pass. Raises ProjectError."""
    classes = project.stored_classes()
    mapped = map_classes(
        knows,
        classes,
        class_map=project.passes.class_map(knows),
        former=project.settings.get(FORMER_NAMES, {}),
        new_ids=count(-1, -1),  # of classes that are not made here
    )
    names = {item.id: item.name for item in (*classes, *mapped.added)}
    return {
        known.name: names[mapped.class_ids[channel]] if channel in mapped.class_ids else None
        for channel, known in enumerate(knows)
        if known is not None
    }


def set_names_here(document: Document, knows: Knows, wanted: Names) -> None:
    """Call a model's classes so; names that are new here become classes. Raises ProjectError."""
    project = document.project
    if project is None or document.refuse_editing() or dict(wanted) == names_here(project, knows):
        return
    stored = project.stored_classes()
    class_map, made = _class_map(document, stored, wanted)
    former = {name: known for name, known in project.settings.get(FORMER_NAMES, {}).items() if name not in wanted}
    pairs, brought = _passes(document, knows, [*stored, *made], class_map, former)
    maps = {**project.settings.get(CLASS_MAPS, {}), names_key(knows): class_map}
    change = Change(
        classes=tuple((None, item) for item in (*made, *brought)),
        passes=tuple((before, after) for before, after in pairs if before != after),
        settings=changed_settings(document, {CLASS_MAPS: maps, FORMER_NAMES: former}),
    )
    document.do("Choose the model's classes", change)


def _class_map(
    document: Document, stored: Sequence[ProjectClass], wanted: Names
) -> tuple[dict[str, int | None], list[ProjectClass]]:
    """The map, and the classes that it needs and that there are not; a class that keeps its name needs no entry."""
    ids = {item.name.casefold(): item.id for item in reversed(stored)}
    made: list[ProjectClass] = []
    class_map: dict[str, int | None] = {}
    for name, here in wanted.items():
        plain = " ".join((here or "").split())
        if not plain:
            class_map[name] = None
            continue
        if plain.casefold() not in ids and plain.casefold() != name.casefold():
            made.append(new_class(plain, [*stored, *made], class_id=document.opened.new_id()))
            ids[plain.casefold()] = made[-1].id
        if plain.casefold() in ids:
            class_map[name] = ids[plain.casefold()]
    return class_map, made


def _passes(
    document: Document,
    knows: Knows,
    classes: list[ProjectClass],
    class_map: Mapping[str, int | None],
    former: Mapping[str, int],
) -> tuple[list[tuple[PassClasses, PassClasses]], list[ProjectClass]]:
    """What the passes of models with these classes stood for and stand for now; the classes that they bring by that."""
    project = document.project
    assert project is not None
    before = {item.pass_id: item for item in project.passes.classes()}
    pairs: list[tuple[PassClasses, PassClasses]] = []
    brought: list[ProjectClass] = []
    for item in project.passes.all():
        if names_key(item.knows) == names_key(knows):
            new_ids = iter(document.opened.new_id, None)
            mapped = map_classes(item.knows, [*classes, *brought], class_map=class_map, former=former, new_ids=new_ids)
            brought += [replace(added, pass_id=item.id) for added in mapped.added]
            pairs.append((before[item.id], PassClasses(item.id, mapped.class_ids, mapped.thresholds)))
    return pairs, brought
