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
from PIL import Image

from detector.commands.run_data import TRAIN, VAL
from detector.data import coco
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, State
from detector.data.project.store import Project
from detector.data.split import Side
from detector.data.workbench import scene
from detector.model.checkpoint import load
from detector.training.run_folder import BEST, LAST

MOMENTS, SLOW_MOMENTS, STEPS, SIZE = 2, 30, 6, 128
LAUNCHES = 120  # s that a run may take to begin on a busy machine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no process groups to kill")


@pytest.fixture
def reviewed(tmp_path: Path) -> Path:
    """A project of four reviewed pictures, one of them to validate on."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    found = {}
    for number in range(4):
        pixels, found[f"{number}.png"] = scene(7, number, width=SIZE, height=SIZE)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    project = Project.open(folder)
    images = [image for chunk in project.scan() for image in chunk]
    bolt = ProjectClass(project.new_id(), "bolt", "#112233", 0, 1)
    boxes = [
        ProjectBox(project.new_id(), image.id, bolt.id, box.xyxy, Origin.DRAWN)
        for image in images
        for box in found[image.path]
    ]
    sides = (Side.VAL, Side.TRAIN, Side.TRAIN, Side.TRAIN)
    after = [project.image(image.id) for image in images]
    changed = tuple(
        (image, type(image)(image.id, image.path, SIZE, SIZE, State.REVIEWED, side))
        for image, side in zip(after, sides, strict=True)
    )
    project.apply(Change(boxes=tuple((None, box) for box in boxes), classes=((None, bolt),), images=changed))
    project.close()
    return folder


def command(folder: Path, out: Path, *more: str) -> list[str]:
    options = ("--batch", "1", "--image-size", str(SIZE), "--device", "cpu", "--from-scratch", *more)
    steps = ("--model", "d0", "--steps", str(STEPS))
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
            assert load(path).info.classes == ("bolt",)
    events = out / "events.jsonl"
    if events.exists():
        whole = events.read_bytes().split(b"\n")[:-1]  # the last line may be cut off, and readers know
        assert all(json.loads(line) for line in whole)
    if (out / LAST).exists():
        again = subprocess.run(command(reviewed, out, "--resume"), cwd=repository, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert load(out / LAST).info.classes == ("bolt",)


def labels(folder: Path) -> list[object]:
    """All that a person did, as the next start finds it."""
    project = Project.open(folder)
    assert (project.rescued, project.read_only) == (None, None)
    found = [(image.path, image.state, image.split, project.boxes(image.id)) for image in project.images()]
    project.close()
    return [*found]
