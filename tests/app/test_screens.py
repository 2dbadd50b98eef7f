"""The script that renders the screens, and what a machine can see of their faults, on those that need no model."""

import importlib.util
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QStackedLayout,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.theme import DARK, LIGHT
from app.widgets.elided_label import ElidedLabel


@pytest.fixture
def screens(repository: Path, qapp: QApplication) -> Iterator[ModuleType]:
    """The script as a module; the light theme afterwards."""
    spec = importlib.util.spec_from_file_location("screens", repository / "tests" / "benchmarks" / "screens.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]
    theme.apply(qapp, LIGHT)


def colours_of(image: QImage) -> set[int]:
    """The colours of a grid of its pixels."""
    return {image.pixel(x, y) for x in range(0, image.width(), 8) for y in range(0, image.height(), 8)}


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_two_screens_show_what_they_are_about(screens: ModuleType, look: theme.Theme):
    with screens.workshop() as shop:
        page = screens.render("welcome", look, shop).toImage()
        canvas = screens.render("drawing", look, shop).toImage()
    assert (page.width(), page.height()) == (canvas.width(), canvas.height()) == screens.FULL
    assert page.pixelColor(4, 450).name() == look.window.lower()
    assert 10 < len(colours_of(page)) < 400  # flat: words and icons
    assert len(colours_of(canvas)) > 1000  # a photograph


def is_on_a_line(label: QLabel) -> bool:
    return not label.wordWrap() and not isinstance(label, ElidedLabel) and bool(label.text())


def shows_words(part: QWidget) -> TypeGuard[QAbstractButton | QLabel]:
    is_picture = isinstance(part, QToolButton) and part.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly
    return isinstance(part, QAbstractButton | QLabel) and bool(part.text()) and not is_picture


def cut_off(root: QWidget) -> list[str]:
    """Words in sight for which there is too little room; those that are shortened with an ellipsis count as whole."""
    found: list[str] = []
    for part in root.findChildren(QWidget):
        if not part.isVisibleTo(root) or not shows_words(part):
            continue
        if isinstance(part, QAbstractButton) or is_on_a_line(part):
            if part.width() < part.sizeHint().width() or part.height() < part.fontMetrics().height():
                found.append(f"{part.text()!r} has {part.size().toTuple()} of {part.sizeHint().toTuple()}")
        elif part.wordWrap() and part.height() < part.heightForWidth(part.width()):
            found.append(f"{part.text()!r} has {part.height()} of {part.heightForWidth(part.width())} px")
    return found


def overlapping(root: QWidget) -> list[str]:
    """Pairs of widgets of one layout that cover each other."""
    found: list[str] = []
    for layout in root.findChildren(QLayout):
        items = [layout.itemAt(place) for place in range(layout.count())]
        widgets = [item.widget() for item in items if item is not None and item.widget() is not None]
        seen = [widget for widget in widgets if widget.isVisibleTo(root)]
        if not isinstance(layout, QStackedLayout):
            for one, other in combinations(seen, 2):
                if one.geometry().intersects(other.geometry()):
                    found.append(f"{one} and {other}")
    return found


@pytest.mark.parametrize(
    "name",
    [
        "welcome",
        "welcome-recent",
        "empty-folder",
        "opened",
        "long-names",
        "nothing-to-review",
        "five-hundred-classes",
        "class-chooser-of-500",
        "two-thousand-boxes",
        "tiny",
        "tiny-and-hidden",
        "shortcuts-small",
        "preferences",
        "preferences-keys",
    ],
)
def test_no_words_are_cut_off_and_nothing_covers_its_neighbour(
    screens: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
):
    faults: list[str] = []
    grab = QWidget.grab

    def grab_and_look(self: QWidget) -> QPixmap:
        faults.extend((*cut_off(self), *overlapping(self)))
        return grab(self)

    monkeypatch.setattr(QWidget, "grab", grab_and_look)
    with screens.workshop() as shop:
        screens.render(name, LIGHT, shop)
    assert not faults, "\n".join(faults)


def test_words_that_are_cut_off_are_found(qtbot: QtBot):
    page = QWidget()
    qtbot.addWidget(page)
    row = QHBoxLayout(page)
    label, button = QLabel("some words"), QPushButton("more words")
    row.addWidget(label)
    row.addWidget(button)
    page.show()
    assert cut_off(page) == []
    assert overlapping(page) == []
    label.setFixedWidth(20)
    button.setFixedHeight(8)
    page.layout().activate()
    assert len(cut_off(page)) == 2
    button.move(label.pos())
    assert len(overlapping(page)) == 1


def test_every_screen_has_a_name_for_the_command_line(screens: ModuleType):
    assert {"welcome", "labelling", "review", "training-running", "fusion-run", "export"} <= set(screens.SCREENS)
