"""What several journeys begin with, and how they end."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt

from detector.data.project.store import Project

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

FREE = (450, 60, 560, 150)  # where nothing is, in picture pixels


def open_folder(start: "Callable[..., Person]", folder: Path) -> "Person":
    """A person before the first picture of a folder, with nothing going on."""
    me = start(folder)
    me.wait(lambda: me.sees_picture() and not me.window.jobs.running)
    return me


def draw(me: "Person") -> None:
    """A box of the class in hand."""
    me.press(Qt.Key.Key_W)
    me.drag(FREE[:2], FREE[2:])


def stored(folder: Path) -> dict[str, Any]:
    """What a later start finds: path → state and boxes."""
    project = Project.open(folder, anyway=True)
    found = {image.path: (image.state, project.boxes(image.id)) for image in project.images()}
    project.close()
    return found
