"""Imported polygons: read with care, painted, gone once the box was moved."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from app.canvas.outlines import polygons
from app.canvas.view import CanvasView
from app.document import Document
from app.verbs import box_verbs, undoing
from detector.data.project.records import Change, Origin, ProjectBox

if TYPE_CHECKING:
    from tests.app.canvas.conftest import Mouse

TRIANGLE = [320.0, 60.0, 380.0, 60.0, 350.0, 100.0]
SQUARE = [330.0, 220.0, 360.0, 220.0, 360.0, 250.0, 330.0, 250.0]
PLACE = (320.0, 60.0, 380.0, 260.0)


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        {"counts": [3, 4], "size": [10, 10]},
        "polygon",
        [[]],
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [[1, 2, 3, 4, 5, "6"]],
        [[1, 2, 3, 4, 5, float("nan")]],
        [1, 2, 3, 4, 5, 6],
    ],
)
def test_what_is_no_polygon_is_left_out(segmentation: object) -> None:
    assert polygons(segmentation) == []


def test_polygons_are_lists_of_points() -> None:
    assert polygons([[1, 2, 3, 4, 5, 6.5], [7], [0, 0, 1, 0, 1, 1, 0, 1]]) == [
        [(1, 2), (3, 4), (5, 6.5)],
        [(0, 0), (1, 0), (1, 1), (0, 1)],
    ]


@pytest.fixture
def imported(document: Document, canvas: CanvasView) -> int:
    """A box with the outline of an object in two parts."""
    box = ProjectBox(
        document.opened.new_id(),
        document.visible[0],
        document.classes[0].id,
        PLACE,
        Origin.IMPORTED,
        extra={"segmentation": [TRIANGLE, SQUARE], "area": 1200.0},
    )
    document.do("import", Change(boxes=((None, box),)))
    return box.id


def is_outlined(canvas: CanvasView, colour: str) -> bool:
    """Whether the lower side of the square, which is inside the box, has nearly that colour."""
    picture: QImage = canvas.grab().toImage()
    x, y = (round(value) for value in canvas.viewportTransform().map(345, 250))
    wanted = np.array(QColor(colour).getRgb())
    found = [np.array(QColor(picture.pixel(x, y + by)).getRgb()) for by in (-1, 0, 1)]
    return min(np.abs(each - wanted).max() for each in found) < 60


def test_outlines_are_shown_until_the_box_is_moved(
    canvas: CanvasView, document: Document, mouse: "Mouse", imported: int
) -> None:
    assert is_outlined(canvas, document.classes[0].colour)
    canvas.set_boxes_visible(False)
    assert not is_outlined(canvas, document.classes[0].colour)
    canvas.set_boxes_visible(True)
    mouse.press(350, 160)
    mouse.move(352, 180)
    assert not is_outlined(canvas, document.classes[0].colour)
    mouse.release(352, 180)
    document.set_selection([])
    assert not is_outlined(canvas, document.classes[0].colour)
    assert document.project is not None
    moved = next(box for box in document.project.boxes(document.visible[0]) if box.id == imported)
    assert moved.extra == {}
    undoing.undo(document)
    assert is_outlined(canvas, document.classes[0].colour)


def test_another_class_keeps_the_outline(canvas: CanvasView, document: Document, imported: int) -> None:
    box_verbs.relabel(document, [imported], document.classes[1].id)
    assert is_outlined(canvas, document.classes[1].colour)
    assert not is_outlined(canvas, document.classes[0].colour)
