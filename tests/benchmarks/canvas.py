"""How fluid the picture is under a crowd of boxes, and how long a large photograph takes to come.

python tests/benchmarks/canvas.py [--boxes 2000] [--outlines 0] [--frames 60] [--json]
Frames: a picture of 24 megapixels with boxes, in a view of 1440 × 900, painted offscreen after real events of mouse,
wheel and keys; median, 95th percentile and frames per second. Switching: D and A in the whole window, from the key's
press to the painted picture, among photographs of 24 megapixels that have been read ahead.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PySide6.QtCore import QPoint, QPointF, Qt  # noqa: E402
from PySide6.QtGui import QWheelEvent  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from app import theme  # noqa: E402
from app.canvas.mipmap import MipMap  # noqa: E402
from app.canvas.tone import PLAIN, Tone  # noqa: E402
from app.canvas.view import CanvasView  # noqa: E402
from app.document import Document  # noqa: E402
from app.main_window import MainWindow  # noqa: E402
from app.settings import Settings  # noqa: E402
from detector.data.project.colours import class_colour  # noqa: E402
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass  # noqa: E402
from detector.data.project.store import Project  # noqa: E402

WIDTH, HEIGHT, VIEW = 6000, 4000, (1440, 900)  # px
PHOTOGRAPHS, SWITCHES = 6, 24
CORNERS = 24  # of an outline
PATIENCE = 60  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=2000)
    parser.add_argument("--outlines", type=int, default=0, help="of so many boxes")
    parser.add_argument("--frames", type=int, default=60, help="of each kind")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    gc.disable()  # as main.py does
    application = QApplication([])
    theme.apply(application, theme.LIGHT)
    with tempfile.TemporaryDirectory() as folder:
        frames = measure_frames(Path(folder) / "crowd", asked)
        switches = measure_switches(Path(folder) / "large")
    if asked.json:
        print(json.dumps({"frames": frames, "switch": switches}, indent=1))
        return
    for name, found in frames.items():
        print(
            f"{name:28} {found['median']:6.1f} ms  p95 {found['p95']:6.1f} ms  {1000 / found['median']:6.0f} frames/s"
        )
    print(f"{'switch at 24 MP':28} {switches['median']:6.1f} ms  p95 {switches['p95']:6.1f} ms")


# Frames


def measure_frames(folder: Path, asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Each kind of movement: what one frame takes, in ms."""
    document = crowd(folder, boxes=asked.boxes, outlines=asked.outlines)
    view = CanvasView(document)
    view.resize(*VIEW)
    view.show()
    assert document.current is not None
    view.set_picture(document.current, MipMap(photograph(1)))
    QApplication.processEvents()
    middle = view.viewport().rect().center()

    def wheel(number: int, keys: Qt.KeyboardModifier) -> None:
        turned = QPoint(0, 120 if number % 16 < 8 else -120)
        at = QPointF(middle)
        none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(
            at, QPointF(view.viewport().mapToGlobal(middle)), QPoint(), turned, none, keys, phase, False
        )
        QApplication.sendEvent(view.viewport(), event)

    def drag(number: int) -> None:
        QTest.mouseMove(view.viewport(), middle + QPoint(number * 7 % 200, number * 3 % 90))

    movements: dict[str, tuple[Callable[[], object], Callable[[int], object]]] = {
        "zoom by wheel from fit": (view.fit, lambda n: wheel(n, Qt.KeyboardModifier.ControlModifier)),
        "scroll by wheel at 50%": (lambda: view.zoom_to(0.5), lambda n: wheel(n, Qt.KeyboardModifier.NoModifier)),
        "everything anew at fit": (view.fit, lambda _: view.resetCachedContent()),
        "pan at fit": (lambda: (view.fit(), QTest.mousePress(view.viewport(), Qt.MouseButton.MiddleButton)), drag),
        "hover at fit": (lambda: (QTest.mouseRelease(view.viewport(), Qt.MouseButton.MiddleButton), view.fit()), drag),
        "brightness changes at fit": (view.fit, lambda n: view.set_tone(Tone(n % 50 + 1))),
        "all names shown, zoom": (
            lambda: (view.set_tone(PLAIN), view.fit(), view.set_labels_always(True)),
            lambda n: wheel(n, Qt.KeyboardModifier.ControlModifier),
        ),
        "all boxes nudged": (
            lambda: (view.set_labels_always(False), view.fit(), view.select_all()),
            lambda _: QTest.keyPress(view, Qt.Key.Key_Right),
        ),
    }
    found = {}
    for name, (prepare, move) in movements.items():
        prepare()
        view.viewport().repaint()
        found[name] = timed(asked.frames, lambda n, move=move: (move(n), view.viewport().repaint()))
    view.close()
    document.detach()
    return found


