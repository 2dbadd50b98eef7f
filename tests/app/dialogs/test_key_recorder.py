"""The button that takes the next key: any but Esc, which gives up."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton, QVBoxLayout
from pytestqt.qtbot import QtBot

from app.dialogs.key_recorder import WAITING, KeyRecorder

Key = Qt.Key
CTRL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier


class Sheet(QDialog):
    """A dialog whose own keys are Enter, Esc and Tab."""

    def __init__(self) -> None:
        super().__init__()
        self.recorder, self.other = KeyRecorder("Add a key"), QPushButton("OK")
        self.keys: list[str] = []
        self.recorder.pressed_keys.connect(lambda key: self.keys.append(key.toString()))
        column = QVBoxLayout(self)
        column.addWidget(self.recorder)
        column.addWidget(self.other)
        self.other.setDefault(True)


@pytest.fixture
def sheet(qtbot: QtBot) -> Sheet:
    made = Sheet()
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


@pytest.mark.parametrize(
    ("key", "modifiers", "wanted"),
    [
        (Key.Key_D, CTRL, "Ctrl+D"),
        (Key.Key_Tab, NONE, "Tab"),
        (Key.Key_Return, NONE, "Return"),
        (Key.Key_Space, NONE, "Space"),
        (Key.Key_Down, NONE, "Down"),
        (Key.Key_F9, NONE, "F9"),
    ],
)
def test_any_key_is_taken(sheet: Sheet, qtbot: QtBot, key: Key, modifiers: Qt.KeyboardModifier, wanted: str):
    qtbot.mouseClick(sheet.recorder, Qt.MouseButton.LeftButton)
    assert sheet.recorder.text() == WAITING
    qtbot.keyClick(sheet.recorder, Key.Key_Control, CTRL)
    assert sheet.keys == []
    qtbot.keyClick(sheet.recorder, key, modifiers)
    assert sheet.keys == [wanted]
    assert sheet.recorder.text() == "Add a key"
    assert sheet.isVisible()
    assert sheet.recorder.hasFocus()


def test_escape_and_leaving_give_up(sheet: Sheet, qtbot: QtBot):
    sheet.recorder.start()
    qtbot.keyClick(sheet.recorder, Key.Key_Escape)
    assert sheet.isVisible()
    sheet.recorder.start()
    sheet.other.setFocus()
    assert sheet.recorder.text() == "Add a key"
    sheet.recorder.setFocus()
    qtbot.keyClick(sheet.recorder, Key.Key_D)
    assert sheet.keys == []
    qtbot.keyClick(sheet.recorder, Key.Key_Escape)  # nothing listens: it is the dialog's
    assert not sheet.isVisible()


def test_a_held_key_counts_once(sheet: Sheet):
    sheet.recorder.start()
    QTest.simulateEvent(sheet.recorder, True, Key.Key_G, NONE, "g", True)
    assert sheet.keys == []
    QTest.simulateEvent(sheet.recorder, True, Key.Key_G, NONE, "g", False)
    assert sheet.keys == ["G"]
