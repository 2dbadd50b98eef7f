"""A window that is killed in the midst of work has lost nothing that a person saw done, and done nothing by half."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from detector.data.project.home import NAME
from detector.data.project.store import Project

MOMENTS, SLOW_MOMENTS = 20, 200
IMAGES = 12
LAST = 30  # gesture after which one is killed at the latest; there are some more
KINDS = {"draw", "move", "accept", "delete", "relabel", "review", "undo", "redo", "step"}
QUERIES = (
    "SELECT id, path, state, split, ignored, note FROM images ORDER BY id",
    "SELECT * FROM boxes ORDER BY id",
    "SELECT * FROM rejections ORDER BY id",
    "SELECT * FROM classes ORDER BY id",
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")


def labels(folder: Path) -> list[Any]:
    """All that a project's store holds of labels, read past the program."""
    with closing(sqlite3.connect(folder / NAME / "project.db")) as raw:
        return [raw.execute(query).fetchall() for query in QUERIES]


class Worker:
    """Starts windows that all do the same gestures, see kill_child.py."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def begin(self, folder: Path, *, step_by_step: bool = False) -> int:
        """A window on a folder; its process."""
        how = "step by step" if step_by_step else "on"
        self.tell(f"{folder}\t{folder.with_suffix('.ini')}\t{how}\n".encode())
        return int(self.line())

    def tell(self, what: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(what)
        self.process.stdin.flush()

    def line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline().decode().rstrip("\n")
        assert line, "it has died"
        return line


@pytest.fixture(scope="module")
def worker(repository: Path) -> Iterator[Worker]:
    command = [sys.executable, "-m", "tests.journeys.kill_child"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=repository, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as process:
        yield Worker(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="module")
def pictures(make_project: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project before the first gesture."""
    return make_project(tmp_path_factory.mktemp("kill") / "pictures", images=IMAGES, found_in=IMAGES)


@pytest.fixture(scope="module")
def states(worker: Worker, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """The labels before the first gesture, and after each."""
    folder = tmp_path_factory.mktemp("whole") / "pictures"
    shutil.copytree(pictures, folder)
    worker.begin(folder, step_by_step=True)
    found, done = [labels(pictures)], set()
    while (line := worker.line()) != "gone":
        done.add(line.split()[1])
        found.append(labels(folder))
        worker.tell(b".")
    assert done == KINDS
    assert len({repr(state) for state in found}) > len(found) / 2
    return found


@pytest.mark.parametrize(
    "moment",
    [*range(MOMENTS), *(pytest.param(n, marks=pytest.mark.slow) for n in range(MOMENTS, MOMENTS + SLOW_MOMENTS))],
)
def test_what_was_done_is_there_after_a_kill(
    moment: int, worker: Worker, pictures: Path, states: list[list[Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    done = work_and_kill(worker, folder, random.Random(moment))
    Project.open(folder).close()
    assert labels(folder) in states[done : done + 2]  # all that was told of, and the next gesture whole or not at all
    for name in ("project.db", "cache.db"):
        with closing(sqlite3.connect(folder / NAME / name)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def work_and_kill(worker: Worker, folder: Path, rng: random.Random) -> int:
    """Kills a window at a random moment within 50 ms after a gesture; how many gestures it had told of as done."""
    child = worker.begin(folder)
    for _ in range(rng.randint(1, LAST)):
        told = worker.line()
        assert told != "gone"
    time.sleep(rng.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    while (line := worker.line()) != "gone":
        told = line
    return int(told.split()[0]) + 1
