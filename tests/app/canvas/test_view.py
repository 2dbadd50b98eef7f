"""What mouse and keys do to the boxes, with real events; each gesture is one verb, which one undo takes back."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.geometry import Box, Handle, grip_frame
from app.canvas.tools import Tool
from app.canvas.view import CanvasView
from app.document import Document
from app.verbs import box_verbs, navigation, undoing

if TYPE_CHECKING:
    from tests.app.canvas.conftest import Keys, Mouse

WIDTH, HEIGHT = 640, 480
OUTER, INNER, ASIDE = (100, 100, 300, 300), (150, 150, 200, 200), (400, 100, 500, 200)
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
ZOOMS = [0.6, 1.0, 1.5, 3.7]


def where(document: Document, key: int) -> Box:
    return next(box.xyxy for box in document.shown if box.key == key)


def is_near(canvas: CanvasView, box: Box, wanted: Box) -> bool:
    """Whether boxes agree to the pixel of the view that a mouse can point at."""
    return bool(np.abs(np.array(box) - wanted).max() <= 1 / canvas.zoom + 1e-6)


def newest(document: Document) -> Box:
    return where(document, max(box.key for box in document.shown))


# Drawing


@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_drag_draws_a_box(canvas: CanvasView, document: Document, mouse: "Mouse", zoom: float) -> None:
    canvas.zoom_to(zoom)
    canvas.centerOn(350, 250)
    canvas.set_tool(Tool.DRAW)
    mouse.drag((320, 220), (390, 290))
    assert is_near(canvas, newest(document), (320, 220, 390, 290))
    assert document.undo_stack.count() == 1
    assert len(document.selection) == 1
    assert canvas.tool is Tool.SELECT
    undoing.undo(document)
    assert len(document.shown) == 5


@pytest.mark.parametrize("zoom", ZOOMS)
def test_two_clicks_draw_a_box(canvas: CanvasView, document: Document, mouse: "Mouse", zoom: float) -> None:
    canvas.zoom_to(zoom)
    canvas.centerOn(350, 250)
    canvas.set_tool(Tool.DRAW)
    mouse.click(390, 220)
    assert len(document.shown) == 5
    mouse.move(350, 250)
    mouse.click(320, 290)
    assert is_near(canvas, newest(document), (320, 220, 390, 290))
    assert canvas.tool is Tool.SELECT


def test_a_quick_second_click_elsewhere_is_no_double_click(
    canvas: CanvasView, document: Document, mouse: "Mouse", qtbot: QtBot
) -> None:
    canvas.set_tool(Tool.DRAW)
    mouse.click(320, 220)
    mouse.move(390, 290)
    qtbot.mouseDClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=mouse.place(390, 290))
    mouse.release(390, 290)
    assert is_near(canvas, newest(document), (320, 220, 390, 290))


def test_a_box_drawn_beyond_the_image_ends_at_its_border(
    canvas: CanvasView, document: Document, mouse: "Mouse"
) -> None:
    canvas.set_tool(Tool.DRAW)
    mouse.drag((610, 440), (655, 500))
    box = newest(document)
    assert box[2:] == (WIDTH, HEIGHT)
    assert is_near(canvas, box, (610, 440, WIDTH, HEIGHT))


def test_nothing_is_drawn_beside_the_image(canvas: CanvasView, document: Document, mouse: "Mouse") -> None:
    canvas.set_tool(Tool.DRAW)
    mouse.drag((645, 100), (660, 130))
    assert len(document.shown) == 5


@pytest.mark.parametrize("clicks", [False, True])
def test_escape_cancels_a_box(
    canvas: CanvasView, document: Document, mouse: "Mouse", qtbot: QtBot, clicks: bool
) -> None:
    canvas.set_tool(Tool.DRAW)
    if clicks:
        mouse.click(320, 220)
    else:
        mouse.press(320, 220)
    mouse.move(390, 290)
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.tool is Tool.DRAW
    mouse.release(390, 290)
    assert len(document.shown) == 5
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.tool is Tool.SELECT


def test_a_box_without_any_class_asks_for_one(
    canvas: CanvasView, document: Document, mouse: "Mouse", qtbot: QtBot
) -> None:
    document.set_active_class(None)
    canvas.set_tool(Tool.DRAW)
    with qtbot.waitSignal(canvas.class_missing) as asked:
        mouse.drag((320, 220), (390, 290))
    place, xyxy = asked.args
    assert is_near(canvas, xyxy, (320, 220, 390, 290))
    assert place == canvas.viewport().mapToGlobal(mouse.place(390, 290))
    assert len(document.shown) == 5


# Selecting


def test_a_press_selects_the_smallest_box(canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys") -> None:
    mouse.press(160, 160)
    assert document.selection == {keys.inner}
    mouse.release(160, 160)
    mouse.click(250, 250)
    assert document.selection == {keys.outer}
    mouse.click(450, 350)
    assert document.selection == {keys.proposal}
    mouse.click(50, 50)
    assert document.selection == frozenset()
    assert document.undo_stack.count() == 0


def test_clicks_at_one_place_go_round_the_stack(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    seen = []
    for _ in range(4):
        mouse.click(175, 175)
        seen.append(set(document.selection))
    assert seen == [{keys.inner}, {keys.outer}, {keys.inner}, {keys.outer}]


def test_a_box_below_another_moves_once_it_was_reached(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    mouse.click(175, 175)
    mouse.click(175, 175)
    mouse.drag((175, 175), (205, 185))
    assert is_near(canvas, where(document, keys.outer), (130, 110, 330, 310))
    assert where(document, keys.inner) == INNER


def test_ctrl_adds_and_takes_away(canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys") -> None:
    mouse.click(175, 175)
    mouse.click(450, 150, keys=CTRL)
    assert document.selection == {keys.inner, keys.aside}
    mouse.click(175, 175, keys=CTRL)
    assert document.selection == {keys.aside}


def test_a_click_on_one_of_many_selects_it(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    canvas.select_all()
    mouse.press(450, 150)
    assert len(document.selection) == 5
    mouse.release(450, 150)
    assert document.selection == {keys.aside}


def test_a_rubber_band_selects_what_it_touches(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    mouse.drag((380, 250), (420, 320))
    assert document.selection == {keys.proposal}
    mouse.drag((320, 90), (420, 120), keys=CTRL)
    assert document.selection == {keys.proposal, keys.aside}
    mouse.drag((20, 20), (60, 60))
    assert document.selection == frozenset()


def test_tab_goes_from_box_to_box(canvas: CanvasView, document: Document) -> None:
    order = [box.key for box in document.shown]
    seen = []
    for _ in range(6):
        canvas.select_next(1)
        seen.extend(document.selection)
    assert seen == [*order, order[0]]
    canvas.select_next(-1)
    assert document.selection == {order[-1]}
    document.set_selection([])
    canvas.select_next(-1)
    assert document.selection == {order[-1]}


def test_a_selected_box_comes_into_sight(canvas: CanvasView, document: Document, keys: "Keys") -> None:
    canvas.zoom_to(8)
    canvas.centerOn(600, 450)
    document.set_selection([keys.inner])
    assert canvas.viewport().rect().contains(canvas.viewportTransform().map(QPoint(175, 175)))


def test_hidden_boxes_are_not_hit(canvas: CanvasView, document: Document, mouse: "Mouse") -> None:
    canvas.set_boxes_visible(False)
    mouse.click(175, 175)
    mouse.drag((20, 20), (600, 400))
    assert document.selection == frozenset()
    canvas.set_boxes_visible(True)
    mouse.click(175, 175)
    assert len(document.selection) == 1


# Moving and resizing


@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_drag_moves_a_box(canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", zoom: float) -> None:
    canvas.zoom_to(zoom)
    canvas.centerOn(450, 150)
    mouse.drag((450, 150), (480, 130))
    assert is_near(canvas, where(document, keys.aside), (430, 80, 530, 180))
    assert document.undo_stack.count() == 1
    undoing.undo(document)
    assert where(document, keys.aside) == ASIDE


def test_a_selection_moves_as_one_and_stops_at_the_border(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    mouse.click(175, 175)
    mouse.click(450, 150, keys=CTRL)
    mouse.drag((450, 150), (650, 150))
    assert where(document, keys.aside) == (540, 100, 640, 200)
    assert where(document, keys.inner) == (290, 150, 340, 200)
    assert document.undo_stack.count() == 1
    assert document.selection == {keys.inner, keys.aside}


@pytest.mark.parametrize("zoom", [1.0, 2.3])
@pytest.mark.parametrize("handle", Handle)
def test_each_handle_resizes(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", zoom: float, handle: Handle
) -> None:
    canvas.zoom_to(zoom)
    canvas.centerOn(450, 150)
    document.set_selection([keys.aside])
    across, down = handle.value
    start = {-1: 400, 0: 450, 1: 500}[across], {-1: 100, 0: 150, 1: 200}[down]
    mouse.drag(start, (start[0] + 20, start[1] + 10))
    wanted = [*ASIDE]
    if across:
        wanted[0 if across < 0 else 2] += 20
    if down:
        wanted[1 if down < 0 else 3] += 10
    assert is_near(canvas, where(document, keys.aside), tuple(wanted))
    assert document.undo_stack.count() == 1


def test_an_edge_pulled_past_its_opposite_swaps_with_it(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    document.set_selection([keys.aside])
    mouse.drag((500, 200), (350, -50))
    assert is_near(canvas, where(document, keys.aside), (350, 0, 400, 100))


def test_a_slip_of_the_hand_moves_nothing(canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys") -> None:
    mouse.drag((450, 150), (451, 151))
    mouse.drag((500, 200), (501, 201))
    assert where(document, keys.aside) == ASIDE
    assert document.undo_stack.count() == 0


@pytest.mark.parametrize("start", [(450, 150), (500, 200)], ids=["move", "resize"])
def test_escape_lets_a_box_jump_back(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", qtbot: QtBot, start: tuple[float, float]
) -> None:
    document.set_selection([keys.aside])
    mouse.press(*start)
    mouse.move(550, 250)
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    mouse.release(550, 250)
    assert where(document, keys.aside) == ASIDE
    assert document.undo_stack.count() == 0


def test_space_within_a_drag_neither_ends_it_nor_counts_as_a_tap(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", qtbot: QtBot
) -> None:
    mouse.press(450, 150)
    mouse.move(460, 150)
    with qtbot.assertNotEmitted(canvas.space_tapped):
        qtbot.keyClick(canvas, Qt.Key.Key_Space)
    mouse.move(470, 150)
    qtbot.keyPress(canvas, Qt.Key.Key_Space)
    mouse.release(480, 150)
    qtbot.keyRelease(canvas, Qt.Key.Key_Space)
    assert is_near(canvas, where(document, keys.aside), (430, 100, 530, 200))
    mouse.move(300, 300)
    assert is_near(canvas, where(document, keys.aside), (430, 100, 530, 200))


def test_a_changed_proposal_becomes_a_box_and_stays_selected(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    mouse.drag((450, 350), (470, 330))
    (key,) = document.selection
    assert key > 0
    assert is_near(canvas, where(document, key), (420, 280, 520, 380))
    assert keys.proposal not in {box.key for box in document.shown}


def test_a_box_that_goes_away_under_the_mouse_ends_the_gesture(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    mouse.press(450, 350)
    mouse.move(470, 330)
    document.set_limits(replace(document.limits, overall=0.95))
    mouse.release(490, 310)
    assert document.undo_stack.count() == 0
    mouse.press(450, 150)
    mouse.move(470, 170)
    box_verbs.delete(document, [keys.aside])
    mouse.move(480, 180)
    mouse.release(490, 190)
    assert document.undo_stack.count() == 1


def test_another_image_ends_the_gesture(canvas: CanvasView, document: Document, mouse: "Mouse") -> None:
    mouse.press(450, 150)
    mouse.move(470, 170)
    navigation.step(document, 1)
    mouse.release(490, 190)
    assert document.undo_stack.count() == 0


# Keys


def test_arrows_nudge_and_shift_goes_further(
    canvas: CanvasView, document: Document, keys: "Keys", qtbot: QtBot
) -> None:
    document.set_selection([keys.aside])
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    qtbot.keyClick(canvas, Qt.Key.Key_Down, SHIFT)
    assert where(document, keys.aside) == (401, 110, 501, 210)
    assert document.undo_stack.count() == 2
    undoing.undo(document)
    undoing.undo(document)
    assert where(document, keys.aside) == ASIDE


def test_an_arrow_held_down_is_one_verb(canvas: CanvasView, document: Document, keys: "Keys", qtbot: QtBot) -> None:
    document.set_selection([keys.aside])
    for _ in range(5):
        qtbot.keyPress(canvas, Qt.Key.Key_Left)
    qtbot.keyRelease(canvas, Qt.Key.Key_Left)
    assert where(document, keys.aside) == (395, 100, 495, 200)
    assert document.undo_stack.count() == 1


@pytest.mark.parametrize(
    ("modifiers", "arrow", "wanted"),
    [
        (CTRL, Qt.Key.Key_Right, (400, 100, 501, 200)),
        (CTRL, Qt.Key.Key_Up, (400, 100, 500, 199)),
        (CTRL | SHIFT, Qt.Key.Key_Down, (400, 100, 500, 210)),
        (ALT, Qt.Key.Key_Right, (401, 100, 500, 200)),
        (ALT | SHIFT, Qt.Key.Key_Up, (400, 90, 500, 200)),
        (ALT, Qt.Key.Key_Left, (399, 100, 500, 200)),
    ],
)
def test_ctrl_and_alt_move_the_sides(
    canvas: CanvasView,
    document: Document,
    keys: "Keys",
    qtbot: QtBot,
    modifiers: Qt.KeyboardModifier,
    arrow: Qt.Key,
    wanted: Box,
) -> None:
    document.set_selection([keys.aside])
    qtbot.keyClick(canvas, arrow, modifiers)
    assert where(document, keys.aside) == wanted
    assert document.undo_stack.count() == 1
    undoing.undo(document)
    assert where(document, keys.aside) == ASIDE


def test_sides_held_down_are_one_verb_and_stop_before_the_opposite(
    canvas: CanvasView, document: Document, keys: "Keys", qtbot: QtBot
) -> None:
    document.set_selection([keys.inner, keys.aside])
    for _ in range(12):
        qtbot.keyPress(canvas, Qt.Key.Key_Left, CTRL | SHIFT)
    qtbot.keyRelease(canvas, Qt.Key.Key_Left, CTRL | SHIFT)
    assert where(document, keys.inner) == (150, 150, 151, 200)
    assert where(document, keys.aside) == (400, 100, 401, 200)
    assert document.undo_stack.count() == 1


def test_another_part_of_the_box_is_another_verb(
    canvas: CanvasView, document: Document, keys: "Keys", qtbot: QtBot
) -> None:
    document.set_selection([keys.aside])
    qtbot.keyPress(canvas, Qt.Key.Key_Right)
    qtbot.keyPress(canvas, Qt.Key.Key_Right, CTRL)
    qtbot.keyRelease(canvas, Qt.Key.Key_Right, CTRL)
    assert where(document, keys.aside) == (401, 100, 502, 200)
    assert document.undo_stack.count() == 2


@pytest.mark.parametrize("side", [1.0, 2.0, 6.0])
def test_a_tiny_box_is_moved_and_resized_by_its_handles(
    canvas: CanvasView, document: Document, mouse: "Mouse", side: float
) -> None:
    document.set_active_class(document.classes[0].id)
    key = box_verbs.draw(document, (30.0, 30.0, 30 + side, 30 + side))
    assert key is not None
    canvas.zoom_to(1)
    mouse.drag((30 + side / 2, 30 + side / 2), (50 + side / 2, 40 + side / 2))
    assert is_near(canvas, where(document, key), (50, 40, 50 + side, 40 + side))
    frame = grip_frame(where(document, key))
    mouse.drag((frame[2] + 8, frame[3] + 8), (frame[2] + 28, frame[3] + 18))
    assert is_near(canvas, where(document, key), (50, 40, 70 + side, 50 + side))


def test_own_keys_come_before_the_windows_actions(
    canvas: CanvasView, document: Document, keys: "Keys", qtbot: QtBot
) -> None:
    triggered: list[str] = []
    for text in ("Right", "Esc", "Space", "Del"):
        action = QAction(text, canvas)
        action.setShortcut(text)
        action.triggered.connect(lambda _=False, text=text: triggered.append(text))
        canvas.addAction(action)
    canvas.activateWindow()
    qtbot.waitUntil(canvas.hasFocus)
    document.set_selection([keys.aside])
    with qtbot.waitSignal(canvas.space_tapped):
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Delete, Qt.Key.Key_Space, Qt.Key.Key_Escape):
            qtbot.keyClick(canvas, key)
    assert triggered == ["Del"]
    assert document.selection == frozenset()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Escape):
        qtbot.keyClick(canvas, key)
    assert triggered == ["Del", "Right", "Esc"]


# What the window hears and asks


def test_a_double_click_asks_for_the_class(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", qtbot: QtBot
) -> None:
    with qtbot.waitSignal(canvas.class_wanted) as asked:
        mouse.double_click(450, 150)
    assert asked.args == [canvas.viewport().mapToGlobal(mouse.place(450, 150)), frozenset({keys.aside})]
    with qtbot.waitSignal(canvas.class_wanted) as asked:
        canvas.ask_class()
    assert asked.args == [canvas.viewport().mapToGlobal(mouse.place(400, 100)), frozenset({keys.aside})]
    document.set_selection([])
    with qtbot.assertNotEmitted(canvas.class_wanted):
        canvas.ask_class()
        mouse.double_click(50, 50)


def test_the_tool_is_told_when_it_changes(canvas: CanvasView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.tool_changed) as told:
        canvas.set_tool(Tool.DRAW)
    assert told.args == [Tool.DRAW]
    with qtbot.assertNotEmitted(canvas.tool_changed):
        canvas.set_tool(Tool.DRAW)


def test_the_pointer_tells_what_a_press_would_do(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    def shape() -> Qt.CursorShape:
        return canvas.viewport().cursor().shape()

    document.set_selection([keys.aside])
    for place, wanted in {
        (450, 150): Qt.CursorShape.SizeAllCursor,
        (500, 200): Qt.CursorShape.SizeFDiagCursor,
        (400, 200): Qt.CursorShape.SizeBDiagCursor,
        (400, 150): Qt.CursorShape.SizeHorCursor,
        (450, 200): Qt.CursorShape.SizeVerCursor,
        (175, 175): Qt.CursorShape.ArrowCursor,
    }.items():
        mouse.move(*place)
        assert shape() is wanted, place
    canvas.set_tool(Tool.DRAW)
    assert shape() is Qt.CursorShape.CrossCursor


def test_a_picture_of_another_image_is_not_shown(canvas: CanvasView, document: Document) -> None:
    other = next(image_id for image_id in document.visible if image_id != document.current)
    canvas.set_picture(other, np.zeros((10, 10, 3), np.uint8))
    assert canvas.picture_size == (WIDTH, HEIGHT)
    document.show(other)
    assert canvas.picture_size is None
    canvas.set_picture(other, np.zeros((10, 10, 3), np.uint8))
    assert canvas.picture_size == (10, 10)


def test_the_same_picture_once_more_keeps_the_zoom(canvas: CanvasView, document: Document) -> None:
    assert document.current is not None
    canvas.zoom_to(2.5)
    canvas.set_picture(document.current, np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    assert canvas.zoom == 2.5
    canvas.set_picture(document.current, np.zeros((WIDTH, HEIGHT, 3), np.uint8))
    assert canvas.zoom != 2.5


def test_without_a_picture_nothing_is_drawn_or_hit(canvas: CanvasView, document: Document, mouse: "Mouse") -> None:
    assert document.current is not None
    canvas.set_picture(document.current, None, "1.png is cut off")
    canvas.set_tool(Tool.DRAW)
    mouse.drag((320, 220), (390, 290))
    canvas.set_tool(Tool.SELECT)
    mouse.click(450, 150)
    assert len(document.shown) == 5
    assert document.selection == frozenset()


def test_a_read_only_project_refuses_and_boxes_jump_back(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", qtbot: QtBot
) -> None:
    assert document.project is not None
    document.project.read_only = "Another window has this folder open."
    with qtbot.waitSignal(document.refused):
        mouse.drag((450, 150), (480, 130))
    assert where(document, keys.aside) == ASIDE
    canvas.set_tool(Tool.DRAW)
    with qtbot.waitSignal(document.refused):
        mouse.drag((320, 220), (390, 290))
    assert len(document.shown) == 5


def test_a_right_click_selects_and_asks_for_a_menu(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", qtbot: QtBot
) -> None:
    def ask(x: float, y: float) -> list[object]:
        place = mouse.place(x, y)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, canvas.viewport().mapToGlobal(place))
        with qtbot.waitSignal(canvas.menu_wanted) as asked:
            QApplication.sendEvent(canvas.viewport(), event)
        return asked.args

    assert ask(450, 150) == [canvas.viewport().mapToGlobal(mouse.place(450, 150))]
    assert document.selection == {keys.aside}
    canvas.select_all()
    ask(450, 150)
    assert len(document.selection) == 5  # of which it is one
    ask(50, 50)
    assert len(document.selection) == 5
    mouse.press(450, 150)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), QPoint(5, 5))
    with qtbot.assertNotEmitted(canvas.menu_wanted):
        QApplication.sendEvent(canvas.viewport(), event)
    mouse.release(450, 150)
