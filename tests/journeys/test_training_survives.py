"""A run outlives the window, and the window outlives the run: closed, killed, found again."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from app.background.run_watcher import RunState
from app.background.training_process import EVENTS, list_runs
from detector.training.run_folder import LAST
from tests.journeys.steps import open_folder
from tests.reviewed import PARTS_SIDE as SIZE
from tests.reviewed import make_parts

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

LONG = 120_000  # ms that a run may take to get going on a busy machine
SLOW = 5000  # steps: more than any of this takes
# A window of which a run is started, and which then waits to be killed.
WINDOW = f"""
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from tests.journeys.conftest import start_window
application = QApplication([])
me = start_window(Path(sys.argv[1]), Path(sys.argv[2]))
me.wait(lambda: me.sees_picture() and not me.window.jobs.running)
me.fine_tune(steps=60, batch=2, size={SIZE})
me.wait(lambda: me.window.training.course.checkpoint, {LONG})
print("trains", flush=True)
application.exec()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four reviewed pictures of parts, one of them to validate on."""
    project = make_parts(tmp_path / "pictures")
    project.close()
    return project.folder


def lives(folder: Path) -> bool:
    """Whether the project's run works."""
    (run,) = list_runs(folder / ".efficientdet-studio" / "runs")
    return run.is_alive()


def test_the_window_is_closed_and_opened_again(start: "Callable[..., Person]", folder: Path) -> None:
    me = open_folder(start, folder)
    me.fine_tune(steps=SLOW, batch=1, size=SIZE)
    me.wait(lambda: len(me.window.training.course.steps) >= 3, LONG)
    seen, run = me.window.training.course, me.window.fine_tuning.watcher.run
    me.quit()
    written = (run.folder / EVENTS).stat().st_size
    me.wait(lambda: (run.folder / EVENTS).stat().st_size > written + 500, LONG)
    assert lives(folder)

    me = open_folder(start, folder)
    me.wait(me.window.training.isVisible)
    me.wait(lambda: len(me.window.training.course.steps) > len(seen.steps))
    course = me.window.training.course
    assert course.losses[: len(seen.losses)] == seen.losses
    assert course.start_ap == seen.start_ap
    before = len(course.steps)
    me.wait(lambda: len(course.steps) > before, LONG)  # it goes on
    assert course.steps == [*range(1, len(course.steps) + 1)]
    assert me.window.training.state is RunState.RUNNING

    me.click_button("Stop", me.window.training)
    me.wait(lambda: me.window.training.state is RunState.STOPPED, LONG)
    assert me.window.training.verdict.text.startswith(f"Stopped after step {len(course.steps)}. ")
    me.wait(lambda: not lives(folder))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no process groups to kill")
def test_the_window_is_killed_then_the_run(start: "Callable[..., Person]", folder: Path, home: Path, repository: Path):
    command = [sys.executable, "-c", WINDOW, str(home / "settings.ini"), str(folder)]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE) as window:
        assert window.stdout
        assert window.stdout.readline() == b"trains\n"
        window.kill()
    assert lives(folder)

    me = open_folder(start, folder)
    me.wait(me.window.training.isVisible)
    me.wait(lambda: me.window.training.course.checkpoint)
    assert me.window.training.state is RunState.RUNNING
    run = me.window.fine_tuning.watcher.run
    family = [*psutil.Process(run.pid).children(recursive=True), psutil.Process(run.pid)]
    os.killpg(run.pid, signal.SIGKILL)
    me.wait(lambda: me.window.training.state is RunState.DIED)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    step = me.window.training.course.checkpoint.step
    verdict = me.window.training.verdict.text
    assert verdict.startswith("The run ended unexpectedly: it was ended from outside")
    assert verdict.endswith(f"The last checkpoint (step {step}) can be used.")
    assert me.notices == []  # since the panel, which is in sight, says it
    me.click_button("Use last checkpoint", me.window.training)
    assert me.window.model.source == str(run.folder / LAST)
    assert me.window.top_bar.model_button.text().endswith(f"D0 · {SIZE} px")
    me.quit()
    me = open_folder(start, folder)
    assert me.window.model.source == str(run.folder / LAST)
    assert me.notices == []
