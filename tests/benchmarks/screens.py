"""Pictures of every screen of the window, to be looked at: from a project made of the sample, with the real program.

python tests/benchmarks/screens.py OUT [--only NAME …] [--theme light|dark] [--scale 1|2] [--small]
Writes OUT/NAME-THEME.png, with @2 at scale 2; without --theme both themes; with --small of 256 colours, as
resources/screens/window.png, which is review-light. Nothing is trained: the curves come from an
events log that is made up here, the boxes from the starter model. All files but the pictures are temporary.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

for folder in (Path(__file__).resolve().parent, Path(__file__).resolve().parents[2]):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from dataclasses import replace  # noqa: E402

import screen_extremes  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtCore import QEvent, QPointF, Qt  # noqa: E402
from PySide6.QtGui import QPixmap  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QPushButton, QToolButton  # noqa: E402
from screen_runs import BETTER, DIED, RUNNING, WORSE, Story, write_run  # noqa: E402
from screen_workshop import (  # noqa: E402
    FULL,
    SMALL,
    TINY,
    Workshop,
    dialog_of,
    over,
    over_menus,
    review_some,
    send_mouse,
    settle,
    show,
    until,
    workshop,
)

from app import theme  # noqa: E402
from app.background.run_watcher import RunState  # noqa: E402
from app.canvas.tone import Tone  # noqa: E402
from app.canvas.tools import Tool  # noqa: E402
from app.dialogs.fine_tune import FineTuneDialog  # noqa: E402
from app.dialogs.foreign_model import ForeignModelDialog  # noqa: E402
from app.image_filter import FilterKind  # noqa: E402
from app.main_window import MainWindow  # noqa: E402
from app.panels.evaluation import View as Seen  # noqa: E402
from app.panels.training import View  # noqa: E402
from app.verbs import box_verbs  # noqa: E402
from app.verbs.class_verbs import add_class  # noqa: E402
from app.verbs.image_verbs import set_side  # noqa: E402
from detector.data.split import Side  # noqa: E402
from detector.data.training_data import AP_LOOKS_BETTER, Fault, Finding  # noqa: E402
from detector.model.foreign import EFFDET_NAMING  # noqa: E402
from detector.model.foreign_file import ForeignFile  # noqa: E402

LONG = "Aufnahme der linken Förderanlage, Schicht 2, Kamera 14 – nachträglich entzerrt und beschnitten"


# Screens: each gives what is to be seen, in px of the screen.

Screen = Callable[[Workshop], QPixmap]
SCREENS: dict[str, Screen] = dict(screen_extremes.SCREENS)


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
    window.document.set_limits(replace(window.document.limits, overall=0.05))
    settle(window)
    return window.grab()


@screen
def zoomed(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled(), size=SMALL)
    window.canvas.zoom_to(3.0)
    settle(window)
    return window.grab()


@screen
def pixels(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled(), size=SMALL)
    window.canvas.zoom_to(24.0)
    settle(window)
    return window.grab()


@screen
def brightness(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.canvas.set_tone(Tone(brightness=40, contrast=-20))
    window.actions_["tone"].trigger()
    settle(window)
    return window.grab()


@screen
def box_menu(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.document.set_selection([window.document.shown[0].key])
    window.canvas.menu_wanted.emit(window.canvas.mapToGlobal(window.canvas.rect().center()))
    settle(window)
    return over(window, QApplication.activePopupWidget())


@screen
def copy_to_next(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.document.set_selection([window.document.shown[0].key])
    return dialog_of(window, "propagate")


@screen
def drawing(shop: Workshop) -> QPixmap:
    window = shop.window(shop.fresh())
    add_class(window.document, "washer")
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
    window.images.chips.kinds[FilterKind.TO_REVIEW].click()
    settle(window)
    return window.grab()


@screen
def many_classes(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled(), size=SMALL)
    names = ("hex nut", "wing nut", "lock washer", "split pin", "rivet", "spring", "gasket", "dowel", "stud", "shim")
    for name in names:
        add_class(window.document, name)
    settle(window)
    return window.grab()


@screen
def long_names(shop: Workshop) -> QPixmap:
    folder = shop.fresh(LONG)
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"{LONG} {number:05}.jpg")
    window = shop.window(folder, size=SMALL)
    class_id = add_class(window.document, "eine Unterlegscheibe aus verzinktem Stahl, 24 mm & <b>größer</b>")
    assert class_id is not None
    window.document.set_active_class(class_id)
    key = box_verbs.draw(window.document, (120.0, 100.0, 300.0, 260.0))
    assert key is not None
    window.document.set_selection([key])
    settle(window)
    return window.grab()


@screen
def searching(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    window.images._search.setFocus()
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
    window.document.set_limits(replace(window.document.limits, overall=0.5))
    settle(window)
    return window.grab()


# Training and fusion weights


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
def training_classes(shop: Workshop) -> QPixmap:
    return viewed(shop, View.CLASSES)


@screen
def training_pictures(shop: Workshop) -> QPixmap:
    return viewed(shop, View.PICTURES)


@screen
def training_runs(shop: Workshop) -> QPixmap:
    return viewed(shop, View.RUNS)


@screen
def training_runs_tiny(shop: Workshop) -> QPixmap:
    return viewed(shop, View.RUNS, size=TINY)


def viewed(shop: Workshop, view: View, *, size: tuple[int, int] = FULL) -> QPixmap:
    """Another view of a run than its curves."""
    window = training(shop, BETTER, size=size)
    window.training._chips[view].click()
    settle(window)
    return window.grab()


@screen
def training_died(shop: Workshop) -> QPixmap:
    return training(shop, DIED, size=SMALL).grab()


@screen
def evaluation_none(shop: Workshop) -> QPixmap:
    return evaluation(shop, None)


@screen
def evaluation_classes(shop: Workshop) -> QPixmap:
    return evaluation(shop, Seen.CLASSES)


@screen
def evaluation_curves(shop: Workshop) -> QPixmap:
    return evaluation(shop, Seen.CURVES)


@screen
def evaluation_confusion(shop: Workshop) -> QPixmap:
    return evaluation(shop, Seen.CONFUSION)


def evaluation(shop: Workshop, view: Seen | None) -> QPixmap:
    """The starter, measured on what was reviewed, in a view; None: not measured yet."""
    window = shop.window(shop.labelled())
    review_some(window, 10)
    window.actions_["evaluation-panel"].trigger()
    settle(window)
    if view is not None:
        disagree(window)
        window.evaluating.measure()
        settle(window)
        window.evaluation._chips[view].click()
        settle(window)
    return window.grab()


def disagree(window: MainWindow) -> None:
    """A person who sees some things otherwise than the starter."""
    document = window.document
    validating = [image.id for image in document.images.values() if image.split is Side.VAL]
    for image_id in validating:
        document.show(image_id)
        keys = [box.key for box in document.shown]
        box_verbs.relabel(document, keys[:1], document.classes[1].id)
        box_verbs.delete(document, keys[1:2])
        box_verbs.reshape(document, {key: (4.0, 4.0, 60.0, 50.0) for key in keys[2:3]})
    settle(window)


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
    for folder, earlier in (("2026-11-20-094011", WORSE), ("2026-11-21-163002", DIED)):
        write_run(home / "runs" / folder, earlier, created=f"{folder[:10]}T09:40:11")
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


# Dialogs, menus, notices


@screen
def foreign_model(shop: Workshop) -> QPixmap:
    window = shop.window(shop.labelled())
    file = ForeignFile(Path("model_best.pth"), EFFDET_NAMING, said=None, fitting=("d6", "d7"), outputs=4)
    dialog = ForeignModelDialog(file, window)
    dialog.open()
    dialog.names.setPlainText("bolt\nhex nut\nwasher")
    settle(window)
    dialog.move(window.mapToGlobal(window.rect().center()) - dialog.rect().center())
    return over(window, dialog)


@screen
def fine_tune_ready(shop: Workshop) -> QPixmap:
    return dialog_of(fine_tune_window(shop, 10), "fine-tune")


@screen
def fine_tune_problem(shop: Workshop) -> QPixmap:
    return dialog_of(fine_tune_window(shop, 0), "fine-tune")


@screen
def fine_tune_findings(shop: Workshop) -> QPixmap:
    """Three images, one of them a copy of another one, on either side; the size is far too small for them."""
    window = fine_tune_window(shop, 3)
    ids = [image.id for image in window.document.images.values()]
    set_side(window.document, ids[:2], Side.TRAIN)
    set_side(window.document, ids[2:], Side.VAL)

    def find(dialog: QDialog) -> None:
        assert isinstance(dialog, FineTuneDialog)
        twins = f"A validation image looks like images that train: {AP_LOOKS_BETTER}"
        dialog.set_near_duplicates(Finding(Fault.NEAR_DUPLICATES, twins, (ids[0], ids[2]), groups=((ids[0], ids[2]),)))
        dialog.form.image_size.setValue(128)

    return dialog_of(window, "fine-tune", prepare=find)


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
    return over(window, window.class_choice.chooser)


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
    box_verbs.accept(window.document, [window.document.shown[0].key] if window.document.shown else [])
    settle(window)
    return window


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