def crowd(folder: Path, *, boxes: int, outlines: int) -> Document:
    """A project of one image with so many boxes of ten classes, the first ones with outlines."""
    folder.mkdir()
    cv2.imwrite(str(folder / "crowd.png"), np.zeros((8, 8, 3), np.uint8))
    project = Project.open(folder)
    for _ in project.scan():
        pass
    (image,) = project.images()
    project.note_decoded(image.id, width=WIDTH, height=HEIGHT)
    random = np.random.default_rng(1)
    kinds = [ProjectClass(project.new_id(), f"class {n}", class_colour(n), n, n + 1) for n in range(10)]
    around = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    rows = []
    for number in range(boxes):
        width, height = random.uniform(20, 400, 2)
        x, y = random.uniform(0, WIDTH - width), random.uniform(0, HEIGHT - height)
        corners = np.stack([x + width * (1 + np.cos(around)) / 2, y + height * (1 + np.sin(around)) / 2], 1)
        extra = {"segmentation": [corners.ravel().tolist()]} if number < outlines else {}
        place = (x, y, x + width, y + height)
        rows.append(ProjectBox(project.new_id(), image.id, kinds[number % 10].id, place, Origin.DRAWN, extra=extra))
    project.apply(Change(classes=tuple((None, kind) for kind in kinds), boxes=tuple((None, box) for box in rows)))
    document = Document()
    document.attach(project)
    document.add_images(project.images(), keys={image.id: image.path}, counts=project.box_counts())
    return document


# Switching


def measure_switches(folder: Path) -> dict[str, float]:
    """From the press of D or A to the painted picture, in ms, among pictures that have been read."""
    folder.mkdir()
    for number in range(PHOTOGRAPHS):
        cv2.imwrite(str(folder / f"{number}.jpg"), cv2.cvtColor(photograph(number), cv2.COLOR_RGB2BGR))
    window = MainWindow(Settings(folder / "settings.ini"))
    window.resize(*VIEW)
    window.show()
    window.activateWindow()
    window.files.open_path(folder)
    until(lambda: window.canvas.picture_size is not None and not window.jobs.running)
    window.canvas.setFocus()
    taken = []
    for number in range(SWITCHES):
        until(lambda: not window.jobs.running)
        began = time.perf_counter()
        QTest.keyClick(window.canvas, Qt.Key.Key_D if number % 8 < 4 else Qt.Key.Key_A)
        window.canvas.viewport().repaint()
        if window.canvas.picture_size is None:
            raise SystemExit("a neighbour had not been read ahead")
        taken.append(1000 * (time.perf_counter() - began))
    window.close()
    until(lambda: not window.jobs.running)
    return summary(taken)


# Both


def photograph(number: int) -> np.ndarray:
    """A picture (HEIGHT, WIDTH, 3) uint8 with coarse and fine detail, each number another one."""
    random = np.random.default_rng(number)
    coarse = cv2.resize(random.integers(0, 256, (40, 60, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return cv2.add(coarse, random.integers(0, 24, (HEIGHT, WIDTH, 3), np.uint8))


def timed(number: int, act: Callable[[int], object]) -> dict[str, float]:
    """What each of so many acts takes."""
    taken = []
    for place in range(number):
        began = time.perf_counter()
        act(place)
        taken.append(1000 * (time.perf_counter() - began))
    return summary(taken)


def summary(taken: list[float]) -> dict[str, float]:
    return {"median": median(taken), "p95": sorted(taken)[int(0.95 * len(taken))]}


def until(condition: Callable[[], bool]) -> None:
    """Let the program work until a condition holds."""
    end = time.monotonic() + PATIENCE
    for _ in range(3):  # what ends one job may begin another
        while not condition():
            if time.monotonic() > end:
                raise SystemExit(f"waited {PATIENCE} s in vain")
            QApplication.processEvents()
        QApplication.processEvents()


if __name__ == "__main__":
    main()
