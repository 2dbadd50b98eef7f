"""The first minute, without a network: from the welcome page to a model of one's own, and back again the next day."""

import re
from typing import TYPE_CHECKING, Any

from pycocotools.coco import COCO
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QSlider

from app.background.exporting import FILE
from detector.data.project.records import Origin, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.page import ShownBox
    from tests.journeys.conftest import Person

Key, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
LONG = 120_000  # ms that a model may need to load, and a run to end, on a busy machine
STEPS, SIZE = 6, 128
VERDICT = r"AP 0\.\d+( → 0\.\d+)? on your (\d) validation images?, a rough number for so few\. "
DRAWN = (40.0, 300.0, 130.0, 380.0)


def test_the_first_minute(start: "Callable[..., Person]") -> None:
    me = start()
    try_the_sample(me)
    label_all_and_look_around_meanwhile(me)
    correct_one_delete_one_and_add_one(me)
    review_three(me)
    write_coco(me)
    choose_a_threshold(me)
    fine_tune(me)
    use_the_new_model(me)
    before = everything(me)
    me.quit()
    me = start()
    me.click_button("sample")
    me.wait(
        lambda: (
            me.sees_picture() and me.window.training.course.finished and me.window.document.tally.proposal_total()[0]
        )
    )
    assert everything(me) == before
    assert me.notices == []  # the run's end was met with a decision already


def try_the_sample(me: "Person") -> None:
    assert me.window.welcome.isVisible()
    me.click_button("Try the sample")
    me.wait(lambda: me.sees_picture() and len(me.window.document.images) == 20)
    assert not me.window.welcome.isVisible()
    assert me.window.top_bar.model_button.text().startswith("Starter · D0 · ")
    assert me.path == "0001.jpg"


def label_all_and_look_around_meanwhile(me: "Person") -> None:
    document, labelling = me.window.document, me.window.labelling
    me.click_button("Auto-label all")
    me.wait(lambda: labelling.is_running)
    for look, path in (
        (lambda: me.press(Key.Key_D), "0002.jpg"),
        (lambda: me.click_thumbnail("0006.jpg"), "0006.jpg"),
        (lambda: me.press(Key.Key_A), "0005.jpg"),
        (lambda: me.press(Key.Key_Home), "0001.jpg"),
    ):
        look()
        me.wait(me.sees_picture)
        assert me.path == path
    me.wait(lambda: not labelling.is_running, LONG)
    assert document.tally.proposal_total()[1] == 20
    assert {box.is_proposal for box in me.boxes.values()} == {True}
    assert {box.model for box in me.boxes.values()} == {"Starter"}
    assert me.notices == []


def correct_one_delete_one_and_add_one(me: "Person") -> None:
    document = me.window.document
    first, second = alone(list(me.boxes.values()))[:2]

    me.click_picture(middle(first))
    assert document.selection == {first.key}
    x1, y1, x2, y2 = first.xyxy
    me.drag((x2, y2), (x2 - 12, y2 - 9))
    (key,) = document.selection
    corrected = me.boxes[key]
    assert (corrected.origin, corrected.class_id, corrected.score) == (Origin.EDITED, first.class_id, first.score)
    assert corrected.xyxy[:2] == (x1, y1)
    assert abs(corrected.xyxy[2] - x2 + 12) < 1.5  # within a pixel of the screen
    assert abs(corrected.xyxy[3] - y2 + 9) < 1.5

    before = len(me.boxes)
    me.click_picture(middle(second))
    me.press(Key.Key_Delete)
    assert second.key not in me.boxes
    assert len(me.boxes) == before - 1
    assert len(document.project.rejections(document.current)) == 2  # it, and where the corrected one was

    me.press(Key.Key_W)
    me.drag(DRAWN[:2], DRAWN[2:])
    me.press(Key.Key_E, modifiers=CTRL)
    me.wait(lambda: QApplication.activePopupWidget())
    me.type("wing nut")
    me.press(Key.Key_Return)
    (key,) = document.selection
    drawn = me.boxes[key]
    assert document.class_of(drawn.class_id).name == "wing nut"
    assert drawn.origin is Origin.DRAWN
    assert all(abs(a - b) < 1.5 for a, b in zip(drawn.xyxy, DRAWN, strict=True))
    assert document.images[document.current].state is State.STARTED


def review_three(me: "Person") -> None:
    for path in ("0001.jpg", "0002.jpg", "0003.jpg"):
        assert me.path == path
        me.wait(me.sees_picture)
        shown = len(me.boxes)
        (image,) = (image for image in me.window.document.images.values() if image.path == path)
        me.press(Key.Key_Space)
        assert me.window.document.images[image.id].state is State.REVIEWED
        assert me.window.document.tally.box_count(image.id) == shown
    assert me.path == "0004.jpg"


