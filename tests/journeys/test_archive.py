"""A COCO data set from somewhere: looked into before anything changes, mended here and there, and given back with all
else as it was.
"""

import json
import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit

from app.dialogs.export import ExportDialog
from app.dialogs.import_labels import ImportDialog
from app.dialogs.import_predictions import ImportPredictionsDialog
from detector.data.annotations import OURS
from detector.data.project import datasets
from detector.data.project.records import State
from detector.data.project.store import Project

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Document = dict[str, Any]
WIDTH, HEIGHT = 640, 480
ONE, TWO, THREE, FOUR, GONE, ALSO_GONE = 11, 900, 7, 42, 43, 5  # image ids, as they come in the wild
NUT, PARTS, BOLT = 0, 3, 7  # category ids; "parts" is a root that no box has
PICTURES = {ONE: "one.png", TWO: "two.png", THREE: "day 1/one.png", FOUR: "day 2/größe.png"}
FILES = PICTURES | {GONE: "day 2/gone.png", ALSO_GONE: "lost/also gone.png"}
RELABELLED, MOVED, DELETED, CROWD, BARE = 101, 102, 103, 108, 110  # annotation ids
NEW_BOX = (60.0, 300.0, 180.0, 420.0)
KEPT_IMAGES = [THREE, FOUR, GONE, ALSO_GONE]  # nobody touches their labels
UNTOUCHED = {104, 105, 106, 107, CROWD, 109, BARE, 111}


def annotation(number: int, image: int, category: int, bbox: list[float], **keys: Any) -> Document:
    """One that says all, and a key that is nobody's."""
    plain = {"area": bbox[2] * bbox[3], "iscrowd": 0, "segmentation": []}
    own = {"id": number, "image_id": image, "category_id": category, "bbox": bbox, "attributes": {"by": f"ä{number}"}}
    return {**own, **plain, **keys}


def polygon(x: float, y: float, width: float, height: float) -> list[list[float]]:
    """The diamond in a box."""
    return [[x + width / 2, y, x + width, y + height / 2, x + width / 2, y + height, x, y + height / 2]]


