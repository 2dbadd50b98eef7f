"""Labels come into the open project after a look, as one step of undo, and what is shown follows the store."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.background import importing as module
from app.background.importing import Importing
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notice, Notifications
from app.verbs import box_verbs, undoing
from app.verbs.class_verbs import add_class
from app.verbs.reviewing import review
from detector.data.project import datasets
from detector.data.project.import_report import ReadyImport
from detector.data.project.importing import Imported, Mode
from detector.data.project.records import Origin, State
from tests.detector.data.label_folders import write


@pytest.fixture
def importing(document: Document, jobs: Jobs) -> Importing:
    made = Importing(document, jobs, Notifications())
    made.posted = []  # for the tests to look at
    made._notifications.posted.connect(made.posted.append)
    return made


def labels_for(document: Document, **changes: Any) -> Path:
    """A COCO file: a box on each of the six pictures, and one on a picture that is gone."""
    names = [*(f"{n}.png" for n in range(6)), "gone.png"]
    content = {
        "images": [{"id": 50 + n, "file_name": name, "width": 90, "height": 60} for n, name in enumerate(names)],
        "annotations": [
            {"id": n + 1, "image_id": 50 + n, "category_id": 4, "bbox": [5, 5, 20, 20]} for n in range(len(names))
        ],
        "categories": [{"id": 4, "name": "bolt"}, {"id": 9, "name": "parts"}],
        **changes,
    }
    assert document.project is not None
    path = document.project.folder / "labels.json"
    path.write_text(json.dumps(content))
    return path


def looked_into(importing: Importing, path: Path, qtbot: QtBot) -> ReadyImport:
    with qtbot.waitSignal(importing.report_ready) as ready:
        importing.look(path)
    return ready.args[0]


def bring_in(importing: Importing, ready: ReadyImport, qtbot: QtBot, mode: Mode = Mode.MERGE) -> None:
    importing.bring_in(ready, mode=mode)
    qtbot.waitUntil(lambda: not importing._document.busy and not importing.is_running)


def boxes(document: Document) -> dict[str, int]:
    return {image.path: document.tally.box_count(image.id) for image in document.images.values()}


def same_as_stored(document: Document) -> bool:
    """Whether all that is shown and counted is what the store says."""
    project = document.project
    assert project is not None
    counts = {image_id: dict(of) for image_id, of in project.box_counts().items()}
    shown = {image_id: dict(+of) for image_id, of in document.tally.boxes.items() if +of}
    stored = {image.id: image.state for image in project.images()}
    return (
        counts == shown
        and {image.id: image.state for image in document.images.values() if image.id in stored} == stored
        and [box.key for box in document.shown] == [box.id for box in project.boxes(document.current or 0)]
        and {o: {i: n for i, n in of.items() if n} for o, of in document.tally.origins.items()}
        == project.origin_counts()
        and document.classes == project.classes()
    )


def test_a_look_changes_nothing(importing: Importing, document: Document, qtbot: QtBot) -> None:
    ready = looked_into(importing, labels_for(document), qtbot)
    report = ready.report
    assert (report.images, report.boxes, report.matched, report.missing) == (7, 7, 6, ("gone.png",))
    assert report.unused == ("parts",)
    assert document.tally.class_counts() == {}
    assert document.classes == ()


def test_labels_come_in_and_go_with_undo_and_come_again_with_redo(
    importing: Importing, document: Document, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 2)
    ready = looked_into(importing, labels_for(document), qtbot)
    bring_in(importing, ready, qtbot)
    assert boxes(document) == {**{f"{n}.png": 1 for n in range(6)}, "gone.png": 1}
    assert document.shown[0].origin is Origin.IMPORTED
    assert {image.state for image in document.images.values()} == {State.STARTED}
    assert same_as_stored(document)
    assert importing.posted[-1].text.startswith("7 boxes on 7 images imported; 1 picture not found, such as gone.png")
    for _ in range(2):
        undoing.undo(document)
        qtbot.waitUntil(lambda: not document.busy)
        assert sum(boxes(document).values()) == 0
        assert document.classes == ()
        assert same_as_stored(document)
        undoing.redo(document)
        qtbot.waitUntil(lambda: not document.busy)
        assert sum(boxes(document).values()) == 7
        assert same_as_stored(document)


def test_replacing_and_undo_give_a_persons_work_back(importing: Importing, document: Document, qtbot: QtBot) -> None:
    add_class(document, "nut")
    box_verbs.draw(document, (40, 30, 60, 50))
    first = document.current
    review(document)
    ready = looked_into(importing, labels_for(document), qtbot)
    assert (ready.report.labelled, ready.report.reviewed, ready.report.boxes_here) == (1, 1, 1)
    bring_in(importing, ready, qtbot, Mode.REPLACE)
    assert document.images[first].state is State.STARTED
    assert same_as_stored(document)
    undoing.undo(document)
    qtbot.waitUntil(lambda: not document.busy)
    assert document.images[first].state is State.REVIEWED
    assert same_as_stored(document)
    undoing.undo(document)  # the review, then the box
    undoing.undo(document)
    assert document.tally.box_count(first) == 0


def test_nothing_is_edited_meanwhile(importing: Importing, document: Document, qtbot: QtBot) -> None:
    add_class(document, "nut")
    importing.bring_in(looked_into(importing, labels_for(document), qtbot), mode=Mode.MERGE)
    with qtbot.waitSignal(document.refused) as refused:
        assert box_verbs.draw(document, (1, 1, 30, 30)) is None
    assert "being imported" in refused.args[0]
    qtbot.waitUntil(lambda: not document.busy)
    assert box_verbs.draw(document, (1, 1, 30, 30)) is not None


def test_an_import_that_fails_or_is_stopped_leaves_all_as_it_was(
    importing: Importing, document: Document, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = looked_into(importing, labels_for(document), qtbot)

    def steps(*arguments: Any, **options: Any):
        yield 1
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "bring_in", steps)
        patch.setattr(importing._jobs, "_notifications", importing._notifications)
        bring_in(importing, ready, qtbot)
    assert document.undo_stack.count() == 0
    assert same_as_stored(document)
    importing.bring_in(ready, mode=Mode.MERGE)
    importing.stop()
    qtbot.waitUntil(lambda: not document.busy and not importing.is_running)
    assert same_as_stored(document)
    assert document.undo_stack.count() == (1 if sum(boxes(document).values()) else 0)


def test_an_import_that_is_stopped_as_it_ends_can_be_taken_back(
    importing: Importing, document: Document, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = looked_into(importing, labels_for(document), qtbot)
    whole = datasets.bring_in

    def stopped_at_the_end(*arguments: Any, **options: Any) -> Iterator[int | Imported]:
        for event in whole(*arguments, **options):
            if isinstance(event, Imported):
                importing.stop()
            yield event

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "bring_in", stopped_at_the_end)
        bring_in(importing, ready, qtbot)
    assert sum(boxes(document).values())
    document.undo_stack.undo()
    qtbot.waitUntil(lambda: not document.busy and not importing.is_running)
    assert not sum(boxes(document).values())
    assert same_as_stored(document)


def test_a_folder_with_labels_beside_its_pictures_offers_them(
    importing: Importing, document: Document, qtbot: QtBot
) -> None:
    labels_for(document)
    importing.offer()
    qtbot.waitUntil(lambda: bool(importing.posted))
    (notice,) = importing.posted
    assert isinstance(notice, Notice)
    assert (notice.text, notice.action) == ("This folder holds COCO labels (labels.json).", "Import…")
    with qtbot.waitSignal(importing.report_ready):
        notice.run()


OBJECT = "<object><name>nut</name><bndbox><xmin>6</xmin><ymin>6</ymin><xmax>25</xmax><ymax>25</ymax></bndbox></object>"
SHAPE = {"label": "nut", "shape_type": "rectangle", "points": [[5, 5], [25, 25]]}
OTHERS: dict[str, dict[str, str]] = {
    "YOLO": {"data.yaml": "train: .\nnames: [nut]\n", "0.txt": "0 0.1667 0.25 0.2222 0.3333"},
    "VOC": {"Annotations/0.xml": f"<annotation><filename>0.png</filename>{OBJECT}</annotation>"},
    "labelme": {"0.json": json.dumps({"shapes": [SHAPE], "imagePath": "0.png"})},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_labels_of_every_format_are_offered(kind: str, importing: Importing, document: Document, qtbot: QtBot) -> None:
    assert document.project is not None
    write(document.project.folder, OTHERS[kind])
    importing.offer()
    qtbot.waitUntil(lambda: bool(importing.posted))
    (notice,) = importing.posted
    assert notice.text.startswith(f"This folder holds {kind} labels (")
    with qtbot.waitSignal(importing.report_ready) as ready:
        notice.run()
    (box,) = ready.args[0].dataset.boxes
    assert box.xyxy == pytest.approx((5, 5, 25, 25), abs=0.01)


def test_nothing_is_offered_to_a_person_who_has_named_labels(
    importing: Importing, document: Document, jobs: Jobs, qtbot: QtBot
) -> None:
    importing.offer()
    looked_into(importing, labels_for(document), qtbot)
    qtbot.waitUntil(lambda: not jobs.running)
    assert importing.posted == []


def test_nothing_is_offered_where_there_is_nothing_or_where_work_has_begun(
    importing: Importing, document: Document, jobs: Jobs, qtbot: QtBot
) -> None:
    importing.offer()
    qtbot.waitUntil(lambda: not jobs.running)
    labels_for(document)
    add_class(document, "nut")
    box_verbs.draw(document, (40, 30, 60, 50))
    importing.offer()
    qtbot.waitUntil(lambda: not jobs.running)
    assert importing.posted == []


def test_boxes_of_another_layout_are_asked_for(importing: Importing, document: Document, qtbot: QtBot) -> None:
    corners = [{"id": 1, "image_id": 50, "category_id": 4, "bbox": [50, 30, 85, 55]}]
    importing.look(labels_for(document, annotations=corners))
    qtbot.waitUntil(lambda: bool(importing.posted))
    (notice,) = importing.posted
    assert notice.action == "Two corners"
    with qtbot.waitSignal(importing.report_ready) as ready:
        notice.run()
    assert ready.args[0].dataset.boxes[0].xyxy == (50, 30, 85, 55)


def test_the_label_file_of_one_picture_stands_for_its_folder(
    importing: Importing, document: Document, qtbot: QtBot
) -> None:
    folder = document.project.folder
    shape = {"label": "nut", "shape_type": "rectangle", "points": [[5, 5], [20, 20]]}
    for n in range(3):
        (folder / f"{n}.json").write_text(json.dumps({"shapes": [shape], "imagePath": f"{n}.png"}))
    assert looked_into(importing, folder / "0.json", qtbot).report.boxes == 3


def test_labels_of_other_pictures_are_refused(importing: Importing, document: Document, qtbot: QtBot) -> None:
    path = labels_for(document, images=[{"id": 50, "file_name": "elsewhere.png"}])
    Image.new("RGB", (5, 5)).save(path.parent / "other.png")
    importing._jobs._notifications.posted.connect(importing.posted.append)
    importing.look(path)
    qtbot.waitUntil(lambda: bool(importing.posted))
    assert "none of its 1 images is in" in importing.posted[0].text
