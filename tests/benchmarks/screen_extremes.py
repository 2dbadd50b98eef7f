"""Screens that take much: thousands of boxes, hundreds of classes; and the popups in which one types."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QPixmap
from PySide6.QtWidgets import QDialog
from screen_workshop import SMALL, TINY, Workshop, dialog_of, over, settle

from app import worker_results
from app.dialogs.preferences import Preferences
from app.main_window import MainWindow
from app.verbs.class_verbs import add_class
from detector.boxes import Detections

BOXES, CLASSES = 2000, 500
Screen = Callable[[Workshop], QPixmap]


def two_thousand_boxes(shop: Workshop) -> QPixmap:
    """One picture with as many proposals as a crowd has heads."""
    window = shop.window(shop.fresh())
    find(window, BOXES, names=["head", "hand", "hat"])
    return window.grab()


def five_hundred_classes(shop: Workshop) -> QPixmap:
    window = shop.window(shop.fresh(), size=SMALL)
    find(window, 40, names=[f"species {number:03} of the reference list" for number in range(CLASSES)])
    for number in range(12):
        add_class(window.document, f"our own class {number}")
    settle(window)
    window.document.set_selection([window.document.shown[0].key])
    settle(window)
    return window.grab()


def tiny(shop: Workshop) -> QPixmap:
    window = shop.window(shop.fresh(), size=TINY)
    find(window, 40, names=["a head with a hat, seen from behind", "hand"])
    window.document.set_selection([window.document.shown[0].key])
    settle(window)
    assert window.size().toTuple() == TINY
    return window.grab()


def tiny_and_hidden(shop: Workshop) -> QPixmap:
    window = shop.window(shop.fresh(), size=TINY)
    find(window, 40, names=["head", "hand"])
    window.canvas.set_boxes_visible(False)
    window.actions_["training-panel"].trigger()
    settle(window)
    assert window.size().toTuple() == TINY
    return window.grab()


def class_chooser_of_500(shop: Workshop) -> QPixmap:
    window = shop.window(shop.fresh(), size=SMALL)
    find(window, 40, names=[f"species {number:03} of the reference list" for number in range(CLASSES)])
    window.document.set_selection([window.document.shown[0].key])
    window.canvas.ask_class()
    settle(window)
    return over(window, window.class_choice.chooser)


def commands(shop: Workshop) -> QPixmap:
    return found(shop, "commands", "")


def commands_found(shop: Workshop) -> QPixmap:
    return found(shop, "commands", "box")


def go_to(shop: Workshop) -> QPixmap:
    return found(shop, "go-to", "00")


def go_to_nothing(shop: Workshop) -> QPixmap:
    return found(shop, "go-to", "a name that no image has")


def shortcuts_small(shop: Workshop) -> QPixmap:
    return dialog_of(shop.window(shop.fresh(), size=SMALL), "shortcuts")


def preferences(shop: Workshop) -> QPixmap:
    return dialog_of(shop.window(shop.fresh()), "preferences")


def preferences_keys(shop: Workshop) -> QPixmap:
    def record(dialog: QDialog) -> None:
        assert isinstance(dialog, Preferences)
        dialog.show_shortcuts()
        dialog.shortcuts.choose("draw")
        dialog.shortcuts.recorder.pressed_keys.emit(QKeySequence("Ctrl+Z"))

    return dialog_of(shop.window(shop.fresh(), size=SMALL), "preferences", prepare=record)


SCREENS: dict[str, Screen] = {
    made.__name__.replace("_", "-"): made
    for made in (
        two_thousand_boxes,
        five_hundred_classes,
        tiny,
        tiny_and_hidden,
        class_chooser_of_500,
        commands,
        commands_found,
        go_to,
        go_to_nothing,
        shortcuts_small,
        preferences,
        preferences_keys,
    )
}


def find(window: MainWindow, number: int, *, names: list[str]) -> None:
    """A made-up model finds so many boxes on the current image."""
    document = window.document
    project, current = document.project, document.current
    assert project is not None
    assert current is not None
    image = document.images[current]
    width, height = image.width or 640, image.height or 480
    chance = np.random.default_rng(3)
    corners = chance.uniform((0, 0), (width - 40, height - 40), (number, 2))
    boxes = np.hstack([corners, corners + chance.uniform(8, 40, (number, 2))]).astype(np.float32)
    scores = np.sort(chance.uniform(0.4, 0.99, number))[::-1].astype(np.float32)
    pass_ = project.passes.begin(
        model="Field guide", source="guide", names=names, category_ids=range(1, len(names) + 1), thresholds={}
    )
    classes = chance.integers(0, len(names), number)
    project.predictions.put(pass_.id, [(current, Detections(boxes, scores, classes, np.arange(number)))])
    document.read_classes()
    worker_results.note_labelled(document, [current])
    settle(window)


def found(shop: Workshop, action: str, typed: str) -> QPixmap:
    """The popup of an action, with something typed into it."""
    window = shop.window(shop.labelled())
    window.actions_[action].trigger()
    settle(window)
    finder = window.lookup.finder
    assert finder is not None
    finder.focusWidget().setText(typed)  # pyright: ignore[reportAttributeAccessIssue]
    settle(window)
    picture = over(window, finder)
    finder.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    finder.close()
    return picture
