"""The class chooser: search, keys, a new name, a place on the screen."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QTreeWidget
from pytestqt.qtbot import QtBot

from app.dialogs.class_chooser import ClassChooser, matching
from detector.data.project.records import ProjectClass

# About popups, which the offscreen plugin cannot raise and for which it cannot grab the keyboard.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

CLASSES = [
    ProjectClass(number, name, "#0096E8", number, number)
    for number, name in enumerate(["hex bolt", "nut", "bolt", "Bolted joint", "<i>gear</i>"], 1)
]


@pytest.fixture
def chooser(qtbot: QtBot) -> ClassChooser:
    """The popup, open on the class "nut"."""
    made = ClassChooser()
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.open_at(QPoint(40, 40), CLASSES, current=2)
    return made


@pytest.fixture
def field(chooser: ClassChooser) -> QLineEdit:
    """Its search field."""
    found = chooser.findChild(QLineEdit)
    assert found is not None
    return found


def rows(chooser: ClassChooser) -> list[str]:
    tree = chooser.findChild(QTreeWidget)
    assert tree is not None
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [item.text(0) for item in items if item is not None]


def test_it_opens_on_the_present_class(qtbot: QtBot, chooser: ClassChooser, field: QLineEdit) -> None:
    with qtbot.waitSignal(chooser.chosen) as told:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told.args == [2]
    assert not chooser.isVisible()


def test_arrows_move_and_enter_picks(qtbot: QtBot, chooser: ClassChooser, field: QLineEdit) -> None:
    qtbot.keyClick(field, Qt.Key.Key_Down)
    with qtbot.waitSignal(chooser.chosen) as told:
        qtbot.keyClick(field, Qt.Key.Key_Enter)
    assert told.args == [3]


def test_typing_searches_and_the_best_is_picked(qtbot: QtBot, chooser: ClassChooser, field: QLineEdit) -> None:
    qtbot.keyClicks(field, "BOLT")
    assert rows(chooser) == ["bolt", "Bolted joint", "hex bolt"]
    with qtbot.waitSignal(chooser.chosen) as told:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told.args == [3]


def test_a_click_picks(qtbot: QtBot, chooser: ClassChooser) -> None:
    tree = chooser.findChild(QTreeWidget)
    assert tree is not None
    item = tree.topLevelItem(4)
    assert item is not None
    place = tree.visualItemRect(item).center()
    with qtbot.waitSignal(chooser.chosen) as told:
        qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert told.args == [5]


def test_an_unknown_name_becomes_a_new_class(qtbot: QtBot, chooser: ClassChooser, field: QLineEdit) -> None:
    qtbot.keyClicks(field, " gasket ")
    assert rows(chooser) == ["Add “gasket”"]
    with qtbot.waitSignal(chooser.new_wanted) as told, qtbot.assertNotEmitted(chooser.chosen):
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told.args == ["gasket"]


def test_a_part_of_a_name_can_still_become_a_class(qtbot: QtBot, chooser: ClassChooser, field: QLineEdit) -> None:
    qtbot.keyClicks(field, "gear")
    assert rows(chooser) == ["<i>gear</i>", "Add “gear”"]


def test_escape_chooses_nothing(qtbot: QtBot, chooser: ClassChooser, field: QLineEdit) -> None:
    with qtbot.assertNotEmitted(chooser.chosen):
        qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert not chooser.isVisible()


def test_it_stays_on_the_screen(qtbot: QtBot, chooser: ClassChooser) -> None:
    corner = chooser.screen().availableGeometry().bottomRight()
    chooser.open_at(corner, CLASSES)
    assert chooser.screen().availableGeometry().contains(chooser.geometry())


def test_opened_again_it_has_forgotten_the_search(qtbot: QtBot, chooser: ClassChooser, field: QLineEdit) -> None:
    qtbot.keyClicks(field, "nut")
    chooser.close()
    chooser.open_at(QPoint(0, 0), CLASSES[:2])
    assert field.text() == ""
    assert rows(chooser) == ["hex bolt", "nut"]


def test_an_empty_search_keeps_the_order() -> None:
    assert matching(CLASSES, "  ") == CLASSES
