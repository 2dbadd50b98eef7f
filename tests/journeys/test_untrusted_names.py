"""Names that look like HTML are shown letter by letter, wherever the window shows a file, class, model or note."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QTextEdit,
    QWidget,
)

from app.dialogs.class_removal import ClassRemovalDialog
from detector.boxes import Detections
from detector.data.project.records import Change, State
from detector.data.project.store import Project

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

EVIL = "<img src=x onerror=1><b>bold</b>"
FILE = "<img src=x onerror=1><b>bold"  # without the slash, which no file name can have
MARK = "<img"
PLAIN, DISPLAY, TOOLTIP = Qt.TextFormat.PlainText, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures in a folder, a class, a model and a note, all of which are called by tags."""
    pictures = tmp_path / f"{FILE} folder"
    pictures.mkdir()
    for number in range(4):
        Image.effect_noise((640, 480), 10 + number).save(pictures / f"{FILE} {number}.png")
    project = Project.open(pictures)
    images = [image for chunk in project.scan() for image in chunk]
    for image in images:
        project.note_decoded(image.id, width=640, height=480)
    made = project.passes.begin(model=EVIL, source=EVIL, names=[EVIL, f"{EVIL} 2"], category_ids=[1, 2], thresholds={})
    boxes = np.array([(100, 100, 200, 180), (300, 200, 420, 320)], np.float32)
    found = Detections(boxes, np.array([0.9, 0.6], np.float32), np.array([0, 1]), np.array([0, 1]))
    project.predictions.put(made.id, [(image.id, found) for image in images])
    noted = type(images[0])(images[0].id, images[0].path, 640, 480, State.STARTED, None, note=EVIL)
    project.apply(Change(images=((images[0], noted),)))
    project.close()
    return pictures


def widgets() -> Iterator[QWidget]:
    for top in QApplication.topLevelWidgets():
        yield top
        yield from top.findChildren(QWidget)


def indices(view: QAbstractItemView) -> Iterator[QModelIndex]:
    model = view.model()
    for row in range(model.rowCount(QModelIndex()) if model else 0):
        for column in range(1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())):
            yield model.index(row, column)


def texts_read_as_html() -> Iterator[str]:
    """What Qt would render of the names that are shown at present."""
    for widget in widgets():
        where = f"{type(widget).__name__} {widget.objectName()}"
        if isinstance(widget, QLabel | QMessageBox) and MARK in widget.text() and widget.textFormat() is not PLAIN:
            yield f"{where}: {widget.text()}"
        if isinstance(widget, QTextEdit) and MARK not in widget.toPlainText() and "onerror" in widget.toHtml():
            yield f"{where}: {widget.toHtml()}"
        if MARK in widget.toolTip():
            yield f"{where}, tooltip: {widget.toolTip()}"
        if isinstance(widget, QAbstractItemView):
            yield from (f"{where}, tooltip: {tip}" for it in indices(widget) if MARK in (tip := str(it.data(TOOLTIP))))
        if isinstance(widget, QComboBox):
            tips = (str(widget.itemData(place, TOOLTIP)) for place in range(widget.count()))
            yield from (f"{where}, tooltip: {tip}" for tip in tips if MARK in tip)
        if isinstance(widget, QMenu) and widget.toolTipsVisible():
            yield from (f"{where}, tooltip: {tip}" for it in widget.actions() if MARK in (tip := it.toolTip()))


def shown_names() -> int:
    """How many texts on the screen hold such a name, so that the search finds something to look at."""
    labels = [it for it in widgets() if isinstance(it, QLabel) and it.isVisible() and MARK in it.text()]
    views = [it for it in widgets() if isinstance(it, QAbstractItemView) and it.isVisible()]
    return len(labels) + sum(MARK in str(it.data(DISPLAY)) for view in views for it in indices(view))


def assert_plain() -> None:
    assert sorted(set(texts_read_as_html())) == []


def labels_of(folder: Path) -> Path:
    """A COCO file whose every name is tags, with entries that have problems."""
    path = folder.parent / f"{FILE}.json"
    images = [{"id": n, "file_name": f"{FILE} {n}.png", "width": 640, "height": 480} for n in range(4)]
    gone = {"id": 9, "file_name": f"{EVIL}.png", "width": 640, "height": 480}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 50, 50]}
    bad = {"id": EVIL, "image_id": 1, "category_id": 1, "bbox": [5, 5, 0, 50]}
    classes = [{"id": 1, "name": f"{EVIL} new"}, {"id": 2, "name": EVIL}]
    path.write_text(json.dumps({"images": [*images, gone], "annotations": [box, bad], "categories": classes}))
    return path


def dialog(me: "Person") -> QDialog | None:
    return next((it for it in me.window.findChildren(QDialog) if it.isVisible()), None)


def look_and_close(me: "Person") -> None:
    """Looks at the dialog or list that has opened, unfolds its details, and closes it."""
    me.wait(lambda: dialog(me) or QApplication.activePopupWidget())
    for button in (
        it for it in widgets() if it.isVisible() and getattr(it, "text", str)() in ("Details", "Show details")
    ):
        me.click(button)
    assert_plain()
    opened = dialog(me) or QApplication.activePopupWidget()
    assert opened is not None
    opened.close()
    me.wait(lambda: not opened.isVisible())


def test_names_are_plain_in_the_window_and_all_that_it_opens(start: "Callable[..., Person]", folder: Path) -> None:
    me = start(folder)
    me.wait(lambda: me.sees_picture() and not me.window.jobs.running)
    me.wait(lambda: me.window.document.tally.proposal_total()[1])
    assert_plain()
    assert shown_names() >= 3
    me.press(Qt.Key.Key_Tab, Qt.Key.Key_Return)  # a box is accepted, and selected
    me.wait(lambda: any(key > 0 for key in me.boxes))
    assert_plain()
    for name in (
        "export",
        "model-classes",
        "propagate",
        "change-class",
        "go-to",
        "commands",
        "preferences",
        "shortcuts",
    ):
        me.window.actions_[name].trigger()
        look_and_close(me)
    me.window.importing.look(labels_of(folder))
    look_and_close(me)
    document = me.window.document
    target = ClassRemovalDialog(document.classes[0], 3, document.classes[1:], me.window)
    target.open()
    look_and_close(me)


def test_names_are_plain_in_what_the_window_says(start: "Callable[..., Person]", folder: Path) -> None:
    (folder / f"{FILE} 2.png").write_bytes(b"no picture")
    me = start(folder)
    me.wait(lambda: me.sees_picture() and not me.window.jobs.running)
    me.press(Qt.Key.Key_D, Qt.Key.Key_D)
    me.wait(lambda: MARK in me.window.canvas._message)
    me.window.notifications.warning(f"{EVIL}: is odd.", details=f"{EVIL}\n{EVIL}", action=EVIL, run=lambda: None)
    me.window.files.open_path(folder.parent / f"{FILE} gone")
    me.wait(lambda: len(me.notices) == 2)
    for button in (it for it in widgets() if it.isVisible() and getattr(it, "text", str)() == "Details"):
        me.click(button)
    assert_plain()
    assert shown_names() >= 3
    me.quit()
    me = start()
    me.wait(me.window.welcome.isVisible)
    assert_plain()
