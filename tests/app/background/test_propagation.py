"""Copying boxes to the next images: which get them, what is said, and that it is one step of undo."""

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import edits
from app.background import propagation
from app.background.class_work import ClassWork
from app.background.propagation import Propagation, report
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notice, Notifications
from app.verbs import box_verbs, navigation, undoing
from app.verbs.class_verbs import add_class, merge_class
from detector.data.project.records import Change, Origin, ProjectBox, State
from detector.data.split import Side

FIRST, SECOND = (10.0, 10.0, 30.0, 40.0), (50.0, 20.0, 80.0, 50.0)


@pytest.fixture
def posted(document: Document) -> list[Notice]:
    """What the person is told."""
    return []


@pytest.fixture
def spread(document: Document, jobs: Jobs, posted: list[Notice]) -> Propagation:
    """On a project whose first image has two boxes of a class."""
    notifications = Notifications()
    notifications.posted.connect(posted.append)
    add_class(document, "bolt")
    for box in (FIRST, SECOND):
        box_verbs.draw(document, box)
    document.set_selection([])
    made = Propagation(document, jobs, notifications)
    made.setParent(document)
    notifications.setParent(document)
    return made


def run(spread: Propagation, number: int, qtbot: QtBot, posted: list[Notice]) -> str:
    """Copy, wait, and hear what came of it."""
    before = len(posted)
    spread.propagate(number)
    qtbot.waitUntil(lambda: len(posted) > before)
    return posted[-1].text


def on(document: Document, place: int) -> list[ProjectBox]:
    assert document.project is not None
    return list(document.project.boxes(document.visible[place]))


def test_all_boxes_go_to_the_next_images_as_one_step(
    spread: Propagation, document: Document, qtbot: QtBot, posted: list[Notice]
) -> None:
    steps = document.undo_stack.count()
    assert run(spread, 3, qtbot, posted) == "2 boxes copied to 3 images."
    for place in (1, 2, 3):
        assert [(box.xyxy, box.origin) for box in on(document, place)] == [
            (FIRST, Origin.DRAWN),
            (SECOND, Origin.DRAWN),
        ]
        assert document.images[document.visible[place]].state is State.STARTED
        assert document.tally.box_count(document.visible[place]) == 2
    assert on(document, 4) == []
    assert document.undo_stack.count() == steps + 1
    current = document.current
    undoing.undo(document)
    assert document.current == current
    assert [on(document, place) for place in (1, 2, 3)] == [[], [], []]
    assert document.images[document.visible[1]].state is State.UNLABELLED
    undoing.redo(document)
    assert len(on(document, 3)) == 2


def test_only_what_is_selected_goes_proposals_too(
    spread: Propagation, document: Document, make_pass: Callable[..., None], qtbot: QtBot, posted: list[Notice]
) -> None:
    make_pass({0: [((40.0, 2.0, 48.0, 12.0), 0.8, 0)]})
    assert len(spread.boxes()) == 2
    document.set_selection([document.shown[1].key, document.shown[2].key])
    run(spread, 1, qtbot, posted)
    assert [(box.xyxy, box.origin, box.model) for box in on(document, 1)] == [
        (SECOND, Origin.DRAWN, None),
        ((40, 2, 48, 12), Origin.DRAWN, None),
    ]


def test_reviewed_images_are_left_alone_and_nothing_comes_twice(
    spread: Propagation, document: Document, qtbot: QtBot, posted: list[Notice]
) -> None:
    second, third = (document.images[document.visible[place]] for place in (1, 2))
    document.do("review", Change(images=((second, edits.vouched(second, Side.TRAIN)),)))
    same = [
        ProjectBox(document.opened.new_id(), third.id, document.classes[0].id, xyxy, Origin.DRAWN)
        for xyxy in (FIRST, SECOND)
    ]
    document.do("draw", Change(boxes=tuple((None, box) for box in same)))
    said = run(spread, 3, qtbot, posted)
    assert said == "2 boxes copied to 1 image. 1 image had them already. 1 reviewed image stayed as it is."
    assert [len(on(document, place)) for place in (1, 2, 3)] == [0, 2, 2]
    steps = document.undo_stack.count()
    said = run(spread, 3, qtbot, posted)
    assert said == "Nothing was copied. 2 images had them already. 1 reviewed image stayed as it is."
    assert document.undo_stack.count() == steps


