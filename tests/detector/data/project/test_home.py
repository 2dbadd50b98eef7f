"""Where a store lies, which drives are shared, and that copies do not pile up."""

import os
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from detector.data.project import backups, home
from detector.data.project.database import DamageError, Database
from detector.errors import ProjectError

Mount = namedtuple("Mount", ("mountpoint", "fstype", "opts"))


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ([("/", "ext4", "rw")], False),
        ([("/", "ext4", "rw"), ("HERE", "nfs4", "rw")], True),
        ([("/", "cifs", "rw"), ("HERE", "ext4", "rw")], False),
        ([("/", "ext4", "rw"), ("HERE/sub", "nfs", "rw")], False),
        ([("HERE", "NTFS", "rw,remote")], True),
        ([("HERE", "fuse.sshfs", "rw")], True),
        ([("/elsewhere", "nfs", "rw")], False),
    ],
)
def test_drives_that_other_machines_share(mounts, expected, tmp_path: Path, monkeypatch):
    here = os.path.realpath(tmp_path)
    listed = [Mount(point.replace("HERE", here), kind, options) for point, kind, options in mounts]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: listed)
    assert home.is_on_network(tmp_path / "project") is expected


def test_folders_of_one_name_have_stores_of_their_own(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(home, "can_write", lambda path: False)
    places = {home.find_home(tmp_path / name / "photos").path for name in ("a", "b")}
    assert len(places) == 2
    assert {place.name.partition("-")[0] for place in places} == {"photos"}


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="cannot be made"):
        home.make_folder(tmp_path / "file" / "sub")


def test_only_the_newest_copies_are_kept(tmp_path: Path):
    folder = tmp_path / "backups"
    folder.mkdir()
    for number in range(20):
        (folder / f"project-20200101-0000{number:02}.db").touch()
    (folder / "mine.txt").touch()
    database = Database(tmp_path / "a.db", remedy="")
    backups.back_up(database, folder)
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == backups.KEPT + 1
    assert "mine.txt" in names
    assert len(names) == 11
    assert "project-20200101-000010.db" not in names
    assert "project-20200101-000011.db" in names
    database.close()


def test_copies_go_on_in_order_though_the_clock_was_set_back(tmp_path: Path):
    folder = tmp_path / "backups"
    folder.mkdir()
    for number in range(backups.KEPT):
        future = folder / f"project-20990101-0000{number:02}.db"
        future.touch()
        os.utime(future, (4e9, 4e9))
    database = Database(tmp_path / "a.db", remedy="")
    backups.back_up_daily(database, folder)
    names = [path.name for path in backups.copies(folder)]
    assert names[-1] == f"project-20990101-0000{backups.KEPT}.db"
    assert len(names) == backups.KEPT
    [os.utime(path) for path in backups.copies(folder)]  # the clock is right again
    backups.back_up_daily(database, folder)
    assert [path.name for path in backups.copies(folder)] == names  # there is one of today now
    database.close()


def test_a_damaged_store_pushes_no_good_copy_out(tmp_path: Path):
    path, folder = tmp_path / "a.db", tmp_path / "backups"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE numbers (value TEXT)")
        raw.executemany("INSERT INTO numbers VALUES (?)", [("x" * 500,)] * 100)
        raw.commit()
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 4 * 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    database = Database(path, remedy="do something")
    with pytest.raises(DamageError, match="is damaged; do something"):
        backups.back_up(database, folder)
    assert list(folder.iterdir()) == []
    database.close()


def test_a_copy_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "backups").touch()
    database = Database(tmp_path / "a.db", remedy="")
    with pytest.raises(ProjectError, match="the copy cannot be written"):
        backups.back_up(database, tmp_path / "backups")
    database.close()