def data_set() -> Document:
    """The whole file."""
    ring = (200.5, 100.25, 120.0, 90.5)
    return {
        "info": {"year": 2019, "contributor": "somebody else", "url": "http://example.org/"},
        "licenses": [{"id": 4, "name": "CC BY 4.0"}],
        "provenance": {"machine": ["a", 1.5, None], "checked": True},
        "images": [
            {
                **{"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT, "license": 4},
                **{"camera": {"serial": number, "lens": None}},
            }
            for number, name in FILES.items()
        ],
        "annotations": [
            annotation(RELABELLED, ONE, NUT, [100, 100, 100, 80]),
            annotation(MOVED, ONE, BOLT, [300, 200, 120, 120], segmentation=polygon(300, 200, 120, 120), area=7200),
            annotation(DELETED, TWO, NUT, [50, 60, 200, 150]),
            annotation(104, TWO, BOLT, [400.125, 300.75, 90.5, 66.3], score_of_doubt=0.25),
            annotation(105, THREE, NUT, list(ring), segmentation=polygon(*ring), area=5430.3125),
            annotation(106, THREE, BOLT, [20, 30, 100, 200]),
            annotation(107, THREE, BOLT, [20, 30, 100, 200], copied=True),  # the same once more
            annotation(CROWD, FOUR, NUT, [0, 0, 2, 3], iscrowd=1, area=6, segmentation=rle()),
            annotation(109, FOUR, BOLT, [600, 440, 100.5, 80]),  # out of bounds
            {"id": BARE, "image_id": FOUR, "category_id": NUT, "bbox": [10.1, 20.2, 30.3, 40.4]},
            annotation(111, GONE, BOLT, [5, 5, 50, 60]),
            annotation(112, TWO, NUT, [5, 5, 0, 60]),  # of no use
        ],
        "categories": [
            {"id": NUT, "name": "nut", "supercategory": "parts", "colour": "#123456"},
            {"id": PARTS, "name": "parts", "supercategory": "none"},
            {"id": BOLT, "name": "bolt", "supercategory": "parts", "thread": {"pitch": 1.25}},
        ],
    }


def rle() -> Document:
    """Three rows of the first two columns."""
    return {"size": [HEIGHT, WIDTH], "counts": [0, 3, HEIGHT - 3, 3, HEIGHT * (WIDTH - 1) - 3]}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The folder, with the file beside its pictures."""
    folder = tmp_path / "archive"
    for number, name in PICTURES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((WIDTH, HEIGHT), number % 90 + 10).save(folder / name)
    (folder / "labels.json").write_text(json.dumps(data_set()), "utf-8")
    return folder


@pytest.fixture
def me(start: "Callable[..., Person]", archive: Path) -> "Person":
    """A person before the folder, who is told of the labels in it."""
    person = start(archive)
    person.wait(lambda: person.sees_picture() and len(person.window.document.images) == len(PICTURES))
    person.wait(lambda: any("This folder holds COCO labels" in notice.text for notice in person.notices))
    return person


def test_an_archive_is_mended_and_given_back(me: "Person", archive: Path, tmp_path: Path) -> None:
    empty = stored(archive)
    dialog = look_into(me)
    assert stored(archive) == empty
    me.click_button("Import", dialog)
    me.wait(lambda: any("imported" in notice.text for notice in me.notices))
    before, unmended, mended = (tmp_path / f"{name}.json" for name in ("before", "unmended", "mended"))
    before.write_text(json.dumps(data_set() | {"annotations": [*wanted(data_set())["annotations"].values()]}))
    export(me, unmended)
    assert entries(unmended) == wanted(data_set())
    mend(me)
    export(me, mended)
    check_mended(entries(mended))
    results = guesses()
    scores = precisions(before, results, sorted(FILES))
    assert precisions(unmended, results, sorted(FILES)) == scores
    untouched = precisions(before, results, KEPT_IMAGES)
    assert precisions(mended, results, KEPT_IMAGES) == untouched
    assert 0 < untouched[0] < 1
    assert precisions(mended, results, sorted(FILES)) != scores  # so that equal ones above mean something


def test_a_models_results_from_elsewhere_become_proposals(me: "Person", archive: Path, tmp_path: Path) -> None:
    document, file = me.window.document, archive / "guesses.json"
    file.write_text(json.dumps(guesses()))
    me.click_button("Import", look_into(me))
    me.wait(lambda: any("imported" in notice.text for notice in me.notices))
    labelled = stored(archive)
    open_results(me, file)
    assert document.tally.proposal_total() == (0, 0)
    me.click_button("Import", QApplication.activeModalWidget())
    me.wait(lambda: document.tally.proposal_total()[0])
    assert document.project is not None
    (made,) = document.project.passes.all()
    assert (made.model, made.source) == ("guesses.json", str(file))
    assert stored(archive) == labelled
    for known, key in ((0, Key.Key_Z), (1, Key.Key_Y)):
        shown = document.tally.proposal_total()
        me.press(key, modifiers=CTRL)
        me.wait(lambda shown=shown: document.tally.proposal_total() != shown and not me.window.jobs.running)
        assert bool(document.tally.proposal_total()[0]) == bool(known)
    export(me, tmp_path / "out.json", predictions=True)
    given = [item for item in guesses() if item["image_id"] in PICTURES]
    check_results(json.loads((tmp_path / "out-predictions.json").read_text()), given)


def open_results(me: "Person", file: Path) -> None:
    """Import labels… of the menu; the sheet says what the numbers mean."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(file), ""))
        me.window.actions_["import"].trigger()
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), ImportPredictionsDialog))
    sheet = QApplication.activeModalWidget()
    assert sheet is not None
    said = [label.text() for label in sheet.findChildren(QLabel)]
    known = [item for item in guesses() if item["image_id"] in PICTURES]
    strange = [item["image_id"] for item in guesses() if item["image_id"] not in PICTURES]
    assert f"{len(known)} boxes with scores on 4 images of this folder." in said
    assert "Images and classes are told by their numbers in the COCO file that you imported." in said
    left_out = f"{len(strange)} boxes are left out. 2 images of the file have no picture here, such as {strange[0]}."
    assert left_out in said


