"""Columns as in a newspaper."""

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.widgets.column_layout import ColumnLayout, columns


@given(st.lists(st.integers(1, 300), max_size=12), st.integers(1, 4))
def test_blocks_stay_in_order_and_columns_are_few(heights: list[int], number: int):
    made = columns(heights, number)
    assert [place for column in made for place in column] == list(range(len(heights)))
    assert len(made) <= number
    assert all(made)


def test_columns_are_about_as_high():
    assert columns([10, 10, 10, 10, 10, 10], 3) == [[0, 1], [2, 3], [4, 5]]
    assert columns([50, 10, 10, 10], 2) == [[0], [1, 2, 3]]
    assert columns([], 3) == []


def test_blocks_stand_beside_each_other_where_there_is_room(qtbot: QtBot):
    page = QWidget()
    qtbot.addWidget(page)
    layout = ColumnLayout(page, least=100, gap=20, spacing=10)
    blocks = [QWidget() for _ in range(4)]
    for block in blocks:
        block.setFixedHeight(40)
        layout.addWidget(block)
    page.resize(220, 200)
    page.show()
    assert [block.geometry() for block in blocks] == [
        QRect(0, 0, 100, 40),
        QRect(0, 50, 100, 40),
        QRect(120, 0, 100, 40),
        QRect(120, 50, 100, 40),
    ]
    assert (layout.heightForWidth(220), layout.heightForWidth(219)) == (90, 190)
