"""The table of boxes: what it says, its order, and the selection in step with the document's."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel, QTableView
from pytestqt.qtbot import QtBot

from app.class_verbs import rename_class
from app.document import Document
from app.page import ShownBox
from app.panels.boxes import BoxesPanel, Column, in_order, origin_text
from detector.data.project.records import Origin

Table = QTableView
MakePass = Callable[..., None]
UPPER, LOWER, RIGHT = (5.0, 5.0, 25.0, 25.0), (5.0, 32.0, 25.0, 58.0), (50.0, 5.0, 85.0, 50.0)


@pytest.fixture
def panel(qtbot: QtBot, document: Document) -> BoxesPanel:
    """The panel on screen."""
    made = BoxesPanel(document)
    qtbot.addWidget(made)
    made.resize(256, 300)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def table(panel: BoxesPanel, document: Document, make_pass: MakePass) -> Table:
    """The table, with a drawn box and two proposals: nut 0.6, bolt 0.9."""
    make_pass({0: [(UPPER, 0.6, 1), (LOWER, 0.9, 0)]})
    document.set_active_class(document.classes[0].id)
    document.draw(RIGHT)
    found = panel.findChild(QTableView)
    assert found is not None
    return found


def cells(table: Table) -> list[tuple[str, ...]]:
    model = table.model()
    return [tuple(model.index(r, c).data() for c in range(model.columnCount())) for r in range(model.rowCount())]


def cell(table: Table, row: int, column: Column) -> QModelIndex:
    return table.model().index(row, column)


def click(qtbot: QtBot, table: Table, row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    place = table.visualRect(cell(table, row, Column.CLASS)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def test_the_surest_come_first(table: Table) -> None:
    assert cells(table) == [("bolt", "", "drawn"), ("bolt", "0.90", "D0"), ("nut", "0.60", "D0")]


def test_a_click_on_a_title_sorts(qtbot: QtBot, table: Table) -> None:
    header = table.horizontalHeader()
    place = header.sectionViewportPosition(Column.SCORE) + 10
    for expected in (["0.60", "0.90", ""], ["", "0.90", "0.60"]):
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place, header.height() // 2))
        assert [row[Column.SCORE] for row in cells(table)] == expected


def test_sorting_keeps_the_selection(table: Table, document: Document) -> None:
    key = next(box.key for box in document.shown if box.score is not None and box.score > 0.8)
    document.set_selection([key])
    table.sortByColumn(Column.CLASS, Qt.SortOrder.DescendingOrder)
    (row,) = table.selectionModel().selectedRows()
    assert cells(table)[row.row()] == ("bolt", "0.90", "D0")
    assert document.selection == {key}


def test_clicks_select_on_the_canvas(qtbot: QtBot, table: Table, document: Document) -> None:
    with qtbot.waitSignal(document.selection_changed):
        click(qtbot, table, 1)
    click(qtbot, table, 2, Qt.KeyboardModifier.ControlModifier)
    selected = [box.score for box in document.shown if box.key in document.selection]
    assert selected == pytest.approx([0.9, 0.6])


def test_the_canvas_selection_shows_in_the_table(table: Table, document: Document) -> None:
    document.set_selection(box.key for box in document.shown if box.origin is Origin.DRAWN)
    assert [index.row() for index in table.selectionModel().selectedRows()] == [0]
    document.set_selection([])
    assert not table.selectionModel().hasSelection()


def test_accepting_changes_the_origin_and_keeps_it_selected(table: Table, document: Document) -> None:
    proposal = next(box.key for box in document.shown if box.is_proposal)
    document.set_selection([proposal])
    document.accept([proposal])
    (row,) = table.selectionModel().selectedRows()
    assert cells(table)[row.row()][Column.ORIGIN] == "accepted"


def test_rejecting_another_one_leaves_the_selection_to_the_document(table: Table, document: Document) -> None:
    drawn = next(box.key for box in document.shown if box.origin is Origin.DRAWN)
    document.set_selection([drawn])
    document.delete([next(box.key for box in document.shown if box.is_proposal)])
    assert document.selection == {drawn}
    assert len(cells(table)) == 2
    assert [index.row() for index in table.selectionModel().selectedRows()] == [0]


def test_a_renamed_class_is_renamed_here_as_plain_text(table: Table, document: Document) -> None:
    rename_class(document, document.classes[1].id, "<b>nut</b>")
    assert cells(table)[2][Column.CLASS] == "<b>nut</b>"
    assert "&lt;b&gt;" in cell(table, 2, Column.CLASS).data(Qt.ItemDataRole.ToolTipRole)


def test_letters_and_digits_are_left_to_the_window(table: Table) -> None:
    for key, text in ((Qt.Key.Key_2, "2"), (Qt.Key.Key_D, "d")):
        event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text)
        QApplication.sendEvent(table, event)
        assert not event.isAccepted()


def test_an_image_without_boxes_says_how_to_get_some(panel: BoxesPanel, table: Table, document: Document) -> None:
    document.step(1)
    assert not table.isVisible()
    assert any("Press W" in label.text() for label in panel.findChildren(QLabel) if label.isVisible())
    document.step(-1)
    assert table.isVisible()


def test_equal_boxes_keep_their_order() -> None:
    boxes = [ShownBox(key, 1, UPPER, score=0.5) for key in (3, 1, 2)]
    assert [box.key for box in in_order(boxes, Column.SCORE, descending=True, name_of=str)] == [3, 1, 2]


def test_a_proposal_names_its_model() -> None:
    assert origin_text(ShownBox(-1, 1, UPPER, 0.5, None, "starter")) == "starter"
    assert origin_text(ShownBox(4, 1, UPPER, 0.5, Origin.EDITED, "starter")) == "edited"
