"""The preferences: all acts at once."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from app.actions import Actions
from app.dialogs.preferences import Preferences


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    made.resize(1000, 500)
    made.show()
    return made


@pytest.fixture
def dialog(window: QMainWindow, qtbot: QtBot) -> Preferences:
    actions = Actions(window, {})
    actions["theme-dark"].setChecked(True)
    made = Preferences(actions, window, device="cpu", reopens=True)
    made.open()
    return made


def test_it_begins_with_what_is_so(dialog: Preferences):
    assert (dialog.colours.currentText(), dialog.device.currentText()) == ("Dark", "CPU")
    assert (dialog.reopens.isChecked(), dialog.labels.isChecked()) == (True, False)
    assert dialog.height() <= 500


def test_what_is_chosen_acts_at_once(dialog: Preferences, window: QMainWindow, qtbot: QtBot):
    light = window.findChild(QAction, "theme-light")
    labels = window.findChild(QAction, "show-labels")
    assert light
    assert labels
    dialog.colours.setFocus()
    with qtbot.waitSignal(light.triggered):
        qtbot.keyClick(dialog.colours, Qt.Key.Key_Up)
    with qtbot.waitSignal(dialog.device_chosen) as chosen:
        qtbot.keyClick(dialog.device, Qt.Key.Key_Up)
    assert chosen.args == ["auto"]
    with qtbot.waitSignal(dialog.reopening_chosen) as reopening:
        dialog.reopens.click()
    assert reopening.args == [False]
    dialog.labels.click()
    assert labels.isChecked()


def test_it_turns_to_the_keys(dialog: Preferences):
    assert not dialog.shortcuts.isVisible()
    dialog.show_shortcuts()
    assert dialog.shortcuts.isVisible()
