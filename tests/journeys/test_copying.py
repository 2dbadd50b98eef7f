"""Copying with the keyboard: over the clipboard, beside themselves, from the image before and to the next ones."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
ON_NUT, ON_BOLT = (150.0, 140.0), (360.0, 260.0)  # what is proposed, see conftest


@pytest.fixture
def me(start: "Callable[..., Person]", folder: Path) -> "Person":
    """A person before five pictures, on the first three of which a model has found a nut and a bolt."""
    person = start(folder)
    person.wait(lambda: person.sees_picture() and person.window.document.tally.proposal_total() == (6, 3))
    return person


def drawn(me: "Person") -> int:
    """How many boxes the image has."""
    return sum(not box.is_proposal for box in me.boxes.values())


def test_one_copies_from_image_to_image(me: "Person") -> None:
    document = me.window.document
    me.click_picture(ON_NUT)
    me.press(Key.Key_C, modifiers=CTRL)
    me.press(Key.Key_End)
    assert me.path == "a5.png"
    me.press(Key.Key_V, modifiers=CTRL)
    me.press(Key.Key_V, modifiers=CTRL)
    assert drawn(me) == 2
    me.press(Key.Key_D, modifiers=CTRL)  # and not the next image
    assert (me.path, drawn(me)) == ("a5.png", 3)
    me.press(Key.Key_X, modifiers=CTRL)
    assert drawn(me) == 2
    me.press(Key.Key_Z, modifiers=CTRL)
    me.press(Key.Key_Z, modifiers=CTRL)
    assert drawn(me) == 2
    assert document.undo_stack.index() == 2


def test_one_takes_over_the_image_before_and_hands_on_to_the_next(me: "Person") -> None:
    document = me.window.document
    me.click_picture(ON_BOLT)
    me.press(Key.Key_Return)
    me.press(Key.Key_End, Key.Key_A)
    assert me.path == "a4.png"
    me.press(Key.Key_P)
    assert me.notices[-1].text == "a3.png has no boxes to copy."
    me.press(Key.Key_Home)
    me.press(Key.Key_P, modifiers=CTRL)
    me.wait(QApplication.activeModalWidget)
    me.type("3")
    me.press(Key.Key_Return)
    me.wait(lambda: me.notices[-1].text == "1 box copied to 3 images.")
    me.press(Key.Key_End, Key.Key_P)
    assert (me.path, drawn(me)) == ("a5.png", 1)
    me.press(Key.Key_Z, modifiers=CTRL)
    assert drawn(me) == 0
    me.press(Key.Key_Z, modifiers=CTRL)
    assert all(document.tally.box_count(image_id) == 0 for image_id in document.visible[1:])


def test_fields_keep_the_keys_of_the_clipboard(me: "Person") -> None:
    search = next(
        item for item in me.window.findChildren(QLineEdit) if item.placeholderText() == "Search name or class"
    )
    me.click_picture(ON_NUT)
    me.press(Key.Key_C, modifiers=CTRL)
    me.click(search)
    me.type("p")
    me.press(Key.Key_A, modifiers=CTRL)
    me.press(Key.Key_X, modifiers=CTRL)
    assert search.text() == ""
    me.press(Key.Key_V, modifiers=CTRL)
    assert search.text() == "p"
    assert me.window.document.undo_stack.count() == 0
