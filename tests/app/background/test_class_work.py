"""Merging and removing classes with all their boxes: done by a worker, one step of undo, and whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.background import class_work
from app.background.class_work import ClassWork
from app.background.opening import read_index
from app.class_mapping import names_here
from app.dialogs.class_map import ClassMapDialog
from app.dialogs.class_removal import ClassRemovalDialog
from app.document import Document
from app.jobs import Jobs
from app.verbs import box_verbs, undoing
from app.verbs.class_verbs import add_class, hide_classes, merge_class, remove_with_boxes, rename_class
from detector.data.project.records import State
from detector.data.project.store import Project
from detector.errors import ProjectError

MakePass = Callable[..., None]
LEFT, RIGHT = (5.0, 5.0, 25.0, 25.0), (50.0, 5.0, 85.0, 50.0)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture(params=[1, 4000])
def work(
    request: pytest.FixtureRequest, document: Document, jobs: Jobs, window: QWidget, monkeypatch: pytest.MonkeyPatch
) -> ClassWork:
    """It, with slices of one image, and the index read anew as soon as it is stale."""
    monkeypatch.setattr(class_work, "SLICE", request.param)

    def reread() -> None:
        assert document.project is not None
        for event in read_index(document.project, dict(document.images)):
            document.set_index(event.index)

    document.index_stale.connect(reread)
    return ClassWork(document, jobs, window)


@pytest.fixture
def done(qtbot: QtBot, document: Document) -> Callable[[], None]:
    """Waits until the worker has done it."""
    return lambda: qtbot.waitUntil(lambda: not document.busy)


@pytest.fixture
def classes(document: Document, make_pass: MakePass) -> dict[str, int]:
    """bolt, nut and gear; a bolt and a nut on the first image, a bolt on the second, each with a proposal of a nut."""
    make_pass({0: [(RIGHT, 0.8, 1)], 1: [(RIGHT, 0.7, 1)]})
    add_class(document, "gear")
    ids = {item.name: item.id for item in document.classes}
    for place, name in ((0, "bolt"), (0, "nut"), (1, "bolt")):
        document.show(document.visible[place])
        document.set_active_class(ids[name])
        box_verbs.draw(document, (LEFT[0] + 3 * place, LEFT[1], LEFT[2] + (9 if name == "nut" else 0), LEFT[3] + 30))
    document.show(document.visible[0])
    return ids


def state(document: Document) -> Any:
    """All that the window says of classes and boxes, and all that the store says."""
    project = document.project
    assert project is not None
    return (
        document.classes,
        document.shown,
        document.tally.class_counts(),
        {image_id: +counts for image_id, counts in document.tally.boxes.items() if +counts},
        (dict(document.tally.numbers), {origin: dict(counts) for origin, counts in document.tally.origins.items()}),
        document.tally.proposal_total(),
        {image.id: image.state for image in document.images.values()},
        [(project.boxes(image_id), project.rejections(image_id)) for image_id in document.images],
        {image.id: image.state for image in project.images()},
        [item.class_ids for item in project.passes.all()],
    )


def test_a_class_becomes_part_of_another_in_one_step(
    work: ClassWork, classes: dict[str, int], document: Document, done: Callable[[], None]
):
    before, steps = state(document), document.undo_stack.count()
    document.set_active_class(classes["bolt"])
    merge_class(document, classes["bolt"], classes["gear"])
    assert document.busy  # and nothing can be edited meanwhile
    assert box_verbs.draw(document, RIGHT) is None
    done()
    assert document.undo_stack.count() == steps + 1
    assert document.undo_stack.undoText() == "Merge bolt into gear"
    assert [item.name for item in document.classes] == ["nut", "gear"]
    assert document.tally.class_counts() == {classes["gear"]: 2, classes["nut"]: 1}
    assert document.active_class == classes["gear"]
    after = state(document)
    undoing.undo(document)
    done()
    assert state(document) == before
    undoing.redo(document)
    done()
    assert state(document) == after


def test_what_a_model_calls_so_follows_now_and_later(
    work: ClassWork, classes: dict[str, int], document: Document, make_pass: MakePass, done: Callable[[], None]
):
    merge_class(document, classes["nut"], classes["gear"])
    done()
    assert {box.class_id for box in document.shown if box.is_proposal} == {classes["gear"]}
    make_pass({2: [(LEFT, 0.9, 1)]})
    assert [item.name for item in document.classes] == ["bolt", "gear"]
    assert document.project is not None
    assert document.project.passes.all()[-1].class_ids[1] == classes["gear"]


def test_names_before_the_merge_are_meant_again_after_undo(
    work: ClassWork, classes: dict[str, int], document: Document, done: Callable[[], None]
):
    project = document.project
    assert project is not None
    rename_class(document, classes["nut"], "wing nut")
    knows = project.passes.all()[0].knows
    merge_class(document, classes["nut"], classes["gear"])
    done()
    assert names_here(project, knows) == {"bolt": "bolt", "nut": "gear"}
    undoing.undo(document)
    done()
    assert names_here(project, knows) == {"bolt": "bolt", "nut": "wing nut"}


def test_a_class_can_go_with_its_boxes(
    work: ClassWork, classes: dict[str, int], document: Document, done: Callable[[], None]
):
    before, (first, second) = state(document), document.visible[:2]
    remove_with_boxes(document, classes["bolt"])
    done()
    assert [item.name for item in document.classes] == ["nut", "gear"]
    assert (document.tally.box_count(first), document.tally.box_count(second)) == (1, 0)
    assert document.images[second].state is State.UNLABELLED
    undoing.undo(document)
    done()
    assert state(document) == before


def test_a_hidden_class_that_is_merged_leaves_nothing_hidden(
    work: ClassWork, classes: dict[str, int], document: Document, done: Callable[[], None]
):
    hide_classes(document, [classes["bolt"]])
    merge_class(document, classes["bolt"], classes["gear"])
    done()
    assert document.unseen == 0
    assert len([box for box in document.shown if box.class_id == classes["gear"]]) == 1


@pytest.mark.parametrize("back", [False, True], ids=["first time", "undo"])
def test_what_the_store_refuses_leaves_the_step_where_it_stood(
    work: ClassWork,
    classes: dict[str, int],
    document: Document,
    done: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    back: bool,
):
    if back:
        merge_class(document, classes["bolt"], classes["gear"])
        done()
    before, index = state(document), document.undo_stack.index()

    def refuse(*_: object, **__: object) -> None:
        raise ProjectError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Project, "regroup", refuse)
        if back:
            undoing.undo(document)
        else:
            merge_class(document, classes["bolt"], classes["gear"])
        done()
    assert (state(document), document.undo_stack.index()) == (before, index)
    (undoing.undo if back else undoing.redo)(document)
    done()
    assert state(document) != before


def test_a_class_in_use_is_not_removed_unasked(
    work: ClassWork, classes: dict[str, int], document: Document, window: QWidget, done: Callable[[], None]
):
    work.ask_removal(classes["bolt"])
    (dialog,) = window.findChildren(ClassRemovalDialog)
    assert dialog.move_button.text() == "Give its 2 boxes another class:"
    assert [dialog.target.itemText(row) for row in range(dialog.target.count())] == ["nut", "gear"]
    dialog.reject()
    assert len(document.classes) == 3
    work.ask_removal(classes["bolt"])
    dialog = window.findChildren(ClassRemovalDialog)[-1]
    dialog.target.setCurrentIndex(1)
    dialog.confirm.click()
    done()
    assert document.tally.class_counts() == {classes["nut"]: 1, classes["gear"]: 2}
    work.ask_removal(classes["nut"])
    dialog = window.findChildren(ClassRemovalDialog)[-1]
    dialog.delete_button.click()
    dialog.confirm.click()
    done()
    assert document.tally.class_counts() == {classes["gear"]: 2}


def test_an_unused_class_goes_without_a_question(
    work: ClassWork, classes: dict[str, int], document: Document, window: QWidget
):
    work.ask_removal(classes["gear"])
    assert [item.name for item in document.classes] == ["bolt", "nut"]
    assert not window.findChildren(ClassRemovalDialog)


def test_the_question_of_a_models_classes_acts_at_once(
    work: ClassWork, classes: dict[str, int], document: Document, window: QWidget
):
    assert document.project is not None
    work.ask_class_map("D0", document.project.passes.all()[0].knows)
    (dialog,) = window.findChildren(ClassMapDialog)
    assert dialog.names() == {"bolt": "bolt", "nut": "nut"}
    dialog.skip_all.click()
    dialog.apply_button.click()
    assert document.tally.proposal_total() == (0, 0)
    undoing.undo(document)
    assert document.tally.proposal_total() == (2, 2)


def test_a_project_that_is_closed_meanwhile_stays_closed(
    work: ClassWork, classes: dict[str, int], document: Document, jobs: Jobs, qtbot: QtBot, tmp_path: Path
):
    merge_class(document, classes["bolt"], classes["gear"])
    document.detach()
    qtbot.waitUntil(lambda: not jobs.running)
    assert (document.project, document.busy, document.classes) == (None, "", ())
    project = Project.open(tmp_path)
    assert [item.name for item in project.classes()] == ["nut", "gear"]
    project.close()
