"""A run that is killed, as it begins or while it learns, harms no label, and goes on from its last checkpoint."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector.commands.run_data import TRAIN, VAL
from detector.data import coco
from detector.data.project.store import Project
from detector.data.workbench import CLASSES
from detector.model.checkpoint import load
from detector.training.run_folder import BEST, LAST
from tests.reviewed import PARTS_SIDE, make_parts

MOMENTS, SLOW_MOMENTS, STEPS = 2, 30, 6
LAUNCHES = 120  # s that a run may take to begin on a busy machine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no process groups to kill")


@pytest.fixture
def reviewed(tmp_path: Path) -> Path:
    """A project of four reviewed pictures, one of them to validate on."""
    project = make_parts(tmp_path / "pictures")
    project.close()
    return project.folder


def command(folder: Path, out: Path, *more: str) -> list[str]:
    options = ("--batch", "1", "--image-size", str(PARTS_SIDE), "--device", "cpu", "--from-scratch", *more)
    steps = ("--model", "phi-1", "--steps", str(STEPS))
    return [sys.executable, "main.py", "fine-tune", str(folder), "--out", str(out), *steps, *options]


def kill_run(folder: Path, out: Path, repository: Path, rng: random.Random) -> None:
    """Kills a run's processes at a random moment: while it loads, as its folder fills, or after some of its events."""
    out.mkdir()
    process = subprocess.Popen(
        command(folder, out),
        cwd=repository,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    files, events, deadline = rng.randrange(3), rng.randrange(1, 2 * STEPS), time.monotonic() + LAUNCHES
    while process.poll() is None and time.monotonic() < deadline:
        written = out / "events.jsonl"
        told = written.read_bytes().count(b"\n") if written.exists() else 0
        if (files < 2 and len(list(out.iterdir())) > files) or told >= events:
            break
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.2))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    "moment",
    [*range(MOMENTS), *(pytest.param(n, marks=pytest.mark.slow) for n in range(MOMENTS, MOMENTS + SLOW_MOMENTS))],
)
def test_a_run_that_is_killed_harms_nothing(moment: int, reviewed: Path, repository: Path, tmp_path: Path) -> None:
    before = labels(reviewed)
    out = tmp_path / "run"
    kill_run(reviewed, out, repository, random.Random(moment))
    assert labels(reviewed) == before
    shown = [path for path in out.iterdir() if path.name[0] != "."]
    for path in shown:
        if path.name in (TRAIN, VAL):
            assert coco.read(path)[0].images
        elif path.name in (BEST, LAST):
            assert_knows_parts(path)
    events = out / "events.jsonl"
    if events.exists():
        whole = events.read_bytes().split(b"\n")[:-1]  # the last line may be cut off, and readers know
        assert all(json.loads(line) for line in whole)
    if (out / LAST).exists():
        again = subprocess.run(command(reviewed, out, "--resume"), cwd=repository, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert_knows_parts(out / LAST)


def assert_knows_parts(path: Path) -> None:
    """A checkpoint that can be read, of classes that have boxes."""
    classes = load(path).info.classes
    assert classes
    assert {*classes} <= {item.name for item in CLASSES}


def labels(folder: Path) -> list[object]:
    """All that a person did, as the next start finds it."""
    project = Project.open(folder)
    assert (project.rescued, project.read_only) == (None, None)
    found = [(image.path, image.state, image.split, project.boxes(image.id)) for image in project.images()]
    project.close()
    return [*found]
