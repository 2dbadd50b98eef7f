"""Garbage is collected in the window's thread, and a flood of what stays is set aside."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app import garbage
from app.garbage import Garbage, collect


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


class Knot:
    """Garbage as soon as it is let go: it holds itself."""

    def __init__(self) -> None:
        self.own = self


def test_it_ends_pythons_own_collections_and_collects_by_itself(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(garbage, "INTERVAL", 1)
    owner = QObject()
    Garbage(owner)
    assert not gc.isenabled()
    gone = weakref.ref(Knot())
    litter = [[] for _ in range(2 * gc.get_threshold()[0])]
    qtbot.waitUntil(lambda: gone() is None)
    assert litter
    owner.deleteLater()


def test_a_flood_of_objects_is_frozen_and_no_longer_looked_at():
    gc.disable()
    gc.collect()
    before = gc.get_freeze_count()
    data = [[] for _ in range(garbage.MANY + 1000)]
    collect()
    assert gc.get_freeze_count() >= before + len(data)
    assert gc.get_count() == (0, 0, 0)


def test_what_came_bit_by_bit_is_set_aside_before_looking_through_it_takes_long(monkeypatch: pytest.MonkeyPatch):
    gc.disable()
    gc.collect()
    gc.freeze()
    monkeypatch.setattr(garbage, "MOST", 5000)
    monkeypatch.setattr(gc, "get_threshold", lambda: (100, 1, 1))
    kept: list[list[object]] = []
    looked_through: list[int] = []
    gc.callbacks.append(looked := lambda phase, info: looked_through.append(info["generation"]))
    for _ in range(30):
        kept += [[] for _ in range(1000)]
        collect()
    gc.callbacks.remove(looked)
    assert gc.get_freeze_count() > 20_000
    assert len(gc.get_objects()) < 15_000
    assert 1 in looked_through
