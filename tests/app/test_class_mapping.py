"""What a model's classes are called here: it acts at once on what was found, is remembered, and Undo takes it back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.class_mapping import names_here, set_names_here
from app.document import Document
from app.verbs import box_verbs, undoing
from app.verbs.class_verbs import add_class, rename_class
from detector.data.project.passes import known_classes
from detector.data.project.records import ProjectClass
from detector.data.project.store import Project

MakePass = Callable[..., None]
LEFT, RIGHT, LOW = (5.0, 5.0, 25.0, 25.0), (50.0, 5.0, 85.0, 50.0), (5.0, 32.0, 25.0, 58.0)
STREET = ("person", "car", "truck", "bus")
VEHICLES = {"person": None, "car": "vehicle", "truck": "vehicle", "bus": "vehicle"}


@pytest.fixture
def street(document: Document, make_pass: MakePass) -> Document:
    """A person, a car that is a truck, too, and a bus, on one image; a car on another one."""
    make_pass({0: [(LEFT, 0.9, 0), (RIGHT, 0.8, 1), (RIGHT, 0.7, 2), (LOW, 0.6, 3)], 1: [(LEFT, 0.5, 1)]}, names=STREET)
    return document


def project_of(document: Document) -> Project:
    assert document.project is not None
    return document.project


def knows(document: Document):
    return project_of(document).passes.all()[-1].knows


def offered(document: Document) -> list[tuple[str, float]]:
    """Proposals of the current image: class and score."""
    shown = (box for box in document.shown if box.is_proposal)
    return [(document.class_of(box.class_id).name, round(box.score or 0, 2)) for box in shown]


def names(document: Document) -> list[str]:
    return [item.name for item in document.classes]


def test_several_classes_become_one_and_others_are_left_out(street: Document):
    before, shown, steps = street.classes, street.shown, street.undo_stack.count()
    set_names_here(street, knows(street), VEHICLES)
    assert offered(street) == [("vehicle", 0.8), ("vehicle", 0.6)]  # car and truck were one thing
    assert names(street) == ["vehicle"]
    assert street.tally.proposal_total() == (3, 2)
    assert street.undo_stack.count() == steps + 1
    undoing.undo(street)
    assert (street.classes, street.shown) == (before, shown)
    assert names_here(project_of(street), knows(street)) == {name: name for name in STREET}
    undoing.redo(street)
    assert offered(street) == [("vehicle", 0.8), ("vehicle", 0.6)]


def test_it_is_remembered_for_the_next_pass_and_the_next_day(street: Document, make_pass: MakePass, tmp_path: Path):
    set_names_here(street, knows(street), VEHICLES)
    make_pass({2: [(LEFT, 0.9, 0), (RIGHT, 0.8, 3)]}, names=STREET)
    assert names(street) == ["vehicle"]
    street.show(street.visible[2])
    assert offered(street) == [("vehicle", 0.8)]
    asked = knows(street)
    street.detach()
    street.attach(Project.open(tmp_path))
    assert names_here(project_of(street), asked) == VEHICLES


def test_another_model_keeps_its_own_names(street: Document, make_pass: MakePass):
    set_names_here(street, knows(street), VEHICLES)
    make_pass({2: [(LEFT, 0.9, 0)]}, names=("car", "tree"))
    assert set(names(street)) == {"vehicle", "car", "tree"}


def test_classes_that_were_left_out_come_back_with_their_old_ids(street: Document):
    ids = {item.name: (item.id, item.category_id) for item in street.classes}
    set_names_here(street, knows(street), dict.fromkeys(STREET))
    assert (names(street), offered(street)) == ([], [])
    set_names_here(street, knows(street), {**dict.fromkeys(STREET), "bus": "bus"})
    assert [(item.name, (item.id, item.category_id)) for item in street.classes] == [("bus", ids["bus"])]


def test_a_class_with_boxes_stays_when_its_model_leaves_it_out(street: Document):
    box_verbs.accept(street, [-1])
    set_names_here(street, knows(street), dict.fromkeys(STREET))
    assert names(street) == ["person"]
    assert len(street.shown) == 1


def test_before_the_first_pass_it_is_kept_for_it(document: Document, make_pass: MakePass):
    told = known_classes(STREET, range(1, 5), {})
    set_names_here(document, told, VEHICLES)
    assert names(document) == ["vehicle"]
    assert names_here(project_of(document), told) == VEHICLES
    make_pass({0: [(LEFT, 0.9, 0), (RIGHT, 0.8, 2)]}, names=STREET)
    assert (names(document), offered(document)) == (["vehicle"], [("vehicle", 0.8)])


def test_an_existing_class_is_meant_whatever_the_case(street: Document):
    mine = add_class(street, "Vehicle")
    set_names_here(street, knows(street), VEHICLES)
    assert names(street) == ["Vehicle"]
    assert {box.class_id for box in street.shown} == {mine}


def test_a_renamed_class_can_get_the_models_name_back(street: Document):
    person = street.classes[0]
    rename_class(street, person.id, "Mensch")
    assert names_here(project_of(street), knows(street))["person"] == "Mensch"
    wanted = {**{name: name for name in STREET}, "person": "person"}
    set_names_here(street, knows(street), wanted)
    assert names_here(project_of(street), knows(street)) == wanted
    assert {"Mensch", "person"} & set(names(street)) == {"person"}


def test_the_same_names_are_no_step(street: Document):
    steps = street.undo_stack.count()
    set_names_here(street, knows(street), {name: name for name in STREET})
    assert street.undo_stack.count() == steps


def test_coco_ids_of_classes_do_not_change(street: Document):
    before: dict[str, ProjectClass] = {item.name: item for item in street.classes}
    set_names_here(street, knows(street), {**{name: name for name in STREET}, "bus": "car"})
    assert {item.name: item.category_id for item in street.classes} == {
        name: before[name].category_id for name in ("person", "car", "truck")
    }