def check_results(found: list[Document], given: list[Document]) -> None:
    """The same boxes under the same numbers, but for what 32 bits do not hold and what lies beyond the picture."""

    def told(item: Document) -> tuple[int, int, float, list[float]]:
        x, y, width, height = item["bbox"]
        x2, y2, x, y = min(x + width, WIDTH), min(y + height, HEIGHT), max(x, 0), max(y, 0)
        return item["image_id"], item["category_id"], item["score"], [x, y, x2 - x, y2 - y]

    for one, other in zip(sorted(map(told, found)), sorted(map(told, given)), strict=True):
        assert one[:2] == other[:2]
        assert [one[2], *one[3]] == pytest.approx([other[2], *other[3]], abs=1e-4)


def test_undo_leaves_the_store_as_it_was(me: "Person", archive: Path) -> None:
    empty = stored(archive)
    me.click_button("Import", look_into(me))
    me.wait(lambda: any("imported" in notice.text for notice in me.notices))
    full = stored(archive)
    assert full != empty
    for expected, key in ((empty, Key.Key_Z), (full, Key.Key_Y), (empty, Key.Key_Z)):
        me.press(key, modifiers=CTRL)
        me.wait(lambda: not me.window.document.busy and not me.window.jobs.running)
        assert stored(archive) == expected


def look_into(me: "Person") -> ImportDialog:
    """Takes the offer; the sheet says all that is to be known, and nothing has come in."""
    me.click_button("Import…")
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), ImportDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ImportDialog)
    said = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    for text in (
        "11 boxes on 6 images; 4 of these pictures are in this folder.",
        "3 classes, all of them new: bolt (6), nut (5), parts (0).",
        "2 pictures not found, such as day 2/gone.png.",
        "1 entry cannot be used and will be left out.",
        "3 remarks on what will be imported, in the details.",
        "Nothing is changed yet. The import is one step, which Undo takes back.",
    ):
        assert text in said
    assert dialog.drop.text() == "Leave out 1 class that no box has"
    me.click_button("Details", dialog)
    details = dialog.details.toPlainText()
    for text in (
        "lost/also gone.png",
        "two.png: annotation 112: bbox [5, 5, 0, 60] has no area",
        "class “parts” (id 3) has no boxes and is the supercategory of others",
        "day 1/one.png: 1 boxes lie on another one of their class",
        "day 2/größe.png: 1 boxes reach beyond the picture",
    ):
        assert text in details
    assert me.window.document.tally.class_counts() == {}
    assert me.window.document.classes == ()
    return dialog


def mend(me: "Person") -> None:
    """On one.png a class and a place are wrong; on two.png one box is too many and one is missing."""
    document = me.window.document
    digits = {item.name: Key(Key.Key_1 + place) for place, item in enumerate(me.window.classes.listed())}
    me.click_thumbnail("one.png")
    me.wait(lambda: me.path == "one.png" and me.sees_picture())
    me.click_picture((150, 140))
    me.press(digits["bolt"])
    me.press(Key.Key_Escape)
    me.click_picture((360, 260))
    me.press(Key.Key_Right, Key.Key_Right)
    me.press(Key.Key_Escape, Key.Key_Space)
    me.click_thumbnail("two.png")
    me.wait(lambda: me.path == "two.png" and me.sees_picture())
    me.click_picture((60, 70))
    me.press(Key.Key_Delete)
    me.press(Key.Key_W)
    me.drag(NEW_BOX[:2], NEW_BOX[2:])
    me.press(digits["nut"])
    me.press(Key.Key_Space)
    reviewed = {image.path for image in document.images.values() if image.state is State.REVIEWED}
    assert reviewed == {"one.png", "two.png"}