def test_an_image_reviewed_meanwhile_is_left_alone(
    spread: Propagation, document: Document, qtbot: QtBot, posted: list[Notice]
) -> None:
    spread.propagate(2)
    image = document.images[document.visible[1]]
    document.do("review", Change(images=((image, edits.vouched(image, Side.TRAIN)),)))
    qtbot.waitUntil(lambda: bool(posted))
    assert posted[-1].text == "2 boxes copied to 1 image. 1 reviewed image stayed as it is."
    assert on(document, 1) == []
    assert document.images[image.id].state is State.REVIEWED


def test_the_list_as_it_is_filtered_counts(
    spread: Propagation, document: Document, qtbot: QtBot, posted: list[Notice]
) -> None:
    from app.image_filter import ImageFilter

    last = document.visible[5]
    document.set_filter(ImageFilter(text="5.png"))
    assert document.visible[1:] == [last]
    assert spread.room() == 1
    run(spread, 1, qtbot, posted)
    assert document.tally.box_count(last) == 2


def test_why_nothing_can_be_copied_is_said(spread: Propagation, document: Document, qtbot: QtBot) -> None:
    def said() -> str:
        with qtbot.waitSignal(document.refused) as refused:
            assert spread.refuse()
        return refused.args[0]

    navigation.step(document, 1)
    assert said() == propagation.NO_BOX
    navigation.step(document, 10)
    box_verbs.draw(document, FIRST)
    assert said() == propagation.LAST
    navigation.step(document, -10)
    spread.propagate(2)
    assert said() == propagation.BUSY
    qtbot.waitUntil(lambda: not spread.refuse())


def test_many_images_are_counted_by_a_worker_not_here(
    spread: Propagation,
    document: Document,
    make_pass: Callable[..., None],
    qtbot: QtBot,
    posted: list[Notice],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_pass({1: [(FIRST, 0.8, 0)], 2: [(FIRST, 0.8, 0)]})
    monkeypatch.setattr("app.document.FEW", 1)
    with qtbot.waitSignal(document.index_stale):
        run(spread, 2, qtbot, posted)


def test_boxes_whose_class_is_merged_meanwhile_are_copied_with_the_other_one(
    spread: Propagation,
    document: Document,
    jobs: Jobs,
    qtbot: QtBot,
    posted: list[Notice],
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    ClassWork(document, jobs, window)
    bolt = document.classes[0].id
    nut = add_class(document, "nut")
    assert nut is not None
    there = ProjectBox(document.opened.new_id(), document.visible[1], nut, FIRST, Origin.DRAWN)
    document.do("draw", Change(boxes=((None, there),)))
    spread.propagate(2)
    merge_class(document, bolt, nut)  # by a worker, too
    qtbot.waitUntil(lambda: bool(posted))
    assert posted[-1].text == "2 boxes copied to 2 images."
    assert [(box.class_id, box.xyxy) for box in on(document, 1)] == [(nut, FIRST), (nut, SECOND)]
    assert [(box.class_id, box.xyxy) for box in on(document, 2)] == [(nut, FIRST), (nut, SECOND)]
    assert not spread.refuse()


def test_what_is_reported() -> None:
    assert report(1, 5, there=0, reviewed=0) == "1 box copied to 5 images."
    assert report(1, 0, there=1, reviewed=0) == "Nothing was copied. 1 image had it already."
    assert report(3, 1, there=0, reviewed=2) == "3 boxes copied to 1 image. 2 reviewed images stayed as they are."


def test_nothing_is_copied_when_the_class_went_meanwhile(
    spread: Propagation, document: Document, jobs: Jobs, qtbot: QtBot
) -> None:
    box_verbs.delete(document, [box.key for box in document.shown])
    nut = add_class(document, "nut")
    box_verbs.draw(document, FIRST)
    assert nut is not None
    spread.propagate(2)
    for _ in range(2):  # the box and its class
        undoing.undo(document)
    with qtbot.waitSignal(document.refused) as said:
        qtbot.waitUntil(lambda: not jobs.running)
    assert "copy them once more" in said.args[0]
    assert not on(document, 1)
