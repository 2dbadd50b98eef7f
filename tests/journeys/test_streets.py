"""A workstation and a folder of street photographs: weights come over a line that breaks, car, truck and bus are one
class here and all else is left out, the night's work is cut short and goes on in the morning, and then one reviews.
"""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QSlider

from app.dialogs.class_map import ClassMapDialog, Column
from app.image_filter import FilterKind, kind_counts
from app.image_order import OrderKind
from detector.data.project.records import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person
    from tests.mirror import Mirror

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
LONG = 120_000  # ms: what a pass of a D0 may take on a busy machine
IMAGES, SCENES, DONE_AT_NIGHT, REVIEWED = 80, 8, 2, 3
VEHICLES, VEHICLE = ("car", "truck", "bus"), "vehicle"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A D0 for COCO in effdet's format, which takes whatever it looks at for a car, or else a bus, truck or person."""
    import torch

    from detector.model.checkpoint import Model
    from detector.model.efficientdet import build
    from detector.model.info import ModelInfo
    from detector.model.published import coco_classes, save_effdet
    from detector.model.variants import VARIANTS

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("made") / "d0.pth"
    names = coco_classes()
    model = build(VARIANTS["d0"], len(names))
    last = model.class_net.predict.conv_pw
    bias = last.bias.view(-1, len(names))
    with torch.no_grad():
        bias[:] = 0
        logits, _ = model.eval()(torch.randn(1, 3, 512, 512))
        last.weight *= 1.5 / logits.std()  # so that scores differ
        bias[:] = -20
        for name, logit in (("car", -5.0), ("bus", -5.5), ("truck", -6.0), ("person", -5.0)):
            bias[:, names.index(name)] = logit
    info = ModelInfo("d0", 512, names, tuple(range(1, 91)))
    save_effdet(Model(model, info), path)
    return path.read_bytes()


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    folder = tmp_path / "streets"
    chance = np.random.default_rng(5)
    scenes = [Image.fromarray(chance.integers(0, 255, (6, 8, 3), np.uint8)) for _ in range(SCENES)]
    for number in range(IMAGES):
        place = folder / f"camera {number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        picture = scenes[number % SCENES].resize((320, 240), Image.Resampling.BICUBIC)
        picture.save(place / f"{number:05}.jpg", quality=95 - number // SCENES)
    return folder


def test_a_journey_through_streets(start: "Callable[..., Person]", streets: Path, mirror: "Mirror") -> None:
    me = start(streets)
    me.wait(lambda: me.sees_picture() and len(me.window.document.images) == IMAGES)
    fetch_weights(me, mirror)
    map_classes(me)
    label_until_the_machine_goes_down(me)
    me = start(streets)
    go_on_in_the_morning(me)
    choose_a_threshold(me)
    review_the_closest_calls(me)


def fetch_weights(me: "Person", mirror: "Mirror") -> None:
    """The connection breaks half-way; it resumes there."""
    mirror.cuts = [len(mirror.content) // 2]
    menu = me.window.top_bar.model_button.menu()
    next(action for action in menu.actions() if action.text().startswith("D0")).trigger()
    me.click_button("Download (16 MB)")
    me.wait(lambda: me.window.top_bar.model_button.text().startswith("D0 · COCO"))
    assert mirror.asked == [0, len(mirror.content) // 2]


def map_classes(me: "Person") -> None:
    """Three of the model's ninety are one here, the others are left out."""
    me.window.canvas.setFocus()
    me.press(Key.Key_K, modifiers=CTRL)
    me.type("classes of the model")
    me.press(Key.Key_Return)
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), ClassMapDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ClassMapDialog)
    me.click_button("Leave all out", dialog)
    for name in VEHICLES:
        me.click(dialog.search)
        me.press(Key.Key_A, modifiers=CTRL)
        me.type(name)
        rows = range(dialog.table.model().rowCount())
        index = next(index for row in rows if (index := dialog.table.model().index(row, Column.MODEL)).data() == name)
        me.click(dialog.table.viewport(), dialog.table.visualRect(index).center())
        me.click_button("Call them…", dialog)
        me.wait(QApplication.activePopupWidget)
        me.type(VEHICLE)
        me.press(Key.Key_Return)
    assert {name: here for name, here in dialog.names().items() if here} == dict.fromkeys(VEHICLES, VEHICLE)
    me.click_button("Apply", dialog)
    me.wait(lambda: QApplication.activeModalWidget() is None)


def label_until_the_machine_goes_down(me: "Person") -> None:
    document = me.window.document
    me.window.canvas.setFocus()
    me.press(Key.Key_B, modifiers=CTRL)
    me.wait(lambda: document.tally.proposal_total()[1] >= DONE_AT_NIGHT, LONG)
    assert me.window.labelling.is_running
    me.quit()


def go_on_in_the_morning(me: "Person") -> None:
    document = me.window.document
    me.wait(lambda: me.notices)
    assert me.notices[0].text.startswith("D0 was cut short: ")
    before = document.tally.proposal_total()[1]
    assert DONE_AT_NIGHT <= before < IMAGES
    me.click_button("Go on labelling")
    me.wait(lambda: me.window.labelling.is_running)
    me.wait(lambda: not me.window.labelling.is_running, LONG)
    assert [item.name for item in document.classes] == [VEHICLE]
    assert document.tally.proposal_total()[1] == IMAGES


def choose_a_threshold(me: "Person") -> None:
    """The counts follow at once, in all images."""
    slider = me.window.detection.findChild(QSlider)
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    me.press(Key.Key_Home)
    totals = []
    for _ in range(8):
        totals.append(me.window.document.tally.proposal_total()[0])
        me.press(Key.Key_PageUp)
    assert all(before >= after for before, after in pairwise(totals))
    assert totals[0] > totals[-1]
    me.press(Key.Key_Home)


def review_the_closest_calls(me: "Person") -> None:
    """Filter, sort by doubt, and vouch with Space; a box that is wrong goes first."""
    document = me.window.document
    me.click(me.window.images.chips.kinds[FilterKind.TO_REVIEW])
    order = me.window.images._order
    next(action for action in order.menu().actions() if action.text() == "Doubt").trigger()
    me.wait(lambda: document.order.kind is OrderKind.DOUBT and not me.window.jobs.running)
    me.press(Key.Key_Home)
    me.wait(me.sees_picture)
    queue = list(document.visible)
    assert len(queue) == IMAGES
    me.window.canvas.setFocus()
    for number in range(REVIEWED):
        current, shown = document.current, len(me.boxes)
        assert current in queue
        me.press(Key.Key_Tab, Key.Key_Delete)
        assert len(me.boxes) == shown - 1
        me.press(Key.Key_Space)
        assert document.images[current].state is State.REVIEWED
        assert document.tally.box_count(current) == shown - 1
        assert kind_counts(document.tally)[FilterKind.TO_REVIEW] == IMAGES - number - 1
        me.wait(me.sees_picture)
    me.press(Key.Key_Z, modifiers=CTRL)  # a slip of the hand
    assert kind_counts(document.tally)[FilterKind.TO_REVIEW] == IMAGES - REVIEWED + 1
