"""The sheet of a model's classes: search, use and leave out, call several by one name."""

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from app.dialogs.class_map import ClassMapDialog, Column, Entry, summary_text
from detector.data.project.records import ProjectClass

NAMES = {"person": "person", "car": "car", "truck": "truck", "bus": None, "<b>tree</b>": "Tree"}
CLASSES = [ProjectClass(1, "vehicle", "#0096E8", 0, 1), ProjectClass(2, "Tree", "#D55E00", 1, 2)]


@pytest.fixture
def dialog(qtbot: QtBot) -> ClassMapDialog:
    made = ClassMapDialog("D0 & more", NAMES, CLASSES, mine=["tree"])
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def rows(dialog: ClassMapDialog) -> list[tuple[str, str]]:
    model = dialog.table.model()
    return [
        (model.index(row, Column.MODEL).data(), model.index(row, Column.HERE).data()) for row in range(model.rowCount())
    ]


def choose(dialog: ClassMapDialog, *places: int) -> None:
    flag = QItemSelectionModel.SelectionFlag
    dialog.table.clearSelection()
    for place in places:
        index = dialog.table.model().index(place, 0)
        dialog.table.selectionModel().setCurrentIndex(index, flag.Select | flag.Rows)


def test_it_shows_what_is_called_how(dialog: ClassMapDialog):
    assert rows(dialog) == [
        ("person", "person"),
        ("car", "car"),
        ("truck", "truck"),
        ("bus", "left out"),
        ("<b>tree</b>", "Tree"),
    ]
    assert dialog.names() == NAMES


def test_search_finds_names_there_and_here(qtbot: QtBot, dialog: ClassMapDialog):
    qtbot.keyClicks(dialog.search, "tr")
    assert [name for name, _ in rows(dialog)] == ["truck", "<b>tree</b>"]
    qtbot.mouseClick(dialog.skip_all, Qt.MouseButton.LeftButton)  # of those that are seen
    dialog.search.clear()
    assert dialog.names() == {**NAMES, "truck": None, "<b>tree</b>": None}


def test_all_none_and_only_those_that_there_are(qtbot: QtBot, dialog: ClassMapDialog):
    qtbot.mouseClick(dialog.skip_all, Qt.MouseButton.LeftButton)
    assert set(dialog.names().values()) == {None}
    qtbot.mouseClick(dialog.keep_all, Qt.MouseButton.LeftButton)
    assert dialog.names() == {**NAMES, "bus": "bus"}
    qtbot.mouseClick(dialog.only_mine, Qt.MouseButton.LeftButton)
    assert {name: here for name, here in dialog.names().items() if here} == {"<b>tree</b>": "Tree"}


def test_several_classes_get_one_name(qtbot: QtBot, dialog: ClassMapDialog):
    assert not dialog.call.isEnabled()
    choose(dialog, 1, 2, 3)
    qtbot.mouseClick(dialog.call, Qt.MouseButton.LeftButton)
    assert dialog.chooser is not None
    field = dialog.chooser.findChild(QLineEdit)
    assert field is not None
    qtbot.keyClicks(field, "vehi")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert rows(dialog)[1:4] == [("car", "vehicle"), ("truck", "vehicle"), ("bus", "vehicle")]
    choose(dialog, 0, 1)
    dialog.table.call_wanted.emit()
    field = dialog.chooser.findChild(QLineEdit)
    assert field is not None
    qtbot.keyClicks(field, " road  user ")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert dialog.names() == {**NAMES, "person": "road user", "car": "road user", "truck": "vehicle", "bus": "vehicle"}
    choose(dialog, 0)
    qtbot.mouseClick(dialog.own_name, Qt.MouseButton.LeftButton)
    assert dialog.names()["person"] == "person"


def test_space_checks_all_chosen_rows_and_keeps_their_names(qtbot: QtBot, dialog: ClassMapDialog):
    choose(dialog, 3, 4)
    qtbot.keyClick(dialog.table, Qt.Key.Key_Space)
    assert dialog.names()["bus"] is dialog.names()["<b>tree</b>"] is None
    qtbot.keyClick(dialog.table, Qt.Key.Key_Space)
    assert (dialog.names()["bus"], dialog.names()["<b>tree</b>"]) == ("bus", "Tree")


def test_apply_tells_and_cancel_does_not(qtbot: QtBot, dialog: ClassMapDialog):
    with qtbot.assertNotEmitted(dialog.map_wanted):
        dialog.reject()
    dialog.skip_all.click()
    with qtbot.waitSignal(dialog.map_wanted) as told:
        dialog.apply_button.click()
    assert told.args == [dict.fromkeys(NAMES)]


def test_eighty_classes_are_quick_and_the_title_is_plain(qtbot: QtBot, dialog: ClassMapDialog):
    assert any(label.text() == "Classes of D0 & more" for label in dialog.findChildren(QLabel))
    assert "&lt;b&gt;" in dialog.table.model().index(4, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_the_summary_counts_what_is_new():
    entries = [Entry("car", "vehicle", True), Entry("bus", "Vehicle", True), Entry("cat", "cat", True)]
    assert summary_text([*entries, Entry("dog", "dog", False)], ["vehicle"]) == (
        "3 of 4 classes used, as 2 classes here, 1 of them new"
    )
    assert summary_text([Entry("dog", "dog", False)], []) == "0 of 1 class used"
