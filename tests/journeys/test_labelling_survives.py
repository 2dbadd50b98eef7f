"""Journey 3: the machine goes down in the middle of a pass; in the morning it goes on where it was."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from detector.data.project.home import NAME
from tests.journeys.conftest import LONG

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

IMAGES, KILLED_AFTER = 80, 3


def rows(folder: Path) -> dict[int, int]:
    """Image id → the number that its newest predictions were given as they were stored."""
    with closing(sqlite3.connect(folder / NAME / "cache.db")) as raw:
        return dict(raw.execute("SELECT image_id, max(rowid) FROM predictions GROUP BY image_id"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_pass_that_was_killed_goes_on_where_it_was(
    start: "Callable[..., Person]", make_project: Callable[..., Path], tmp_path: Path, repository: Path
) -> None:
    folder = make_project(tmp_path / "pictures", images=IMAGES, found_in=0)
    command = [sys.executable, "-m", "tests.journeys.label_child", str(folder), str(tmp_path / "settings.ini")]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        command, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        told = 0
        while told < KILLED_AFTER:
            line = process.stdout.readline()
            assert line, "it has died"
            told = int(line)
        process.send_signal(signal.SIGKILL)
    before = rows(folder)
    assert KILLED_AFTER <= len(before) < IMAGES

    me = start(folder)
    me.wait(lambda: me.notices)
    left = IMAGES - len(before)
    assert me.notices[0].text == f"Starter was cut short: {left} of {IMAGES} images are left to label."
    labelled: list[int] = []
    me.click(me.window.notices.cards()[0].action_button)
    (job,) = (each for each in me.window.jobs.running if each.device)
    job.advanced.connect(lambda events: labelled.extend(i for e in events for i in getattr(e, "image_ids", ())))
    me.wait(lambda: not me.window.labelling.is_running, LONG)
    after = rows(folder)
    assert sorted(labelled) == sorted(after.keys() - before.keys())  # the others are not looked at again
    assert {image_id: row for image_id, row in after.items() if image_id in before} == before
    assert len(after) == IMAGES
    me.quit()

    me = start(folder)
    me.wait(lambda: len(me.window.document.images) == IMAGES and not me.window.jobs.running)
    assert me.notices == []
    assert rows(folder) == after
