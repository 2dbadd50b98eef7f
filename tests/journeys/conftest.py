"""What the journeys share: the real main window, and a person who has only a mouse and a keyboard."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QKeySequence, QWindow
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QRadioButton, QScrollArea, QSpinBox, QWidget
from shiboken6 import Shiboken

from app.background.training_process import list_runs
from app.main_window import MainWindow
from app.notifications import Notice
from app.settings import Settings
from detector.boxes import Detections
from detector.data.project.store import Project
from detector.errors import StudioError
from detector.inference import sources
from detector.model import weights
from detector.model.weights import PublishedWeights
from tests.mirror import Mirror, running_mirror
from tests.patience import PATIENCE
from tests.patience import qtbot as qtbot

if TYPE_CHECKING:
    from app.page import ShownBox

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

KEY, NONE, LEFT = Qt.Key, Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LONG = 3 * PATIENCE  # ms: what a model or a run may take on a busy machine
Point = tuple[float, float]
PROGRAM = """import sys
sys.path.insert(0, {repository!r})
from detector.cli import run
from detector.model import weights
weights.PUBLISHED["d0"] = weights.PublishedWeights("d0", {file!r}, 16, 34.3)
run()
"""


@dataclass
class Person:
    """Works in a window as people do: presses keys where the focus is, and the mouse on what can be seen."""

    window: MainWindow

    def wait(self, condition: Callable[[], object], timeout: int = PATIENCE) -> None:
        """Until the condition holds."""
        deadline = time.monotonic() + timeout / 1000
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain; told: {[notice.text for notice in self.notices]}"
            _pause()

    def quit(self) -> None:
        """Ctrl+Q; everything that the window did has an end."""
        self.press(KEY.Key_Q, modifiers=CTRL)
        self.wait(lambda: not self.window.isVisible())
        self.leave()

    def leave(self) -> None:
        """Waits until nothing of the closed window goes on, no job and no timer; then forgets it."""
        self.wait(lambda: not self.window.jobs.running, timeout=LONG)
        self.wait(lambda: not any(timer.isActive() for timer in self._timers()))
        self.window.deleteLater()
        QApplication.sendPostedEvents(self.window, QEvent.Type.DeferredDelete)

    # Keys

    def press(self, *keys: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        """One key after the other, to whatever has the focus."""
        for key in keys:
            _deliver(QTest.keyClick, self._window_with_focus(), key, modifiers)

    def press_sequence(self, key: QKeySequence, *, repeated: bool = False) -> None:
        """The keys that people press for a key as actions have it; `repeated`: one that is held down."""
        code, modifiers = key[0].key(), key[0].keyboardModifiers()
        if repeated:
            focused = QApplication.focusWidget()
            assert focused is not None
            _deliver(QTest.simulateEvent, focused, True, code, modifiers, "", True)
        else:
            _deliver(QTest.keyClick, self._window_with_focus(), code, modifiers)

    def hold(self, key: Qt.Key) -> None:
        """Press a key and keep it down."""
        _deliver(QTest.keyPress, self._window_with_focus(), key)

    def let_go(self, key: Qt.Key) -> None:
        """Let a key come up."""
        _deliver(QTest.keyRelease, self._window_with_focus(), key)

    def type(self, text: str) -> None:
        """Letter by letter, to whatever has the focus."""
        for letter in text:
            if letter.isascii():
                _deliver(QTest.keyClick, self._window_with_focus(), letter)
            else:  # which keyClick takes for bytes
                _deliver(QTest.simulateEvent, QApplication.focusWidget(), True, KEY.Key_unknown, NONE, letter, False)

    # The mouse

    def click(
        self, widget: QWidget, at: QPoint | None = None, *, modifiers: Qt.KeyboardModifier = NONE, double: bool = False
    ) -> None:
        """On what can be seen of a widget at a point of its own, by default its middle."""
        handle, place = _place(widget, at)
        _deliver(QTest.mouseMove, handle, place)
        if double:
            _deliver(QTest.mouseDClick, handle, LEFT, modifiers, place)
        else:
            _deliver(QTest.mouseClick, handle, LEFT, modifiers, place)

    def click_button(self, text: str, within: QWidget | None = None) -> None:
        """On the button that says so."""
        self.click(self.button(text, within))

    def button(self, text: str, within: QWidget | None = None) -> QPushButton:
        """The button in sight that says so."""
        (found,) = (
            button
            for button in (within or self.window).findChildren(QPushButton)
            if button.isVisible() and text in (button.text(), button.accessibleName())
        )
        return found

    def click_picture(self, at: Point, *, modifiers: Qt.KeyboardModifier = NONE, double: bool = False) -> None:
        """At a point of the picture, in its pixels."""
        self.click(self.window.canvas.viewport(), self.on_canvas(at), modifiers=modifiers, double=double)

    def drag(self, start: Point, end: Point, *, button: Qt.MouseButton = LEFT) -> None:
        """Over the picture, from one point to another in its pixels, in some steps."""
        handle, first = _place(self.window.canvas.viewport(), self.on_canvas(start))
        _, last = _place(self.window.canvas.viewport(), self.on_canvas(end))
        _deliver(QTest.mouseMove, handle, first)
        _deliver(QTest.mousePress, handle, button, NONE, first)
        for step in range(1, 5):
            _deliver(QTest.mouseMove, handle, first + (last - first) * step / 4)
        _deliver(QTest.mouseRelease, handle, button, NONE, last)

    def turn_wheel(self, at: Point, notches: int, *, modifiers: Qt.KeyboardModifier = NONE) -> None:
        """Over a point of the picture, away from oneself."""
        handle, place = _place(self.window.canvas.viewport(), self.on_canvas(at))
        _deliver(QTest.mouseMove, handle, place)
        _deliver(QTest.wheelEvent, handle, QPointF(place), QPoint(0, 120 * notches), QPoint(), modifiers)

    def on_canvas(self, at: Point) -> QPoint:
        """Where a point of the picture is on the canvas."""
        place = self.window.canvas.viewportTransform().map(QPointF(*at)).toPoint()
        assert self.window.canvas.viewport().rect().contains(place), "not in sight"
        return place

    def click_thumbnail(self, path: str) -> None:
        """On the thumbnail of the image with that path."""
        document, grid = self.window.document, self.window.images.grid
        row = next(row for row, image_id in enumerate(document.visible) if document.images[image_id].path == path)
        index = grid.model().index(row, 0)
        grid.scrollTo(index)
        self.click(grid.viewport(), grid.visualRect(index).center())

    def fine_tune(self, *, steps: int, batch: int, size: int) -> None:
        """Opens the sheet, chooses the full training and in the fold, and starts."""
        self.click_button("Fine-tune")
        self.wait(QApplication.activeModalWidget)
        sheet = QApplication.activeModalWidget()
        assert sheet is not None
        self.wait(lambda: not self.window.jobs.running)  # what the check of the data finds moves the rest
        full = next(item for item in sheet.findChildren(QRadioButton) if item.text().startswith("Full"))
        self.click(full, QPoint(8, full.height() // 2))
        self.click_button("Advanced", sheet)
        for name, value in (("Steps", steps), ("Images per step", batch), ("Image size", size)):
            (label,) = (item for item in sheet.findChildren(QLabel) if item.text() == name)
            field = label.buddy()
            assert isinstance(field, QSpinBox)
            sheet.findChild(QScrollArea).ensureWidgetVisible(field)
            self.click(field.lineEdit())
            self.press(KEY.Key_A, modifiers=CTRL)
            self.type(str(value))
            self.press(KEY.Key_Tab)
            assert field.value() == value
        self.click_button("Start", sheet)
        self.wait(self.window.training.isVisible)

    # What is seen

    @property
    def boxes(self) -> "dict[int, ShownBox]":
        """What is shown on the picture, by key."""
        return {box.key: box for box in self.window.document.shown}

    @property
    def path(self) -> str:
        """Of the current image."""
        document = self.window.document
        return "" if document.current is None else document.images[document.current].path

    @property
    def notices(self) -> list[Notice]:
        """What the window says, oldest first."""
        return [card.notice for card in self.window.notices.cards()]

    def _timers(self) -> list[QTimer]:
        """Those of the window, and whatever else has been made in Python."""
        others = (item for item in Shiboken.getAllValidWrappers() if isinstance(item, QTimer))
        return [*self.window.findChildren(QTimer), *others]

    def _window_with_focus(self) -> QWindow:
        """The window that gets the keys: a popup, a dialog, or the main window."""
        above = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if above is None and QApplication.activeWindow() is not self.window:  # what the desktop does where there is one
            self.window.activateWindow()
            self.wait(lambda: QApplication.activeWindow() is self.window)
        return (above or self.window).window().windowHandle()

    def sees_picture(self) -> bool:
        """Whether the current image's pixels are there."""
        return self.window.canvas.picture_size is not None


