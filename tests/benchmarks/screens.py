"""Pictures of every screen of the window, to be looked at: from a project made of the sample, with the real program.

python tests/benchmarks/screens.py OUT [--only NAME …] [--theme light|dark] [--scale 1|2] [--small]
Writes OUT/NAME-THEME.png, with @2 at scale 2; without --theme both themes; with --small of 256 colours, as
resources/screens/window.png, which is review-light. Nothing is trained: the curves come from an
events log that is made up here, the boxes from the starter model. All files but the pictures are temporary.
"""

import argparse
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt  # noqa: E402
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPixmap  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QPushButton, QToolButton, QWidget  # noqa: E402

from app import theme  # noqa: E402
from app.canvas.tools import Tool  # noqa: E402
from app.dialogs.fine_tune import FineTuneDialog  # noqa: E402
from app.main_window import MainWindow  # noqa: E402
from app.projects import SAMPLE  # noqa: E402
from app.settings import Settings  # noqa: E402
from app.training_process import LOG_FILE, Run, RunState  # noqa: E402
from detector.events import (  # noqa: E402
    CheckpointSaved,
    Evaluated,
    Event,
    FusionWeights,
    RunFinished,
    RunStarted,
    StepDone,
    to_json,
)
from detector.training.run_folder import BEST, EVENTS  # noqa: E402

PATIENCE = 60.0  # seconds until a condition counts as one that never holds
FULL, SMALL = (1440, 900), (1280, 720)  # px
STEPS, EVERY = 400, 50  # of the made-up run: its steps, and how many lie between two evaluations
LONG = "Aufnahme der linken Förderanlage, Schicht 2, Kamera 14 – nachträglich entzerrt und beschnitten"


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
        window.show_device(self._device)
        if project is not None:
            window.open_path(project)
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


# Screens: each gives what is to be seen, in px of the screen.

Screen = Callable[[Workshop], QPixmap]
SCREENS: dict[str, Screen] = {}


def screen(make: Screen) -> Screen:
    """Puts a function into the table under its name."""
    SCREENS[make.__name__.replace("_", "-")] = make
    return make


@screen
def welcome(shop: Workshop) -> QPixmap:
    return shop.window().grab()


@screen
def welcome_recent(shop: Workshop) -> QPixmap:
    window = shop.window()
    gone = shop.folder / "external drive" / "microscope slides"
    recents = [shop.fresh("workbench"), shop.fresh(f"{LONG} {LONG}"), gone]
    for folder in reversed(recents):
        window.settings.add_recent(folder)
    window.welcome.set_recents(window.settings.recent())
    settle(window)
    return window.grab()


@screen
def opened(shop: Workshop) -> QPixmap:
    return shop.window(shop.fresh()).grab()


@screen
def empty_folder(shop: Workshop) -> QPixmap:
    empty = shop.folder / "nothing here"
    empty.mkdir(exist_ok=True)
    return shop.window(empty).grab()


@screen
def broken_picture(shop: Workshop) -> QPixmap:
    folder = shop.fresh()
    victim = folder / f"{LONG}.jpg"
    victim.write_bytes((folder / "0001.jpg").read_bytes()[:600])
    window = shop.window(folder)
    show(window, victim.name)
    return window.grab()


@screen
def labelling(shop: Workshop) -> QPixmap:
    return half_labelled(shop, FULL)


@screen
def labelling_small(shop: Workshop) -> QPixmap:
    return half_labelled(shop, SMALL)


def half_labelled(shop: Workshop, size: tuple[int, int]) -> QPixmap:
    """Auto-labelling all, half-way through."""
    window = shop.window(shop.fresh(), size=size)
    shares: list[float] = []
    window.labelling.progressed.connect(lambda _text, share: shares.append(share or 0.0))
    window.labelling.device_found.connect(window.show_device)
    window.actions_["label-all"].trigger()
    until(lambda: bool(shares) and shares[-1] >= 0.5)
    picture = window.grab()
    window.labelling.stop()
    settle(window)
    return picture


