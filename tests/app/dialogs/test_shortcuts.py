"""The shortcut sheet: all keys as they are now, and the mouse; in as many columns as there is room for."""

import pytest
from PySide6.QtWidgets import QLabel, QMainWindow, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from app.actions import TABLE, Actions
from app.dialogs.shortcuts import ShortcutSheet, sections
from app.habits import HABITS
from app.widgets.keycaps import KeyCaps


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    made.resize(1280, 720)
    made.show()
    return made


def test_every_key_and_every_habit_is_there(window: QMainWindow):
    actions = Actions(window, {"draw": ["X"], "fit": []})
    lines = {line.text: line for section in sections(actions) for line in section.lines}
    assert lines["Draw a box"].keys == ("X",)
    assert "Fit the picture" not in lines
    assert lines["Class of selected or next box"].keys == ("1", "…", "9")
    assert {habit.text for habit in HABITS} <= set(lines)
    with_keys = [spec for spec in TABLE if actions.keys(spec.name) and not spec.name.startswith("class-")]
    assert {spec.text.rstrip("…") for spec in with_keys} <= set(lines)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (720, 450)])
def test_nothing_is_cut_off_in_any_window(window: QMainWindow, qtbot: QtBot, width: int, height: int):
    window.resize(width, height)
    sheet = ShortcutSheet(Actions(window, {}), window)
    sheet.open()
    qtbot.waitExposed(sheet)
    assert sheet.width() <= width
    assert sheet.height() <= height
    for part in (*sheet.findChildren(QLabel), *sheet.findChildren(KeyCaps)):
        assert part.width() >= part.sizeHint().width(), part
    scroll = sheet.findChild(QScrollArea)
    assert isinstance(scroll, QScrollArea)
    page = scroll.widget()
    assert page
    assert page.width() <= scroll.viewport().width()
    for caps in sheet.findChildren(KeyCaps):
        assert caps.mapTo(page, caps.rect().bottomRight()).x() < page.width()


def test_other_keys_are_one_click_away(window: QMainWindow, qtbot: QtBot):
    sheet = ShortcutSheet(Actions(window, {}), window)
    sheet.open()
    change = next(button for button in sheet.findChildren(QPushButton) if button.text().startswith("Change"))
    with qtbot.waitSignal(sheet.change_wanted):
        change.click()
    assert not sheet.isVisible()
