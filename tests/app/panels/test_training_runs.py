"""All runs side by side, and the view of samples and classes."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QInputDialog, QMenu
from pytestqt.qtbot import QtBot

from app import theme
from app.background.run_records import RunRecord
from app.background.training_course import ClassChange
from app.background.training_process import Run
from app.panels.training_classes import ClassChanges
from app.panels.training_runs import TITLES, RunTable
from app.panels.training_samples import SampleStrip, fitted, places
from detector.events import RunFinished, RunStarted, SampleImage

STARTED = RunStarted("d0", ("nut",), 256, 1200, 30, 900, 8, "CPU")


def record(name: str, *, before: float | None = 0.4, after: float | None = 0.6, **values: object) -> RunRecord:
    run = Run(Path("/p/runs") / name, "Starter · D0", "starter", "2026-01-02T03:04:05", {"quick": True, "seed": 3}, ())
    end = RunFinished(900, "done", 61.0, "x", {}, {})
    given = {"finished": end, "step": 900, "checkpoint": run.folder / "best.safetensors", "alive": False, **values}
    return RunRecord(run, STARTED, before=before, after=after, **given)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def table(qtbot: QtBot) -> RunTable:
    made = RunTable()
    qtbot.addWidget(made)
    made.resize(900, 240)
    made.show()
    return made


def texts(table: RunTable, row: int) -> list[str]:
    items = [table.table.item(row, column) for column in range(table.table.columnCount())]
    return [item.text() for item in items if item is not None]


def test_options_and_measures_stand_side_by_side(table: RunTable) -> None:
    runs = [record("<b>a"), record("b", before=0.6, after=0.4), record("c", after=None, alive=True, finished=None)]
    table.set_records(runs, in_use="/p/runs/b/best.safetensors")
    assert texts(table, 0) == [
        "<b>a", "02 Jan 03:04", "Starter", "quick, seed 3", "1,200 + 30", "256", "900", "1 min 1 s", "0.40 → 0.60"
    ]  # fmt: skip
    assert texts(table, 1)[0] == "b  ·  in use"
    assert texts(table, 2)[6:] == ["900 …", "–", "not measured"]
    worse = table.table.item(1, 8)
    assert worse is not None
    assert worse.foreground().color() == QColor(theme.current().bad)
    table.set_records([replace(runs[0], run=replace(runs[0].run, processes=2))])
    assert texts(table, 0)[3] == "quick, seed 3, 2 GPUs"


def test_verbs_are_about_the_chosen_run(qtbot: QtBot, table: RunTable) -> None:
    runs = [record("a"), record("b", checkpoint=None), record("c", alive=True)]
    table.set_records(runs)
    for row, enabled in ((0, (True, True)), (1, (False, True)), (2, (True, False))):
        table.table.setCurrentCell(row, 0)
        assert (table._buttons["Use model"].isEnabled(), table._buttons["Delete…"].isEnabled()) == enabled
        with qtbot.waitSignal(table.show_wanted) as wanted:
            table._buttons["Show curves"].click()
        assert wanted.args == [runs[row]]
    table.set_records(runs[:1])
    with qtbot.waitSignal(table.removal_wanted):
        table._buttons["Delete…"].click()
    table._buttons["Rename…"].click()
    (dialog,) = table.findChildren(QInputDialog)
    dialog.setTextValue("night")
    with qtbot.waitSignal(table.rename_wanted) as renamed:
        dialog.accept()
    assert renamed.args == [runs[0], "night"]


def test_where_room_is_short_names_and_ap_stay_and_a_menu_has_the_verbs(qtbot: QtBot, table: RunTable) -> None:
    table.set_records([record("2026-11-22-101500"), record("b")])

    def shown() -> list[str]:
        view = table.table
        return [TITLES[place] for place in range(len(TITLES)) if not view.isColumnHidden(place)]

    assert shown() == list(TITLES)
    assert table._buttons["Use model"].isVisible()
    table.resize(360, 90)
    qtbot.waitUntil(lambda: shown()[0] == "Name" and shown()[-1] == "AP" and len(shown()) < 5)
    qtbot.waitUntil(lambda: table.table.horizontalScrollBar().maximum() == 0)
    assert table.table.visualItemRect(table.table.item(0, 0)).bottom() < table.table.viewport().height()
    assert not table._buttons["Use model"].isVisible()
    table._more.click()
    (menu,) = table.findChildren(QMenu)
    assert [action.text() for action in menu.actions()] == list(table._buttons)
    with qtbot.waitSignal(table.use_wanted):
        menu.actions()[1].trigger()
    menu.close()
    table.resize(900, 240)
    qtbot.waitUntil(lambda: shown() == list(TITLES))


def test_without_runs_nothing_can_be_done(table: RunTable) -> None:
    assert table.chosen() is None
    assert not any(button.isEnabled() for button in table._buttons.values())
    assert not table.table.isVisible()


def test_worse_classes_are_said_to_be_worse(qtbot: QtBot) -> None:
    view = ClassChanges()
    qtbot.addWidget(view)
    changes = [ClassChange("<b>dog", 0.4, 0.31), ClassChange("cow", None, 0.2), ClassChange("cat", 0.5, 0.5)]
    view.show_changes(changes, {"cow": 0.35})
    rows = [[view.item(row, column).text() for column in range(5)] for row in range(3)]
    assert rows == [
        ["<b>dog", "0.40", "0.31", "−0.09 worse", "–"],
        ["cow", "–", "0.20", "+0.20", "0.35"],
        ["cat", "0.50", "0.50", "same", "–"],
    ]


def test_samples_are_painted_firmer_the_surer_the_model_is(qtbot: QtBot) -> None:
    strip = SampleStrip()
    qtbot.addWidget(strip)
    strip.resize(400, 220)
    picture = QImage(100, 50, QImage.Format.Format_RGB888)
    picture.fill(QColor("black"))
    boxes, scores = ((20.0, 20.0, 80.0, 80.0), (120.0, 20.0, 180.0, 80.0)), (1.0, 0.1)
    strip.set_samples([SampleImage("/x/a.jpg", boxes, scores, ("nut", "nut"))])
    strip.set_pictures({"/x/a.jpg": (picture, 200)})
    strip.set_colours({"nut": "#ff0000"})
    shown = fitted(places(400, 220, 1)[0].adjusted(0, 0, 0, -20), 100, 50)
    scale, seen = shown.width() / 200, strip.grab().toImage()
    sure, unsure = (seen.pixelColor(round(shown.left() + x * scale), round(50 * scale)).red() for x in (20, 120))
    assert sure > 200
    assert 40 < unsure < 120
    strip.set_samples([])
    assert "No predictions yet" in strip._empty.text()
    assert strip._empty.isVisibleTo(strip)


def test_pictures_share_the_room() -> None:
    rects = places(432, 100, 3)
    assert [rect.width() for rect in rects] == [pytest.approx((432 - 32 - 32) / 3)] * 3
    assert rects[-1].right() == pytest.approx(432 - 16)
    assert places(400, 100, 0) == []
    assert fitted(QRectF(10, 0, 100, 100), 50, 100) == QRectF(10, 0, 50, 100)
