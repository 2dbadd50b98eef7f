"""A large picture full of small things: the model sees them once it looks at tiles, and the project remembers that."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person

LONG = 120_000  # ms that a model may need to load and to label on a busy machine


@pytest.fixture
def folder(tmp_path: Path, repository: Path) -> Path:
    """One picture of 2560 × 1440 px: the sample's, beside each other."""
    parts = sorted((repository / "resources" / "sample" / "images").glob("*.jpg"))[:12]
    large = Image.new("RGB", (4 * 640, 3 * 480))
    for number, path in enumerate(parts):
        with Image.open(path) as part:
            large.paste(part, (number % 4 * 640, number // 4 * 480))
    (tmp_path / "large").mkdir()
    large.save(tmp_path / "large" / "all.jpg", quality=95)
    return tmp_path / "large"


def label(me: "Person") -> int:
    """Presses I; how many proposals there are then."""
    passes = len(me.window.document.project.passes.all()) if me.window.document.project else 0
    me.press(Qt.Key.Key_I)
    me.wait(lambda: me.window.labelling.is_running, timeout=LONG)
    me.wait(lambda: not me.window.labelling.is_running, timeout=LONG)
    assert me.window.document.project is not None
    assert len(me.window.document.project.passes.all()) == passes + 1
    return me.window.document.tally.proposal_total()[0]


def test_small_things_are_found_in_tiles(start: "Callable[..., Person]", folder: Path) -> None:
    me = start(folder)
    me.wait(me.sees_picture)
    tiles = me.window.actions_["tiles"]
    assert not tiles.isChecked()
    assert label(me) < 10
    tiles.trigger()
    assert label(me) > 80
    me.quit()
    me = start(folder)
    me.wait(me.sees_picture)
    assert me.window.actions_["tiles"].isChecked()
    assert me.window.document.tally.proposal_total()[0] > 80
