"""Journey 6, on drives: folders that cannot be written to, network drives, a clock that jumps, pictures that go."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt

from app.notifications import Kind
from detector.data.project import backups, home, store
from detector.data.project.home import NAME
from tests.journeys.steps import draw, open_folder, stored

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

Key, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
Start = Callable[..., "Person"]


@pytest.fixture
def guarded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a folder one that cannot be written to, whoever runs the tests."""

    def guard(path: Path) -> None:
        monkeypatch.setattr(home, "can_write", lambda place: not place.is_relative_to(path))

    return guard


def test_a_folder_with_labels_that_cannot_be_written_to_is_for_looking_and_says_so(
    start: Start, folder: Path, guarded: Callable[[Path], None]
) -> None:
    me = open_folder(start, folder)
    draw(me)
    before = [box.xyxy for key, box in me.boxes.items() if key > 0]
    me.quit()
    guarded(folder)
    files = {path: path.stat().st_mtime_ns for path in (folder / NAME).iterdir()}
    me = open_folder(start, folder)
    (notice,) = me.notices
    assert (notice.kind, notice.text) == (Kind.WARNING, f"{folder} cannot be written to.")
    draw(me)
    me.press(Key.Key_Space, Key.Key_E, Key.Key_A)
    me.wait(me.sees_picture)
    assert [box.xyxy for key, box in me.boxes.items() if key > 0] == before
    me.quit()
    assert {path: path.stat().st_mtime_ns for path in (folder / NAME).iterdir()} == files


def test_a_new_folder_that_cannot_be_written_to_keeps_its_labels_with_the_person(
    start: Start, tmp_path: Path, guarded: Callable[[Path], None], make_project: Callable[..., Path]
) -> None:
    made = make_project(tmp_path / "made", images=2, found_in=0)
    disc = tmp_path / "disc"
    disc.mkdir()
    for picture in made.glob("*.png"):
        picture.rename(disc / picture.name)
    guarded(disc)
    me = open_folder(start, disc)
    assert me.notices == []
    draw(me)
    me.type("nut")  # the first class
    me.press(Key.Key_Return)
    me.wait(lambda: me.boxes)
    me.quit()
    assert sorted(path.suffix for path in disc.iterdir()) == [".png", ".png"]
    me = open_folder(start, disc)
    assert len(me.boxes) == 1


def test_a_network_drive_has_a_rollback_journal_and_loses_nothing(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "is_on_network", lambda _: True)
    me = open_folder(start, folder)
    draw(me)
    assert not list((folder / NAME).glob("*.db-wal"))
    with closing(sqlite3.connect(folder / NAME / "project.db")) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    me.press(Key.Key_Z, modifiers=CTRL)
    me.press(Key.Key_Y, modifiers=CTRL)
    assert me.notices == []
    kept = {key for key in me.boxes if key > 0}
    me.quit()
    assert {box.id for box in stored(folder)["a1.png"][1]} == kept


def test_a_drive_that_stops_answering_is_told_and_what_is_not_stored_is_not_shown(start: Start, folder: Path) -> None:
    me = open_folder(start, folder)
    draw(me)
    before = me.boxes
    with closing(sqlite3.connect(folder / NAME / "project.db", isolation_level=None)) as other:
        me.window.document.project.database._connection.execute("PRAGMA busy_timeout = 10")
        other.execute("BEGIN IMMEDIATE")  # as a drive that another program holds
        draw(me)
        me.wait(lambda: me.notices)
        assert "another program holds it; close that program and try again" in me.notices[0].text
        assert me.boxes == before
        other.execute("ROLLBACK")
    me.window.notices.clear()
    draw(me)
    assert len(me.boxes) == len(before) + 1


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_loses_nothing(
    days: int, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = open_folder(start, folder)
    draw(me)
    me.press(Key.Key_Space)
    me.quit()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz or UTC) + timedelta(days=days)

    monkeypatch.setattr(backups, "datetime", Clock)
    for path in (folder / NAME).rglob("*"):
        os.utime(path, (0, 0) if days > 0 else (4e9, 4e9))
    before = stored(folder)
    me = open_folder(start, folder)
    assert me.notices == []
    draw(me)
    me.press(Key.Key_Z, modifiers=CTRL)
    me.quit()
    assert stored(folder) == before
    me = open_folder(start, folder)  # the next day, by the same wrong clock
    assert me.notices == []
    assert backups.copies(folder / NAME / "backups")


def test_pictures_that_go_while_one_works_keep_their_labels_and_come_back(start: Start, folder: Path) -> None:
    me = open_folder(start, folder)
    draw(me)
    me.press(Key.Key_D)
    me.wait(lambda: me.path == "a2.png" and me.sees_picture())
    draw(me)
    away = folder.with_name("away")
    away.mkdir()
    for name in ("a1.png", "a4.png"):
        (folder / name).rename(away / name)
    me.press(Key.Key_F5)
    me.wait(lambda: me.notices)
    (notice,) = me.notices
    assert (notice.kind, notice.text) == (Kind.INFO, "In the folder: 2 missing.")
    assert me.path == "a2.png"
    assert len(stored(folder)["a1.png"][1]) == 1
    for name in ("a1.png", "a4.png"):
        (away / name).rename(folder / name)
    me.press(Key.Key_F5)
    me.wait(lambda: not me.window.jobs.running)
    me.press(Key.Key_A)
    me.wait(lambda: me.path == "a1.png" and me.sees_picture())
    assert len([key for key in me.boxes if key > 0]) == 1
