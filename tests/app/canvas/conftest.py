"""A canvas on a real project: one image with three boxes and two proposals, another one with none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.geometry import Box
from app.canvas.view import CanvasView
from app.document import Document
from detector.boxes import Detections
from detector.data.project.colours import class_colour
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass
from detector.data.project.store import Project

WIDTH, HEIGHT = 640, 480
OUTER, INNER, ASIDE = (100.0, 100.0, 300.0, 300.0), (150.0, 150.0, 200.0, 200.0), (400.0, 100.0, 500.0, 200.0)
OFFERED = ((400.0, 300.0, 500.0, 400.0), (540.0, 40.0, 600.0, 90.0))
NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


@dataclass(frozen=True)
class Keys:
    """The keys of the boxes that the first image begins with; `proposal` is the first proposal's."""

    outer: int
    inner: int
    aside: int
    proposal: int = -1


def pixels() -> NDArray[np.uint8]:
    """A picture in which every pixel differs from its neighbours."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)


def folder_of_two(folder: Path) -> Path:
    """Two pictures in a new folder."""
    folder.mkdir()
    for name in ("1.png", "2.png"):
        cv2.imwrite(str(folder / name), pixels())
    return folder


def fill(project: Project) -> Keys:
    """Two classes, three boxes, and a pass with two predictions, on the first image."""
    for _ in project.scan():
        pass
    first = project.images()[0]
    for image in project.images():
        project.note_decoded(image.id, width=WIDTH, height=HEIGHT)
    bolt = ProjectClass(project.new_id(), "bolt", class_colour(0), 0, 1)
    nut = ProjectClass(project.new_id(), "nut", class_colour(1), 1, 2)
    kinds = ((OUTER, bolt), (INNER, nut), (ASIDE, bolt))
    boxes = [ProjectBox(project.new_id(), first.id, kind.id, xyxy, Origin.DRAWN) for xyxy, kind in kinds]
    project.apply(Change(classes=((None, bolt), (None, nut)), boxes=tuple((None, box) for box in boxes)))
    offered = project.passes.begin(model="D0", source="d0", names=["bolt", "nut"], category_ids=[1, 2], thresholds={})
    found = Detections(
        boxes=np.array(OFFERED, np.float32),
        scores=np.array([0.9, 0.6], np.float32),
        channels=np.array([0, 1]),
        anchors=np.array([0, 1]),
    )
    project.predictions.put(offered.id, [(first.id, found)])
    return Keys(*(box.id for box in boxes))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The store; the document closes it."""
    return Project.open(folder_of_two(tmp_path / "bench"))


@pytest.fixture
def keys(project: Project) -> Keys:
    """What the first image shows at the beginning."""
    return fill(project)


@pytest.fixture
def document(qapp: QApplication, project: Project, keys: Keys) -> Iterator[Document]:
    """The document, on the first image."""
    document = Document()
    document.attach(project)
    document.read_classes()
    images = project.images()
    document.add_images(images, keys={image.id: image.path for image in images}, counts=project.box_counts())
    assert len(document.shown) == 5, keys
    yield document
    document.detach()


@pytest.fixture
def canvas(qtbot: QtBot, document: Document) -> CanvasView:
    """The canvas with the first image's picture, at 150%, so that a point of the view is not one of the image."""
    view = CanvasView(document)
    qtbot.addWidget(view)
    view.resize(1100, 820)
    view.show()
    qtbot.waitExposed(view)
    assert document.current is not None
    view.set_picture(document.current, pixels())
    view.zoom_to(1.5)
    view.setFocus()
    return view


class Mouse:
    """A mouse that knows image pixels; buttons go down and come up as a person's do, with moves between."""

    def __init__(self, qtbot: QtBot, canvas: CanvasView) -> None:
        self._qtbot, self._canvas = qtbot, canvas

    def place(self, x: float, y: float) -> QPoint:
        """Where in the view a point of the image is."""
        return self._canvas.viewportTransform().map(QPointF(x, y)).toPoint()

    def move(self, x: float, y: float) -> None:
        """Go there."""
        self._qtbot.mouseMove(self._canvas.viewport(), self.place(x, y))

    def press(self, x: float, y: float, *, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NONE) -> None:
        """Go there and press."""
        self.move(x, y)
        self._qtbot.mousePress(self._canvas.viewport(), button, keys, self.place(x, y))

    def release(self, x: float, y: float, *, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NONE) -> None:
        """Go there and let go."""
        self.move(x, y)
        self._qtbot.mouseRelease(self._canvas.viewport(), button, keys, self.place(x, y))

    def click(self, x: float, y: float, *, keys: Qt.KeyboardModifier = NONE) -> None:
        """Press and let go on the spot."""
        self.press(x, y, keys=keys)
        self.release(x, y, keys=keys)

    def double_click(self, x: float, y: float) -> None:
        """Two clicks in quick succession."""
        self.click(x, y)
        self._qtbot.mouseDClick(self._canvas.viewport(), LEFT, NONE, self.place(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, keys: Qt.KeyboardModifier = NONE) -> None:
        """Press, go by a point between, let go."""
        self.press(*start, keys=keys)
        self.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.release(*end, keys=keys)

    def turn(self, x: float, y: float, *, by: int, keys: Qt.KeyboardModifier = NONE) -> None:
        """Turn the wheel by so many notches, away from oneself where positive."""
        at = QPointF(self.place(x, y))
        viewport = self._canvas.viewport()
        event = QWheelEvent(
            at,
            viewport.mapToGlobal(at),
            QPoint(),
            QPoint(0, 120 * by),
            Qt.MouseButton.NoButton,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(viewport, event)


@pytest.fixture
def mouse(qtbot: QtBot, canvas: CanvasView) -> Mouse:
    """A mouse on the canvas."""
    return Mouse(qtbot, canvas)


def shown(document: Document, key: int) -> Box:
    """Where the document shows a box."""
    return next(box.xyxy for box in document.shown if box.key == key)
