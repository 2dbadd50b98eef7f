"""The bar of hints: what it says, and what it leaves out where there is no room."""

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.canvas.hint_bar import GAP, PADDING, Hint, HintBar, fitting


@pytest.mark.parametrize(
    ("room", "number"),
    [(2 * PADDING + 99, 0), (2 * PADDING + 100, 1), (2 * PADDING + 150 + GAP, 2), (10_000, 3)],
)
def test_the_first_hints_stay_where_room_is_scarce(room: int, number: int):
    assert fitting([100, 50, 70], room) == number


def test_the_bar_is_as_wide_as_what_it_shows(qtbot: QtBot):
    page = QWidget()
    qtbot.addWidget(page)
    bar = HintBar(page)
    bar.set_hints([Hint("", "3 proposals"), Hint("Space", "accept and go on")])
    bar.fit_into(1000)
    both = bar.width()
    assert bar.accessibleName() == "3 proposals, Space accept and go on"
    bar.fit_into(both - 1)
    assert 2 * PADDING < bar.width() < both - GAP
    bar.set_hints([])
    assert bar.isHidden()
