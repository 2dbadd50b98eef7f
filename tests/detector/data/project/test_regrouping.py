"""All boxes of a class at once: whole or not at all, exactly taken back, and quick however many they are."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from detector.data.project.database import Database
from detector.data.project.home import NAME
from detector.data.project.records import (
    Change,
    KeptSetting,
    Origin,
    PassClasses,
    ProjectBox,
    ProjectClass,
    ProjectImage,
    Rejection,
    State,
)
from detector.data.project.regrouping import Regrouped, Regrouping
from detector.data.project.store import Project
from detector.errors import ProjectError

TABLES = ("images", "boxes", "rejections", "classes", "passes", "settings")


def everything(project: Project) -> dict[str, list]:
    """All rows that the store has, but for what only numbers things."""
    with closing(sqlite3.connect(project.folder / NAME / "project.db")) as raw:
        raw.text_factory = bytes
        return {table: raw.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}


def shelved(project: Project) -> int:
    tables = ("shelved_boxes", "shelved_rejections", "shelved_images")
    return sum(project.database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables)


@pytest.fixture
def bolt(project: Project, add_class: Callable[..., ProjectClass]) -> ProjectClass:
    return add_class(project, "bolt")


@pytest.fixture
def nut(project: Project, add_class: Callable[..., ProjectClass], bolt: ProjectClass) -> ProjectClass:
    return add_class(project, "nut")


@pytest.fixture
def filled(project: Project, bolt: ProjectClass, nut: ProjectClass) -> Project:
    """Two bolts and a nut on the first image, a bolt on the second one, both started; a rejection of each class."""
    first, second, *_ = project.images()
    boxes = [(first, bolt), (first, bolt), (first, nut), (second, bolt)]
    made = [
        ProjectBox(
            *(project.new_id(), image.id, item.id, (1.0, 2.0, 3.5, 9.0)),
            *(Origin.ACCEPTED, "M \udc80", 0.5),
            occluded=True,
            extra={"k": [1]},
            coco_id=7,
        )
        for image, item in boxes
    ]
    rejected = [Rejection(project.new_id(), first.id, item.id, (5.0, 5.0, 9.0, 9.0)) for item in (bolt, nut)]
    images = tuple((image, project_state(image, State.STARTED)) for image in (first, second))
    project.apply(Change(tuple((None, box) for box in made), tuple((None, item) for item in rejected), images=images))
    return project


def project_state(image: ProjectImage, state: State) -> ProjectImage:
    return replace(image, state=state)


def test_boxes_and_rejections_follow_and_come_back(filled: Project, bolt: ProjectClass, nut: ProjectClass):
    before, (first, second, *_) = everything(filled), filled.images()
    what, change = Regrouping(filled.new_id(), bolt.id, nut.id), Change(classes=((bolt, None),))
    boxes = filled.boxes(first.id)
    regrouped = filled.regroup(what, change, back=False)
    assert regrouped == Regrouped({first.id: 2, second.id: 1}, (), {Origin.ACCEPTED: {first.id: 2, second.id: 1}})
    assert filled.classes() == (nut,)
    assert filled.box_counts() == {first.id: Counter({nut.id: 3}), second.id: Counter({nut.id: 1})}
    assert [item.class_id for item in filled.rejections(first.id)] == [nut.id] * 2
    assert [box.id for box in filled.boxes(first.id)] == [box.id for box in boxes]
    assert filled.regroup(what, change.inverse(), back=True) == regrouped
    assert everything(filled) == before
    assert shelved(filled) == 0
    assert filled.regroup(what, change, back=False) == regrouped  # once more


def test_boxes_can_go_with_their_class(filled: Project, bolt: ProjectClass, nut: ProjectClass):
    before, (first, second, *_) = everything(filled), filled.images()
    what, change = Regrouping(filled.new_id(), bolt.id, None), Change(classes=((bolt, None),))
    assert filled.regroup(what, change, back=False) == Regrouped(
        {first.id: 2, second.id: 1}, (second.id,), {Origin.ACCEPTED: {first.id: 2, second.id: 1}}
    )
    assert [image.state for image in filled.images()[:2]] == [State.STARTED, State.UNLABELLED]
    assert filled.box_counts() == {first.id: Counter({nut.id: 1})}
    assert filled.regroup(what, change.inverse(), back=True).emptied == (second.id,)
    assert everything(filled) == before


def test_an_image_that_was_reviewed_stays_so_without_its_boxes(filled: Project, bolt: ProjectClass):
    second = filled.images()[1]
    filled.apply(Change(images=((second, project_state(second, State.REVIEWED)),)))
    regrouped = filled.regroup(Regrouping(filled.new_id(), bolt.id, None), Change(classes=((bolt, None),)), back=False)
    assert (regrouped.emptied, filled.image(second.id).state) == ((), State.REVIEWED)


def test_a_failure_changes_nothing(filled: Project, bolt: ProjectClass, nut: ProjectClass):
    before = everything(filled)
    gone = ProjectClass(999, "gone", "#000000", 9, 9)
    with pytest.raises(ProjectError, match="another window"):
        filled.regroup(Regrouping(filled.new_id(), bolt.id, nut.id), Change(classes=((gone, None),)), back=False)
    assert everything(filled) == before
    assert shelved(filled) == 0


def test_the_shelf_is_emptied_when_the_project_is_opened(
    filled: Project, opened: Callable[..., Project], bolt: ProjectClass, nut: ProjectClass
):
    filled.regroup(Regrouping(filled.new_id(), bolt.id, nut.id), Change(classes=((bolt, None),)), back=False)
    assert shelved(filled) == 5 - 1  # three boxes and a rejection
    filled.close()
    assert shelved(opened()) == 0


def test_sides_are_counted_anew_after_another_connection_changed_boxes(
    filled: Project, bolt: ProjectClass, nut: ProjectClass
):
    first = filled.images()[0]
    filled.sides.of(first.id, [bolt.id])
    assert filled.sides._counts is not None
    filled.sides.forget()
    assert filled.sides._counts is None


def test_a_change_can_hold_what_passes_and_settings_say(filled: Project, bolt: ProjectClass, nut: ProjectClass):
    made = filled.passes.begin(model="M", source="m", names=("bolt", "nut"), category_ids=(1, 2), thresholds={})
    (stored,) = filled.passes.classes()
    assert stored == PassClasses(made.id, {0: bolt.id, 1: nut.id}, {bolt.id: 0.35, nut.id: 0.35})
    other = PassClasses(made.id, {1: bolt.id}, {bolt.id: 0.2})
    change = Change(passes=((stored, other),), settings=((KeptSetting("a", None), KeptSetting("a", [1])),))
    before = everything(filled)
    filled.apply(change)
    assert (filled.passes.all()[0].class_ids, filled.settings.get("a")) == ({1: bolt.id}, [1])
    filled.apply(change.inverse())
    assert everything(filled) == before
    assert filled.settings.get("a", "none") == "none"


def test_the_shelf_has_the_columns_of_boxes(project: Project):
    def columns(database: Database, table: str) -> list[tuple]:
        return [(row[1], row[2]) for row in database.rows(f"PRAGMA table_info({table})")]

    assert columns(project.database, "shelved_boxes")[1:] == columns(project.database, "boxes")


def test_what_was_touched_comes_in_parts():
    whole = Regrouped({1: 2, 2: 1, 5: 4}, (2,), {Origin.DRAWN: {1: 1, 5: 4}, Origin.ACCEPTED: {1: 1, 2: 1}})
    assert list(whole.parts(2)) == [
        Regrouped({1: 2, 2: 1}, (), {Origin.DRAWN: {1: 1}, Origin.ACCEPTED: {1: 1, 2: 1}}),
        Regrouped({5: 4}, (), {Origin.DRAWN: {5: 4}, Origin.ACCEPTED: {}}),
    ]
    assert list(Regrouped({}, (), {}).parts(2)) == []