@screen
def review(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    review_some(window, 3)
    window.document.set_selection([window.document.shown[1].key])
    settle(window)
    return window.grab()


@screen
def review_small(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled(), size=SMALL)
    review_some(window, 1)
    settle(window)
    return window.grab()


@screen
def many_proposals(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.document.set_threshold(0.05)
    settle(window)
    return window.grab()


@screen
def zoomed(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled(), size=SMALL)
    window.canvas.zoom_to(3.0)
    settle(window)
    return window.grab()


@screen
def drawing(shop: Workshop) -> QPixmap:
    window = shop.window(shop.fresh())
    window.document.add_class("washer")
    window.canvas.set_tool(Tool.DRAW)
    view = window.canvas.viewport()
    middle = QPointF(view.rect().center())
    for kind, point in (
        (QEvent.Type.MouseButtonPress, middle - QPointF(140, 90)),
        (QEvent.Type.MouseMove, middle + QPointF(90, 80)),
    ):
        send_mouse(view, kind, point)
    settle(window)
    return window.grab()


@screen
def reviewed(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    first = window.document.current
    review_some(window, 12)
    assert first is not None
    window.document.show(first)
    settle(window)
    return window.grab()


@screen
def nothing_to_review(shop: Workshop) -> QPixmap:
    window = shop.window(shop.fresh())
    chip = next(chip for kind, chip in window.images._chips.items() if kind.value == "to review")
    chip.click()
    settle(window)
    return window.grab()


@screen
def many_classes(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled(), size=SMALL)
    names = ("hex nut", "wing nut", "lock washer", "split pin", "rivet", "spring", "gasket", "dowel", "stud", "shim")
    for name in names:
        window.document.add_class(name)
    settle(window)
    return window.grab()


@screen
def long_names(shop: Workshop) -> QPixmap:
    folder = shop.fresh(LONG)
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"{LONG} {number:05}.jpg")
    window = shop.window(folder, size=SMALL)
    class_id = window.document.add_class("eine Unterlegscheibe aus verzinktem Stahl, 24 mm & <b>größer</b>")
    assert class_id is not None
    window.document.set_active_class(class_id)
    key = window.document.draw((120.0, 100.0, 300.0, 260.0))
    assert key is not None
    window.document.set_selection([key])
    settle(window)
    return window.grab()


@screen
def searching(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.images.focus_search()
    window.images._search.setText("zebra")
    until(lambda: window.document.filter.text == "zebra")
    settle(window)
    return window.grab()


@screen
def states(shop: Workshop) -> QPixmap:
    """What the keyboard is on, what the mouse is on, and what cannot be chosen, beside each other."""
    window = shop.window(shop.labelled(), size=SMALL)
    hovered = next(each for each in window.top_bar.findChildren(QToolButton) if each.text() == "Auto-label")
    hovered.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    window.top_bar.model_button.setFocus(Qt.FocusReason.TabFocusReason)
    window.document.set_threshold(0.5)
    settle(window)
    return window.grab()


# Training and fusion weights


@dataclass(frozen=True)
class Story:
    """A made-up run: how far it came, the AP at its start and at its end, and how it ended ("" where it goes on)."""

    steps: int
    before: float = 0.41
    after: float = 0.58
    ending: str = ""


RUNNING, BETTER, WORSE = Story(230), Story(STEPS, ending="done"), Story(STEPS, 0.58, 0.52, "done")
DIED = Story(170, ending="died")


@screen
def training_none(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.actions_["training-panel"].trigger()
    settle(window)
    return window.grab()


@screen
def training_running(shop: Workshop) -> QPixmap:
    return training(shop, RUNNING).grab()


@screen
def training_better(shop: Workshop) -> QPixmap:
    return training(shop, BETTER).grab()


@screen
def training_worse(shop: Workshop) -> QPixmap:
    return training(shop, WORSE).grab()


@screen
def training_died(shop: Workshop) -> QPixmap:
    return training(shop, DIED, size=SMALL).grab()


@screen
def fusion_model(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.actions_["fusion-panel"].trigger()
    until(lambda: window.fusion.shown() is not None)
    settle(window)
    return window.grab()


@screen
def fusion_run(shop: Workshop) -> QPixmap:
    return fusion(shop).grab()


@screen
def fusion_difference(shop: Workshop) -> QPixmap:
    window = fusion(shop)
    window.fusion._difference.click()
    view = window.fusion._view
    x, y = view._nodes[2, "P5 td"]
    send_mouse(view, QEvent.Type.MouseMove, QPointF(x, y))
    return window.grab()


def training(shop: Workshop, story: Story, *, size: tuple[int, int] = FULL) -> MainWindow:
    """A window that follows a made-up run."""
    project = shop.labelled()
    window = shop.window(project, size=size)
    review_some(window, 10)
    home = window.document.project.home if window.document.project else project
    shop.close()
    write_run(home / "runs" / "2026-11-22-101500", story)
    window = shop.window(project, size=size)
    until(lambda: window.fine_tuning.watcher is not None and window.fine_tuning.watcher.state is not RunState.STARTING)
    if not window.actions_["training-panel"].isChecked():
        window.actions_["training-panel"].trigger()
    settle(window)
    until(lambda: window.training._plots is not None)
    settle(window)
    window.notices.clear()  # the verdict's: the panel says it, too
    return window


def fusion(shop: Workshop) -> MainWindow:
    """A window that shows the fusion weights of a made-up run."""
    window = training(shop, BETTER)
    window.actions_["fusion-panel"].trigger()
    settle(window)
    window.fusion._run_button.setChecked(True)
    settle(window)
    return window


def write_run(folder: Path, story: Story) -> None:
    """A run's folder as the fine-tuning would have written it."""
    from app.training_process import _write

    folder.mkdir(parents=True)
    myself = psutil.Process()
    alive = not story.ending
    pid, born = (myself.pid, myself.create_time()) if alive else (2**22 + 1, 0.0)  # above all process numbers
    _write(Run(folder, "Starter", "starter", "2026-11-22T10:15:00", {}, ("nobody",), pid, born))
    with (folder / EVENTS).open("w", encoding="utf-8") as log:
        log.writelines(f"{to_json(event)}\n" for event in tell(story, folder))
    if story.ending == "died":
        (folder / LOG_FILE).write_text("error: CUDA is out of memory at batch 1\n", "utf-8")
    else:
        shutil.copyfile(REPOSITORY / "resources" / "models" / "starter-d0.safetensors", folder / BEST)


def tell(story: Story, folder: Path) -> Iterator[Event]:
    """The events of a made-up run: the loss falls, AP rises or not, the weights move a little."""
    yield RunStarted("d0", ("nut", "washer", "bolt", "gear"), 512, 8, 4, STEPS, 8, "CPU: 8 threads")
    for step in range(story.steps + 1):
        if step:
            noise = 0.12 * math.sin(7.3 * step) + 0.08 * math.sin(2.1 * step)
            loss = 0.35 + 1.1 * math.exp(-step / 70) * (1 + noise) + 0.05 * noise
            yield StepDone(step, loss, 0.6 * loss, 0.4 * loss, 1e-3, 5.2)
        if step % EVERY == 0:
            share = 1 - math.exp(-2.5 * step / STEPS)
            yield Evaluated(step, {"AP": story.before + (story.after - story.before) * share / (1 - math.exp(-2.5))})
            yield weights_after(step)
            if step:
                yield CheckpointSaved(step, "last", str(folder / "last.safetensors"))
    if story.ending == "done":
        yield RunFinished(STEPS, "done", 615.0, str(folder / BEST), {"AP": story.after}, {"AP": story.before})


def weights_after(step: int) -> FusionWeights:
    """The starter's fusion weights, moved a little further with each step and normalised in each node."""
    from app.fine_tuning import read_fusion

    if not _starter:
        _starter.extend(next(iter(read_fusion("starter"))).edges)
    raw = [(edge.raw or 0.0) + 4e-4 * step * math.sin(1.7 * place) for place, edge in enumerate(_starter)]
    sums: dict[tuple[int, str], float] = {}
    for edge, value in zip(_starter, raw, strict=True):
        sums[edge.cell, edge.node] = sums.get((edge.cell, edge.node), 1e-4) + max(value, 0.0)
    weights = [max(value, 0.0) / sums[edge.cell, edge.node] for edge, value in zip(_starter, raw, strict=True)]
    return FusionWeights(step, tuple(raw), tuple(weights), reach=1e-3 * step)


_starter: list[Any] = []  # its edges, read once


# Dialogs, menus, notices


@screen
def fine_tune_ready(shop: Workshop) -> QPixmap:
    return dialog_of(fine_tune_window(shop, 10), "fine-tune")


@screen
def fine_tune_problem(shop: Workshop) -> QPixmap:
    return dialog_of(fine_tune_window(shop, 0), "fine-tune")


@screen
def fine_tune_advanced(shop: Workshop) -> QPixmap:
    def unfold(dialog: QDialog) -> None:
        assert isinstance(dialog, FineTuneDialog)
        dialog._fold.click()

    return dialog_of(fine_tune_window(shop, 10), "fine-tune", prepare=unfold)


@screen
def export(shop: Workshop) -> QPixmap:
    return dialog_of(shop.window(shop.labelled()), "export")


@screen
def shortcuts(shop: Workshop) -> QPixmap:
    return dialog_of(shop.window(shop.labelled()), "shortcuts")


@screen
def class_chooser(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.document.set_selection([window.document.shown[0].key])
    settle(window)
    window.canvas.ask_class()
    settle(window)
    return over(window, window.class_chooser)


@screen
def menu_open(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    button = next(each for each in window.top_bar.findChildren(QToolButton) if each.text() == "Open")
    return over_menus(window, button)


@screen
def menu_model(shop: Workshop) -> QPixmap:
    window = training(shop, BETTER)
    return over_menus(window, window.top_bar.model_button)


@screen
def notices(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    tell_all = window.notifications
    failed = "\n".join(f"{LONG} {number:05}.jpg: the file is truncated" for number in range(1, 4))
    tell_all.info("AP 0.41 → 0.58 on your 12 validation images. Use the new model?", action="Show", run=lambda: None)
    tell_all.warning("3 images could not be read; the others are labelled.", details=failed)
    tell_all.error(f"/mnt/data/{LONG}/annotations.json: no space left on the disk; free some, then press Ctrl+S again.")
    settle(window)
    return window.grab()


@screen
def notice_details(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled(), size=SMALL)
    failed = "\n".join(f"{LONG} {number:05}.jpg: the file is truncated" for number in range(1, 9))
    window.notifications.warning("8 images could not be read; the others are labelled.", details=failed)
    card = window.notices.cards()[0]
    button = next(each for each in card.findChildren(QPushButton) if each.text() == "Details")
    send_mouse(button, QEvent.Type.MouseButtonPress, QPointF(8, 8))
    send_mouse(button, QEvent.Type.MouseButtonRelease, QPointF(8, 8))
    settle(window)
    return window.grab()


def fine_tune_window(shop: Workshop, reviewed_images: int) -> MainWindow:
    """A window with so many reviewed images and one that was only started."""
    window = shop.window(shop.labelled())
    review_some(window, reviewed_images)
    window.document.accept([window.document.shown[0].key] if window.document.shown else [])
    settle(window)
    return window


# How screens are made


def show(window: MainWindow, name: str) -> None:
    """Show an image by its file's name."""
    window.document.show(next(id for id, image in window.document.images.items() if image.path == name))
    settle(window)


def review_some(window: MainWindow, number: int) -> None:
    """Vouch for the current image and those after it."""
    for _ in range(number):
        window.document.review()
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


def render(name: str, look: theme.Theme, shop: Workshop) -> QPixmap:
    """One screen in one theme."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme.apply(application, look)
    try:
        return SCREENS[name](shop)
    finally:
        shop.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", choices=SCREENS, default=list(SCREENS), metavar="NAME")
    parser.add_argument("--theme", choices=("light", "dark"), nargs="*", default=("light", "dark"))
    parser.add_argument("--scale", type=int, choices=(1, 2), default=1)
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    os.environ["QT_SCALE_FACTOR"] = str(asked.scale)
    application = QApplication([])
    asked.out.mkdir(parents=True, exist_ok=True)
    suffix = "@2" if asked.scale == 2 else ""
    with workshop() as shop:
        for name in asked.only:
            for look in asked.theme:
                path = asked.out / f"{name}-{look}{suffix}.png"
                render(name, theme.named(look), shop).save(str(path))
                if asked.small:
                    Image.open(path).convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE).save(
                        path, optimize=True
                    )
                print(f"{name}-{look}{suffix}", flush=True)
    application.quit()


if __name__ == "__main__":
    main()
