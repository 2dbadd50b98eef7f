"""The page of keys: recorded, replaced, taken away, warned about, reset; at once, and as the settings keep them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractButton, QLabel, QMainWindow
from pytestqt.qtbot import QtBot

from app.actions import TABLE, Actions
from app.dialogs.shortcut_page import ShortcutPage, note_on, rows

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def actions(window: QMainWindow) -> Actions:
    return Actions(window, {})


@pytest.fixture
def page(actions: Actions, qtbot: QtBot) -> ShortcutPage:
    made = ShortcutPage(actions)
    qtbot.addWidget(made)
    made.resize(600, 500)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def record(
    page: ShortcutPage,
    qtbot: QtBot,
    key: Key,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    qtbot.mouseClick(page.recorder, Qt.MouseButton.LeftButton)
    qtbot.keyClick(page.recorder, key, modifiers)


def said(page: ShortcutPage) -> str:
    return " ".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def click_key(page: ShortcutPage, qtbot: QtBot, name: str) -> None:
    """On the key, or on what takes it away."""

    def shown() -> list[QAbstractButton]:
        buttons = [each for each in page.findChildren(QAbstractButton) if each.isVisible()]
        return [each for each in buttons if name in (each.text(), each.accessibleName())]

    qtbot.waitUntil(lambda: len(shown()) == 1)
    shown()[0].click()


def test_every_action_is_listed_and_found_by_word_and_key(actions: Actions):
    assert {row.value for row in rows(actions, "")} == {spec.name for spec in TABLE}
    assert [row.value for row in rows(actions, "image first")] == ["first"]
    assert [row.value for row in rows(actions, "ctrl+b")] == ["label-all"]
    assert rows(actions, "zebra") == []


def test_a_free_key_is_added_at_once(page: ShortcutPage, actions: Actions, qtbot: QtBot):
    page.choose("draw")
    record(page, qtbot, Key.Key_J, CTRL)
    assert actions.texts("draw") == ("W", "R", "Ctrl+R", "Ctrl+J")
    assert actions.changed() == {"draw": ["W", "R", "Ctrl+R", "Ctrl+J"]}
    assert page.name() == "draw"
    row = page.list.row()
    assert row is not None
    assert row.detail == "Boxes, changed"


def test_a_key_of_another_action_is_asked_about(page: ShortcutPage, actions: Actions, qtbot: QtBot):
    page.choose("draw")
    record(page, qtbot, Key.Key_D)
    assert "D is “Next image”. Take it away there?" in said(page)
    assert page.leave.hasFocus()
    assert actions.changed() == {}
    page.leave.click()
    assert "Next image" not in said(page)
    assert actions.changed() == {}
    record(page, qtbot, Key.Key_D)
    page.take.click()
    assert (actions.texts("draw")[-1], actions.texts("next")) == ("D", ("→",))
    assert not page.take.isVisible()


def test_its_own_key_is_no_conflict(page: ShortcutPage, actions: Actions, qtbot: QtBot):
    page.choose("draw")
    record(page, qtbot, Key.Key_W)
    assert "W is one of its keys already." in said(page)
    assert not page.take.isVisible()
    assert actions.changed() == {}


def test_keys_are_replaced_and_taken_away(page: ShortcutPage, actions: Actions, qtbot: QtBot):
    page.choose("draw")
    click_key(page, qtbot, "R")
    qtbot.keyClick(page.recorder, Key.Key_X)
    assert actions.texts("draw") == ("W", "X", "Ctrl+R")
    click_key(page, qtbot, "X")
    qtbot.keyClick(page.recorder, Key.Key_N)
    page.take.click()
    assert actions.texts("draw") == ("W", "N", "Ctrl+R")
    assert actions.texts("next-to-review") == ("Ctrl+Shift+D",)
    for key in ("W", "N", "Ctrl+R"):
        click_key(page, qtbot, f"Take {key} away")
    assert actions.keys("draw") == ()


def test_one_or_all_are_reset(page: ShortcutPage, actions: Actions):
    assert not page.reset.isEnabled()
    assert not page.reset_all.isEnabled()
    actions.remap({"draw": ["X"], "fit": [], "quit": ["Ctrl+J"]})
    page.choose("draw")
    page.reset.click()
    assert set(actions.changed()) == {"fit", "quit"}
    page.reset_all.click()
    assert actions.changed() == {}
    assert not page.reset_all.isEnabled()


def test_searching_keeps_what_is_chosen(page: ShortcutPage, qtbot: QtBot):
    page.choose("fit")
    qtbot.keyClicks(page.search, "picture")
    assert page.name() == "fit"
    page.search.setText("zebra")
    assert page.name() is None
    assert not page.recorder.isVisible()
    page.search.clear()
    assert page.name() == TABLE[[spec.name for spec in TABLE].index("review")].name


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Space", "held down"),
        ("Left", "arrows move"),
        ("G", "fields keep their letters"),
        ("Ctrl+C", "In a field Ctrl+C edits"),
        ("Ctrl+G", ""),
        ("F5", ""),
    ],
)
def test_what_one_should_know_about_a_key(key: str, words: str):
    note = note_on(QKeySequence(key))
    assert words in note
    assert bool(note) == bool(words)


def test_notes_are_shown_once(page: ShortcutPage):
    page.choose("next")  # D and an arrow
    assert said(page).count("images list only") == 1
    assert "arrows move" in said(page)
