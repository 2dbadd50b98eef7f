"""Fine-tuning as the window sees it, without a process: the sheet's data, and what its ways out do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.background.fine_tuning import FineTuning
from app.dialogs.fine_tune import FineTuneDialog
from app.document import Document
from app.image_filter import ImageFilter, ImageGroup
from app.jobs import Jobs
from app.model_choice import ModelInUse
from app.notifications import Notifications
from app.panels.fusion import FusionPanel
from app.panels.training import TrainingPanel
from app.settings import Settings
from app.verbs import box_verbs
from app.verbs.class_verbs import add_class
from app.verbs.image_verbs import set_side
from app.verbs.reviewing import review
from detector.data.lesson import Fault
from detector.data.split import Side

BOX = (10.0, 10.0, 40.0, 40.0)


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def tuning(qtbot: QtBot, document: Document, jobs: Jobs, parent: QWidget, tmp_path: Path) -> Iterator[FineTuning]:
    """On the document, four of whose images are reviewed with a box: two train, two validate, and all look alike."""
    settings = Settings(tmp_path / "settings.ini")
    training, fusion = TrainingPanel(), FusionPanel()
    for panel in (training, fusion):
        qtbot.addWidget(panel)
    made = FineTuning(
        document, jobs, Notifications(), ModelInUse(document, settings),
        settings=settings, training=training, fusion=fusion, parent=parent,
    )  # fmt: skip
    add_class(document, "bolt")
    ids = list(document.visible)
    for image_id in ids[:4]:
        document.show(image_id)
        box_verbs.draw(document, BOX)
        review(document)
    set_side(document, ids[:2], Side.TRAIN)
    set_side(document, ids[2:4], Side.VAL)
    yield made
    made.close()


def faults(sheet: FineTuneDialog) -> set[Fault]:
    return {finding.fault for finding in sheet._findings.findings}


def opened(qtbot: QtBot, tuning: FineTuning, parent: QWidget) -> FineTuneDialog:
    tuning.ask(parent)
    sheet = tuning._sheet
    assert sheet is not None
    qtbot.waitUntil(lambda: tuning._checking is not None and sheet._lesson is not None and not tuning._jobs.running)
    return sheet


def test_the_sheet_shows_what_the_check_finds_and_the_images_behind_it(
    qtbot: QtBot, tuning: FineTuning, document: Document, parent: QWidget
) -> None:
    ids = list(document.visible)
    document.show(ids[5])
    sheet = opened(qtbot, tuning, parent)
    assert faults(sheet) == {Fault.FEW}  # pictures of one colour look like nothing
    (group,) = (ImageGroup("Few boxes", frozenset(ids[:2])),)
    sheet._findings.images_wanted.emit(group)
    assert tuning._sheet is None
    assert document.filter == ImageFilter(among=group)
    assert document.visible == ids[:2]
    assert document.current == ids[0]


def test_moving_twins_updates_plan_and_check(
    qtbot: QtBot, tuning: FineTuning, document: Document, parent: QWidget
) -> None:
    ids = list(document.visible)
    sheet = opened(qtbot, tuning, parent)
    assert "2 reviewed images train, 2 validate" in sheet._summary.text()
    sheet.one_side_wanted.emit(((ids[0], ids[2]),))
    assert "3 reviewed images train, 1 validates" in sheet._summary.text()
    qtbot.waitUntil(lambda: not tuning._jobs.running)
    assert sheet._lesson is not None
    assert sheet._lesson.validates.sum() == 1
    sheet.reject()
    qtbot.waitUntil(lambda: tuning._sheet is None)
