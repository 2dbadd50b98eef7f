"""Evaluation as the window sees it, with a worker that is told what it measures."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.background import evaluating
from app.background.evaluating import Evaluating
from app.background.evaluation_work import Kept, Looked, Report
from app.background.model_work import Studio
from app.document import Document
from app.image_filter import ImageFilter, ImageGroup
from app.jobs import Jobs
from app.model_choice import ModelInUse
from app.notifications import Notice, Notifications
from app.panels.evaluation import EvaluationPanel
from app.settings import Settings
from app.verbs.box_verbs import draw
from app.verbs.class_verbs import add_class
from app.verbs.image_verbs import set_side, show_group
from app.verbs.reviewing import review
from detector.data.split import Side
from detector.training.confusion import Outcome

BOX = (10.0, 10.0, 40.0, 40.0)


class Worker:
    """What the worker finds, and when it goes on."""

    def __init__(self) -> None:
        self.kept = Kept(None)
        self.asked: list[tuple[str, str]] = []
        self.may_end = threading.Event()

    def read(self, project: object, source: str) -> Iterator[Kept]:
        yield self.kept

    def measure(self, project: object, source: str, device: str) -> Iterator[Any]:
        self.asked.append((source, device))
        yield Looked(1, 2, "CPU")
        while not self.may_end.wait(0.01):
            yield Looked(1, 2, "CPU")
        yield self.kept


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    made = Worker()
    monkeypatch.setattr(evaluating, "read_kept", made.read)
    monkeypatch.setattr(evaluating, "measure", made.measure)
    return made


@pytest.fixture
def evaluation(qtbot: QtBot, document: Document, jobs: Jobs, worker: Worker, tmp_path: Path) -> Evaluating:
    add_class(document, "bolt")
    ids = list(document.visible)
    for image_id in ids[:2]:
        document.show(image_id)
        draw(document, BOX)
        review(document)
    set_side(document, ids[:2], Side.VAL)
    panel = EvaluationPanel()
    qtbot.addWidget(panel)
    settings = Settings(tmp_path / "settings.ini")
    made = Evaluating(Studio(document, jobs, Notifications(), ModelInUse(document, settings)), panel=panel)
    panel.show()
    qtbot.waitUntil(lambda: not jobs.running)
    return made


def report_on(document: Document) -> Report:
    (bolt,) = document.classes
    first = document.visible[0]
    return Report("Starter", "2026-01-01T00:00:00", 2, 0, {"AP": 0.5}, {bolt.id: 0.5}, {}, {bolt.id: 0.3},
                  (Outcome(first, bolt.id, None),))  # fmt: skip


def test_measuring_fills_the_panel(
    qtbot: QtBot, evaluation: Evaluating, worker: Worker, document: Document, jobs: Jobs
) -> None:
    panel = evaluation._panel
    assert panel._where.text() == "2 validation images to measure on"
    worker.kept = Kept(report_on(document))
    panel._measure.click()
    qtbot.waitUntil(lambda: panel._where.text() == "1 of 2 images · CPU")
    panel.measure_wanted.emit()  # once is enough
    worker.may_end.set()
    qtbot.waitUntil(lambda: not jobs.running)
    assert worker.asked == [("starter", "auto")]
    assert panel._where.text().startswith("Measured on 2 validation images")
    assert panel.classes.item(0, 0).text() == "bolt"


def test_measuring_is_stopped_and_by_another_model_too(
    qtbot: QtBot, evaluation: Evaluating, worker: Worker, document: Document, jobs: Jobs
) -> None:
    panel = evaluation._panel
    worker.kept = Kept(report_on(document))
    for stop in (panel._stop.click, lambda: evaluation._model.choose("/elsewhere.safetensors")):
        panel._measure.click()
        qtbot.waitUntil(lambda: panel._where.text() == "1 of 2 images · CPU")
        worker.kept = Kept(None)
        stop()
        qtbot.waitUntil(lambda: not jobs.running)
        assert panel._measure.isVisible()
        assert panel._empty.isVisible()
        worker.kept = Kept(report_on(document))


def test_what_is_known_is_shown_when_one_looks(
    qtbot: QtBot, evaluation: Evaluating, worker: Worker, document: Document, jobs: Jobs
) -> None:
    panel = evaluation._panel
    panel.hide()
    worker.kept = Kept(report_on(document), is_current=False)
    panel.show()
    qtbot.waitUntil(lambda: "labels have changed" in panel._where.text())


def test_a_device_that_works_is_left_to_its_work(
    qtbot: QtBot, evaluation: Evaluating, worker: Worker, jobs: Jobs
) -> None:
    told: list[Notice] = []
    evaluation._notifications.posted.connect(told.append)
    release = threading.Event()
    jobs.start("Auto-labelling", lambda: iter(release.wait, True), device=True)
    evaluation._panel._measure.click()
    release.set()
    assert told[-1].text.startswith("Auto-labelling is still running")
    assert worker.asked == []
    qtbot.waitUntil(lambda: not jobs.running)


def test_images_behind_a_number_are_shown(document: Document) -> None:
    ids = list(document.visible)
    group = ImageGroup("bolt: missed", frozenset(ids[3:5]))
    show_group(document, group)
    assert (document.filter, document.current) == (ImageFilter(among=group), ids[3])
    show_group(document, ImageGroup("bolt", frozenset(ids[3:])))
    assert document.current == ids[3]
