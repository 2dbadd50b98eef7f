"""What a person asks of auto-labelling: with the chosen model, and with an answer where that is not to be had."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.background.auto_labelling import AutoLabelling
from app.background.class_work import ClassWork
from app.background.labelling_requests import LabellingRequests
from app.background.weights_download import WeightsDownload
from app.dialogs.class_map import ClassMapDialog
from app.document import Document
from app.jobs import BusyError, Jobs
from app.model_choice import ModelInUse
from app.notifications import Notice, Notifications
from app.settings import Settings
from app.verbs.class_verbs import add_class

MakePass = Callable[..., None]


class Asked:
    """Requests, with what they ask of auto-labelling and tell the person."""

    def __init__(self, qtbot: QtBot, document: Document, jobs: Jobs, settings: Path) -> None:
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.notices: list[Notice] = []
        notifications = Notifications(self.window)
        notifications.posted.connect(self.notices.append)
        self.labelling = AutoLabelling(document, jobs, notifications, self.window)
        self.model = ModelInUse(document, Settings(settings), self.window)
        weights = WeightsDownload(jobs, notifications, self.model, parent=self.window)
        self.requests = LabellingRequests(
            document,
            self.labelling,
            self.model,
            weights,
            classes=ClassWork(document, jobs, self.window),
            notifications=notifications,
            parent=self.window,
        )


@pytest.fixture
def asked(qtbot: QtBot, document: Document, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", str(tmp_path / "weights"))
    return Asked(qtbot, document, jobs, tmp_path / "settings.ini")


@pytest.fixture
def calls(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        asked.labelling, "label_images", lambda ids, again=False, **how: made.append((list(ids), again, how))
    )
    return made


HOW = {"source": "starter", "device": "auto", "tiled": False}


def test_images_are_labelled_with_the_chosen_model(asked: Asked, calls: list, document: Document):
    asked.requests.label_current()
    asked.requests.label_visible()
    asked.requests.label_images(iter([document.visible[2]]))
    asked.labelling.again_wanted.emit([document.visible[1]])
    everything = list(document.visible)
    assert calls == [
        (everything[:1], False, HOW),
        (everything, False, HOW),
        ([everything[2]], False, HOW),
        ([everything[1]], True, HOW),
    ]


def test_absent_weights_are_offered_instead(asked: Asked, calls: list):
    asked.model.source = "d7"
    asked.requests.label_all()
    assert calls == []
    assert len(asked.notices) == 1


def test_a_busy_device_is_told(asked: Asked, monkeypatch: pytest.MonkeyPatch):
    def busy(*_: object, **__: object) -> None:
        raise BusyError("Fine-tuning is still running.")

    monkeypatch.setattr(asked.labelling, "label_images", busy)
    asked.requests.label_current()
    assert [notice.text for notice in asked.notices] == ["Fine-tuning is still running."]


@pytest.mark.parametrize(("source", "number"), [("starter", 5), ("d0", 80)])
def test_the_classes_of_a_model_can_be_chosen_before_it_has_seen_anything(asked: Asked, source: str, number: int):
    asked.model.source = source
    asked.requests.ask_classes()
    (dialog,) = asked.window.findChildren(ClassMapDialog)
    assert len(dialog.names()) == number
    dialog.reject()


def test_the_classes_of_a_foreign_file_are_those_of_its_last_pass(
    asked: Asked, document: Document, make_pass: MakePass
):
    asked.model.source = "some.pth"
    asked.requests.ask_classes()
    assert "press I first" in asked.notices[-1].text
    make_pass({0: []}, names=("bolt", "nut"))  # of the model “d0”
    asked.model.source = "elsewhere/d0.pth"
    asked.requests.ask_classes()
    assert not asked.window.findChildren(ClassMapDialog)


def test_many_new_classes_come_with_a_question(asked: Asked, document: Document, make_pass: MakePass):
    add_class(document, "Thing 7")
    make_pass({0: []}, names=[f"thing {number}" for number in range(20)])
    assert document.project is not None
    asked.labelling.classes_brought.emit(document.project.passes.all()[-1], 20)
    (notice,) = asked.notices
    assert notice.text == "D0 brings 20 classes that this project does not have."
    assert notice.run is not None
    notice.run()
    (dialog,) = asked.window.findChildren(ClassMapDialog)
    dialog.only_mine.click()
    assert [name for name in dialog.names().values() if name] == ["Thing 7"]  # not what the pass has brought by now


def test_it_is_said_once_what_little_the_starter_knows(
    asked: Asked, calls: list, document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked.requests.label_all()
    asked.requests.label_current()
    (notice,) = asked.notices
    assert "knows only nut, washer, bolt, gear" in notice.text
    assert notice.action == "Download (16 MB)"
    assert len(calls) == 2  # it labels all the same
    started: list[str] = []
    monkeypatch.setattr(WeightsDownload, "start", lambda self, weights: started.append(weights.name))
    assert notice.run is not None
    notice.run()
    assert started == ["d0"]


def test_in_the_sample_and_beside_coco_weights_nothing_is_said_of_the_starter(
    asked: Asked, calls: list, document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert document.project is not None
    folder = document.project.folder
    monkeypatch.setattr("app.background.labelling_requests.sample_folder", lambda: folder)
    asked.requests.label_all()
    monkeypatch.undo()
    monkeypatch.setattr("app.background.labelling_requests.published", lambda name: Here(tmp_path))
    asked.requests.label_all()
    assert asked.notices == []


class Here:
    """Published weights that are on this machine."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "d0.pth"
        self.path.touch()
