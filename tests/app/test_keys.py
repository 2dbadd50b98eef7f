"""Keys: which ones write, how they read, and what was pressed."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from app.keys import is_bare, recorded, text_of, texts_of

Key = Qt.Key
Modifier = Qt.KeyboardModifier


@pytest.mark.parametrize(
    "text", ["D", "Shift+D", "1", "Space", "Return", "Del", "Home", "Left", "Tab", "?", "Shift+Tab"]
)
def test_keys_that_write_or_that_buttons_take_are_bare(text: str):
    assert is_bare(QKeySequence(text))


@pytest.mark.parametrize("text", ["Ctrl+D", "Alt+D", "Meta+D", "Ctrl+Shift+D", "F1", "F12", "Shift+F3", "Ctrl+Space"])
def test_keys_for_the_whole_window_are_not(text: str):
    assert not is_bare(QKeySequence(text))


def test_keys_read_as_on_a_keyboard():
    keys = [QKeySequence(text) for text in ("Right", "Shift+Up", "Return", "Enter", "Ctrl++", "?")]
    assert texts_of(keys) == ("→", "Shift+↑", "Enter", "Ctrl++", "?")
    assert text_of(QKeySequence("Ctrl+Return")) == "Ctrl+Enter"


@pytest.mark.parametrize(
    ("key", "modifiers", "text", "wanted"),
    [
        (Key.Key_D, Modifier.ControlModifier, "\x04", "Ctrl+D"),
        (Key.Key_D, Modifier.NoModifier, "d", "D"),
        (Key.Key_D, Modifier.ShiftModifier, "D", "Shift+D"),
        (Key.Key_Question, Modifier.ShiftModifier, "?", "?"),
        (Key.Key_Backtab, Modifier.ShiftModifier, "\t", "Shift+Tab"),
        (Key.Key_7, Modifier.KeypadModifier, "7", "7"),
        (Key.Key_Right, Modifier.ShiftModifier, "", "Shift+Right"),
        (Key.Key_Space, Modifier.ShiftModifier, " ", "Shift+Space"),
        (Key.Key_F5, Modifier.NoModifier, "", "F5"),
    ],
)
def test_what_was_pressed_is_recorded(key: Key, modifiers: Modifier, text: str, wanted: str):
    assert recorded(QKeyEvent(QEvent.Type.KeyPress, key, modifiers, text)) == QKeySequence(wanted)


@pytest.mark.parametrize("key", [Key.Key_Shift, Key.Key_Control, Key.Key_AltGr, Key.Key_unknown])
def test_a_modifier_alone_is_no_key_yet(key: Key):
    assert recorded(QKeyEvent(QEvent.Type.KeyPress, key, Modifier.ShiftModifier)) is None
