"""Zoom, pan and wheel, with real events."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from app.canvas.picture_view import BOTTOM
from app.canvas.tools import Tool
from app.canvas.view import CanvasView
from app.document import Document
from app.verbs import navigation

if TYPE_CHECKING:
    from tests.app.canvas.conftest import Mouse

WIDTH, HEIGHT = 640, 480
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
MIDDLE = Qt.MouseButton.MiddleButton


def corner(canvas: CanvasView) -> tuple[float, float]:
    """Where in the view the picture's upper left corner is."""
    return canvas.viewportTransform().map(QPointF(0, 0)).toTuple()


@pytest.mark.parametrize("zoom", [0.6, 1.0, 1.5, 20.0])
@pytest.mark.parametrize("by", [1, -1, 4])
def test_the_wheel_zooms_at_the_pointer(canvas: CanvasView, mouse: "Mouse", qtbot: QtBot, zoom: float, by: int) -> None:
    canvas.zoom_to(zoom)
    canvas.centerOn(300, 200)
    place = mouse.place(310, 220)
    before, held = canvas.zoom, canvas.to_image(QPointF(place))
    with qtbot.waitSignal(canvas.zoom_changed) as told:
        mouse.turn(310, 220, by=by, keys=CTRL)
    assert told.args == [canvas.zoom]
    assert (canvas.zoom > before) == (by > 0)
    after = canvas.viewportTransform().map(held) - QPointF(place)
    assert max(abs(after.x()), abs(after.y())) <= 1


def test_zoom_has_ends(canvas: CanvasView, mouse: "Mouse", qtbot: QtBot) -> None:
    canvas.zoom_to(1e9)
    assert canvas.zoom == 64
    with qtbot.assertNotEmitted(canvas.zoom_changed):
        canvas.zoom_in()
    canvas.zoom_to(0)
    assert 0.2 < canvas.zoom < 1
    canvas.zoom_to(1)
    canvas.zoom_in()
    canvas.zoom_out()
    assert canvas.zoom == pytest.approx(1)


def test_a_fitted_picture_is_wholly_in_sight_and_stays_so(canvas: CanvasView) -> None:
    canvas.fit()
    for size in ((1100, 820), (500, 700)):
        canvas.resize(*size)
        x, y = corner(canvas)
        assert x >= 0
        assert y >= 0
        assert x + WIDTH * canvas.zoom <= size[0]
        assert y + HEIGHT * canvas.zoom <= size[1]
        assert WIDTH * canvas.zoom > size[0] - 100 or HEIGHT * canvas.zoom > size[1] - 100
    canvas.zoom_to(1.5)
    before = corner(canvas)
    canvas.resize(600, 600)
    assert canvas.zoom == 1.5
    assert corner(canvas) == before


def test_the_wheel_scrolls_a_picture_that_is_larger_than_the_view(canvas: CanvasView, mouse: "Mouse") -> None:
    canvas.zoom_to(3)
    x, y = corner(canvas)
    mouse.turn(320, 240, by=-1)
    assert corner(canvas) == (x, y - 64)
    mouse.turn(320, 240, by=1, keys=SHIFT)
    assert corner(canvas) == (x + 64, y - 64)
    for _ in range(50):
        mouse.turn(320, 240, by=1)
    assert corner(canvas) == (x + 64, BOTTOM)


def test_the_wheel_leaves_a_picture_that_is_in_sight(canvas: CanvasView, mouse: "Mouse") -> None:
    canvas.fit()
    before = corner(canvas)
    for keys in (Qt.KeyboardModifier.NoModifier, SHIFT):
        mouse.turn(320, 240, by=1, keys=keys)
        mouse.turn(320, 240, by=-1, keys=keys)
    assert corner(canvas) == before


def test_the_middle_button_pans_and_leaves_the_boxes(
    canvas: CanvasView, document: Document, mouse: "Mouse", qtbot: QtBot
) -> None:
    x, y = corner(canvas)
    mouse.press(450, 150, button=MIDDLE)
    qtbot.mouseMove(canvas.viewport(), mouse.place(450, 150) + QPointF(30, -20).toPoint())
    assert corner(canvas) == (x + 30, y - 20)
    assert canvas.viewport().cursor().shape() is Qt.CursorShape.ClosedHandCursor
    mouse.release(450, 150, button=MIDDLE)
    assert document.selection == frozenset()
    after = corner(canvas)
    mouse.move(300, 300)
    assert corner(canvas) == after


def test_space_pans_without_a_tap(canvas: CanvasView, document: Document, mouse: "Mouse", qtbot: QtBot) -> None:
    x, y = corner(canvas)
    with qtbot.assertNotEmitted(canvas.space_tapped):
        qtbot.keyPress(canvas, Qt.Key.Key_Space)
        assert canvas.viewport().cursor().shape() is Qt.CursorShape.OpenHandCursor
        place = mouse.place(450, 150)
        mouse.press(450, 150)
        qtbot.mouseMove(canvas.viewport(), place + QPointF(-40, 10).toPoint())
        qtbot.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=place + QPointF(-40, 10).toPoint())
        qtbot.keyRelease(canvas, Qt.Key.Key_Space)
    assert corner(canvas) == (x - 40, y + 10)
    assert document.selection == frozenset()
    with qtbot.waitSignal(canvas.space_tapped):
        qtbot.keyClick(canvas, Qt.Key.Key_Space)


def test_panning_between_two_clicks_goes_on_drawing(
    canvas: CanvasView, document: Document, mouse: "Mouse", qtbot: QtBot
) -> None:
    canvas.set_tool(Tool.DRAW)
    mouse.click(320, 220)
    mouse.press(400, 300, button=MIDDLE)
    qtbot.mouseMove(canvas.viewport(), mouse.place(400, 300) + QPointF(30, -20).toPoint())
    mouse.release(400, 300, button=MIDDLE)
    mouse.turn(400, 300, by=2, keys=CTRL)
    mouse.click(390, 290)
    box = max(document.shown, key=lambda box: box.key)
    assert np.abs(np.array(box.xyxy) - (320, 220, 390, 290)).max() < 1.5


def test_some_of_the_picture_stays_in_sight(canvas: CanvasView, mouse: "Mouse", qtbot: QtBot) -> None:
    for _ in range(6):
        place = mouse.place(0, 0)
        qtbot.mousePress(canvas.viewport(), MIDDLE, pos=place)
        qtbot.mouseMove(canvas.viewport(), place + QPointF(900, 700).toPoint())
        qtbot.mouseRelease(canvas.viewport(), MIDDLE, pos=place + QPointF(900, 700).toPoint())
    x, y = corner(canvas)
    assert (canvas.width() - x, canvas.height() - y) == pytest.approx((64, 64), abs=1)


def test_a_missing_picture_says_why_and_a_slow_one_that_it_comes(
    canvas: CanvasView, document: Document, qtbot: QtBot
) -> None:
    def inks() -> int:
        grabbed = canvas.grab().toImage()
        return len({grabbed.pixel(x, y) for x in range(0, grabbed.width(), 3) for y in range(0, grabbed.height(), 3)})

    assert document.current is not None
    canvas.set_picture(document.current, None, "")
    assert inks() == 1
    canvas.set_picture(document.current, None, "1.png is cut off; copy it anew.")
    assert inks() > 5
    navigation.step(document, 1)
    assert inks() == 1
    qtbot.waitUntil(lambda: inks() > 5)
