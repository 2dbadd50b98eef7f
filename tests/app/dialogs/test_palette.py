"""The command list: all actions and classes, by words and keys, with why some cannot be done."""

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from app.actions import TABLE, Actions, Need
from app.dialogs.palette import Command, class_commands, commands, find
from detector.data.project.records import ProjectClass

CLASSES = [ProjectClass(7, "hex nut", "#112233", 0, 1), ProjectClass(8, "Draw bar", "#445566", 1, 2)]


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def actions(window: QMainWindow) -> Actions:
    made = Actions(window, {"fit": ["Ctrl+J"]})
    made.set_met([Need.PROJECT, Need.UNDO])
    return made


def all_of(actions: Actions, use: Callable[[int], object] = id) -> list[Command]:
    return [*commands(actions), *class_commands(actions, CLASSES, listed=CLASSES[:1], use=use)]


def texts(actions: Actions, typed: str) -> list[str]:
    return [row.text for row in find(all_of(actions), typed).rows]


def test_everything_is_listed_once_what_can_be_done_first(actions: Actions):
    rows = find(all_of(actions), "").rows
    wanted = [spec for spec in TABLE if spec.name != "commands" and not spec.name.startswith("class-")]
    assert sorted(row.text for row in rows) == sorted([*(actions[spec.name].text() for spec in wanted), *names()])
    possible = [not row.reason for row in rows]
    assert possible == sorted(possible, reverse=True)
    assert {row.text: row.reason for row in rows if row.reason}["Redo"] == "Nothing was taken back"


def names() -> list[str]:
    return [entry.name for entry in CLASSES]


def test_found_by_words_in_any_order_by_subject_and_by_key(actions: Actions):
    assert texts(actions, "image next")[0] == "Next image"
    assert set(texts(actions, "view zoom")) == {"Zoom in", "Zoom out"}
    assert texts(actions, "ctrl+j") == ["Fit the picture"]
    assert "Fit the picture" not in texts(actions, "ctrl+f")  # it is not its key any more
    assert texts(actions, "w")[0] == "Draw a box"
    assert texts(actions, "draw") == ["Draw bar", "Draw a box"]
    assert texts(actions, "class nut") == ["hex nut"]


def test_what_is_picked_is_done(actions: Actions, qtbot: QtBot):
    given: list[int] = []
    (row,) = find(all_of(actions, given.append), "hex nut").rows
    assert row.keys == ("1",)
    row.value()
    assert given == [7]
    (row,) = find(all_of(actions), "ctrl+z").rows
    with qtbot.waitSignal(actions["undo"].triggered):
        row.value()


def test_nothing_found_is_said(actions: Actions):
    assert find(all_of(actions), " zebra ").remark == "No command and no class matches “zebra”."
