"""What floats on the canvas: the line about the image, and the hints."""

import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from app.canvas.hint_bar import HintBar
from app.canvas.stage import Stage, hints, info_line
from app.canvas.view import CanvasView
from app.document import Document
from app.reviewing import review


@pytest.fixture
def stage(qtbot: QtBot, document: Document) -> Stage:
    view = CanvasView(document)
    made = Stage(document, view, [QAction("Select", view)])
    qtbot.addWidget(made)
    made.resize(640, 480)
    made.show()
    return made


def keys(document: Document, *, is_broken: bool = False) -> list[str]:
    return [hint.key for hint in hints(document, is_broken=is_broken) if hint.key]


def test_the_line_leaves_out_the_zoom_where_there_is_no_picture(document: Document):
    assert "164%" in info_line(document, 1.64)
    assert "%" not in info_line(document, None)


def test_a_picture_that_cannot_be_shown_offers_no_drawing(stage: Stage, document: Document):
    bar = stage.findChild(HintBar)
    assert document.current is not None
    stage._view.set_picture(document.current, None, "cannot be decoded")
    assert [hint.key for hint in bar.hints] == ["D", "A"] == keys(document, is_broken=True)


def test_the_hints_follow_what_a_person_does(stage: Stage, document: Document):
    first, second = document.visible
    assert keys(document) == ["Space", "Del", "1–9"]
    review(document)
    document.show(first)
    assert [hint.words for hint in hints(document, is_broken=False)] == ["Reviewed, 5 boxes", "next"]
    document.show(second)
    assert keys(document) == ["W", "I", "E"]
    document.draw((10.0, 10.0, 60.0, 60.0))
    assert keys(document) == ["Space", "W", "1–9"]


def test_the_line_is_cut_rather_than_the_window_widened(stage: Stage):
    assert stage.minimumSizeHint().width() < 400