def write_coco(me: "Person") -> None:
    document = me.window.document
    me.press(Key.Key_S, modifiers=CTRL)
    me.wait(lambda: me.notices)
    (notice,) = me.notices
    assert notice.text.startswith(FILE)
    written = COCO(str(document.project.folder / FILE))
    assert {image["file_name"] for image in written.imgs.values()} == {image.path for image in document.images.values()}
    for image_id, image in written.imgs.items():
        me.click_thumbnail(image["file_name"])
        kept = [box for box in me.boxes.values() if not box.is_proposal]
        wanted = sorted((document.class_of(box.class_id).name, *xywh(box)) for box in kept)
        found = sorted(
            (written.cats[entry["category_id"]]["name"], *entry["bbox"]) for entry in written.imgToAnns[image_id]
        )
        assert [row[0] for row in found] == [row[0] for row in wanted]
        for one, other in zip(found, wanted, strict=True):
            assert all(abs(a - b) < 0.01 for a, b in zip(one[1:], other[1:], strict=True))
    assert sum(map(document.tally.box_count, document.images)) == len(written.anns) > 3


def choose_a_threshold(me: "Person") -> None:
    document, slider = me.window.document, me.window.detection.findChild(QSlider)
    before = document.tally.proposal_total()[0]
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    me.press(Key.Key_Home)
    assert document.limits.overall == 0.05
    assert document.tally.proposal_total()[0] > before  # at once, in all images
    me.press(*[Key.Key_PageUp] * 7)
    assert document.limits.overall == 0.4


def fine_tune(me: "Person") -> None:
    window, course = me.window, me.window.training.course
    plan = read_the_sheet(me)
    assert plan["train"] + plan["validate"] == 3
    assert plan["validate"] >= 1
    me.fine_tune(steps=STEPS, batch=2, size=SIZE)
    me.wait(lambda: window.training.course.losses, LONG)  # the curve moves
    assert window.training.course is not course
    me.wait(lambda: window.training.verdict, LONG)
    assert window.training.course.steps == [*range(1, STEPS + 1)]
    verdict = re.match(VERDICT, window.training.verdict.text)
    assert verdict, window.training.verdict.text
    assert int(verdict[2]) == plan["validate"]


def read_the_sheet(me: "Person") -> dict[str, int]:
    """What it says would happen."""
    me.click_button("Fine-tune")
    me.wait(QApplication.activeModalWidget)
    sheet = QApplication.activeModalWidget()
    assert sheet
    said = " ".join(label.text() for label in sheet.findChildren(QLabel) if label.isVisible())
    assert "17 are left out: 17 are unlabelled" in said
    assert "The new model will know" in said
    assert "steps of 8 images" in said
    me.press(Key.Key_Escape)
    me.wait(lambda: not QApplication.activeModalWidget())
    found = re.search(r"(?P<train>\d+) reviewed images? trains?, (?P<validate>\d+) validates?", said)
    assert found, said
    return {name: int(number) for name, number in found.groupdict().items()}


def use_the_new_model(me: "Person") -> None:
    window = me.window
    run = window.fine_tuning.watcher.run.folder
    me.click_button(window.training.verdict.use, window.training)
    assert window.model.source == str(run / window.training.course.finished.best)
    assert window.top_bar.model_button.text() == f"{run.name} · D0 · {SIZE} px"
    assert window.training.verdict is None
    assert any(card.notice.action == "Label the rest" for card in window.notices.cards())
    me.click_button("Back to the old model", window.training)
    assert window.model.source == "starter"
    assert not any(card.notice.action == "Label the rest" for card in window.notices.cards())
    me.click_button("Use the new model", window.training)
    assert window.model.source == str(run / window.training.course.finished.best)
    me.click_button("Runs", window.training)
    me.wait(lambda: window.training.runs.table.rowCount() == 1)
    assert window.training.runs.table.item(0, 0).text() == f"{run.name}  ·  in use"
    me.click_button("Classes", window.training)
    assert {change.name for change in window.training.course.class_changes()} >= {"nut"}


def everything(me: "Person") -> dict[str, Any]:
    """All that must be there again: boxes, states, sides, threshold, model, place, curves."""
    document, course = me.window.document, me.window.training.course
    return {
        "folder": document.project.folder,
        "images": sorted(document.images.values(), key=lambda image: image.id),
        "boxes": {image_id: document.project.boxes(image_id) for image_id in document.images},
        "shown": sorted(document.shown, key=lambda box: box.key),
        "classes": document.classes,
        "proposals": document.tally.proposal_total(),
        "threshold": document.limits.overall,
        "model": (me.window.model.source, me.window.top_bar.model_button.toolTip()),  # all of it, whatever the room
        "current": document.current,
        "curves": (course.steps, course.losses, course.evaluated, course.aps, course.start_ap),
    }


def alone(boxes: "list[ShownBox]") -> "list[ShownBox]":
    """Those that touch no other box nor the picture's edge, the surest first."""

    def touch(one: "ShownBox", other: "ShownBox") -> bool:
        (a1, b1, a2, b2), (c1, d1, c2, d2) = one.xyxy, other.xyxy
        return a1 < c2 + 8 and c1 < a2 + 8 and b1 < d2 + 8 and d1 < b2 + 8

    free = [box for box in boxes if not any(touch(box, other) for other in boxes if other is not box)]
    return sorted(free, key=lambda box: -(box.score or 0))


def middle(box: "ShownBox") -> tuple[float, float]:
    x1, y1, x2, y2 = box.xyxy
    return (x1 + x2) / 2, (y1 + y2) / 2


def xywh(box: "ShownBox") -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.xyxy
    return x1, y1, x2 - x1, y2 - y1
