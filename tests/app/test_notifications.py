"""Errors in words: our own say it themselves, of others the traceback is kept."""

import errno
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.notifications import Kind, Notifications, describe
from detector.errors import ImageError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ImageError("a.jpg: damaged; replace it."), "a.jpg: damaged; replace it."),
        (OSError(errno.ENOSPC, "No space left on device", "x.json"), "x.json: No space left on device. Check"),
        (MemoryError(), "The memory is full"),
        (ValueError("line 1\nline 2"), "This should not happen: line 1 line 2. Your labels are safe."),
    ],
)
def test_errors_in_one_sentence(error: BaseException, text: str):
    notice = describe(error)
    assert notice.kind is Kind.ERROR
    assert notice.text.startswith(text)
    assert "\n" not in notice.text
    assert bool(notice.details) == isinstance(error, ValueError)


def test_what_nothing_handled_comes_to_the_door(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    notifications = Notifications()
    notifications.catch_all()
    with qtbot.waitSignal(notifications.posted) as posted:
        sys.excepthook(KeyError, KeyError("x"), None)
    assert "'x'" in posted.args[0].text
    assert Path(__file__).name not in posted.args[0].text
