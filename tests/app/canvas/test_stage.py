"""What floats on the canvas: the line about the image, and the hints."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.actions import Actions
from app.canvas.hint_bar import HintBar
from app.canvas.stage import Stage, hints, info_parts, joined
from app.canvas.tone import Tone
from app.canvas.tools import Tool
from app.canvas.view import CanvasView
from app.document import Document
from app.image_filter import FilterKind, ImageFilter
from app.verbs import box_verbs, navigation
from app.verbs.reviewing import mark_empty, review


@pytest.fixture
def view(qtbot: QtBot, document: Document) -> CanvasView:
    return CanvasView(document)


@pytest.fixture
def actions(view: CanvasView) -> Actions:
    return Actions(view, {})


@pytest.fixture
def stage(qtbot: QtBot, document: Document, view: CanvasView, actions: Actions) -> Stage:
    made = Stage(document, view, actions)
    qtbot.addWidget(made)
    made.resize(640, 480)
    made.show()
    return made


def keys(stage: Stage) -> list[str]:
    bar = stage.findChild(HintBar)
    assert isinstance(bar, HintBar)
    return [hint.key for hint in bar.hints if hint.key]


def test_the_line_leaves_out_the_zoom_where_there_is_no_picture(document: Document):
    assert "164%" in joined(*info_parts(document, 1.64))
    assert "%" not in joined(*info_parts(document, None))


def test_the_line_counts_no_image_that_the_filter_leaves_out(document: Document):
    navigation.step(document, 1)
    second = document.current
    assert second is not None
    document.set_filter(ImageFilter(FilterKind.UNLABELLED))
    assert "2 of 2 unlabelled" in joined(*info_parts(document, 1.0))
    mark_empty(document)
    document.show(second)
    assert joined(*info_parts(document, 1.0)).endswith("not among what the filter shows")


def test_the_line_gives_up_the_size_before_the_name(stage: Stage, qtbot: QtBot):
    stage.resize(900, 480)
    assert "640 × 480" in stage._info.text()
    shortest = next(width for width in range(900, 200, -5) if "×" not in _told(stage, width))
    assert _told(stage, shortest).startswith("1.png")
    assert _told(stage, shortest).endswith("1 of 2")
    assert stage._info.shown_text() == stage._info.text()


def test_a_long_name_is_cut_in_its_middle_beside_what_there_is_room_for(stage: Stage, document: Document):
    assert document.current is not None
    image = replace(document.images[document.current], path=f"{'a long folder/' * 20}1.png")
    document.add_images([image], keys={}, counts={})
    told = _told(stage, 640)
    assert told.startswith("a long")
    assert "…" in told
    assert told.endswith("1 of 2")
    assert "640 × 480" in told
    assert stage._info.shown_text() == told


def _told(stage: Stage, width: int) -> str:
    stage.resize(width, 480)
    return stage._info.text()


def test_a_picture_that_cannot_be_shown_offers_no_drawing(stage: Stage, document: Document):
    assert document.current is not None
    stage._view.set_picture(document.current, None, "cannot be decoded")
    assert keys(stage) == ["D", "A"]


def test_the_hints_follow_what_a_person_does(stage: Stage, document: Document, actions: Actions):
    first, second = document.visible
    assert keys(stage) == ["Space", "Del", "1–9"]
    review(document)
    document.show(first)
    assert [hint.words for hint in hints(document, actions, stage._view)] == ["Reviewed, 5 boxes", "next"]
    document.show(second)
    assert keys(stage) == ["W", "I", "E"]
    box_verbs.draw(document, (10.0, 10.0, 60.0, 60.0))
    assert keys(stage) == ["Space", "W", "1–9"]


def test_the_hints_tell_of_hidden_boxes_and_how_a_box_is_drawn(stage: Stage, document: Document, actions: Actions):
    view = stage._view
    view.set_boxes_visible(False)
    assert hints(document, actions, view) == (
        ("", "Boxes hidden"),
        ("H", "show them"),
        ("W", "show them and draw"),
    )
    assert keys(stage) == ["H", "W"]
    view.set_boxes_visible(True)
    assert keys(stage) == ["Space", "Del", "1–9"]
    view.set_tool(Tool.DRAW)
    assert [hint.words for hint in hints(document, actions, view)] == [
        "Drag, or click two corners",
        "back to selecting",
        "class",
    ]
    assert keys(stage) == ["V", "1–9"]


def test_the_hints_name_the_keys_that_the_person_chose(stage: Stage, actions: Actions):
    actions.remap({"review": ["Ctrl+J", "Space"], "delete": [], "class-1": ["Shift+1"]})
    assert keys(stage) == ["Ctrl+J", "Shift+1–9"]


def test_the_line_is_cut_rather_than_the_window_widened(stage: Stage):
    assert stage.minimumSizeHint().width() < 400


def test_brightness_is_chosen_marked_and_reset(stage: Stage, qtbot: QtBot):
    panel, mark, view = stage._tone, stage._tone_mark, stage._view
    stage.activateWindow()
    stage.toggle_tone()
    qtbot.waitUntil(panel.brightness.hasFocus)
    qtbot.keyClick(panel.brightness, Qt.Key.Key_PageUp)
    assert view.tone == Tone(brightness=10)
    assert mark.isVisible()
    assert mark.text() == "Brightness +10"
    before = view.y()
    qtbot.keyClick(panel.brightness, Qt.Key.Key_Escape)
    qtbot.waitUntil(view.hasFocus)
    assert not panel.isVisible()
    assert mark.isVisible()
    mark.click()
    assert panel.isVisible()
    assert panel.brightness.value() == 10
    panel.reset.click()
    assert view.tone.is_plain
    assert not mark.isVisible()
    assert not panel.reset.isEnabled()
    assert view.y() == before  # the picture does not jump
    stage.toggle_tone()
    assert not panel.isVisible()


def test_after_the_mouse_has_moved_a_slider_the_keys_are_the_pictures_again(stage: Stage, qtbot: QtBot):
    panel = stage._tone
    stage.activateWindow()
    stage.toggle_tone()
    place = QPoint(panel.contrast.width() // 2, panel.contrast.height() // 2)
    qtbot.mousePress(panel.contrast, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseMove(panel.contrast, place + QPoint(20, 0))
    qtbot.mouseRelease(panel.contrast, Qt.MouseButton.LeftButton, pos=place + QPoint(20, 0))
    assert stage._view.tone.contrast > 0
    qtbot.waitUntil(stage._view.hasFocus)
    assert panel.isVisible()
