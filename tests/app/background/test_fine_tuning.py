"""Fine-tuning as the window sees it, without a process: the sheet's data, and what its ways out do."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.background import fine_tune_sheet, run_history
from app.background.fine_tuning import FineTuning, read_pictures
from app.background.model_work import Studio
from app.background.training_process import Run, _write
from app.dialogs.fine_tune import FineTuneDialog
from app.document import Document
from app.image_filter import ImageFilter, ImageGroup
from app.jobs import Jobs
from app.model_choice import ModelInUse
from app.notifications import Notice, Notifications
from app.panels.fusion import FusionPanel
from app.panels.training import TrainingPanel, View
from app.settings import Settings
from app.verbs import box_verbs
from app.verbs.class_verbs import add_class
from app.verbs.image_verbs import set_side
from app.verbs.reviewing import review
from app.worker_results import note_labelled
from detector.boxes import Detections
from detector.data.project.store import Project
from detector.data.split import Side
from detector.data.training_data import Fault
from detector.events import RunFinished, RunStarted, to_json
from detector.model.weights import STARTER
from detector.training.run_folder import BEST, EVENTS

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
        panel.show()
    made = FineTuning(
        Studio(document, jobs, Notifications(), ModelInUse(document, settings)),
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


def write_run(document: Document, name: str, *, created: str = "2026-01-01T00:00:00") -> Path:
    """A run that has made the starter into a better model, as the process would have left it."""
    assert document.project is not None
    folder = document.project.home / "runs" / name
    folder.mkdir(parents=True)
    _write(Run(folder, "Starter", "starter", created, {}, ("gone", name), 2**22 + 1, 0.0))
    end = RunFinished(9, "done", 60.0, str(folder / BEST), {"AP": 0.6}, {"AP": 0.4})
    started = RunStarted("d0", ("bolt",), 384, 2, 2, 9, 8, "CPU")
    (folder / EVENTS).write_text(f"{to_json(started)}\n{to_json(end)}\n", "utf-8")
    shutil.copyfile(STARTER, folder / BEST)
    return folder


def followed(qtbot: QtBot, tuning: FineTuning) -> TrainingPanel:
    tuning._show_newest()
    assert tuning.watcher is not None
    qtbot.waitUntil(lambda: tuning.watcher is not None and tuning.watcher.state.has_ended)
    return tuning._training


def test_the_new_model_is_used_and_given_back_with_its_proposals(
    qtbot: QtBot, tuning: FineTuning, document: Document
) -> None:
    ids = list(document.visible)
    best = write_run(document, "night") / BEST
    panel = followed(qtbot, tuning)
    panel._on_use()
    assert tuning._model.source == str(best)
    assert panel.banner.text.text().endswith("The new model is in use.")
    assert document.project is not None
    made = document.project.passes.begin(
        model="night", source=str(best), names=["bolt"], category_ids=[1], thresholds={}
    )
    found = Detections(
        np.array([BOX], np.float32), np.ones(1, np.float32), np.zeros(1, np.int64), np.zeros(1, np.int64)
    )
    document.project.predictions.put(made.id, [(ids[5], found)])
    document.read_classes()
    note_labelled(document, [ids[5]])
    assert document.tally.proposals.get(ids[5], 0) == 1
    panel.banner.revert.click()
    assert tuning._model.source == "starter"
    assert document.tally.proposals.get(ids[5], 0) == 0
    assert panel.banner.text.text().endswith("The new model is not in use.")
    panel.banner.use.click()
    assert tuning._model.source == str(best)
    assert document.tally.proposals.get(ids[5], 0) == 1


def test_runs_are_listed_renamed_shown_and_deleted(
    qtbot: QtBot, tuning: FineTuning, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest, old = (write_run(document, name, created=f"2026-01-0{day}T00:00:00") for name, day in (("b", 2), ("a", 1)))
    panel = followed(qtbot, tuning)
    panel._chips[View.RUNS].click()
    table = panel.runs.table
    qtbot.waitUntil(lambda: table.rowCount() == 2)
    table.setCurrentCell(1, 0)
    panel.runs.rename_wanted.emit(panel.runs.chosen(), " dusk ")
    qtbot.waitUntil(lambda: table.item(1, 0).text() == "dusk")
    panel.runs._buttons["Show curves"].click()
    qtbot.waitUntil(lambda: tuning.watcher is not None and tuning.watcher.state.has_ended)
    assert tuning.watcher is not None
    assert tuning.watcher.run.folder == old
    assert panel.verdict is None  # of an old run nobody is asked
    panel.runs._buttons["Use model"].click()
    assert tuning._model.source == str(old / BEST)
    assert table.item(1, 0).text() == "dusk  ·  in use"
    told: list[Notice] = []
    tuning._notifications.posted.connect(told.append)
    panel.runs._buttons["Delete…"].click()
    assert "is in use; choose another model first" in told[-1].text
    tuning._model.choose("starter")
    gone: list[Path] = []
    monkeypatch.setattr(run_history, "trash", lambda folder: (gone.append(folder), shutil.rmtree(folder))[1] is None)
    panel.runs._buttons["Delete…"].click()
    (box,) = panel.findChildren(QMessageBox)
    assert "Move the run dusk to the trash?" in box.text()
    next(button for button in box.buttons() if button.text() == "Move to trash").click()
    qtbot.waitUntil(lambda: table.rowCount() == 1)
    assert gone == [old]
    assert tuning.watcher.run.folder == newest  # what was shown is gone


def test_runs_of_a_project_that_is_only_read_stay_as_they_are(
    qtbot: QtBot, tuning: FineTuning, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(document, "a", created="2026-01-01T00:00:00")
    panel = followed(qtbot, tuning)
    panel._chips[View.RUNS].click()
    qtbot.waitUntil(lambda: panel.runs.table.rowCount() == 1)
    panel.runs.table.setCurrentCell(0, 0)
    told: list[Notice] = []
    tuning._notifications.posted.connect(told.append)
    monkeypatch.setattr(document.opened, "read_only", "Another window has it.")
    panel.runs.rename_wanted.emit(panel.runs.chosen(), "dusk")
    panel.runs._buttons["Delete…"].click()
    assert [notice.text for notice in told] == ["Another window has it."] * 2
    assert not panel.findChildren(QMessageBox)
    assert folder.is_dir()


def test_a_run_that_has_told_its_end_keeps_nobody_waiting(
    qtbot: QtBot, tuning: FineTuning, document: Document, parent: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(document, "a")
    followed(qtbot, tuning)
    monkeypatch.setattr(Run, "is_alive", lambda run: True)  # its process is about to go
    opened(qtbot, tuning, parent).reject()
    tuning.close()
    told: list[Notice] = []
    tuning._notifications.posted.connect(told.append)
    assert document.project is not None
    (document.project.home / "runs" / "a" / EVENTS).write_text("")  # one that is at work
    tuning.ask(parent)
    assert "under way" in told[-1].text


def test_sample_pictures_are_read_with_their_widths(tmp_path: Path) -> None:
    Image.new("RGB", (2000, 1000), "red").save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(b"none")
    (found,) = read_pictures([str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")])
    ((picture, width),) = found.values()
    assert (width, picture.width(), picture.height()) == (2000, 720, 360)
    assert picture.pixelColor(5, 5).red() > 240


def faults(sheet: FineTuneDialog) -> set[Fault]:
    return {finding.fault for finding in sheet._findings.findings}


def opened(qtbot: QtBot, tuning: FineTuning, parent: QWidget) -> FineTuneDialog:
    tuning.ask(parent)
    sheet = tuning.sheet._sheet
    assert sheet is not None
    qtbot.waitUntil(lambda: sheet._training_data is not None and not tuning._jobs.running)
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
    assert tuning.sheet._sheet is None
    assert document.filter == ImageFilter(among=group)
    assert document.visible == ids[:2]
    assert document.current == ids[0]


def test_moving_near_duplicates_updates_plan_and_check(
    qtbot: QtBot, tuning: FineTuning, document: Document, parent: QWidget
) -> None:
    ids = list(document.visible)
    sheet = opened(qtbot, tuning, parent)
    assert "2 reviewed images train, 2 validate" in sheet._summary.text()
    sheet.one_side_wanted.emit(((ids[0], ids[2]),))
    assert "3 reviewed images train, 1 validates" in sheet._summary.text()
    qtbot.waitUntil(lambda: not tuning._jobs.running)
    assert sheet._training_data is not None
    assert sheet._training_data.validates.sum() == 1
    sheet.reject()
    qtbot.waitUntil(lambda: tuning.sheet._sheet is None)


def test_a_check_of_the_project_before_has_no_part_in_the_next_one(
    qtbot: QtBot, tuning: FineTuning, document: Document, parent: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    monkeypatch.setattr(fine_tune_sheet, "check_training_data", lambda _, looks: iter(given.append(looks) or ()))
    for _ in range(2):
        tuning.ask(parent)
        qtbot.waitUntil(lambda: not tuning._jobs.running)
        folder = document.opened.folder
        document.detach()
        document.attach(Project.open(folder))
        given[-1][1] = "what a worker that is still at it has just seen"
    assert given[0] is not given[1]
