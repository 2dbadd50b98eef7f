"""Makes the windows that the script of screens shows, and drives them as a person would."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QToolButton, QWidget

from app import theme
from app.main_window import MainWindow
from app.projects import SAMPLE
from app.settings import Settings
from app.verbs.reviewing import review

PATIENCE = 180.0  # seconds until a condition counts as one that never holds
FULL, SMALL, TINY = (1440, 900), (1280, 720), (960, 540)  # px; TINY: a screen of 1920 × 1080 at 200%


class Workshop:
    """Makes windows on projects in a temporary folder; `labelled` is one that the starter has looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._windows: list[MainWindow] = []
        self._labelled: Path | None = None
        self._device = ""
        self._made = 0

    def fresh(self, name: str = "workbench") -> Path:
        """A folder with the sample's pictures, never opened before."""
        self._made += 1
        return Path(shutil.copytree(SAMPLE, self.folder / str(self._made) / name))

    def labelled(self) -> Path:
        """A copy of a project that the starter has labelled; that happens once."""
        if self._labelled is None:
            made = self.fresh()
            window = self.window(made)
            window.labelling.device_found.connect(self._on_device_found)
            window.actions_["label-all"].trigger()
            until(lambda: not window.labelling.is_running)
            settle(window)
            self.close()
            self._labelled = made
        self._made += 1
        return Path(shutil.copytree(self._labelled, self.folder / str(self._made) / self._labelled.name))

    def window(self, project: Path | None = None, *, size: tuple[int, int] = FULL) -> MainWindow:
        """A window, on a project if one is named, that has all it shows."""
        self._made += 1
        settings = Settings(self.folder / f"settings-{self._made}.ini")
        window = MainWindow(settings)
        self._windows.append(window)
        window.resize(*size)
        window.show()
        window.show_device(self._device or "CUDA: NVIDIA GeForce RTX 4070 Laptop GPU")
        if project is not None:
            window.files.open_path(project)
        settle(window)
        return window

    def close(self) -> None:
        """Close the windows that it made, and wait for their workers."""
        for window in self._windows:
            window.close()
            until(lambda window=window: not window.jobs.running)
            window.deleteLater()
        self._windows.clear()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def _on_device_found(self, text: str) -> None:
        self._device = text


def until(condition: Callable[[], bool]) -> None:
    """Let the program work until a condition holds. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE:.0f} s in vain")
        QApplication.processEvents()


def settle(window: MainWindow) -> None:
    """Let the window come to rest: no worker works, and what they brought is shown."""
    for _ in range(3):
        until(lambda: not window.jobs.running)
        for _ in range(5):
            QApplication.processEvents()


def show(window: MainWindow, name: str) -> None:
    """Show an image by its file's name."""
    window.document.show(next(id for id, image in window.document.images.items() if image.path == name))
    settle(window)


def review_some(window: MainWindow, number: int) -> None:
    """Vouch for the current image and those after it."""
    for _ in range(number):
        review(window.document)
    settle(window)


def send_mouse(widget: QWidget, kind: QEvent.Type, point: QPointF) -> None:
    """The left button at a point of a widget."""
    button = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    place = QPointF(widget.mapToGlobal(point.toPoint()))
    QApplication.sendEvent(widget, QMouseEvent(kind, point, place, button, held, Qt.KeyboardModifier.NoModifier))


def dialog_of(window: MainWindow, action: str, *, prepare: Callable[[QDialog], None] = lambda dialog: None) -> QPixmap:
    """The dialog that an action opens, over the window."""
    window.actions_[action].trigger()
    settle(window)
    dialog = next(each for each in window.findChildren(QDialog) if each.isVisible())
    prepare(dialog)
    settle(window)
    dialog.move(window.mapToGlobal(window.rect().center()) - dialog.rect().center())
    picture = over(window, dialog)
    dialog.close()
    return picture


def over_menus(window: MainWindow, button: QToolButton) -> QPixmap:
    """A button's menu, over the window."""
    menu = button.menu()
    assert isinstance(menu, QMenu)
    menu.popup(button.mapToGlobal(QPoint(0, button.height())))
    settle(window)
    checkable = next((action for action in menu.actions() if action.isEnabled() and not action.isSeparator()), None)
    if checkable is not None:
        menu.setActiveAction(checkable)
    picture = over(window, menu)
    menu.close()
    return picture


def over(window: MainWindow, popup: QWidget) -> QPixmap:
    """A popup or dialog in its place over the window, with a hairline for the frame that a desktop would give it."""
    picture = window.grab()
    corner = window.mapFromGlobal(popup.mapToGlobal(QPoint(0, 0)))
    painter = QPainter(picture)
    painter.drawPixmap(corner, popup.grab())
    if isinstance(popup, QDialog):
        painter.setPen(QColor(theme.current().muted))
        painter.drawRect(QRect(corner, popup.size()).adjusted(-1, -1, 0, 0))
    painter.end()
    return picture


@contextmanager
def workshop() -> Iterator[Workshop]:
    """A workshop in a temporary folder, which also holds what the program keeps for its user."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: os.environ.get(name) for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME")}
        os.environ.update({name: folder for name in kept})
        shop = Workshop(Path(folder))
        try:
            yield shop
        finally:
            shop.close()
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
