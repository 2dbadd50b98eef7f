"""A laptop without a GPU and a folder of microscope slides: 16-bit TIFFs with names in many scripts, in three
subfolders, and two classes of one's own, which no model knows. From the first box to the file for the archive.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QSlider

from app.dialogs.export import ExportDialog
from app.image_filter import FilterKind, kind_counts
from detector.data import labels
from detector.data.formats import Written
from detector.data.project.records import Origin, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Box = tuple[float, float, float, float]
LONG = 300_000  # ms: what a run or a pass over the slides may take on a busy machine
WIDTH, HEIGHT = 400, 300
FOLDERS = ("Präparat Ä", "細胞 2", "Ωμέγα")
BY_HAND = 6  # slides
STEPS, SIZE = 6, 128
CELL, NUCLEUS = "Zelle", "Ядро"


@dataclass(frozen=True)
class Slide:
    """A picture and what is on it."""

    path: str
    cell: Box
    nucleus: Box


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Slide]]:
    """The folder, and its slides as the program orders them."""
    folder = tmp_path_factory.mktemp("Proben")
    chance, made = np.random.default_rng(7), []
    for name in sorted(FOLDERS):
        (folder / name).mkdir()
        for number in range(1, 5):
            x, y = chance.integers(20, 90), chance.integers(20, 160)
            u, v = chance.integers(230, 290), chance.integers(20, 190)
            slide = Slide(f"{name}/größe {number}.tif", (x, y, x + 110, y + 110), (u, v, u + 80, v + 80))
            Image.fromarray(pixels(slide, chance)).save(folder / slide.path)
            made.append(slide)
    return folder, made


def pixels(slide: Slide, chance: np.random.Generator) -> NDArray[np.uint16]:
    """A pale disc and a dark ring on grey, (H, W) of 16 bits of which a scope uses twelve."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    grey = chance.normal(1500, 60, (HEIGHT, WIDTH))

    def radius(box: Box) -> NDArray[np.float64]:
        return np.hypot(x - (box[0] + box[2]) / 2, y - (box[1] + box[3]) / 2) / ((box[2] - box[0]) / 2)

    grey[radius(slide.cell) < 1] += 2000
    ring = radius(slide.nucleus)
    grey[(ring < 1) & (ring > 0.5)] -= 1200
    return grey.clip(0, 4095).astype(np.uint16) * 16


def test_a_journey_with_a_microscope(
    start: "Callable[..., Person]", slides: tuple[Path, list[Slide]], tmp_path: Path
) -> None:
    folder, made = slides
    me = start(folder)
    me.wait(lambda: me.sees_picture() and len(me.window.document.images) == len(made))
    assert [me.window.document.images[image_id].path for image_id in me.window.document.visible] == [
        slide.path for slide in made
    ]
    name_the_classes(me, made[0])
    draw_by_hand(me, made)
    fine_tune_and_take_the_model(me)
    label_the_rest(me, made)
    review_the_queue(me, made)
    compare_a_second_run(me)
    export_for_the_archive(me, made, tmp_path / "Архив.json")
    export_for_a_colleague(me, made, tmp_path / "für Ωlga")


def name_the_classes(me: "Person", slide: Slide) -> None:
    """The very first box asks for its class in place; the other class is added beside it."""
    me.press(Key.Key_W)
    me.drag(slide.cell[:2], slide.cell[2:])
    me.wait(QApplication.activePopupWidget)
    me.type(CELL)
    me.press(Key.Key_Return)
    assert [item.name for item in me.window.document.classes] == [CELL]
    field = next(item for item in me.window.findChildren(QLineEdit) if item.placeholderText().startswith("New class"))
    me.click(field)
    me.type(NUCLEUS)
    me.press(Key.Key_Return)
    assert [item.name for item in me.window.document.classes] == [CELL, NUCLEUS]
    me.wait(lambda: len(me.window.classes.listed()) == 2)
    me.click_picture((WIDTH - 2, HEIGHT - 2))  # the keys are the picture's again
    me.press(Key.Key_A, modifiers=CTRL)
    me.press(Key.Key_Delete)
    assert me.boxes == {}


def draw_by_hand(me: "Person", made: list[Slide]) -> None:
    """W, drag, 1 or 2, Space."""
    document = me.window.document
    for slide in made[:BY_HAND]:
        assert me.path == slide.path
        me.wait(me.sees_picture)
        for digit, box in ((Key.Key_1, slide.cell), (Key.Key_2, slide.nucleus)):
            me.press(Key.Key_W)
            me.drag(box[:2], box[2:])
            me.press(digit)
        found = {document.class_of(box.class_id).name: box for box in me.boxes.values()}
        for name, wanted in ((CELL, slide.cell), (NUCLEUS, slide.nucleus)):
            assert found[name].origin is Origin.DRAWN
            assert all(abs(a - b) < 1.5 for a, b in zip(found[name].xyxy, wanted, strict=True))
        me.press(Key.Key_Space)
    assert kind_counts(document.tally)[FilterKind.REVIEWED] == BY_HAND
    assert me.path == made[BY_HAND].path


def fine_tune_and_take_the_model(me: "Person") -> None:
    window = me.window
    me.fine_tune(steps=STEPS, batch=2, size=SIZE)
    me.wait(lambda: window.training.verdict, LONG)
    me.click_button(window.training.verdict.use, window.training)
    assert window.top_bar.model_button.text().endswith(f"{SIZE} px")


