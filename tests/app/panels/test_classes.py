"""The list of classes: choose, add, rename, recolour, remove, fold away; and which class has which digit."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QColorDialog, QLabel, QLineEdit, QListView, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.document import Document
from app.panels.classes import ClassesPanel
from app.verbs import box_verbs, undoing
from app.verbs.class_verbs import add_class
from app.widgets.class_rows import ClassRow, FoldRow, listed, row_parts
from detector.data.project.records import ProjectClass

MakePass = Callable[..., None]
BOX = (10.0, 10.0, 40.0, 40.0)
MANY = [f"thing {number}" for number in range(20)]


@pytest.fixture
def panel(qtbot: QtBot, document: Document) -> ClassesPanel:
    """The panel on screen: bolt with one box, nut and gear without."""
    for name in ("bolt", "nut", "gear"):
        add_class(document, name)
    document.set_active_class(document.classes[0].id)
    box_verbs.draw(document, BOX)
    made = ClassesPanel(document)
    qtbot.addWidget(made)
    made.resize(256, 400)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def rows(panel: ClassesPanel) -> QListView:
    """The list within the panel."""
    found = panel.findChild(QListView)
    assert found is not None
    return found


def names(rows: QListView) -> list[str]:
    return [rows.model().index(row, 0).data() for row in range(rows.model().rowCount())]


def rect(rows: QListView, row: int) -> QRect:
    return rows.visualRect(rows.model().index(row, 0))


def click(qtbot: QtBot, rows: QListView, place: QPoint) -> None:
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)


def rename(qtbot: QtBot, rows: QListView, row: int, name: str) -> None:
    """As a person does: a double click on the name, the new one, Enter."""
    place = row_parts(rect(rows, row)).name.center()
    click(qtbot, rows, place)
    qtbot.mouseDClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    editor = rows.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, name)
    qtbot.keyClick(editor, Qt.Key.Key_Return)


def test_a_click_makes_a_class_the_active_one(qtbot: QtBot, rows: QListView, document: Document) -> None:
    click(qtbot, rows, row_parts(rect(rows, 2)).name.center())
    assert document.class_of(document.active_class or 0).name == "gear"


def test_arrows_choose_and_digits_are_left_to_the_window(qtbot: QtBot, rows: QListView, document: Document) -> None:
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    assert document.class_of(document.active_class or 0).name == "nut"
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_3, Qt.KeyboardModifier.NoModifier, "3")
    QApplication.sendEvent(rows, event)
    assert not event.isAccepted()


def test_a_double_click_renames_in_place(qtbot: QtBot, rows: QListView, document: Document) -> None:
    rename(qtbot, rows, 1, "wing <b>nut</b>")
    qtbot.waitUntil(lambda: document.classes[1].name == "wing <b>nut</b>")
    qtbot.waitUntil(lambda: names(rows)[1] == "wing <b>nut</b>")
    undoing.undo(document)
    qtbot.waitUntil(lambda: names(rows)[1] == "nut")


def test_a_name_that_is_taken_is_refused(qtbot: QtBot, rows: QListView, document: Document) -> None:
    with qtbot.waitSignal(document.refused) as told:
        rename(qtbot, rows, 1, "BOLT")
    assert told.args is not None
    assert "“bolt”" in told.args[0]
    assert names(rows)[1] == "nut"


def test_the_field_adds_a_class_which_is_then_active(
    qtbot: QtBot, panel: ClassesPanel, rows: QListView, document: Document
) -> None:
    field = next(f for f in panel.findChildren(QLineEdit) if f.placeholderText() == "New class…")
    qtbot.keyClicks(field, "  washer ")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert names(rows) == ["bolt", "nut", "gear", "washer"]
    assert document.class_of(document.active_class or 0).name == "washer"
    assert field.text() == ""


def test_a_click_on_the_swatch_opens_the_colours(
    qtbot: QtBot, panel: ClassesPanel, rows: QListView, document: Document
) -> None:
    active = document.active_class
    click(qtbot, rows, row_parts(rect(rows, 1)).swatch.center())
    dialog = panel.findChild(QColorDialog)
    assert dialog is not None
    dialog.setCurrentColor(QColor("#123456"))
    dialog.accept()
    assert document.classes[1].colour == "#123456"
    assert document.active_class == active


def test_the_button_of_an_unused_class_asks_for_its_removal(
    qtbot: QtBot, panel: ClassesPanel, rows: QListView, document: Document
) -> None:
    with qtbot.waitSignal(panel.removal_wanted) as asked:
        click(qtbot, rows, row_parts(rect(rows, 1)).removal.center())
    assert asked.args == [document.classes[1].id]


def test_delete_asks_for_the_removal_of_a_class_in_use_too(
    qtbot: QtBot, panel: ClassesPanel, rows: QListView, document: Document
) -> None:
    with qtbot.waitSignal(panel.removal_wanted) as asked:
        qtbot.keyClick(rows, Qt.Key.Key_Delete)
    assert asked.args == [document.classes[0].id]
    assert len(document.classes) == 3


def test_a_click_where_a_used_class_has_its_number_only_chooses_it(
    qtbot: QtBot, rows: QListView, document: Document
) -> None:
    document.set_active_class(document.classes[2].id)
    click(qtbot, rows, row_parts(rect(rows, 0)).removal.center())
    assert document.active_class == document.classes[0].id
    assert len(document.classes) == 3


def test_the_summary_counts(qtbot: QtBot, panel: ClassesPanel, document: Document) -> None:
    assert "3 classes, 1 in use" in [label.text() for label in panel.findChildren(QLabel)]
    document.set_active_class(document.classes[1].id)
    box_verbs.draw(document, (50, 10, 80, 40))
    qtbot.waitUntil(lambda: "3 classes, 2 in use" in [label.text() for label in panel.findChildren(QLabel)])


def test_unused_classes_of_a_model_are_folded_away(
    qtbot: QtBot, panel: ClassesPanel, rows: QListView, document: Document, make_pass: MakePass
) -> None:
    make_pass({0: []}, names=MANY)
    qtbot.waitUntil(lambda: names(rows) == ["bolt", "nut", "gear", "20 more from the model"])
    click(qtbot, rows, rect(rows, 3).center())
    assert names(rows)[3:5] == ["Hide 20 unused", "thing 0"]
    assert [item.name for item in panel.listed()] == ["bolt", "nut", "gear"]
    click(qtbot, rows, rect(rows, 3).center())
    assert len(names(rows)) == 4


def drag(rows: QListView, start: QPoint, end: QPoint) -> None:
    """With the left button, in steps; what is seen meanwhile is for others to test."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    steps = [(QEvent.Type.MouseButtonPress, start, left)]
    steps += [(QEvent.Type.MouseMove, start + (end - start) * n / 4, none) for n in range(1, 5)]
    steps += [(QEvent.Type.MouseButtonRelease, end, left)]
    for kind, place, button in steps:
        held = none if kind is QEvent.Type.MouseButtonRelease else left
        point, there = QPointF(place), QPointF(rows.viewport().mapToGlobal(place))
        event = QMouseEvent(kind, point, there, button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(rows.viewport(), event)


@pytest.mark.parametrize(
    ("source", "target", "expected"), [(0, 2, "nut gear bolt"), (2, 0, "gear bolt nut"), (1, 2, "bolt gear nut")]
)
def test_a_class_is_dragged_to_another_place(
    qtbot: QtBot, rows: QListView, document: Document, source: int, target: int, expected: str
) -> None:
    ids = {item.category_id for item in document.classes}
    end = rect(rows, target)
    drag(rows, row_parts(rect(rows, source)).name.center(), QPoint(60, end.bottom() - 2 if target else end.top() + 2))
    qtbot.waitUntil(lambda: " ".join(names(rows)) == expected)
    assert {item.category_id for item in document.classes} == ids
    undoing.undo(document)
    qtbot.waitUntil(lambda: names(rows) == ["bolt", "nut", "gear"])


def test_a_click_that_trembles_is_no_drag(qtbot: QtBot, rows: QListView, document: Document) -> None:
    place = row_parts(rect(rows, 2)).name.center()
    drag(rows, place, place + QPoint(2, -3))
    assert [item.name for item in document.classes] == ["bolt", "nut", "gear"]
    assert document.class_of(document.active_class or 0).name == "gear"


def test_alt_and_an_arrow_move_a_class(qtbot: QtBot, rows: QListView, document: Document) -> None:
    for key, expected in (
        (Qt.Key.Key_Down, "nut bolt gear"),
        (Qt.Key.Key_Down, "nut gear bolt"),
        (Qt.Key.Key_Down, "nut gear bolt"),
        (Qt.Key.Key_Up, "nut bolt gear"),
    ):
        qtbot.keyClick(rows, key, Qt.KeyboardModifier.AltModifier)
        qtbot.waitUntil(lambda expected=expected: " ".join(names(rows)) == expected)


def test_the_eye_hides_and_shows_the_boxes_of_a_class(
    qtbot: QtBot, panel: ClassesPanel, rows: QListView, document: Document
) -> None:
    button = next(each for each in panel.findChildren(QPushButton))
    assert not button.isVisible()
    active = document.active_class
    click(qtbot, rows, row_parts(rect(rows, 0)).eye.center())
    qtbot.waitUntil(button.isVisible)
    assert (button.text(), document.shown, document.unseen) == ("1 hidden", (), 1)
    click(qtbot, rows, row_parts(rect(rows, 0)).eye.center())
    assert len(document.shown) == 1
    click(qtbot, rows, row_parts(rect(rows, 0)).eye.center())
    qtbot.waitUntil(button.isVisible)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert len(document.shown) == 1
    assert document.active_class == active


def menu(rows: QListView, row: int) -> dict[str, QAction]:
    """What the menu of a row offers, by its words."""
    place = rect(rows, row).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, rows.viewport().mapToGlobal(place))
    QApplication.sendEvent(rows.viewport(), event)
    opened = rows.findChildren(QMenu)[-1]
    opened.hide()
    return {action.text(): action for action in opened.actions()}


