"""The table of actions: no key means two things, every icon exists, shortcuts can be remapped."""

from collections import Counter

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from app import theme
from app.actions import TABLE, Actions


def test_no_shortcut_is_given_twice():
    keys = Counter(QKeySequence(text).toString() for spec in TABLE for text in spec.shortcuts)
    assert [key for key, uses in keys.items() if uses > 1] == []
    assert "" not in keys


def test_every_action_has_an_icon_a_name_and_a_tooltip(qtbot: QtBot):
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = Actions(window, {})
    for spec in TABLE:
        assert (theme.RESOURCES / "icons" / f"{spec.icon}.svg").is_file(), spec.icon
        tip = actions[spec.name].toolTip()
        assert spec.text.rstrip("…") in tip
        assert all(
            QKeySequence(text).toString(QKeySequence.SequenceFormat.NativeText) in tip for text in spec.shortcuts
        )


def test_shortcuts_are_remapped(qtbot: QtBot):
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = Actions(window, {"draw": ["X"]})
    assert [key.toString() for key in actions["draw"].shortcuts()] == ["X"]
    assert [key.toString() for key in actions["select"].shortcuts()] == ["V"]
