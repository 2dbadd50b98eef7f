"""A window that is killed in the midst of work has lost nothing that it has shown as done."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from detector.data.project.home import NAME
from detector.data.project.records import State
from detector.data.project.store import Project

MOMENTS, SLOW_MOMENTS = 20, 200
BOXES = 3  # of each gesture
# Modules are loaded once; each folder named on its stdin gets a process of its own that works until it is killed.
WORK = f"""
import os, sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, Rejection, State
from detector.data.project.store import Project

def work(folder):
    project = Project.open(Path(folder))
    list(project.scan())
    item = ProjectClass(project.new_id(), "bolt", "#000000", 0, 1)
    project.apply(Change(classes=((None, item),)))
    images = [image.id for image in project.images()]
    for number in count():
        image = project.image(images[number % len(images)])
        corners = (float(number), 0.0, number + 1.0, 1.0)
        boxes = [ProjectBox(project.new_id(), image.id, item.id, corners, Origin.DRAWN) for _ in range({BOXES})]
        rejection = Rejection(project.new_id(), image.id, item.id, corners)
        after = replace(image, state=State.STARTED, note=str(number))
        change = Change(tuple((None, box) for box in boxes), ((None, rejection),), images=((image, after),))
        project.apply(change)
        if number % 3 == 2:
            project.apply(change.inverse())
        os.write(1, b"%d\\n" % number)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        work(line.rstrip("\\n"))
    os.write(1, b"%d\\n" % child)
    os.waitpid(child, 0)
    os.write(1, b"gone\\n")
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")


@pytest.fixture(scope="module")
def worker(repository: Path) -> Iterator[subprocess.Popen[str]]:
    """Starts processes that work on the folders that it is told, one at a time, until they are killed."""
    with subprocess.Popen(
        [sys.executable, "-c", WORK], cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.mark.parametrize(
    "moment",
    [*range(MOMENTS), *(pytest.param(n, marks=pytest.mark.slow) for n in range(MOMENTS, MOMENTS + SLOW_MOMENTS))],
)
def test_what_was_done_is_there_after_a_kill(moment: int, worker: subprocess.Popen[str], tmp_path: Path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    done = work_and_kill(worker, tmp_path, random.Random(moment))
    with closing(sqlite3.connect(tmp_path / NAME / "project.db")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    project = Project.open(tmp_path)
    images = project.images()
    stored = [int(box.xyxy[0]) for image in images for box in project.boxes(image.id)]
    rejected = [int(item.xyxy[0]) for image in images for item in project.rejections(image.id)]
    project.close()
    assert set(stored) - {done} == {number for number in range(done) if number % 3 != 2}
    assert sorted(stored) == sorted(BOXES * rejected)  # every gesture whole or not at all
    notes = {int(image.note) for image in images if image.note}
    assert notes <= set(rejected)
    assert all(image.state is State.STARTED for image in images if image.note)


def work_and_kill(worker: subprocess.Popen[str], folder: Path, rng: random.Random) -> int:
    """Kills a process at a random moment within 50 ms after a gesture; how many gestures it had told of as done."""
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{folder}\n")
    worker.stdin.flush()
    lines = iter(worker.stdout.readline, "")
    child, told = int(next(lines)), -1
    for _ in range(rng.randint(1, 30)):
        told = int(next(lines))
    time.sleep(rng.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    for line in lines:
        if line == "gone\n":
            break
        told = int(line)
    return told + 1
