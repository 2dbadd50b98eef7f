"""The table of boxes: what it says, its order, and the selection in step with the document's."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QTableView
from pytestqt.qtbot import QtBot

from app.document import Document
from app.page import ShownBox
from app.panels.boxes import BoxesPanel, summary_text
from app.verbs import box_verbs, navigation, undoing
from app.verbs.class_verbs import hide_classes, rename_class
from app.widgets.box_table import BoxesModel, Column, in_order, origin_text, size_text, told
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
    box_verbs.draw(document, RIGHT)
    found = panel.findChild(QTableView)
    assert found is not None
    return found


def cells(table: Table) -> list[tuple[str, ...]]:
    model = table.model()
    return [tuple(model.index(r, c).data() for c in range(model.columnCount())) for r in range(model.rowCount())]


def sizes(table: Table) -> list[str]:
    """As they stand below the scores."""
    model = table.model()
    assert isinstance(model, BoxesModel)
    return [size_text(box) for box in model.boxes]


def cell(table: Table, row: int, column: Column) -> QModelIndex:
    return table.model().index(row, column)


def tip(table: Table, row: int) -> str:
    return cell(table, row, Column.CLASS).data(Qt.ItemDataRole.ToolTipRole)


def menu(panel: BoxesPanel) -> dict[str, QAction]:
    """What the menu offers at present, by its words."""
    panel._open_menu(QPoint(0, 0))
    opened = [child for child in panel.findChildren(QMenu) if child.isVisible()][-1]
    actions = {action.text(): action for action in opened.actions() if action.isVisible() and not action.isSeparator()}
    opened.hide()
    return actions


def click(qtbot: QtBot, table: Table, row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    place = table.visualRect(cell(table, row, Column.CLASS)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def test_the_surest_come_first(table: Table) -> None:
    assert cells(table) == [("bolt", ""), ("bolt", "0.90"), ("nut", "0.60")]
    assert sizes(table) == ["35 × 45", "20 × 26", "20 × 20"]


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
    assert cells(table)[row.row()] == ("bolt", "0.90")
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
    box_verbs.accept(document, [proposal])
    (row,) = table.selectionModel().selectedRows()
    assert "accepted · D0, score 0.90" in tip(table, row.row())


def test_rejecting_another_one_leaves_the_selection_to_the_document(table: Table, document: Document) -> None:
    drawn = next(box.key for box in document.shown if box.origin is Origin.DRAWN)
    document.set_selection([drawn])
    box_verbs.delete(document, [next(box.key for box in document.shown if box.is_proposal)])
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
    navigation.step(document, 1)
    assert not table.isVisible()
    assert any("Press W" in label.text() for label in panel.findChildren(QLabel) if label.isVisible())
    navigation.step(document, -1)
    assert table.isVisible()


def test_equal_boxes_keep_their_order() -> None:
    boxes = [ShownBox(key, 1, UPPER, score=0.5) for key in (3, 1, 2)]
    assert [box.key for box in in_order(boxes, Column.SCORE, descending=True, name_of=str)] == [3, 1, 2]


def test_a_row_says_where_its_box_is_from_and_all_else_in_its_tooltip() -> None:
    assert origin_text(ShownBox(-1, 1, UPPER, 0.5, None, "starter")) == "proposal · starter"
    assert origin_text(ShownBox(4, 1, UPPER, 0.5, Origin.EDITED, "starter")) == "edited · starter"
    assert origin_text(ShownBox(4, 1, UPPER, None, Origin.DRAWN)) == "drawn"
    box = ShownBox(4, 1, (5.2, 5.0, 25.0, 24.6), 0.5, Origin.EDITED, "starter", True, ("occluded", "difficult"))
    assert told(box, "nut").splitlines() == [
        "nut",
        "edited · starter, score 0.50",
        "20 × 20 px at 5, 5",
        "crowd, occluded, difficult",
    ]
    assert size_text(box) == "20 × 20"


def test_the_summary_tells_what_is_hidden() -> None:
    assert summary_text([ShownBox(4, 1, UPPER), ShownBox(-1, 1, UPPER)], 2) == "1 box, 1 proposal, 2 hidden"
    assert summary_text([]) == ""


def test_boxes_sort_by_what_has_no_column(table: Table, panel: BoxesPanel) -> None:
    order = menu(panel)["Sort by"].menu()
    assert isinstance(order, QMenu)
    by = {action.text(): action for action in order.actions()}
    by["Size"].trigger()
    assert sizes(table) == ["35 × 45", "20 × 26", "20 × 20"]
    by["Size"].trigger()
    assert sizes(table) == ["20 × 20", "20 × 26", "35 × 45"]
    by["Origin"].trigger()
    assert sizes(table)[0] == "35 × 45"  # drawn, proposal, proposal
    by["Origin"].trigger()
    assert sizes(table)[-1] == "35 × 45"


def test_flags_are_set_for_all_chosen_boxes_in_one_step(table: Table, panel: BoxesPanel, document: Document) -> None:
    document.set_selection([box.key for box in document.shown])
    before, steps = document.shown, document.undo_stack.count()
    menu(panel)["Occluded"].trigger()
    assert [box.flags for box in document.shown] == [("occluded",)] * 3
    assert {box.origin for box in document.shown} == {Origin.DRAWN, Origin.ACCEPTED}
    assert document.project is not None
    assert all(box.occluded for box in document.project.boxes(document.current or 0))
    assert document.project.rejections(document.current or 0) == ()
    assert len(document.selection) == 3
    assert document.undo_stack.count() == steps + 1
    assert menu(panel)["Occluded"].isChecked()
    menu(panel)["Occluded"].trigger()
    assert [box.flags for box in document.shown] == [()] * 3
    undoing.undo(document)
    undoing.undo(document)
    assert document.shown == before


def test_a_flag_that_only_some_have_is_given_to_the_others(table: Table, panel: BoxesPanel, document: Document) -> None:
    first = document.shown[0].key
    document.set_selection([first])
    menu(panel)["Difficult"].trigger()
    document.set_selection([box.key for box in document.shown])
    assert not menu(panel)["Difficult"].isChecked()
    menu(panel)["Difficult"].trigger()
    assert [box.flags for box in document.shown] == [("difficult",)] * 3


def test_chosen_boxes_are_accepted_rejected_and_relabelled_together(
    qtbot: QtBot, table: Table, panel: BoxesPanel, document: Document
) -> None:
    document.set_selection([box.key for box in document.shown if box.is_proposal])
    assert {"Accept 2 boxes", "Reject 2 boxes"} <= menu(panel).keys()
    with qtbot.waitSignal(panel.class_wanted) as asked:
        menu(panel)["Change class…"].trigger()
    assert asked.args is not None
    assert asked.args[1] == document.selection
    menu(panel)["Accept 2 boxes"].trigger()
    assert not any(box.is_proposal for box in document.shown)
    assert "Accept 2 boxes" not in menu(panel)
    document.set_selection([box.key for box in document.shown])
    menu(panel)["Delete 3 boxes"].trigger()
    assert document.shown == ()


def test_del_and_enter_act_on_the_chosen_rows(qtbot: QtBot, table: Table, document: Document) -> None:
    click(qtbot, table, 1)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert [box.is_proposal for box in document.shown] == [False, False, True]
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert [box.score for box in document.shown] == [None, pytest.approx(0.6)]


def test_all_of_a_class_are_selected_from_the_menu(table: Table, panel: BoxesPanel, document: Document) -> None:
    document.set_selection([document.shown[0].key])
    menu(panel)["Select all of this class"].trigger()
    assert {box.class_id for box in document.shown if box.key in document.selection} == {document.classes[0].id}
    assert len(document.selection) == 2


def test_without_a_choice_the_menu_only_sorts(table: Table, panel: BoxesPanel, document: Document) -> None:
    document.set_selection([])
    assert [text for text, action in menu(panel).items() if action.isEnabled()] == ["Sort by"]


def test_what_is_hidden_is_told_and_the_image_not_called_empty(
    table: Table, panel: BoxesPanel, document: Document
) -> None:
    hide_classes(document, [item.id for item in document.classes])
    assert "3 hidden" in [label.text() for label in panel.findChildren(QLabel)]
    assert table.isVisible()
