"""The panel of evaluation: numbers, and the images behind them."""

import pytest
from PySide6.QtCore import QRectF, Qt
from pytestqt.qtbot import QtBot

from app.background.evaluation_work import Kept, Report
from app.image_filter import ImageGroup
from app.panels.evaluation import EvaluationPanel, View
from app.panels.evaluation_curves import PrecisionRecall, points
from app.widgets.plain_table import NARROWEST, PlainTable
from detector.data.project.records import ProjectClass
from detector.training.confusion import Outcome

NUT, BOLT, GEAR = (
    ProjectClass(id, name, "#3366cc", id, id) for id, name in enumerate(("<b>nut</b>", "bolt", "gear"), 1)
)
REPORT = Report(
    "Starter", "2026-01-02T03:04:05", 4, 1, {"AP": 0.41, "AP50": 0.6}, {1: 0.5, 2: 0.32},
    {1: tuple([1.0] * 51 + [0.0] * 50)}, {1: 0.3},
    (
        Outcome(10, 1, 1), Outcome(10, 1, 1), Outcome(11, 1, 2), Outcome(12, 1, None),
        Outcome(12, None, 1), Outcome(13, 2, 2),
    ),
)  # fmt: skip


@pytest.fixture
def panel(qtbot: QtBot) -> EvaluationPanel:
    made = EvaluationPanel()
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    made.set_classes([NUT, BOLT, GEAR])
    made.set_model("Starter · D0", images=5)
    return made


def texts(table: PlainTable) -> list[list[str]]:
    rows, columns = range(table.rowCount()), range(table.columnCount())
    return [[table.item(row, column).text() for column in columns] for row in rows]


def test_before_a_measurement_it_says_what_to_do(qtbot: QtBot, panel: EvaluationPanel) -> None:
    assert panel._empty.isVisible()
    assert panel._where.text() == "5 validation images to measure on"
    with qtbot.waitSignal(panel.measure_wanted):
        panel._measure.click()
    panel.set_model("Starter", images=0)
    assert not panel._measure.isEnabled()
    assert "No reviewed image validates yet" in panel._empty.text()


def test_measuring_says_how_far_it_is_and_can_be_stopped(qtbot: QtBot, panel: EvaluationPanel) -> None:
    panel.set_progress("2 of 5 images · CPU")
    assert (panel._measure.isVisible(), panel._stop.isVisible()) == (False, True)
    assert panel._where.text() == "2 of 5 images · CPU"
    with qtbot.waitSignal(panel.stop_wanted):
        panel._stop.click()
    panel.set_progress("")
    assert panel._measure.isVisible()


def test_a_report_is_told_in_numbers(panel: EvaluationPanel) -> None:
    panel.set_kept(Kept(REPORT))
    assert panel._where.text() == "Measured on 4 validation images, 02 Jan 2026 03:04 · 1 could not be read"
    assert [label.text() for label in panel._numbers.values()] == ["0.410", "0.600", *["–"] * 5]
    assert texts(panel.classes) == [
        ["<b>nut</b>", "0.50", "4", "2", "1", "1", "1", "0.67", "0.50", "0.30"],
        ["bolt", "0.32", "1", "1", "0", "0", "1", "0.50", "1.00", "unknown to it"],
    ]
    assert texts(panel.confusion) == [
        ["<b>nut</b>", "2", "1", "1"],
        ["bolt", "·", "1", "·"],
        ["nothing there", "1", "·", "·"],
    ]
    assert [panel.confusion.horizontalHeaderItem(n).text() for n in (1, 3)] == ["<b>nut</b>", "missed"]
    panel.set_kept(Kept(REPORT, is_current=False))
    assert "the labels have changed since: measure again" in panel._where.text()


def test_long_names_give_way_before_there_is_a_scroll_bar(qtbot: QtBot, panel: EvaluationPanel) -> None:
    long = ProjectClass(NUT.id, "a lock washer of galvanised steel, 24 mm", NUT.colour, 1, 1)
    panel.resize(850, 300)  # a window of 1440 px
    panel.set_classes([long, BOLT])
    panel.set_kept(Kept(REPORT))
    table = panel.classes
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() == 0)
    assert table.columnWidth(0) >= NARROWEST
    assert table.columnViewportPosition(9) + table.columnWidth(9) <= table.viewport().width()


@pytest.mark.parametrize(
    ("table", "place", "title", "ids"),
    [
        ("classes", (0, 3), "<b>nut</b>: found", {10}),
        ("classes", (0, 5), "<b>nut</b>: missed", {12}),
        ("classes", (1, 6), "bolt: false", {11}),
        ("confusion", (0, 2), "<b>nut</b> as bolt", {11}),
        ("confusion", (2, 1), "nothing there as <b>nut</b>", {12}),
    ],
)
def test_the_images_behind_a_number_are_one_click_away(
    qtbot: QtBot, panel: EvaluationPanel, table: str, place: tuple[int, int], title: str, ids: set[int]
) -> None:
    panel.set_kept(Kept(REPORT))
    panel._chips[View.CLASSES if table == "classes" else View.CONFUSION].click()
    shown: PlainTable = getattr(panel, table)
    item = shown.item(*place)
    with qtbot.waitSignal(panel.images_wanted) as wanted:
        qtbot.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, pos=shown.visualItemRect(item).center())
    assert wanted.args == [ImageGroup(title, frozenset(ids))]


def test_nothing_is_behind_a_zero(qtbot: QtBot, panel: EvaluationPanel) -> None:
    panel.set_kept(Kept(REPORT))
    item = panel.classes.item(1, 5)
    with qtbot.assertNotEmitted(panel.images_wanted):
        qtbot.mouseClick(
            panel.classes.viewport(), Qt.MouseButton.LeftButton, pos=panel.classes.visualItemRect(item).center()
        )


def test_a_click_on_a_title_sorts_by_the_number(panel: EvaluationPanel) -> None:
    panel.set_kept(Kept(REPORT))
    panel.classes.sortItems(1, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in texts(panel.classes)] == ["bolt", "<b>nut</b>"]


def test_curves_of_measured_classes_are_drawn(qtbot: QtBot, panel: EvaluationPanel) -> None:
    panel.set_kept(Kept(REPORT))
    panel._chips[View.CURVES].click()
    assert [name for name, _, _ in panel.curves._curves] == ["<b>nut</b>"]
    drawn = points(QRectF(10, 20, 100, 50), (1.0, 0.5, 0.0))
    assert [(point.x(), point.y()) for point in drawn] == [(10, 20), (60, 45), (110, 70)]
    chart = PrecisionRecall()
    qtbot.addWidget(chart)
    chart.resize(500, 160)
    blank = chart.grab().toImage()
    chart.show_curves([("nut", "#ff0000", (1.0, 1.0)), ("x", "#00ff00", ())])
    assert chart.grab().toImage() != blank


def test_coming_into_sight_asks_for_what_is_known(qtbot: QtBot, panel: EvaluationPanel) -> None:
    panel.hide()
    with qtbot.waitSignal(panel.shown):
        panel.show()
