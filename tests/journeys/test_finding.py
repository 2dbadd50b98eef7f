"""Finding by typing: an image, a command, a class; and keys of one's own, which act at once and the next day."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog

from app.canvas.tools import Tool
from app.dialogs.preferences import Preferences

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
ON_NUT = (150.0, 140.0)  # what is proposed, see conftest


@pytest.fixture
def me(start: "Callable[..., Person]", folder: Path) -> "Person":
    """A person before five pictures, on the first three of which a model has found a nut and a bolt."""
    return look_at(start(folder))


def look_at(person: "Person") -> "Person":
    person.wait(lambda: person.sees_picture() and person.window.document.tally.proposal_total() == (6, 3))
    return person


def preferences(me: "Person") -> Preferences:
    me.press(Key.Key_Comma, modifiers=CTRL)
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), Preferences))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, Preferences)
    return dialog


def close(me: "Person", dialog: QDialog) -> None:
    me.click_button("Close", dialog)
    me.wait(lambda: QApplication.activeModalWidget() is None)


def test_one_goes_to_a_number_or_a_name(me: "Person") -> None:
    for typed, keys, path in (("3", (), "a3.png"), ("A4", (), "a4.png"), ("png", (Key.Key_Down,), "a2.png")):
        me.press(Key.Key_G, modifiers=CTRL)
        me.type(typed)
        me.press(*keys, Key.Key_Return)
        assert (me.path, QApplication.activePopupWidget()) == (path, None)
        assert me.window.canvas.hasFocus()
    me.press(Key.Key_G, modifiers=CTRL)
    me.type("zebra")
    me.press(Key.Key_Return, Key.Key_Escape)
    assert me.path == "a2.png"


def test_one_finds_commands_and_classes(me: "Person") -> None:
    document = me.window.document
    for typed, done in (
        ("box draw", lambda: me.window.canvas.tool is Tool.DRAW),
        ("last", lambda: me.path == "a5.png"),
        ("first im", lambda: me.path == "a1.png"),
        ("ctrl+a", lambda: len(document.selection) == 2),
        ("bolt", lambda: {document.class_of(box.class_id).name for box in me.boxes.values()} == {"bolt"}),
        ("ctrl+z", lambda: not document.undo_stack.canUndo()),
    ):
        me.press(Key.Key_K, modifiers=CTRL)
        me.type(typed)
        me.press(Key.Key_Return)
        assert done(), typed
    me.press(Key.Key_K, modifiers=CTRL)
    me.type("undo")  # there is nothing to take back, which is said; it stays open
    me.press(Key.Key_Return)
    assert me.window.lookup.finder is QApplication.activePopupWidget()
    me.press(Key.Key_Escape)


def test_keys_of_ones_own_act_at_once_and_the_next_day(
    me: "Person", start: "Callable[..., Person]", folder: Path
) -> None:
    dialog = preferences(me)
    dialog.show_shortcuts()
    me.type("draw")
    me.click_button("Add a key", dialog)
    me.press(Key.Key_D)
    assert me.button("Take it", dialog).isVisible()
    me.click_button("Take it", dialog)
    close(me, dialog)
    for person in (me, None):
        if person is None:
            me.quit()
            person = look_at(start(folder))
        person.window.canvas.setFocus()
        person.press(Key.Key_D)
        assert (person.window.canvas.tool, person.path) == (Tool.DRAW, "a1.png")
        person.press(Key.Key_Escape, Key.Key_Right)
        assert person.path == "a2.png"
        person.press(Key.Key_Home)
        assert "D" in person.window.actions_["draw"].toolTip()


def test_what_is_preferred_is_so_at_once(me: "Person") -> None:
    dialog = preferences(me)
    me.click(dialog.labels, dialog.labels.rect().topLeft() + dialog.labels.rect().center() / 8)
    me.click(dialog.reopens, dialog.reopens.rect().topLeft() + dialog.reopens.rect().center() / 8)
    dialog.device.setFocus()
    me.press(Key.Key_Down)
    close(me, dialog)
    assert me.window.actions_["show-labels"].isChecked()
    assert me.window.model.device == "cpu"
    dialog = preferences(me)
    assert (dialog.labels.isChecked(), dialog.reopens.isChecked()) == (True, False)
    assert dialog.device.currentData() == "cpu"
    close(me, dialog)


def test_the_sheet_leads_to_the_keys(me: "Person") -> None:
    me.press(Key.Key_F1)
    me.wait(QApplication.activeModalWidget)
    me.click_button("Change shortcuts…", QApplication.activeModalWidget())
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), Preferences))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, Preferences)
    assert dialog.shortcuts.search.hasFocus()
    close(me, dialog)