def test_the_menu_hides_all_other_classes_and_asks_for_a_merge(
    qtbot: QtBot, panel: ClassesPanel, rows: QListView, document: Document
) -> None:
    menu(rows, 1)["Hide all others"].trigger()
    assert document.limits.hidden == {document.classes[0].id, document.classes[2].id}
    with qtbot.waitSignal(panel.merge_wanted) as asked:
        menu(rows, 1)["Merge into…"].trigger()
    assert asked.args is not None
    assert asked.args[0] == document.classes[1].id
    menu(rows, 2)["Move up"].trigger()
    assert [item.name for item in document.classes] == ["bolt", "gear", "nut"]
    assert "Remove…" in menu(rows, 0)  # in use: there will be a question
    assert "Remove" in menu(rows, 1)


def test_classes_are_not_dragged_behind_the_fold(
    qtbot: QtBot, rows: QListView, document: Document, make_pass: MakePass
) -> None:
    make_pass({0: []}, names=MANY)
    qtbot.waitUntil(lambda: len(names(rows)) == 4)
    drag(rows, row_parts(rect(rows, 0)).name.center(), QPoint(60, rect(rows, 3).bottom()))
    qtbot.waitUntil(lambda: names(rows)[:3] == ["nut", "gear", "bolt"])
    assert [item.name for item in document.classes][:4] == ["nut", "gear", "bolt", "thing 0"]


