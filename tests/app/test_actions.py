"""The table of actions: no key means two things, every icon exists, keys can be remapped at once and act where told."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLineEdit, QMainWindow, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.actions import BY_NAME, TABLE, Actions, Need

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


class Window(QMainWindow):
    """Actions at work in a picture and a list, beside a field that has nothing to do with them."""

    def __init__(self, changed: dict[str, list[str]]) -> None:
        super().__init__()
        self.picture, self.list, self.field = QWidget(), QWidget(), QLineEdit()
        centre = QWidget()
        column = QVBoxLayout(centre)
        for widget in (self.picture, self.list, self.field):
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            column.addWidget(widget)
        self.setCentralWidget(centre)
        self.actions_ = Actions(self, changed)
        self.actions_.act_in(self, self.picture, self.list)
        self.actions_.set_met(list(Need))
        self.triggered: list[str] = []
        for spec in TABLE:
            self.actions_[spec.name].triggered.connect(lambda _=False, name=spec.name: self.triggered.append(name))


@pytest.fixture
def window(qtbot: QtBot) -> Window:
    made = Window({})
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def press(qtbot: QtBot, widget: QWidget, key: Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier):
    widget.setFocus()
    assert widget.hasFocus()
    qtbot.keyClick(widget, key, modifiers)


def test_no_shortcut_is_given_twice():
    keys = Counter(QKeySequence(text).toString() for spec in TABLE for text in spec.shortcuts)
    assert [key for key, uses in keys.items() if uses > 1] == []
    assert "" not in keys


def test_no_deletion_is_on_the_key_that_means_next_elsewhere():
    assert QKeySequence("Ctrl+Shift+D") in map(QKeySequence, BY_NAME["next-to-review"].shortcuts)


def test_every_action_has_an_icon_a_name_and_a_tooltip(window: Window):
    for spec in TABLE:
        assert (theme.RESOURCES / "icons" / f"{spec.icon}.svg").is_file(), spec.icon
        tip = window.actions_[spec.name].toolTip()
        assert spec.text.rstrip("…") in tip
        assert all(text in tip for text in window.actions_.texts(spec.name))


def test_bare_keys_act_in_picture_and_list_and_others_everywhere(window: Window, qtbot: QtBot):
    for widget, wanted in ((window.picture, ["fit", "fit"]), (window.list, ["fit", "fit"]), (window.field, ["fit"])):
        window.triggered.clear()
        press(qtbot, widget, Key.Key_F)
        press(qtbot, widget, Key.Key_F, CTRL)
        assert window.triggered == wanted
    assert window.field.text() == "f"


def test_keys_are_remapped_at_once(window: Window, qtbot: QtBot):
    actions = window.actions_
    with qtbot.waitSignal(actions.remapped):
        actions.remap({"fit": ["X"], "quit": ["G", "Ctrl+J"], "draw": []})
    for key in (Key.Key_X, Key.Key_F, Key.Key_G, Key.Key_W):
        press(qtbot, window.list, key)
    for key in (Key.Key_F, Key.Key_J, Key.Key_Q, Key.Key_R):
        press(qtbot, window.picture, key, CTRL)
    press(qtbot, window.field, Key.Key_G)
    assert window.triggered == ["fit", "quit", "quit"]
    assert (actions.texts("fit"), actions.texts("draw")) == (("X",), ())
    assert actions["fit"].toolTip() == "<span>Fit the picture  (X)</span>"
    assert actions["draw"].toolTip() == "<span>Draw a box</span>"
    assert actions.changed() == {"fit": ["X"], "quit": ["G", "Ctrl+J"], "draw": []}
    assert actions.holder(QKeySequence("Ctrl+J")) == "quit"
    assert actions.holder(QKeySequence("Ctrl+F")) is None
    actions.remap({})
    press(qtbot, window.picture, Key.Key_W)
    press(qtbot, window.picture, Key.Key_X)
    assert window.triggered[3:] == ["draw"]
    assert actions.changed() == {}


def test_remembered_keys_are_taken_over(qtbot: QtBot):
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = Actions(window, {"draw": ["X", ""], "of an older version": ["Y"]})
    assert actions.texts("draw") == ("X",)
    assert actions.texts("select") == ("V",)
    assert actions.changed() == {"draw": ["X"]}


def test_a_remembered_key_is_not_shared_with_a_newer_action(window: Window, qtbot: QtBot):
    actions = window.actions_
    actions.remap({"draw": ["Ctrl+G", "X", "X"], "fit": ["X", "Y"]})
    assert (actions.texts("draw"), actions.texts("fit"), actions.texts("go-to")) == (("Ctrl+G", "X"), ("Y",), ())
    press(qtbot, window.picture, Key.Key_G, CTRL)
    assert window.triggered == ["draw"]


def test_a_held_key_repeats_a_step_but_no_verdict(window: Window, qtbot: QtBot):
    assert [spec.name for spec in TABLE if spec.once] == [
        spec.name for spec in TABLE if not window.actions_[spec.name].autoRepeat()
    ]
    assert {"review", "accept", "delete"} <= {spec.name for spec in TABLE if spec.once}


def test_what_cannot_be_done_is_grey_and_says_why(window: Window, qtbot: QtBot):
    actions = window.actions_
    actions.set_met([])
    assert (actions.reason("delete"), actions.reason("quit")) == (Need.PROJECT, "")
    assert (actions["delete"].isEnabled(), actions["quit"].isEnabled()) == (False, True)
    actions.set_met([Need.PROJECT])
    assert (actions.reason("delete"), actions.reason("fit")) == (Need.SELECTION, "")
    for key in (Key.Key_Delete, Key.Key_F):
        press(qtbot, window.picture, key)
    assert window.triggered == ["fit"]
    actions.set_met([])
    press(qtbot, window.picture, Key.Key_F)
    press(qtbot, window.picture, Key.Key_F, CTRL)
    assert window.triggered == ["fit"]


def test_a_button_shows_the_state_of_its_action(window: Window, qtbot: QtBot):
    button = QToolButton()
    qtbot.addWidget(button)
    button.setDefaultAction(window.actions_["undo"])
    window.actions_.set_met([Need.PROJECT])
    assert not button.isEnabled()
