"""Older stores are brought up to date, newer ones are left alone."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from detector.data.project import schema
from detector.data.project.home import NAME, STORE
from detector.data.project.store import Project
from detector.errors import ProjectError

NEXT = ("CREATE TABLE later (value INTEGER)", "INSERT INTO later SELECT count(*) FROM classes")


def test_an_older_store_is_copied_and_brought_up_to_date(opened: Callable[..., Project], add_class, monkeypatch):
    project = opened()
    bolt = add_class(project)
    project.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    project = opened()
    assert project.classes() == (bolt,)
    assert project.database.rows("SELECT value FROM later") == [(1,)]
    (copy,) = (project.home / "backups").iterdir()
    project.close()
    monkeypatch.undo()
    (project.home / STORE).write_bytes(copy.read_bytes())
    assert opened().classes() == (bolt,)


def test_a_migration_that_fails_changes_nothing(opened: Callable[..., Project], add_class, monkeypatch):
    project = opened()
    bolt = add_class(project)
    project.close()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, (*NEXT, "NONSENSE")))
        with pytest.raises(Exception, match="syntax"):
            opened()
    project = opened()
    assert (project.read_only, project.classes()) == (None, (bolt,))
    assert project.database.rows("SELECT name FROM sqlite_master WHERE name = 'later'") == []


def test_a_newer_store_is_refused(opened: Callable[..., Project], folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
        opened().close()
    before = (folder / NAME / STORE).read_bytes()
    for _ in range(2):  # and the lock is let go
        with pytest.raises(ProjectError, match=r"project\.db: a newer version of this program made it"):
            opened()
    assert (folder / NAME / STORE).read_bytes() == before


def test_an_older_store_that_cannot_be_written_to_is_refused(opened: Callable[..., Project], folder, monkeypatch):
    opened().close()
    monkeypatch.setattr("detector.data.project.store.MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    monkeypatch.setattr("detector.data.project.home.can_write", lambda path: path != folder / NAME)
    with pytest.raises(ProjectError, match="older version"):
        opened()


def test_a_store_of_the_first_version_keeps_its_passes(opened: Callable[..., Project], folder: Path):
    (folder / NAME).mkdir()
    with closing(sqlite3.connect(folder / NAME / STORE)) as raw:
        for statement in schema.MIGRATIONS[0]:
            raw.execute(statement)
        sql = "INSERT INTO classes (id, name, colour, position, category_id, pass_id) VALUES (1, 'bolt', '', 0, 1, 7)"
        raw.execute(sql)
        values = (7, "M", "m", '{"0": 1}', '{"1": 0.5}', "2026-01-01T00:00:00+00:00", 1)
        raw.execute("INSERT INTO passes VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        raw.execute("UPDATE counter SET next_id = 2")
        raw.execute("PRAGMA user_version = 1")
        raw.commit()
    project = opened()
    (old,) = project.passes.all()
    assert (old.class_ids, old.thresholds, old.model_key, old.knows) == ({0: 1}, {1: 0.5}, "", ())
    new = project.passes.begin(model="M", source="m", names=("bolt",), category_ids=(1,), thresholds={}, model_key="k")
    assert new.class_ids == {0: 1}
    assert project.predictions.coverage("k", project.images()).shown == frozenset()
