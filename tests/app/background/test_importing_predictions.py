"""Predictions from a file show when all of them are there, as one step of undo; else nothing of them does."""

import json
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.background.importing import Importing
from app.background.importing_predictions import ImportingPredictions
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from app.verbs import undoing
from app.verbs.class_verbs import add_class
from detector.data.project import datasets
from detector.data.project.importing_predictions import ReadyPredictions
from detector.data.project.predictions import Predictions
from detector.data.project.store import Project


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def importing(document: Document, jobs: Jobs, told: list[str]) -> ImportingPredictions:
    notifications = Notifications()
    notifications.posted.connect(lambda notice: told.append(notice.text))
    jobs._notifications.posted.connect(lambda notice: told.append(notice.text))
    return ImportingPredictions(document, jobs, notifications)


@pytest.fixture
def ready(document: Document, jobs: Jobs, qtbot: QtBot) -> ReadyPredictions:
    """A nut on each of the six pictures."""
    add_class(document, "nut")
    project = document.project
    assert project is not None
    numbers, categories = datasets.coco_ids(project)
    (category,) = categories.values()
    rows = [{"image_id": n, "category_id": category, "bbox": [5, 6, 20, 10], "score": 0.5} for n in numbers.values()]
    path = project.folder / "found.json"
    path.write_text(json.dumps(rows))
    looking = Importing(document, jobs, Notifications())
    with qtbot.waitSignal(looking.predictions_ready) as found:
        looking.look(path)
    assert found.args is not None
    return found.args[0]


def test_they_come_as_proposals_and_go_with_undo(
    importing: ImportingPredictions, ready: ReadyPredictions, document: Document, told: list[str], qtbot: QtBot
) -> None:
    with qtbot.waitSignal(importing.ended):
        importing.bring_in(ready)
        assert importing.is_running
    assert document.tally.proposal_total() == (6, 6)
    assert [box.is_proposal for box in document.shown] == [True]
    assert document.tally.class_counts() == {}
    assert told == ["6 predictions on 6 images imported as proposals. Undo takes them back."]
    assert document.undo_stack.undoText() == "Import found.json"
    undoing.undo(document)
    assert document.tally.proposal_total() == (0, 0)
    undoing.redo(document)
    assert document.tally.proposal_total() == (6, 6)


def test_what_is_stopped_or_fails_shows_nothing(
    importing: ImportingPredictions,
    ready: ReadyPredictions,
    document: Document,
    told: list[str],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: Project, *_: Any) -> None:
        raise OSError(28, "No space left on device")

    before = document.undo_stack.count()
    with monkeypatch.context() as patch, qtbot.waitSignal(importing.ended):
        patch.setattr(Predictions, "put", fail)
        importing.bring_in(ready)
    assert any("No space left" in text for text in told)
    with qtbot.waitSignal(importing.ended):
        importing.bring_in(ready)
        importing.stop()
    assert (document.tally.proposal_total(), document.undo_stack.count()) == ((0, 0), before)
    assert not importing.is_running