def test_a_read_only_project_takes_no_class(qtbot: QtBot, panel: ClassesPanel, document: Document) -> None:
    field = next(f for f in panel.findChildren(QLineEdit) if f.placeholderText() == "New class…")
    assert field.isEnabled()
    document.detach()
    qtbot.waitUntil(lambda: not field.isEnabled())


def made(number: int, *, pass_id: int | None = None) -> ProjectClass:
    return ProjectClass(number, f"class {number}", "#000000", number, number, pass_id)


def test_only_long_lists_are_folded() -> None:
    few = [made(number, pass_id=7) for number in range(4)]
    assert [type(row) for row in listed(few, {}, active=None, is_open=False)] == [ClassRow] * 4


def test_digits_do_not_depend_on_the_active_class() -> None:
    classes = [made(number, pass_id=7) for number in range(30)]
    counts = {3: 5, 9: 1}

    def digits(active: int) -> dict[int, int]:
        rows = listed(classes, counts, active=active, is_open=True)
        return {row.entry.id: row.digit for row in rows if isinstance(row, ClassRow) and row.digit is not None}

    assert digits(3) == digits(0) == digits(29) == {3: 1, 9: 2}
    rows = listed(classes, counts, active=5, is_open=False)
    assert [row.entry.id for row in rows if isinstance(row, ClassRow)] == [3, 5, 9]
    assert rows[-1] == FoldRow(27, False)


def test_there_are_nine_digits() -> None:
    rows = listed([made(number) for number in range(11)], {}, active=None, is_open=False)
    assert [row.digit for row in rows if isinstance(row, ClassRow)] == [*range(1, 10), None, None]


def test_the_parts_of_a_row_do_not_overlap() -> None:
    parts = row_parts(QRect(0, 32, 232, 32))
    in_order = [parts.swatch, parts.name, parts.eye, parts.number, parts.chip]
    for left, right in pairwise(in_order):
        assert left.right() < right.left()
    assert all(QRect(0, 32, 232, 32).contains(part) for part in (*in_order, parts.removal))