def label_the_rest(me: "Person", made: list[Slide]) -> None:
    """With the new model, which knows the two classes and no other."""
    document, labelling = me.window.document, me.window.labelling
    me.window.canvas.setFocus()
    me.press(Key.Key_B, modifiers=CTRL)
    me.wait(lambda: labelling.is_running)
    me.wait(lambda: not labelling.is_running, LONG)
    assert [item.name for item in document.classes] == [CELL, NUCLEUS]
    slider = me.window.detection.findChild(QSlider)
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    me.press(Key.Key_Home)  # an apprentice is heard out
    proposals, images = document.tally.proposal_total()
    assert proposals >= images > 0
    assert {document.images[id].path for id in document.images if document.tally.proposals.get(id, 0)} <= {
        slide.path for slide in made[BY_HAND:]
    }


def review_the_queue(me: "Person", made: list[Slide]) -> None:
    """To review, one after the other: what is wrong goes, what is missing is drawn, Space."""
    document = me.window.document
    waiting = document.tally.proposal_total()[1]
    me.click(me.window.images.chips.kinds[FilterKind.TO_REVIEW])
    me.press(Key.Key_N)
    assert document.filter.kind is FilterKind.TO_REVIEW
    for left in range(waiting, 0, -1):
        me.wait(me.sees_picture)
        assert kind_counts(document.tally)[FilterKind.TO_REVIEW] == left
        slide = next(item for item in made if item.path == me.path)
        correct(me, slide)
        me.press(Key.Key_Space)
    assert document.tally.proposal_total() == (0, 0)
    me.click(me.window.images.chips.kinds[FilterKind.ALL])
    while kind_counts(document.tally)[FilterKind.REVIEWED] < len(made):  # where the model saw nothing
        me.press(Key.Key_N)
        me.wait(me.sees_picture)
        correct(me, next(item for item in made if item.path == me.path))
        me.press(Key.Key_Space)
    assert {image.state for image in document.images.values()} == {State.REVIEWED}
    assert sum(map(document.tally.box_count, document.images)) == 2 * len(made)


def correct(me: "Person", slide: Slide) -> None:
    """Takes what the model got right, draws what it missed, and rejects the rest."""
    document = me.window.document
    for digit, name, wanted in ((Key.Key_1, CELL, slide.cell), (Key.Key_2, NUCLEUS, slide.nucleus)):
        right = [
            box
            for box in me.boxes.values()
            if box.is_proposal and document.class_of(box.class_id).name == name and overlap(box.xyxy, wanted) > 0.7
        ]
        if right:
            document.set_selection([right[0].key])
            me.press(Key.Key_Return)
        else:
            me.press(Key.Key_W)
            me.drag(wanted[:2], wanted[2:])
            me.press(digit)
    document.set_selection(box.key for box in me.boxes.values() if box.is_proposal)
    if document.selection:
        me.press(Key.Key_Delete)
    assert len(me.boxes) == 2, "\n".join(map(str, me.boxes.values()))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high)


def compare_a_second_run(me: "Person") -> None:
    """It begins with the model of the first one, and says what changed."""
    window = me.window
    me.fine_tune(steps=2, batch=2, size=SIZE)
    me.wait(lambda: window.training.verdict, LONG)
    assert re.match(r"AP 0\.\d+ → 0\.\d+ on your \d+ validation images", window.training.verdict.text)


def export(me: "Person", written: Written, place: Path) -> None:
    """Ctrl+Shift+E, a format, a place; the pictures go along with YOLO's labels."""
    me.window.canvas.setFocus()
    me.press(Key.Key_E, modifiers=CTRL | SHIFT)
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), ExportDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    me.click(dialog.formats[written], QPoint(8, dialog.formats[written].height() // 2))
    assert dialog.written is written
    if written is Written.YOLO:
        me.click(dialog.copy_images, QPoint(8, dialog.copy_images.height() // 2))
    field = next(item for item in dialog.findChildren(QLineEdit) if item.accessibleName() == "Place")
    field.setText(str(place))
    me.click_button("Export", dialog)
    me.wait(lambda: place.exists() and not me.window.jobs.running)


def export_for_the_archive(me: "Person", made: list[Slide], file: Path) -> None:
    export(me, Written.COCO, file)
    written = json.loads(file.read_text("utf-8"))
    assert {image["file_name"] for image in written["images"]} == {slide.path for slide in made}
    assert {(image["width"], image["height"]) for image in written["images"]} == {(WIDTH, HEIGHT)}
    assert [category["name"] for category in written["categories"]] == [CELL, NUCLEUS]
    assert len(written["annotations"]) == 2 * len(made)


def export_for_a_colleague(me: "Person", made: list[Slide], folder: Path) -> None:
    """YOLO, with the pictures, as both its readers and this program's own find it."""
    export(me, Written.YOLO, folder)
    assert (folder / "data.yaml").is_file()
    found = labels.read(folder)
    assert found.problems == ()
    assert [item.name for item in found.dataset.classes] == [CELL, NUCLEUS]
    assert {image.path.split("/", 2)[2] for image in found.dataset.images} == {slide.path for slide in made}
    assert all((folder / image.path).is_file() for image in found.dataset.images)
    assert {image.path.split("/")[1] for image in found.dataset.images} == {"train", "val"}
    names = {item.id: item.name for item in found.dataset.classes}
    boxes = found.dataset.boxes_by_image()
    for image in found.dataset.images:
        slide = next(item for item in made if image.path.endswith(item.path))
        by_name = {names[box.class_id]: box.xyxy for box in boxes[image.id]}
        assert len(boxes[image.id]) == 2
        assert overlap(by_name[CELL], slide.cell) > 0.6
        assert overlap(by_name[NUCLEUS], slide.nucleus) > 0.6
