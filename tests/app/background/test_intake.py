"""What a worker reads comes into the document in portions and in order."""

import pytest
from pytestqt.qtbot import QtBot

from app.background import intake as module
from app.background.intake import Intake
from app.background.opening import IndexRead, read_images
from app.document import Document
from detector.data.project.proposals import ProposalIndex
from detector.data.project.records import ProjectImage, State


def images(start: int, number: int) -> list[ProjectImage]:
    return [ProjectImage(n, f"{n}.png", None, None, State.UNLABELLED, None) for n in range(start, start + number)]


def test_portions_come_in_order(qtbot: QtBot, document: Document, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PORTION", 20)
    told: list[object] = []
    intake = Intake(document, told.append)
    document.images_changed.connect(lambda: told.append(len(document.images) - 6))
    intake.take([read_images(images(100 + 10 * n, 10)) for n in range(5)])
    assert told == [20]  # at once, and no more of it: a click may come between
    intake.take(["all imported", IndexRead(ProposalIndex()), read_images(images(500, 1))])
    intake.then(lambda: told.append("end"))
    qtbot.waitUntil(lambda: told[-1] == "end")
    assert told == [20, 40, 50, "all imported", 51, "end"]


def test_of_a_project_that_is_closed_nothing_comes(qtbot: QtBot, document: Document, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PORTION", 1)
    intake = Intake(document, lambda _: None)
    called: list[bool] = []
    intake.take([read_images(images(100, 1)), read_images(images(101, 1))])
    intake.then(lambda: called.append(True))
    document.detach()
    intake.then(lambda: called.append(False))  # the next project's
    qtbot.waitUntil(lambda: bool(called))
    assert called == [False]
    assert not document.images
