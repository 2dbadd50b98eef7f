"""Thumbnails: in the order asked for, kept in the store, none for broken files, none of a closed project."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.background import thumbnails as module
from app.background.thumbnails import LONG_SIDE, Thumbnails, shrunk
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notice, Notifications
from tests.app.opening import open_into


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures of 600 × 300 pixels, and a broken one at the end."""
    for number in range(6):
        Image.new("RGB", (600, 300), (40 * number, 100, 200)).save(tmp_path / f"{number}.png")
    (tmp_path / "6.png").write_bytes(b"no picture")
    return tmp_path


@pytest.fixture
def document(qapp: QApplication, folder: Path) -> Iterator[Document]:
    """The folder as a project."""
    made = open_into(Document(), folder)
    yield made
    made.detach()


@pytest.fixture
def notices() -> list[Notice]:
    """What the one door was told."""
    return []


@pytest.fixture
def jobs(document: Document, notices: list[Notice]) -> Iterator[Jobs]:
    """Jobs that end before the project closes."""
    notifications = Notifications()
    notifications.posted.connect(notices.append)
    made = Jobs(notifications)
    yield made
    made.stop_all()


@pytest.fixture
def thumbnails(document: Document, jobs: Jobs) -> Thumbnails:
    """The thumbnails of the document."""
    return Thumbnails(document, jobs)


def test_a_thumbnail_is_small_and_has_the_pictures_colours(
    qtbot: QtBot, document: Document, thumbnails: Thumbnails
) -> None:
    image_id = document.visible[2]
    assert thumbnails.image(image_id) is None
    with qtbot.waitSignal(thumbnails.ready) as told:
        thumbnails.want([image_id])
    picture = thumbnails.image(image_id)
    assert told.args == [image_id]
    assert picture is not None
    assert (picture.width(), picture.height()) == (LONG_SIDE, LONG_SIDE // 2)
    colour = picture.pixelColor(20, 20)
    assert (colour.red(), colour.green(), colour.blue()) == pytest.approx((80, 100, 200), abs=4)


def test_they_come_in_the_order_asked_for(qtbot: QtBot, document: Document, thumbnails: Thumbnails) -> None:
    came: list[int] = []
    thumbnails.ready.connect(came.append)
    wanted = [document.visible[place] for place in (4, 0, 3)]
    thumbnails.want(wanted)
    qtbot.waitUntil(lambda: len(came) == 3)
    assert came == wanted


def test_a_second_wish_replaces_what_still_waits(
    qtbot: QtBot, document: Document, thumbnails: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = document.visible
    seen: list[str] = []

    def decode(path: Path) -> np.ndarray:
        seen.append(path.name)
        if len(seen) == 1:
            thumbnails._queue.replace([document.images[ids[5]]])  # as a person who scrolls on meanwhile
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr(module, "decode", decode)
    thumbnails.want(ids[:5])
    qtbot.waitUntil(lambda: thumbnails.image(ids[5]) is not None)
    assert seen == ["0.png", "5.png"]


def test_a_wish_after_the_end_is_fulfilled_too(qtbot: QtBot, document: Document, thumbnails: Thumbnails) -> None:
    for image_id in document.visible[:3]:
        with qtbot.waitSignal(thumbnails.ready):
            thumbnails.want([image_id])
    assert all(thumbnails.image(image_id) is not None for image_id in document.visible[:3])


def test_a_broken_file_is_known_as_such_and_stops_nothing(
    qtbot: QtBot, document: Document, thumbnails: Thumbnails, notices: list[Notice]
) -> None:
    broken, good = document.visible[6], document.visible[0]
    thumbnails.want([broken, good])
    qtbot.waitUntil(lambda: thumbnails.image(good) is not None)
    assert thumbnails.is_broken(broken)
    assert not thumbnails.is_broken(good)
    assert thumbnails.image(broken) is None
    assert notices == []


def test_the_store_keeps_them(
    qtbot: QtBot, document: Document, thumbnails: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = document.visible[1]
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.want([image_id])
    assert document.project is not None
    assert (document.project.thumbnails.get(image_id) or b"").startswith(b"\xff\xd8")
    monkeypatch.setattr(module, "decode", lambda path: pytest.fail("decoded again"))
    later = Thumbnails(document, thumbnails._jobs)
    with qtbot.waitSignal(later.ready):
        later.want([image_id])
    assert later.image(image_id) is not None


def test_a_damaged_copy_in_the_store_is_made_anew(qtbot: QtBot, document: Document, thumbnails: Thumbnails) -> None:
    image_id = document.visible[1]
    assert document.project is not None
    document.project.thumbnails.put(image_id, b"\xff\xd8 no JPEG")
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.want([image_id])
    assert thumbnails.image(image_id) is not None
    assert len(document.project.thumbnails.get(image_id) or b"") > 100


def test_memory_holds_a_limited_number(
    qtbot: QtBot, document: Document, thumbnails: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    ids = document.visible
    thumbnails.want(ids[:4])
    qtbot.waitUntil(lambda: thumbnails.image(ids[3]) is not None)
    assert [thumbnails.image(image_id) is not None for image_id in ids[:4]] == [False, False, True, True]


def test_another_project_begins_without_any(
    qtbot: QtBot, document: Document, thumbnails: Thumbnails, jobs: Jobs
) -> None:
    image_id = document.visible[0]
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.want([image_id])
    thumbnails.want(document.visible)
    document.detach()
    assert thumbnails.image(image_id) is None
    came: list[int] = []
    thumbnails.ready.connect(came.append)
    qtbot.waitUntil(lambda: not jobs.running)
    assert came == []
    thumbnails.want([image_id])
    assert not jobs.running


def test_files_are_read_anew_when_they_may_have_changed(
    qtbot: QtBot, document: Document, thumbnails: Thumbnails
) -> None:
    image_id = document.visible[0]
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.want([image_id])
    Image.new("RGB", (60, 120), "red").save(document.project.folder / "0.png")
    with qtbot.waitSignal(thumbnails.forgotten):
        thumbnails.forget()
    thumbnails.want([image_id])
    qtbot.waitUntil(lambda: thumbnails.image(image_id) is not None)
    assert thumbnails.image(image_id).pixelColor(5, 5).red() > 240


def test_shrinking_keeps_the_shape_and_never_enlarges() -> None:
    tall = shrunk(np.zeros((3000, 2, 3), np.uint8), 300)
    assert tall.shape == (300, 1, 3)
    small = np.zeros((7, 9, 3), np.uint8)
    assert shrunk(small, 300) is small