def _pause() -> None:
    """Lets events come for a moment. Unlike QTest.qWait it lets other threads have Python meanwhile."""
    loop = QEventLoop()
    QTimer.singleShot(5, loop.quit)  # ms
    loop.exec()


def _deliver(event: Callable[..., None], *arguments: Any) -> None:
    """One event. What fails in a handler goes where Qt's own loop sends it, not to who calls QTest."""
    try:
        event(*arguments)
    except StudioError as error:
        text = str(error)
        error.args = (text.partition("(): ")[2] if text.startswith("Error calling Python override") else text,)
        sys.excepthook(type(error), error, error.__traceback__)


def _place(widget: QWidget, at: QPoint | None):
    """A point of a widget (its middle where none is given) as one of its window, which hits it and nothing above it."""
    assert widget.isVisible(), f"{widget} is not in sight"
    assert widget.isEnabled(), f"{widget} is greyed"
    window, point = widget.window(), widget.rect().center() if at is None else at
    place = widget.mapTo(window, point)
    hit = window.childAt(place)
    assert hit is widget or (hit is not None and widget.isAncestorOf(hit)), f"{hit} covers {widget}"
    return window.windowHandle(), place


@pytest.fixture(autouse=True)
def nothing_stays(no_thread_stays: None, tmp_path: Path) -> Iterator[None]:
    """Fails a test that leaves a thread; ends the runs that it leaves, as tests of runs do that go on by design."""
    yield
    for folder in tmp_path.rglob("runs"):
        for run in list_runs(folder):
            run.kill()
            while run.is_alive():
                _pause()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, graphs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own folders, empty at first but for models that other tests have made ready."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(folder / name))
    cache = folder / "XDG_CACHE_HOME" / "efficientdet-studio"
    cache.mkdir(parents=True)
    (cache / "graphs").symlink_to(graphs)
    return folder


