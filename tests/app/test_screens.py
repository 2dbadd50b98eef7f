"""The script that renders the screens: two of them, which need no model."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app import theme
from app.theme import DARK, LIGHT


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


def test_every_screen_has_a_name_for_the_command_line(screens: ModuleType):
    assert {"welcome", "labelling", "review", "training-running", "fusion-run", "export"} <= set(screens.SCREENS)
