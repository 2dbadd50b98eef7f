"""annotations.json is what the project holds, and what somebody else wrote there is kept."""

import json
from pathlib import Path

import pytest
from pycocotools.coco import COCO
from pytestqt.qtbot import QtBot

from app.class_verbs import add_class
from app.document import Document
from app.exporting import FILE, Exporting, write
from app.jobs import Jobs
from app.notifications import Notifications
from app.reviewing import review


@pytest.fixture
def labelled(document: Document) -> Document:
    add_class(document, "nut")
    document.draw((10, 10, 30, 40))
    review(document)
    document.draw((5, 5, 25, 25))
    return document


def test_the_file_holds_all_boxes_and_states(labelled: Document, jobs: Jobs, qtbot: QtBot):
    notifications = Notifications()
    exporting = Exporting(labelled, jobs, notifications)
    with qtbot.waitSignal(notifications.posted) as posted:
        exporting.save()
    path = labelled.project.folder / FILE
    assert posted.args[0].text.startswith(f"{FILE}: 2 boxes on 6 images")
    coco = COCO(str(path))
    assert [annotation["bbox"] for annotation in coco.dataset["annotations"]] == [[10, 10, 20, 30], [5, 5, 20, 20]]
    assert len(coco.dataset["images"]) == 6


def test_only_reviewed_images_where_that_is_wanted(labelled: Document, tmp_path: Path):
    list(write(labelled.project, tmp_path / "out.json", reviewed_only=True))
    document = json.loads((tmp_path / "out.json").read_text())
    assert (len(document["images"]), len(document["annotations"])) == (1, 1)


def test_a_file_of_somebody_else_is_kept_aside_once(labelled: Document):
    path = labelled.project.folder / FILE
    path.write_text("theirs")
    (said,) = write(labelled.project, path, reviewed_only=False)
    (kept,) = path.parent.glob("annotations-*.json")
    assert kept.read_text() == "theirs"
    assert kept.name in said
    list(write(labelled.project, path, reviewed_only=False))
    assert len(list(path.parent.glob("annotations*.json"))) == 2
