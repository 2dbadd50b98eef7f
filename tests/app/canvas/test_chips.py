"""What labels say, and that they stay in the view."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from app.canvas import box_layer
from app.canvas.chips import PADDING, Chip, chip_font, paint_chips, provenance
from app.canvas.geometry import Box
from app.canvas.tools import Tool
from app.canvas.view import CanvasView
from app.document import Document
from app.page import ShownBox
from app.verbs import box_verbs
from detector.data.project.records import Origin

if TYPE_CHECKING:
    from tests.app.canvas.conftest import Keys, Mouse

PLACE = (0.0, 0.0, 9.0, 9.0)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (ShownBox(-1, 1, PLACE, 0.912, None, "D0"), "0.91 · D0"),
        (ShownBox(1, 1, PLACE, 0.5, Origin.ACCEPTED, "D0"), "accepted · 0.50 · D0"),
        (ShownBox(1, 1, PLACE, None, Origin.DRAWN), "drawn"),
        (ShownBox(1, 1, PLACE, None, Origin.EDITED), "edited"),
        (ShownBox(1, 1, PLACE, None, Origin.IMPORTED, iscrowd=True), "ignore region · imported"),
    ],
)
def test_where_a_box_is_from_is_said(box: ShownBox, words: str) -> None:
    assert provenance(box) == words


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("width", [90, 200, 700])
def test_long_names_are_cut_and_stay_in_the_view(width: int) -> None:
    image = QImage(width, 200, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setFont(chip_font(painter.font()))
    name = "a zinc-plated lock washer of stainless steel, <b>24 mm</b>"
    bounds: Box = (0, 0, width, 200)
    chips = [
        Chip((10, 50, 60, 90), name, "0.91", "#0072B2", must=True),
        Chip((width - 12, 100, width - 2, 140), name, "", "#0072B2", must=True),
        Chip((-400, -400, 900, 900), name, "12 × 9 px", "#0072B2", must=True),
    ]
    places = paint_chips(painter, chips, bounds)
    painter.end()
    assert len(places) == 3
    for left, top, right, bottom in places:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= 200
        assert 2 * PADDING < right - left <= 300


@pytest.fixture
def painted(canvas: CanvasView, monkeypatch: pytest.MonkeyPatch) -> list[Chip]:
    """The labels of the last painting."""
    last: list[Chip] = []

    def paint(painter: QPainter, chips: Sequence[Chip], bounds: Box) -> list[Box]:
        last[:] = chips
        return paint_chips(painter, chips, bounds)

    monkeypatch.setattr(box_layer, "paint_chips", paint)
    return last


def test_hovered_and_selected_boxes_tell_where_they_are_from(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", painted: list[Chip]
) -> None:
    def labels() -> set[tuple[str, str]]:
        canvas.grab()
        return {(chip.name, chip.detail) for chip in painted}

    proposals = {("bolt", "0.90"), ("nut", "0.60")}
    mouse.move(50, 50)
    assert labels() == proposals
    mouse.move(450, 150)
    assert labels() == {*proposals, ("bolt", "drawn")}
    mouse.move(450, 350)
    assert labels() == {("bolt", "0.90 · D0"), ("nut", "0.60")}
    box_verbs.accept(document, [keys.proposal])
    assert labels() == {("bolt", "accepted · 0.90 · D0"), ("nut", "0.60")}


def test_sizes_are_told_while_one_draws_resizes_or_moves_sides_by_keys(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys", painted: list[Chip], qtbot: QtBot
) -> None:
    document.set_selection([keys.aside])
    mouse.press(500, 200)
    mouse.move(520, 210)
    canvas.grab()
    assert ("bolt", "120 × 110 px") in {(chip.name, chip.detail) for chip in painted}
    mouse.release(520, 210)
    canvas.grab()
    assert not any("px" in chip.detail for chip in painted)
    qtbot.keyPress(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    canvas.grab()
    assert ("bolt", "119 × 110 px") in {(chip.name, chip.detail) for chip in painted}
    qtbot.keyRelease(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyPress(canvas, Qt.Key.Key_Left)
    canvas.grab()
    assert not any("px" in chip.detail for chip in painted)  # it only moves
    qtbot.keyRelease(canvas, Qt.Key.Key_Left)
    canvas.set_tool(Tool.DRAW)
    mouse.press(320, 320)
    mouse.move(370, 360)
    canvas.grab()
    assert [chip.name for chip in painted] == ["50 × 40 px"]
    mouse.release(370, 360)
