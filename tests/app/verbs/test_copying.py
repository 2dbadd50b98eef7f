"""Copying boxes on a real project: what arrives where, and that one undo takes it back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtGui import QClipboard, QGuiApplication
from pytestqt.qtbot import QtBot

from app import worker_results
from app.document import Document
from app.verbs import box_verbs, copying, navigation, undoing
from app.verbs.class_verbs import add_class, hide_classes
from detector.data.project.records import Change, Origin, ProjectBox, State
from tests.app.opening import open_into

FIRST, SECOND = (10.0, 10.0, 30.0, 40.0), (50.0, 20.0, 80.0, 50.0)
MakePass = Callable[..., None]


@pytest.fixture
def clipboard(document: Document) -> QClipboard:
    return QGuiApplication.clipboard()


@pytest.fixture
def bolt(document: Document) -> int:
    """A class; the first image gets two boxes of it."""
    class_id = add_class(document, "bolt")
    assert class_id is not None
    for box in (FIRST, SECOND):
        box_verbs.draw(document, box)
    document.set_selection([])
    return class_id


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Document]:
    """Another project, of one image of 90 × 60 px."""
    folder = tmp_path / "other project"
    folder.mkdir()
    Image.new("RGB", (90, 60), (7, 7, 7)).save(folder / "0.png")
    made = open_into(Document(), folder)
    yield made
    made.detach()


def rectangles(document: Document) -> list[tuple[float, ...]]:
    return [box.xyxy for box in document.shown if not box.is_proposal]


def said(document: Document, qtbot: QtBot, verb: Callable[[], object]) -> str:
    """What a verb that does nothing says."""
    steps = document.undo_stack.count()
    with qtbot.waitSignal(document.refused) as refused:
        verb()
    assert document.undo_stack.count() == steps
    return refused.args[0]


def stored(document: Document) -> list[ProjectBox]:
    assert document.project is not None
    assert document.current is not None
    return list(document.project.boxes(document.current))


# Over the clipboard


def test_boxes_go_to_the_same_place_of_another_image(document: Document, bolt: int, clipboard: QClipboard) -> None:
    document.set_selection(box.key for box in document.shown)
    steps = document.undo_stack.count()
    assert copying.copy(document, clipboard) == 2
    navigation.step(document, 1)
    keys = copying.paste(document, clipboard.text())
    assert rectangles(document) == [FIRST, SECOND]
    assert document.selection == set(keys)
    assert {box.class_id for box in document.shown} == {bolt}
    assert document.images[document.visible[1]].state is State.STARTED
    assert document.undo_stack.count() == steps + 1
    undoing.undo(document)
    assert rectangles(document) == []
    assert document.images[document.visible[1]].state is State.UNLABELLED


def test_pasted_on_the_same_image_they_step_aside_each_time(
    document: Document, bolt: int, clipboard: QClipboard
) -> None:
    document.set_selection([document.shown[0].key])
    copying.copy(document, clipboard)
    for _ in range(3):
        copying.paste(document, clipboard.text())
    places = rectangles(document)
    assert len(set(places)) == len(places) == 5
    assert all(x2 - x1 == 20 and y2 - y1 == 30 for x1, y1, x2, y2 in places if (x1, y1) != SECOND[:2])
    assert {place[0] - place[1] for place in places if place != SECOND} == {0}  # along the diagonal


def test_what_was_cut_comes_back_to_its_place(document: Document, bolt: int, clipboard: QClipboard) -> None:
    document.set_selection([document.shown[0].key])
    copying.cut(document, clipboard)
    assert rectangles(document) == [SECOND]
    copying.paste(document, clipboard.text())
    assert rectangles(document) == [SECOND, FIRST]


def test_proposals_arrive_as_drawn_boxes(
    document: Document, make_pass: MakePass, clipboard: QClipboard, bolt: int
) -> None:
    make_pass({1: [((40.0, 5.0, 60.0, 25.0), 0.8, 0)]})
    navigation.step(document, 1)
    document.set_selection([box.key for box in document.shown])
    copying.copy(document, clipboard)
    navigation.step(document, 1)
    copying.paste(document, clipboard.text())
    (box,) = stored(document)
    assert (box.xyxy, box.origin, box.model, box.score) == ((40, 5, 60, 25), Origin.DRAWN, None, None)
    assert document.class_of(box.class_id).name == "bolt"


def test_flags_travel_but_what_a_file_said_of_the_outline_does_not(
    document: Document, bolt: int, clipboard: QClipboard
) -> None:
    box = ProjectBox(
        document.opened.new_id(),
        document.visible[0],
        bolt,
        (5.0, 5.0, 15.0, 15.0),
        Origin.IMPORTED,
        iscrowd=True,
        difficult=True,
        extra={"segmentation": [[5, 5, 15, 5, 15, 15]]},
    )
    document.do("import", Change(boxes=((None, box),)))
    document.set_selection([box.id])
    copying.copy(document, clipboard)
    navigation.step(document, 1)
    copying.paste(document, clipboard.text())
    (made,) = stored(document)
    assert (made.iscrowd, made.occluded, made.truncated, made.difficult) == (True, False, False, True)
    assert (made.extra, made.origin) == ({}, Origin.DRAWN)


def test_another_project_matches_classes_by_name_and_gets_those_it_lacks(
    document: Document, bolt: int, clipboard: QClipboard, other: Document
) -> None:
    add_class(other, "nut")
    ours = add_class(other, "Bolt")
    add_class(document, "washer")
    box_verbs.draw(document, (60.0, 5.0, 70.0, 15.0))
    document.set_selection(box.key for box in document.shown)
    copying.copy(document, clipboard)
    steps = other.undo_stack.count()
    copying.paste(other, clipboard.text())
    assert [item.name for item in other.classes] == ["nut", "Bolt", "washer"]
    assert [box.class_id for box in other.shown] == [ours, ours, other.classes[2].id]
    assert len({item.category_id for item in other.classes}) == len({item.colour for item in other.classes}) == 3
    assert other.undo_stack.count() == steps + 1
    undoing.undo(other)
    assert [item.name for item in other.classes] == ["nut", "Bolt"]
    assert other.shown == ()
    undoing.redo(other)
    assert [item.name for item in other.classes] == ["nut", "Bolt", "washer"]
    assert len(other.shown) == 3


def test_a_smaller_image_gets_them_inside(
    document: Document, bolt: int, clipboard: QClipboard, other: Document
) -> None:
    assert other.current is not None
    worker_results.note_decoded(other, other.current, width=40, height=50, key="")
    document.set_selection(box.key for box in document.shown)
    copying.copy(document, clipboard)
    copying.paste(other, clipboard.text())
    assert rectangles(other) == [FIRST, (10.0, 20.0, 40.0, 50.0)]


def test_foreign_texts_are_refused_with_the_way_out(document: Document, bolt: int, qtbot: QtBot) -> None:
    for text in ("", "three bolts", '{"boxes": []}'):
        assert "Ctrl+C" in said(document, qtbot, lambda text=text: copying.paste(document, text))


def test_with_nothing_selected_the_clipboard_stays(
    document: Document, bolt: int, clipboard: QClipboard, qtbot: QtBot
) -> None:
    clipboard.setText("mine")
    for verb in (copying.copy, copying.cut):
        assert "Ctrl+A" in said(document, qtbot, lambda verb=verb: verb(document, clipboard))
    assert "Ctrl+A" in said(document, qtbot, lambda: copying.duplicate(document))
    assert clipboard.text() == "mine"


def test_a_read_only_project_copies_but_takes_nothing_in(
    document: Document, bolt: int, clipboard: QClipboard, qtbot: QtBot
) -> None:
    assert document.project is not None
    document.set_selection(box.key for box in document.shown)
    document.project.read_only = "Another window has this folder open."
    assert copying.copy(document, clipboard) == 2
    for verb in (
        lambda: copying.paste(document, clipboard.text()),
        lambda: copying.duplicate(document),
        lambda: copying.cut(document, clipboard),
        lambda: copying.copy_previous(document),
    ):
        assert said(document, qtbot, verb) == "Another window has this folder open."


# Beside themselves, from the image before


def test_duplicates_lie_beside_and_are_selected(document: Document, bolt: int, clipboard: QClipboard) -> None:
    clipboard.setText("mine")
    document.set_selection([document.shown[0].key])
    (key,) = copying.duplicate(document)
    assert document.selection == {key}
    assert rectangles(document) == [FIRST, SECOND, (14.0, 14.0, 34.0, 44.0)]
    assert clipboard.text() == "mine"
    undoing.undo(document)
    assert rectangles(document) == [FIRST, SECOND]


def test_the_boxes_of_the_image_before_come_once(document: Document, bolt: int, qtbot: QtBot) -> None:
    navigation.step(document, 1)
    box_verbs.draw(document, (10.0, 10.0, 30.0, 40.5))  # nearly the first one
    steps = document.undo_stack.count()
    keys = copying.copy_previous(document)
    assert rectangles(document) == [(10.0, 10.0, 30.0, 40.5), SECOND]
    assert document.selection == set(keys)
    assert document.undo_stack.count() == steps + 1
    assert "here already" in said(document, qtbot, lambda: copying.copy_previous(document))
    undoing.undo(document)
    assert rectangles(document) == [(10.0, 10.0, 30.0, 40.5)]


def test_a_box_of_another_class_at_the_place_is_no_reason(document: Document, bolt: int) -> None:
    navigation.step(document, 1)
    add_class(document, "nut")
    box_verbs.draw(document, FIRST)
    copying.copy_previous(document)
    assert rectangles(document) == [FIRST, FIRST, SECOND]


def test_accepted_and_imported_boxes_arrive_as_drawn(document: Document, make_pass: MakePass, bolt: int) -> None:
    make_pass({1: [((40.0, 5.0, 60.0, 25.0), 0.8, 0)]})
    navigation.step(document, 1)
    box_verbs.accept(document, [box.key for box in document.shown])
    navigation.step(document, 1)
    copying.copy_previous(document)
    (box,) = stored(document)
    assert (box.origin, box.model, box.score) == (Origin.DRAWN, None, None)


def test_where_nothing_is_before_it_is_said(document: Document, bolt: int, qtbot: QtBot) -> None:
    assert "first image" in said(document, qtbot, lambda: copying.copy_previous(document))
    navigation.step(document, 2)
    assert "1.png has no boxes" in said(document, qtbot, lambda: copying.copy_previous(document))


def test_the_image_before_counts_whatever_the_filter_shows(document: Document, bolt: int) -> None:
    from app.image_filter import FilterKind, ImageFilter

    navigation.step(document, 1)
    document.set_filter(ImageFilter(FilterKind.UNLABELLED))
    assert document.visible[0] == document.current
    assert len(copying.copy_previous(document)) == 2


def test_what_is_out_of_sight_is_not_copied(document: Document, bolt: int, qtbot: QtBot) -> None:
    hide_classes(document, [bolt])
    navigation.step(document, 1)
    assert "0.png has no boxes" in said(document, qtbot, lambda: copying.copy_previous(document))
