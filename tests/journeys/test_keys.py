"""What hands do all day: every key where it acts, and the fields in which the same keys only write."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QSlider

from app.background import pictures as reading
from app.canvas.tools import Tool
from app.image_filter import FilterKind, kind_counts
from app.panels.boxes import UNSEEN
from app.verbs import box_verbs
from detector.data.project.records import Origin, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NUT, BOLT = (100.0, 100.0, 200.0, 180.0), (300.0, 200.0, 420.0, 320.0)  # what is proposed, see conftest
ON_NUT, ON_BOLT, ON_NOTHING = (150.0, 140.0), (360.0, 260.0), (560.0, 60.0)
FREE = (460.0, 60.0, 560.0, 140.0)


@pytest.fixture
def me(start: "Callable[..., Person]", folder: Path) -> "Person":
    """A person before five pictures, on the first three of which a model has found a nut and a bolt."""
    person = start(folder)
    person.wait(lambda: person.sees_picture() and person.window.document.tally.proposal_total() == (6, 3))
    assert person.path == "a1.png"
    return person


def name_of(me: "Person", key: int) -> str:
    return me.window.document.class_of(me.boxes[key].class_id).name


def is_near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(a - b) < 1.5 for a, b in zip(one, other, strict=True))


def test_one_walks_through_the_images(me: "Person") -> None:
    for key, path in (
        (Key.Key_D, "a2.png"),
        (Key.Key_A, "a1.png"),
        (Key.Key_Right, "a2.png"),
        (Key.Key_Left, "a1.png"),
        (Key.Key_End, "a5.png"),
        (Key.Key_D, "a5.png"),
        (Key.Key_N, "a1.png"),
        (Key.Key_N, "a2.png"),
        (Key.Key_Home, "a1.png"),
        (Key.Key_A, "a1.png"),
    ):
        me.press(key)
        assert me.path == path
    me.click_thumbnail("a4.png")
    me.press(Key.Key_D)  # the list has the focus now
    assert me.path == "a5.png"
    assert me.window.document.undo_stack.count() == 0


def test_enter_accepts_and_delete_rejects_what_is_selected(me: "Person") -> None:
    document = me.window.document
    me.click_picture(ON_NUT)
    me.press(Key.Key_Return)
    (key,) = document.selection
    assert (me.boxes[key].origin, me.boxes[key].xyxy) == (Origin.ACCEPTED, NUT)
    assert document.images[document.current].state is State.STARTED
    me.press(Key.Key_Tab, Key.Key_Delete)  # the bolt
    assert [*me.boxes] == [key]
    assert [item.xyxy for item in document.project.rejections(document.current)] == [BOLT]
    me.press(Key.Key_Tab, Key.Key_Backspace)
    assert me.boxes == {}  # and not proposed again
    assert document.images[document.current].state is State.UNLABELLED
    me.press(*[Key.Key_Z] * 3, modifiers=CTRL)
    assert {box.xyxy for box in me.boxes.values() if box.is_proposal} == {NUT, BOLT}
    assert len(me.boxes) == 2


def test_digits_give_classes(me: "Person") -> None:
    me.click_picture(ON_BOLT)
    assert name_of(me, *me.window.document.selection) == "bolt"
    me.press(Key.Key_1)
    (key,) = me.window.document.selection
    assert (name_of(me, key), me.boxes[key].origin) == ("nut", Origin.EDITED)
    me.press(Key.Key_Escape, Key.Key_2)  # nothing is selected: for the next box
    me.press(Key.Key_W)
    me.drag(FREE[:2], FREE[2:])
    assert name_of(me, *me.window.document.selection) == "bolt"
    me.press(Key.Key_9)  # no such class
    assert name_of(me, *me.window.document.selection) == "bolt"


@pytest.mark.parametrize("how", ["drag", "two clicks"])
def test_w_draws(me: "Person", how: str) -> None:
    me.press(Key.Key_W)
    assert me.window.canvas.tool is Tool.DRAW
    if how == "drag":
        me.drag(FREE[:2], FREE[2:])
    else:
        me.click_picture(FREE[:2])
        assert len(me.boxes) == 2
        me.click_picture(FREE[2:])
    (key,) = me.window.document.selection
    assert is_near(me.boxes[key].xyxy, FREE)
    assert me.window.canvas.tool is Tool.SELECT
    assert me.window.document.undo_stack.count() == 1


def test_escape_gives_up_step_by_step(me: "Person") -> None:
    me.press(Key.Key_W)
    me.click_picture(FREE[:2])
    me.press(Key.Key_Escape)
    assert me.window.canvas.tool is Tool.DRAW
    me.press(Key.Key_Escape)
    assert me.window.canvas.tool is Tool.SELECT
    me.click_picture(ON_NUT)
    me.press(Key.Key_Escape)
    assert me.window.document.selection == frozenset()
    me.click_picture(FREE[2:])  # no second corner of the box that was given up
    assert len(me.boxes) == 2


@pytest.mark.parametrize("how", ["Ctrl+E", "a double click"])
def test_a_class_is_typed(me: "Person", how: str) -> None:
    me.click_picture(ON_NUT)
    if how == "Ctrl+E":
        me.press(Key.Key_E, modifiers=CTRL)
    else:
        me.click_picture(ON_NUT, double=True)
    me.wait(QApplication.activePopupWidget)
    me.type("BOL")
    me.press(Key.Key_Return)
    (key,) = me.window.document.selection
    assert name_of(me, key) == "bolt"
    assert QApplication.activePopupWidget() is None


def test_all_are_selected_moved_and_taken_back(me: "Person") -> None:
    me.press(Key.Key_A, modifiers=CTRL)
    assert me.window.document.selection == {*me.boxes}
    me.press(Key.Key_Right)
    me.press(Key.Key_Down, modifiers=SHIFT)
    wanted = {(x1 + 1, y1 + 10, x2 + 1, y2 + 10) for x1, y1, x2, y2 in (NUT, BOLT)}
    assert {box.xyxy for box in me.boxes.values()} == wanted
    assert me.path == "a1.png"
    me.press(Key.Key_Z, Key.Key_Z, modifiers=CTRL)
    assert {box.xyxy for box in me.boxes.values()} == {NUT, BOLT}
    assert all(box.is_proposal for box in me.boxes.values())


def test_space_reviews_and_e_records_that_nothing_is_there(me: "Person") -> None:
    document = me.window.document
    states = {image.path: image for image in document.images.values()}
    for path in ("a2.png", "a3.png", "a4.png"):
        me.press(Key.Key_Space)
        assert me.path == path
        me.wait(me.sees_picture)
    me.press(Key.Key_Space)  # no model has looked, and no box is here
    assert me.path == "a4.png"
    assert [notice.text for notice in me.notices] == [
        "No box is here and no model has looked: draw one, or press E if the image is empty."
    ]
    me.press(Key.Key_E)
    assert me.path == "a5.png"
    me.wait(me.sees_picture)
    found = {path: document.images[image.id].state for path, image in states.items()}
    assert found == {f"a{n}.png": State.REVIEWED for n in range(1, 5)} | {"a5.png": State.UNLABELLED}
    assert {path: document.tally.box_count(image.id) for path, image in states.items()} == {
        "a1.png": 2,
        "a2.png": 2,
        "a3.png": 2,
        "a4.png": 0,
        "a5.png": 0,
    }
    me.press(Key.Key_E)
    assert me.notices[-1].text == "Every image is reviewed."


def test_undo_and_redo_go_from_image_to_image(me: "Person") -> None:
    document = me.window.document

    def stored() -> list[object]:
        project = document.project
        return [(project.image(id), project.boxes(id), project.rejections(id)) for id in sorted(document.images)]

    before = stored()
    me.press(Key.Key_W)
    me.drag(FREE[:2], FREE[2:])
    me.press(Key.Key_D)
    me.wait(me.sees_picture)
    me.click_picture(ON_NUT)
    me.press(Key.Key_Delete, Key.Key_Space)
    assert me.path == "a3.png"
    me.press(Key.Key_End)
    after = stored()
    for paths in (["a2.png", "a2.png", "a1.png"], ["a1.png"]):  # more than there is changes nothing
        for path in paths:
            me.press(Key.Key_Z, modifiers=CTRL)
            assert me.path == path
    assert [(image.state, boxes, rejections) for image, boxes, rejections in stored()] == [
        (image.state, boxes, rejections) for image, boxes, rejections in before
    ]
    for key, modifiers, path in (
        (Key.Key_Y, CTRL, "a1.png"),
        (Key.Key_Z, CTRL | SHIFT, "a2.png"),
        (Key.Key_Y, CTRL, "a2.png"),
    ):
        me.press(key, modifiers=modifiers)
        assert me.path == path
    assert stored() == after


def test_one_zooms(me: "Person") -> None:
    canvas = me.window.canvas
    fitted = canvas.zoom
    me.press(Key.Key_Plus, modifiers=CTRL)
    assert canvas.zoom > fitted
    me.press(Key.Key_0, modifiers=CTRL)
    assert canvas.zoom == 1
    me.press(Key.Key_Minus, modifiers=CTRL)
    assert canvas.zoom < 1
    me.press(Key.Key_F)
    assert canvas.zoom == fitted
    me.press(Key.Key_H)
    me.click_picture(ON_NUT)  # which is hidden
    assert me.window.document.selection == frozenset()


def test_fields_keep_the_keys_that_write(me: "Person") -> None:
    document = me.window.document
    search, field = (
        next(item for item in me.window.findChildren(QLineEdit) if item.placeholderText() == words)
        for words in ("Search name or class", "New class…")
    )
    me.click(search)
    me.type("a4 1 end ")
    assert search.text() == "a4 1 end "
    assert me.path == "a1.png"
    me.press(Key.Key_A, modifiers=CTRL)
    me.type("a4")
    me.press(Key.Key_Down)
    assert document.filter.text == "a4"
    me.press(Key.Key_D)  # the list has the focus: a1, as long as it is current, and a4
    assert me.path == "a4.png"
    me.click(field)
    me.type("M8 bolt 2")
    me.press(Key.Key_Return)
    assert [item.name for item in document.classes] == ["nut", "bolt", "M8 bolt 2"]
    assert document.undo_stack.count() == 1
    assert {image.state for image in document.images.values()} == {State.UNLABELLED}


def test_buttons_and_the_slider_keep_space(me: "Person") -> None:
    document = me.window.document
    slider = me.window.detection.findChild(QSlider)
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    me.press(Key.Key_Space, Key.Key_End)
    assert document.limits.overall == 1.0
    me.button("To review", me.window.images).setFocus(Qt.FocusReason.TabFocusReason)
    me.press(Key.Key_Space)
    assert document.filter.kind is FilterKind.TO_REVIEW
    assert document.undo_stack.count() == 0


def test_the_last_of_a_filtered_list_is_reviewed_from_the_list(me: "Person") -> None:
    document = me.window.document
    me.click(me.window.images.chips.kinds[FilterKind.TO_REVIEW])
    for _ in range(2):
        me.press(Key.Key_Space)
        me.wait(me.sees_picture)
    me.press(Key.Key_A, modifiers=CTRL)
    me.press(Key.Key_Delete)  # nothing is left to review: the list says so
    me.wait(me.window.images.empty.isVisible)
    assert document.images[document.current].state is State.UNLABELLED
    me.press(Key.Key_Space)
    assert kind_counts(document.tally)[FilterKind.REVIEWED] == 3
    assert document.filter.kind is FilterKind.TO_REVIEW


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_E])
def test_nobody_vouches_for_boxes_that_are_hidden(me: "Person", key: Qt.Key) -> None:
    document = me.window.document
    me.press(Key.Key_H, key)
    assert me.path == "a1.png"
    assert me.window.canvas.boxes_visible
    assert me.window.actions_["show-boxes"].isChecked()
    assert "were hidden" in me.notices[-1].text
    assert document.undo_stack.count() == 0
    me.press(key)
    assert me.path == "a2.png"


def test_nobody_deletes_boxes_that_are_hidden(me: "Person") -> None:
    document = me.window.document
    me.press(Key.Key_H)
    me.press(Key.Key_A, modifiers=CTRL)
    before = document.shown
    me.press(Key.Key_Delete)
    assert document.shown == before
    assert me.window.canvas.boxes_visible
    me.press(Key.Key_Delete)
    assert not document.shown
    me.press(Key.Key_Z, modifiers=CTRL)
    assert document.shown == before


@pytest.mark.parametrize(
    ("key", "modifiers"), [(Key.Key_V, CTRL), (Key.Key_D, CTRL), (Key.Key_P, Qt.KeyboardModifier.NoModifier)]
)
def test_boxes_that_are_added_are_seen(me: "Person", key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
    window, document = me.window, me.window.document
    box_verbs.draw(document, FREE)
    me.press(Key.Key_C, modifiers=CTRL)
    if key == Key.Key_P:
        me.press(Key.Key_D)
    before = len(me.boxes)
    me.press(Key.Key_H)
    assert not window.canvas.boxes_visible
    me.press(key, modifiers=modifiers)
    assert len(me.boxes) == before + 1
    assert window.canvas.boxes_visible
    assert window.actions_["show-boxes"].isChecked()


def test_a_box_that_is_drawn_is_seen(me: "Person") -> None:
    window = me.window
    me.press(Key.Key_H, Key.Key_W)
    assert window.canvas.boxes_visible
    me.press(Key.Key_H)  # in the midst of it
    me.drag(FREE[:2], FREE[2:])
    assert window.canvas.boxes_visible
    assert window.actions_["show-boxes"].isChecked()
    assert window.document.undo_stack.count() == 1


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_E])
def test_nobody_vouches_for_a_picture_that_is_not_there(
    me: "Person", folder: Path, key: Qt.Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, pictures = me.window.document, me.window.pictures
    me.wait(lambda: not me.window.jobs.running)
    may_read, read = Event(), reading.read

    def read_later(*what: Any) -> Iterator[reading.Picture]:
        assert may_read.wait(60)  # as if it were too large to be read before it is asked for
        yield from read(*what)

    monkeypatch.setattr(reading, "read", read_later)
    pictures.forget()
    me.press(Key.Key_D, key)
    assert me.path == "a2.png"
    assert "still being read" in me.notices[-1].text
    may_read.set()
    (folder / "a3.png").write_bytes(b"no picture")
    me.wait(me.sees_picture)
    pictures.forget()
    me.press(Key.Key_D)
    me.wait(lambda: me.window.canvas.is_broken)
    assert any(label.text() == UNSEEN for label in me.window.boxes.findChildren(QLabel))
    me.press(key)
    assert "cannot be read" in me.notices[-1].text
    assert me.path == "a3.png"
    assert document.undo_stack.count() == 0