@pytest.fixture(scope="session")
def make_project() -> Callable[..., Path]:
    """Makes a folder of pictures, 640 × 480; a model M, which knows nut and bolt, has found one of each on some."""

    def call(pictures: Path, *, images: int, found_in: int) -> Path:
        pictures.mkdir()
        for number in range(1, images + 1):
            Image.effect_noise((640, 480), 10 * number).save(pictures / f"a{number}.png")
        project = Project.open(pictures)
        for _ in project.scan():
            pass
        ids = [image.id for image in project.images()]
        for image_id in ids:
            project.note_decoded(image_id, width=640, height=480)
        made = project.passes.begin(model="M", source="m", names=["nut", "bolt"], category_ids=[1, 2], thresholds={})
        boxes = np.array([(100, 100, 200, 180), (300, 200, 420, 320)], np.float32)
        found = Detections(boxes, np.array([0.9, 0.6], np.float32), np.array([0, 1]), np.array([0, 1]))
        project.predictions.put(made.id, [(image_id, found) for image_id in ids[:found_in]])
        project.close()
        return pictures

    return call


@pytest.fixture
def folder(make_project: Callable[..., Path], tmp_path: Path) -> Path:
    """Five pictures; on the first three something was found."""
    return make_project(tmp_path / "pictures", images=5, found_in=3)


@pytest.fixture
def d0(content: bytes, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> PublishedWeights:
    """The published D0, were it what a module gives as `content`; also to the processes begun from here."""
    start = hashlib.sha256(content).hexdigest()[:8]
    made = PublishedWeights("d0", f"tf_efficientdet_d0_34-{start}.pth", 16, 34.3)
    monkeypatch.setitem(weights.PUBLISHED, "d0", made)
    program = tmp_path / "main.py"
    program.write_text(PROGRAM.format(repository=str(repository), file=made.file), "utf-8")
    monkeypatch.setattr(sources, "MAIN", program)
    return made


@pytest.fixture
def mirror(content: bytes, d0: PublishedWeights, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """What stands in for the network."""
    with running_mirror() as made:
        made.content = content
        monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", made.address)
        monkeypatch.setenv("no_proxy", "*")
        yield made


def start_window(settings: Path, path: Path | None = None) -> Person:
    """Starts the program as application.run does."""
    window = MainWindow(Settings(settings))
    window.notifications.catch_all()
    window.show()
    person = Person(window)
    window.activateWindow()
    person.wait(lambda: QApplication.activeWindow() is window)
    if path is not None:
        window.files.open_path(path)
    return person


@pytest.fixture
def start(qapp: QApplication, home: Path) -> Iterator[Callable[..., Person]]:
    """Starts the program, on a folder if one is named; each call is one more window. What is left open is closed."""
    people: list[Person] = []

    def call(path: Path | None = None) -> Person:
        people.append(start_window(home / "settings.ini", path))
        return people[-1]

    yield call
    for person in people:
        if Shiboken.isValid(person.window):
            person.window.close()
            person.leave()
