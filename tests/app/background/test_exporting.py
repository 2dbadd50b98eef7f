"""annotations.json is what the project holds, and what somebody else wrote there is kept."""

import json
from pathlib import Path

import pytest
from pycocotools.coco import COCO
from pytestqt.qtbot import QtBot

from app.background.exporting import FILE, Exporting, ExportWish, write
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from app.verbs import box_verbs
from app.verbs.class_verbs import add_class
from app.verbs.reviewing import review
from detector.data import labels
from detector.data.formats import Written


@pytest.fixture
def labelled(document: Document) -> Document:
    add_class(document, "nut")
    box_verbs.draw(document, (10, 10, 30, 40))
    review(document)
    box_verbs.draw(document, (5, 5, 25, 25))
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
    list(write(labelled.project, ExportWish(tmp_path / "out.json", reviewed_only=True)))
    document = json.loads((tmp_path / "out.json").read_text())
    assert (len(document["images"]), len(document["annotations"])) == (1, 1)


def test_a_file_of_somebody_else_is_kept_aside_once(labelled: Document):
    path = labelled.project.folder / FILE
    path.write_text("theirs")
    (said,) = write(labelled.project, ExportWish(path))
    (kept,) = path.parent.glob("annotations-*.json")
    assert kept.read_text() == "theirs"
    assert kept.name in said.text
    list(write(labelled.project, ExportWish(path)))
    assert len(list(path.parent.glob("annotations*.json"))) == 2


def test_training_and_validation_images_in_files_of_their_own(labelled: Document, tmp_path: Path):
    (said,) = write(labelled.project, ExportWish(tmp_path / "out.json", by_side=True))
    train, val = (COCO(str(tmp_path / f"out-{side}.json")) for side in ("train", "val"))
    assert (len(train.imgs), len(train.anns), len(val.imgs)) == (1, 1, 0)
    assert "5 images without a side" in said.text
    assert not (tmp_path / "out.json").exists()


def test_predictions_as_results_of_the_labels_beside_them(labelled: Document, make_pass, tmp_path: Path):
    make_pass({2: [((10, 5, 30, 25), 0.75, 1), ((-5, 0, 20, 200), 0.5, 0)]})
    list(write(labelled.project, ExportWish(tmp_path / "out.json", predictions=True)))
    truth = COCO(str(tmp_path / "out.json"))
    results = truth.loadRes(str(tmp_path / "out-predictions.json"))
    names = {item["id"]: item["name"] for item in truth.dataset["categories"]}
    image = next(entry["id"] for entry in truth.dataset["images"] if entry["file_name"] == "2.png")
    assert [(a["image_id"], names[a["category_id"]], a["bbox"]) for a in results.dataset["annotations"]] == [
        (image, "nut", [10, 5, 20, 20]),
        (image, "bolt", [0, 0, 20, 60]),
    ]


@pytest.mark.parametrize("written", [Written.YOLO, Written.VOC])
def test_folders_of_other_formats_with_copies(written: Written, labelled: Document, tmp_path: Path):
    place = tmp_path.parent / f"{tmp_path.name}-{written}"
    list(write(labelled.project, ExportWish(place, written, copy_images=True)))
    read = labels.read(place)
    assert (read.format, len(read.dataset.boxes), len(list(place.rglob("*.png")))) == (written, 2, 6)


def test_what_cannot_be_written_is_told(labelled: Document, jobs: Jobs, qtbot: QtBot, tmp_path: Path):
    (labelled.project.folder / "5.png").write_bytes(b"damaged")
    labelled.project.database.rows("UPDATE images SET width = NULL WHERE path = '5.png'")
    notifications = Notifications()
    exporting = Exporting(labelled, jobs, notifications)
    with qtbot.waitSignal(notifications.posted) as posted:
        exporting.export(ExportWish(tmp_path.parent / f"{tmp_path.name}-out", Written.YOLO))
    assert "1 thing could not be written" in posted.args[0].text
    assert posted.args[0].details.startswith("5.png: its size is not known")
