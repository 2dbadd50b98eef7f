"""Rows to choose from: what gives way where room is scarce, moving by keys, and what cannot be taken."""

from typing import Any

import pytest
from PySide6.QtCore import QRect, Qt
from pytestqt.qtbot import QtBot

from app.widgets.row_list import Row, RowList, row_places

Key = Qt.Key


@pytest.fixture
def rows(qtbot: QtBot) -> RowList:
    made = RowList()
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.set_rows([Row(1, "one", keys=("A",)), Row(2, "two", reason="Open a folder first"), Row(3, "three")])
    made.show()
    return made


def test_words_give_way_to_caps():
    rect = QRect(0, 0, 300, 32)
    roomy, tight = row_places(rect, text=100, keys=50), row_places(rect, text=500, keys=50)
    assert roomy.keys == tight.keys == QRect(238, 0, 50, 32)
    assert (roomy.text.width(), tight.text.width()) == (100, 194)
    assert roomy.detail.right() < roomy.keys.left()
    assert tight.detail.width() == 0
    assert row_places(rect, text=500, keys=400).text.width() == 0


def test_arrows_go_round(rows: RowList, qtbot: QtBot):
    for key, value in ((Key.Key_Down, 2), (Key.Key_Down, 3), (Key.Key_Down, 1), (Key.Key_Up, 3), (Key.Key_Up, 2)):
        qtbot.keyClick(rows, key)
        row = rows.row()
        assert row is not None
        assert row.value == value


def test_a_click_or_enter_takes_what_can_be_taken(rows: RowList, qtbot: QtBot):
    taken: list[Any] = []
    rows.taken.connect(taken.append)
    qtbot.keyClick(rows, Key.Key_Return)
    for place in (1, 2):
        centre = rows.visualRect(rows.model().index(place, 0)).center()
        qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    assert taken == [1, 3]


def test_what_is_said_aloud(rows: RowList):
    model, description = rows.model(), Qt.ItemDataRole.AccessibleDescriptionRole
    assert [model.index(place, 0).data() for place in range(3)] == ["one", "two", "three"]
    assert [model.index(place, 0).data(description) for place in range(3)] == ["A", "Open a folder first", ""]


def test_names_in_tooltips_are_plain(rows: RowList):
    rows.set_rows([Row(1, "<b>nut</b>")])
    assert rows.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == "<span>&lt;b&gt;nut&lt;/b&gt;</span>"


def test_it_is_painted_with_and_without_room(rows: RowList):
    rows.set_rows([Row(n, f"a long name {n} " * 3, "detail", keys=("Ctrl+Shift+D",)) for n in range(3)])
    wide = rows.grab().toImage()
    rows.resize(120, 200)
    assert wide != rows.grab().toImage()
