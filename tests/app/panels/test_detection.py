"""The score threshold: it acts at once, keeps its keys, and tells what it leaves."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSlider
from pytestqt.qtbot import QtBot

from app.document import Document
from app.limits import with_class
from app.panels.detection import DetectionPanel, newest, pass_text, total_text
from app.verbs.class_verbs import hide_classes
from app.widgets.threshold_list import ThresholdList
from detector.data.project.proposals import Limits
from detector.data.project.records import Pass
from detector.data.project.store import Project

MakePass = Callable[..., None]
LEFT, RIGHT = (5.0, 5.0, 25.0, 25.0), (50.0, 5.0, 85.0, 50.0)


@pytest.fixture
def panel(qtbot: QtBot, document: Document, make_pass: MakePass) -> DetectionPanel:
    """The panel on screen, over proposals of scores 0.4, 0.6 and 0.9 in two images."""
    make_pass({0: [(LEFT, 0.6, 1), (RIGHT, 0.9, 0)], 1: [(LEFT, 0.4, 0)]})
    made = DetectionPanel(document)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def slider(panel: DetectionPanel) -> QSlider:
    """The slider, with the focus."""
    found = panel.findChild(QSlider)
    assert found is not None
    found.setFocus()
    return found


def texts(panel: DetectionPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel)]


def test_at_first_the_model_decides(panel: DetectionPanel, slider: QSlider) -> None:
    assert "model's own" in texts(panel)
    assert "3 proposals in 2 images" in texts(panel)
    assert slider.value() == 35


def test_keys_move_the_slider_and_the_proposals_follow(
    qtbot: QtBot, panel: DetectionPanel, slider: QSlider, document: Document
) -> None:
    for _ in range(2):
        qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert document.limits.overall == pytest.approx(0.46)
    assert {"0.46", "2 proposals in 1 image"} <= set(texts(panel))
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert {"1.00", "No proposals"} <= set(texts(panel))


def test_the_value_follows_even_where_the_proposals_stay(qtbot: QtBot, panel: DetectionPanel, slider: QSlider) -> None:
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert {"0.36", "3 proposals in 2 images"} <= set(texts(panel))


def test_the_button_gives_the_decision_back_to_the_model(
    qtbot: QtBot, panel: DetectionPanel, slider: QSlider, document: Document
) -> None:
    button = panel.findChild(QPushButton)
    assert button is not None
    assert not button.isVisible()
    qtbot.keyClick(slider, Qt.Key.Key_End)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert document.limits.overall is None
    assert slider.value() == 35
    assert "3 proposals in 2 images" in texts(panel)


def by_class(panel: DetectionPanel) -> ThresholdList:
    """The list, unfolded."""
    fold = next(button for button in panel.findChildren(QPushButton) if button.text().startswith("By class"))
    fold.setChecked(True)
    found = panel.findChild(ThresholdList)
    assert found is not None
    assert found.isVisible()
    return found


def scores(rows: ThresholdList) -> list[tuple[str, float, int]]:
    return [(row.entry.name, row.score, row.proposals) for row in rows.model_.rows]


def test_a_class_can_have_a_threshold_of_its_own(
    qtbot: QtBot, panel: DetectionPanel, slider: QSlider, document: Document, tmp_path: Path
) -> None:
    rows, (bolt, nut) = by_class(panel), (item.id for item in document.classes)
    assert scores(rows) == [("bolt", 0.35, 2), ("nut", 0.35, 1)]
    rows.score_wanted.emit(bolt, 0.5)
    assert scores(rows) == [("bolt", 0.5, 1), ("nut", 0.35, 1)]
    assert "2 proposals in 1 image" in texts(panel)
    qtbot.keyClick(slider, Qt.Key.Key_End)  # for all that have none of their own
    assert scores(rows) == [("bolt", 0.5, 1), ("nut", 1.0, 0)]
    document.detach()
    document.attach(Project.open(tmp_path))
    assert document.limits == Limits(1.0, {bolt: 0.5})
    document.set_limits(with_class(document.limits, bolt, None))
    assert document.limits == Limits(1.0)
    assert nut in {item.id for item in document.classes}


def test_the_button_takes_all_thresholds_back(qtbot: QtBot, panel: DetectionPanel, document: Document) -> None:
    rows = by_class(panel)
    rows.score_wanted.emit(document.classes[0].id, 0.99)
    button = next(button for button in panel.findChildren(QPushButton) if button.text() == "Model's own")
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert document.limits == Limits()
    assert scores(rows) == [("bolt", 0.35, 2), ("nut", 0.35, 1)]
    assert not button.isVisible()


def test_hidden_classes_have_no_row(panel: DetectionPanel, document: Document) -> None:
    rows = by_class(panel)
    hide_classes(document, [document.classes[0].id])
    assert [row.entry.name for row in rows.model_.rows] == ["nut"]


def test_it_names_the_last_pass(panel: DetectionPanel) -> None:
    assert any(text.startswith("Last pass: D0, today at ") for text in texts(panel))


def test_without_a_project_it_is_off(panel: DetectionPanel, document: Document) -> None:
    document.detach()
    assert not panel.isEnabled()


def make(number: int, created: str, *, active: bool = True) -> Pass:
    return Pass(number, "D0", "d0", {}, {}, created, active)


def test_a_pass_that_was_undone_is_not_the_last() -> None:
    passes = [make(1, "2026-03-04T10:00:00+00:00"), make(2, "2026-03-05T10:00:00+00:00", active=False)]
    assert newest(passes) == passes[0]
    assert newest([]) is None


def test_the_time_of_a_pass_is_told_as_people_do() -> None:
    now = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
    assert pass_text(make(1, "2026-03-05T09:05:00+00:00"), now) == "Last pass: D0, today at 09:05."
    assert pass_text(make(1, "2026-03-04T23:59:00+00:00"), now) == "Last pass: D0, on 4 Mar 2026 at 23:59."
    assert pass_text(None, now).startswith("No model has looked")


def test_numbers_agree_with_their_nouns() -> None:
    assert total_text(1, 1) == "1 proposal in 1 image"
    assert total_text(1204, 412) == "1,204 proposals in 412 images"
