"""The sheet before boxes are copied to the next images."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.dialogs.propagate import PropagateDialog, what


def sheet(qtbot: QtBot, *, room: int) -> PropagateDialog:
    made = PropagateDialog(boxes=3, selected=True, room=room)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.number.hasFocus)
    return made


def test_ten_is_usual_and_return_copies(qtbot: QtBot) -> None:
    made = sheet(qtbot, room=40)
    with qtbot.waitSignal(made.propagate_wanted) as wanted:
        qtbot.keyClick(made.number, Qt.Key.Key_Return)
    assert wanted.args == [10]
    assert not made.isVisible()


def test_one_types_another_number_and_no_more_than_there_are(qtbot: QtBot) -> None:
    made = sheet(qtbot, room=40)
    qtbot.keyClicks(made.number, "25")
    with qtbot.waitSignal(made.propagate_wanted) as wanted:
        qtbot.keyClick(made.number, Qt.Key.Key_Return)
    assert wanted.args == [25]
    few = sheet(qtbot, room=4)
    assert few.number.value() == few.number.maximum() == 4
    assert any("of 4 images" in label.text() for label in few.findChildren(QLabel))


def test_escape_copies_nothing(qtbot: QtBot) -> None:
    made = sheet(qtbot, room=40)
    with qtbot.assertNotEmitted(made.propagate_wanted):
        qtbot.keyClick(made.number, Qt.Key.Key_Escape)
    assert not made.isVisible()


@pytest.mark.parametrize(
    ("boxes", "selected", "words"),
    [
        (1, True, "The selected box"),
        (3, True, "The 3 selected boxes"),
        (1, False, "The only box"),
        (2, False, "The 2 boxes"),
    ],
)
def test_what_is_copied_is_said(boxes: int, selected: bool, words: str) -> None:
    assert what(boxes, selected=selected) == words
