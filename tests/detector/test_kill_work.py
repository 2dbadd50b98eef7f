"""Long work that is killed leaves every edit, a sound store, imports whole or taken back, and no half export."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from detector.data import labels
from detector.data.formats import Written
from detector.data.project.home import NAME
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, State
from detector.data.project.store import Project
from tests.detector.kill_work_child import BOXES, KINDS

IMAGES = 40
MOMENTS, SLOW_MOMENTS = 3, 40  # of each kind of work
EDITS = "SELECT * FROM boxes WHERE origin = 'drawn' ORDER BY id"
REST = ("SELECT id, state, note FROM images ORDER BY id", "SELECT name FROM classes WHERE NOT hidden ORDER BY name")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a drawn box on each of its images."""
    folder = tmp_path_factory.mktemp("edited") / "pictures"
    for number in range(IMAGES):
        path = folder / f"{number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((64, 48), number + 1).save(path)
    project = Project.open(folder)
    list(project.scan())
    nut = ProjectClass(project.new_id(), "nut", "#112233", 0, 1)
    boxes = [
        ProjectBox(project.new_id(), image.id, nut.id, (30, 20, 60.5, 40), Origin.DRAWN) for image in project.images()
    ]
    started = [(image, replace(image, state=State.STARTED)) for image in project.images()]
    project.apply(Change(boxes=tuple((None, box) for box in boxes), classes=((None, nut),), images=tuple(started)))
    project.close()
    return folder


@pytest.fixture(scope="module")
def worker(repository: Path) -> Iterator["subprocess.Popen[str]"]:
    command, pipe = [sys.executable, "-m", "tests.detector.kill_work_child"], subprocess.PIPE
    with subprocess.Popen(command, cwd=repository, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def work_and_kill(worker: "subprocess.Popen[str]", kind: str, folder: Path, rng: random.Random) -> list[list[str]]:
    """Kills work at a random moment; what it had told by then, in words."""
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{kind}\t{folder}\n")
    worker.stdin.flush()
    lines = iter(worker.stdout.readline, "")
    child, told = int(next(lines)), [next(lines).split()]
    for _ in range(rng.randrange(30)):
        if told[-1] == ["over"]:
            break
        told.append(next(lines).split())
    time.sleep(rng.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    for line in lines:
        if line == "gone\n":
            break
        told.append(line.split())
    assert told[-1] != ["gone"]
    return told


def rows(folder: Path, *queries: str) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / NAME / "project.db")) as raw:
        return [raw.execute(query).fetchall() for query in queries]


@pytest.mark.parametrize(
    "moment",
    [*range(MOMENTS), *(pytest.param(n, marks=pytest.mark.slow) for n in range(MOMENTS, MOMENTS + SLOW_MOMENTS))],
)
@pytest.mark.parametrize("kind", KINDS)
def test_work_that_is_killed_harms_nothing(
    kind: str, moment: int, worker: "subprocess.Popen[str]", edited: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(edited, tmp_path / "pictures")
    told = work_and_kill(worker, kind, folder, random.Random(f"{kind} {moment}"))
    project = Project.open(folder)
    assert (project.rescued, project.read_only) == (None, None)
    if kind == "pass":
        check_pass(project, told)
    project.close()
    if kind in ("merge", "replace"):
        check_import(kind, edited, folder)
    else:
        assert rows(folder, EDITS, REST[0]) == rows(edited, EDITS, REST[0])
    if kind in tuple(Written):
        check_exports(Written(kind), edited, folder, told)
    for name in ("project.db", "cache.db"):
        with closing(sqlite3.connect(folder / NAME / name)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_import(kind: str, edited: Path, folder: Path) -> None:
    """It is whole, or not there at all."""
    came = rows(folder, "SELECT count(*), count(DISTINCT image_id) FROM boxes WHERE origin = 'imported'")[0]
    if came == [(0, 0)]:
        assert rows(folder, EDITS, *REST) == rows(edited, EDITS, *REST)
    else:
        assert came == [(IMAGES * BOXES, IMAGES)]
        kept = rows(edited, EDITS) if kind == "merge" else [[]]
        assert rows(folder, EDITS) == kept
        assert rows(folder, REST[1]) == [[("imported",), ("nut",)]]
        assert {state for _, state, _ in rows(folder, REST[0])[0]} == {State.STARTED}
    left = ("imports", "import_images", "import_classes", "shelved_boxes")
    assert rows(folder, *(f"SELECT count(*) FROM {table}" for table in left[:3])) == [[(0,)]] * 3


def check_exports(written: Written, edited: Path, folder: Path, told: list[list[str]]) -> None:
    """What has its final name is whole, and all that was told of is there."""
    out, begun = folder.parent / "out", int(told[-1][1])
    done = [path for path in out.iterdir() if path.name[0] != "." and path.suffix != ".json"]
    assert {path.name for path in done} >= {str(number) for number in range(begun)}
    originals = {path.read_bytes() for path in edited.glob("*/*.png")}
    for path in done:
        copies = [file for file in path.rglob("*.png") if file.name[0] != "."]
        assert all(copy.read_bytes() in originals for copy in copies)
        if written is Written.COCO and not (path / "labels.json").exists():
            assert int(path.name) == begun
            continue
        found = labels.read(path / "labels.json" if written is Written.COCO else path)
        assert not found.problems
        assert (len(found.dataset.images), len(found.dataset.boxes)) == (IMAGES, IMAGES)
        if written is not Written.COCO or int(path.name) < begun:
            assert len(copies) == IMAGES
    for path in out.glob("results*.json"):
        assert len(json.loads(path.read_text())) == 999


def check_pass(project: Project, told: list[list[str]]) -> None:
    """All that was told of is there, and the pass can go on with the rest."""
    seen = {int(words[1]) for words in told if words[0] == "seen"}
    stored = {image.id for image in project.images() if project.predictions.of(image.id)}
    assert seen <= stored
    assert len(stored) <= len(seen) + 1
    unfinished = project.passes.unfinished()
    if len(stored) < IMAGES:
        assert unfinished is not None
        assert set(unfinished.left) == {image.id for image in project.images()} - stored
