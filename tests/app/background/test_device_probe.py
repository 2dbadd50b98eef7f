"""The device is found out in a child process, which ends with the question."""

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.background import device_probe
from app.background.device_probe import DeviceFinder, probe
from app.jobs import Jobs


def test_the_child_ends_when_nobody_wants_to_know(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device_probe, "QUESTION", "import time; time.sleep(600)")
    before = set(psutil.Process().children())
    asking = probe("cpu")
    assert next(asking) == ""
    (child,) = set(psutil.Process().children()) - before
    asking.close()
    assert not child.is_running()


def test_what_is_not_there_is_said(jobs: Jobs, qtbot: QtBot):
    finder = DeviceFinder(jobs)
    with qtbot.waitSignal(finder.missing, timeout=180_000) as missing:
        finder.look("nonsense")
    assert missing.args == ["nonsense"]
    with qtbot.waitSignal(finder.found, timeout=180_000) as found:
        finder.look("cpu")
    assert found.args[0].startswith("CPU: ")
    assert found.args[1] == 0