def export(me: "Person", file: Path, *, predictions: bool = False) -> None:
    me.window.canvas.setFocus()
    me.press(Key.Key_E, modifiers=CTRL | SHIFT)
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), ExportDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    (field,) = (item for item in dialog.findChildren(QLineEdit) if item.accessibleName() == "Place")
    field.setText(str(file))
    if predictions:
        me.click(dialog.predictions, QPoint(8, dialog.predictions.height() // 2))
        assert dialog.predictions.isChecked()
    me.click_button("Export", dialog)
    me.wait(lambda: file.exists() and not me.window.jobs.running)


def entries(file: Path) -> Document:
    """What a file says, its entries by their ids, but for what only this program says."""
    said = json.loads(file.read_text("utf-8"))
    for name in ("images", "annotations", "categories"):
        said[name] = {entry["id"]: {key: entry[key] for key in entry if key != OURS} for entry in said[name]}
        assert said[name]
    return said


def wanted(document: Document) -> Document:
    """The same of a data set that came in: without what is of no use, and with what COCO's readers need."""
    known = [item for item in document["annotations"] if item["bbox"][2]]
    made = {"area": known[-2]["bbox"][2] * known[-2]["bbox"][3], "iscrowd": 0, "segmentation": []}
    assert known[-2]["id"] == BARE
    known[-2] |= made
    lists = {"images": document["images"], "annotations": known, "categories": document["categories"]}
    return document | {name: {entry["id"]: entry for entry in found} for name, found in lists.items()}


def check_mended(found: Document) -> None:
    """What was touched is mended; nothing else differs."""
    before = wanted(data_set())
    for name in before.keys() - {"annotations"}:
        assert found[name] == before[name]
    was, now = before["annotations"], found["annotations"]
    assert {number: now[number] for number in UNTOUCHED} == {number: was[number] for number in UNTOUCHED}
    assert now[RELABELLED] == was[RELABELLED] | {"category_id": BOLT}
    moved = {"bbox": [302, 200, 120, 120], "area": 120 * 120, "segmentation": []}  # a polygon is not moved along
    assert now[MOVED] == was[MOVED] | moved
    assert DELETED not in now
    (new,) = now.keys() - was.keys()
    x, y, width, height = now[new]["bbox"]
    drawn = (x, y, x + width, y + height)
    assert all(math.isclose(a, b, abs_tol=1.5) for a, b in zip(drawn, NEW_BOX, strict=True))
    assert (now[new]["image_id"], now[new]["category_id"]) == (TWO, NUT)


def guesses() -> list[Document]:
    """What a middling model might say of the data set: shaken boxes, some missed, some invented."""
    chance, made = np.random.default_rng(3), list[Document]()
    for item in data_set()["annotations"]:
        if item["bbox"][2] > 20 and chance.random() < 0.8:
            shaken = (np.array(item["bbox"]) + chance.normal(0, 4, 4)).tolist()
            made.append(
                {
                    **{"image_id": item["image_id"], "category_id": item["category_id"], "bbox": shaken},
                    "score": float(chance.random()),
                }
            )
    invented = [{"image_id": number, "category_id": BOLT, "bbox": [300, 20, 60, 60], "score": 0.5} for number in FILES]
    return made + invented


def precisions(file: Path, results: list[Document], images: list[int]) -> list[float]:
    """The twelve numbers of pycocotools, on these images."""
    truth = COCO(str(file))
    file.with_name("results.json").write_text(json.dumps(results))
    judge = COCOeval(truth, truth.loadRes(str(file.with_name("results.json"))), "bbox")
    judge.params.imgIds = images
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return judge.stats.tolist()


def stored(folder: Path) -> tuple[object, ...]:
    """All that a project holds of images, classes and boxes, and of a file that came in; but for pictures' sizes."""
    with closing(Project.open(folder)) as project:  # to be read: the window holds it
        images = [replace(image, width=None, height=None) for image in project.images()]
        boxes = [project.boxes(image.id) for image in images]
        return images, boxes, project.classes(), datasets.read(project)
