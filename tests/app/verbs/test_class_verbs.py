"""The verbs on classes: what they change, that Undo takes exactly that back, and that COCO ids never change."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.image_filter import ImageFilter
from app.verbs import box_verbs, undoing
from app.verbs.class_verbs import add_class, hide_classes, move_class, recolour_class, remove_class, rename_class
from app.verbs.reviewing import mark_empty, review
from detector.data.project import datasets
from detector.data.project.records import Origin, ProjectClass, State
from detector.data.project.store import Project

MakePass = Callable[..., None]
LEFT, RIGHT = (5.0, 5.0, 25.0, 25.0), (50.0, 5.0, 85.0, 50.0)


def names(document: Document) -> list[str]:
    return [item.name for item in document.classes]


def stored(document: Document) -> tuple[ProjectClass, ...]:
    assert document.project is not None
    return document.project.classes()


def test_classes_come_get_other_names_and_go(document: Document, qtbot: QtBot):
    nut, bolt = add_class(document, "nut"), add_class(document, "bolt")
    assert add_class(document, "NUT ") == nut
    assert nut is not None
    assert bolt is not None
    with qtbot.waitSignal(document.refused):
        rename_class(document, bolt, "Nut")
    rename_class(document, bolt, " hex   screw ")
    recolour_class(document, bolt, "#123456")
    assert [(item.name, item.colour) for item in stored(document)][1] == ("hex screw", "#123456")
    remove_class(document, nut)
    assert names(document) == ["hex screw"]
    for _ in range(3):
        undoing.undo(document)
    assert names(document) == ["nut", "bolt"]


@pytest.mark.parametrize(
    ("moved", "place", "expected"),
    [("a", 2, "bcad"), ("d", 0, "dabc"), ("b", 9, "acdb"), ("c", -3, "cabd"), ("b", 1, "abcd")],
)
def test_the_order_changes_and_nothing_else(document: Document, moved: str, place: int, expected: str):
    ids = {name: add_class(document, name) for name in "abcd"}
    before, steps = stored(document), document.undo_stack.count()
    move_class(document, ids[moved] or 0, place)
    assert "".join(names(document)) == expected
    assert {(item.id, item.category_id, item.colour) for item in stored(document)} == {
        (item.id, item.category_id, item.colour) for item in before
    }
    assert document.undo_stack.count() == steps + (expected != "abcd")
    if expected != "abcd":
        undoing.undo(document)
    assert stored(document) == before


def test_coco_ids_outlive_every_verb(document: Document, tmp_path: Path):
    for name in ("a", "b", "c"):
        add_class(document, name)
    ids = {item.id: item.category_id for item in document.classes}
    a, b, c = ids
    remove_class(document, b)
    move_class(document, c, 0)
    rename_class(document, a, "b")
    recolour_class(document, a, "#000001")
    hide_classes(document, [c])
    made = add_class(document, "d")
    now = {item.id: item.category_id for item in stored(document)}
    assert now == {a: ids[a], c: ids[c], made: 4}
    assert document.project is not None
    assert [item.id for item in datasets.read(document.project).classes] == [ids[c], ids[a], 4]


def test_a_models_class_that_was_renamed_is_not_brought_again(document: Document, make_pass: MakePass):
    make_pass({0: [(LEFT, 0.9, 0)]})
    rename_class(document, document.classes[0].id, "screw")
    make_pass({1: [(LEFT, 0.9, 0)]})
    assert names(document) == ["screw", "nut"]
    add_class(document, "bolt")  # from now on the name means this one
    make_pass({2: [(LEFT, 0.9, 0)]})
    assert document.project is not None
    assert document.project.passes.all()[-1].class_ids[0] == document.active_class


def test_boxes_of_a_hidden_class_are_out_of_sight_and_not_lost(document: Document, make_pass: MakePass):
    make_pass({0: [(LEFT, 0.9, 0), (RIGHT, 0.8, 1)], 1: [(LEFT, 0.7, 1)]})
    bolt, nut = (item.id for item in document.classes)
    box_verbs.accept(document, [-1])
    assert document.tally.proposal_total() == (2, 2)
    hide_classes(document, [nut])
    assert [box.class_id for box in document.shown] == [bolt]
    assert (document.unseen, document.tally.proposal_total()) == (1, (0, 0))
    hide_classes(document, [bolt, nut])
    assert (document.shown, document.unseen) == ((), 2)
    assert document.tally.box_count(document.current or 0) == 1
    undoing.undo(document)
    undoing.undo(document)
    assert len(document.shown) == 2
    assert document.tally.proposal_total() == (2, 2)


def test_hidden_classes_are_remembered(document: Document, tmp_path: Path):
    nut = add_class(document, "nut")
    hide_classes(document, [nut or 0])
    document.detach()
    document.attach(Project.open(tmp_path))
    assert document.limits.hidden == {nut}


def test_what_one_draws_is_seen(document: Document):
    nut = add_class(document, "nut")
    assert nut is not None
    hide_classes(document, [nut])
    key = box_verbs.draw(document, LEFT)
    assert [box.key for box in document.shown] == [key]
    assert document.limits.hidden == frozenset()
    undoing.undo(document)
    assert document.limits.hidden == {nut}


def test_nobody_vouches_for_what_is_hidden(document: Document, make_pass: MakePass, qtbot: QtBot):
    make_pass({0: [(LEFT, 0.9, 0), (RIGHT, 0.8, 1)], 1: [(LEFT, 0.7, 0)]})
    first, (bolt, nut) = document.current or 0, (item.id for item in document.classes)
    hide_classes(document, [nut])
    with qtbot.waitSignal(document.refused) as told:
        assert review(document)
    assert told.args is not None
    assert told.args[0].startswith("1 box or proposal of hidden classes")
    assert document.project is not None
    assert [(box.class_id, box.origin) for box in document.project.boxes(first)] == [(bolt, Origin.ACCEPTED)]
    assert document.images[first].state is State.STARTED  # it is neither lost nor taken for background
    assert document.current != first
    document.show(first)
    hide_classes(document, [])
    assert [box.class_id for box in document.shown] == [bolt, nut]
    assert review(document)
    assert document.images[first].state is State.REVIEWED
    assert len(document.project.boxes(first)) == 2


def test_a_hidden_box_is_not_vouched_for_either(document: Document):
    nut = add_class(document, "nut")
    assert nut is not None
    box_verbs.draw(document, LEFT)
    hide_classes(document, [nut])
    first = document.current or 0
    assert review(document)
    assert document.images[first].state is State.STARTED


def test_what_is_hidden_is_not_rejected_as_empty(document: Document, make_pass: MakePass, qtbot: QtBot):
    make_pass({0: [(RIGHT, 0.8, 1)]})
    hide_classes(document, [document.classes[1].id])
    with qtbot.waitSignal(document.refused):
        assert not mark_empty(document)
    assert document.project is not None
    assert document.project.rejections(document.current or 0) == ()


def test_the_proposals_of_a_class_go_and_come_with_it(document: Document, make_pass: MakePass):
    make_pass({0: [(LEFT, 0.9, 0), (RIGHT, 0.8, 1)], 1: [(LEFT, 0.9, 1)], 2: [(RIGHT, 0.9, 0)]})
    nut = document.classes[1]
    assert document.tally.proposal_total() == (4, 3)
    remove_class(document, nut.id)
    assert document.tally.proposal_total() == (2, 2)
    assert [document.tally.proposals.get(image_id, 0) for image_id in document.visible[:3]] == [1, 0, 1]
    undoing.undo(document)
    assert document.tally.proposal_total() == (4, 3)
    undoing.redo(document)
    assert document.tally.proposal_total() == (2, 2)


def test_the_list_of_a_class_follows_a_pass_that_finds_as_many_of_another(
    document: Document, make_pass: MakePass, qtbot: QtBot
):
    make_pass({0: [(LEFT, 0.9, 0)], 1: [(LEFT, 0.9, 0)]})
    ids, bolt = list(document.visible), document.classes[0].id
    document.show(ids[5])
    document.set_filter(ImageFilter(class_id=bolt))
    assert document.visible == [ids[0], ids[1], ids[5]]
    with qtbot.waitSignal(document.proposals_changed):
        make_pass({1: [(LEFT, 0.9, 1)]})
    assert document.visible == [ids[0], ids[5]]
    assert document.tally.proposals_by_class(document.limits) == {bolt: 1, document.classes[1].id: 1}
