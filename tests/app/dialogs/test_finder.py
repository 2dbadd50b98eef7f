"""The popup in which one types: it lists what fits, keys move and pick, Escape closes."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.dialogs.finder import ROWS, Finder, Found
from app.widgets.row_list import HEIGHT, Row

Key = Qt.Key


def find(text: str) -> Found:
    rows = [Row(n, f"number {n}", reason="not now" if n == 2 else "") for n in range(30) if text in f"number {n}"]
    return Found(rows, "" if rows else "Nothing.")


@pytest.fixture
def chosen() -> list[Any]:
    return []


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(500, 600)
    made.show()
    return made


@pytest.fixture
def finder(window: QWidget, chosen: list[Any]) -> Finder:
    made = Finder(find, window, prompt="Find a number")
    made.chosen.connect(chosen.append)
    made.open()
    return made


def field_of(finder: Finder) -> QLineEdit:
    field = finder.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    return field


def test_typing_lists_and_enter_picks(finder: Finder, chosen: list[Any], qtbot: QtBot):
    field = field_of(finder)
    assert len(finder.list.rows) == 30
    assert finder.list.height() == ROWS * HEIGHT
    qtbot.keyClicks(field, "21")
    assert [row.value for row in finder.list.rows] == [21]
    with qtbot.waitSignal(finder.chosen):
        qtbot.keyClick(field, Key.Key_Return)
    assert chosen == [21]


def test_arrows_move_and_what_cannot_be_had_is_not_picked(finder: Finder, chosen: list[Any], qtbot: QtBot):
    field = field_of(finder)
    for _ in range(2):
        qtbot.keyClick(field, Key.Key_Down)
    qtbot.keyClick(field, Key.Key_Return)  # 2, not now
    assert finder.isVisible()
    qtbot.keyClick(field, Key.Key_Down)
    qtbot.keyClick(field, Key.Key_Enter)
    assert not finder.isVisible()
    assert chosen == [3]


def test_escape_closes_and_nothing_found_is_said(finder: Finder, chosen: list[Any], qtbot: QtBot):
    field, full = field_of(finder), finder.height()
    qtbot.keyClicks(field, "zebra")
    assert finder.list.rows == []
    assert finder.height() < full
    assert not finder.list.isVisible()
    qtbot.keyClick(field, Key.Key_Return)
    qtbot.keyClick(field, Key.Key_Escape)
    assert not finder.isVisible()
    assert chosen == []


def test_it_is_no_wider_than_its_window(finder: Finder):
    assert finder.width() == 500 - 2 * 24
