"""The list of thresholds by class: what is in it, and that mouse and keys set what they say."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from pytestqt.qtbot import QtBot

from app.widgets.threshold_list import HIGHEST, LOWEST, ThresholdList, ThresholdRow, row_parts, rows_of, score_at
from detector.data.project.proposals import Limits
from detector.data.project.records import ProjectClass

BOLT, NUT, GEAR, CAR = (ProjectClass(n, name, "#000000", n, n) for n, name in enumerate(("bolt", "nut", "gear", "car")))
ALL = (BOLT, NUT, GEAR, CAR)
LEFT = Qt.MouseButton.LeftButton


def test_listed_are_the_classes_that_a_model_finds_and_that_show():
    limits = Limits(None, {NUT.id: 0.6}, frozenset({GEAR.id}))
    rows = rows_of(ALL, limits, own={BOLT.id: 0.2}, proposals={BOLT.id: 5, NUT.id: 0, GEAR.id: 7})
    assert rows == [ThresholdRow(BOLT, 0.2, False, 5), ThresholdRow(NUT, 0.6, True, 0)]
    assert rows_of(ALL, Limits(0.5), own={BOLT.id: 0.2}, proposals={BOLT.id: 5})[0].score == 0.5
    assert rows_of(ALL, Limits(), own={}, proposals={CAR.id: 1})[0].score == 0.35


def test_the_track_runs_from_the_lowest_score_to_one():
    track = QRect(100, 10, 95, 4)
    assert score_at(track, 100) == score_at(track, 0) == LOWEST
    assert score_at(track, 195) == score_at(track, 999) == HIGHEST
    assert score_at(track, 130) == 0.35


@pytest.mark.parametrize("width", [180, 264, 400])
def test_the_parts_of_a_row_do_not_overlap(width: int):
    row = QRect(0, 30, width, 30)
    parts = row_parts(row)
    in_order = [parts.swatch, parts.name, parts.track, parts.value, parts.number]
    for left, right in pairwise(in_order):
        assert left.right() < right.left()
    assert all(row.contains(part) for part in in_order)


@pytest.fixture
def made(qtbot: QtBot) -> ThresholdList:
    """The list on screen: bolt without a score of its own, nut with one."""
    found = ThresholdList()
    qtbot.addWidget(found)
    found.model_.set_rows([ThresholdRow(BOLT, 0.35, False, 5), ThresholdRow(NUT, 0.6, True, 2)])
    found.resize(264, 90)
    with qtbot.waitExposed(found):
        found.show()
    return found


@pytest.fixture
def asked(made: ThresholdList) -> list[tuple[int, float | None]]:
    wishes: list[tuple[int, float | None]] = []
    made.score_wanted.connect(lambda class_id, score: wishes.append((class_id, score)))
    return wishes


def track(made: ThresholdList, row: int) -> QRect:
    return row_parts(made.visualRect(made.model_.index(row))).track


def test_the_mouse_takes_the_handle_along(qtbot: QtBot, made: ThresholdList, asked: list):
    view, line = made.viewport(), track(made, 0)
    qtbot.mousePress(view, LEFT, pos=QPoint(line.left(), line.center().y()))
    qtbot.mouseMove(view, QPoint(line.left() + line.width() + 40, line.center().y() + 40))  # away from the row, too
    qtbot.mouseRelease(view, LEFT)
    assert asked == [(BOLT.id, LOWEST), (BOLT.id, HIGHEST)]
    qtbot.mouseMove(view, line.topLeft())
    assert len(asked) == 2


def test_a_click_beside_the_track_sets_nothing(qtbot: QtBot, made: ThresholdList, asked: list):
    qtbot.mouseClick(made.viewport(), LEFT, pos=row_parts(made.visualRect(made.model_.index(0))).name.center())
    assert asked == []


def test_a_double_click_on_the_value_gives_it_up(qtbot: QtBot, made: ThresholdList, asked: list):
    place = row_parts(made.visualRect(made.model_.index(1))).value.center()
    qtbot.mouseDClick(made.viewport(), LEFT, pos=place)
    assert asked == [(NUT.id, None)]


def test_keys_move_the_handle(qtbot: QtBot, made: ThresholdList, asked: list):
    made.setCurrentIndex(made.model_.index(0))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_PageDown, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Delete):
        qtbot.keyClick(made, key)
    assert asked == [(BOLT.id, 0.36), (BOLT.id, 0.30), (NUT.id, 0.59), (NUT.id, None)]
