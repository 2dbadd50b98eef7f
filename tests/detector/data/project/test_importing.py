"""An import comes whole or not at all, can be taken back and brought in again, and never keeps the store for long."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from detector.data.annotations import OURS, Box, Dataset, ImageEntry, ObjectClass
from detector.data.project import datasets, exchange, importing, shelf
from detector.data.project.database import Database
from detector.data.project.importing import Imported, Mode
from detector.data.project.records import Change, State
from detector.data.project.store import Project
from detector.data.split import Side
from detector.errors import ProjectError

Opener = Callable[..., Project]
TABLES = ("images", "classes", "boxes", "settings", "shelved_boxes")


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three boxes or one image at a time, so that a few of them are many."""
    monkeypatch.setattr(shelf, "AT_ONCE", 3)


@pytest.fixture
def worked_on(opened: Opener, add_class, draw) -> Project:
    """A project with boxes on three images, one of which is reviewed; `1.png` and `2.png` come first."""
    project = opened()
    nut = add_class(project, "nut")
    images = project.images()
    for image in images[:3]:
        draw(project, image, nut)
        draw(project, image, nut, x=30)
    reviewed = replace(project.image(images[2].id), state=State.REVIEWED, split=Side.VAL, note="mine")
    project.apply(Change(images=((project.image(images[2].id), reviewed),)))
    project.settings.put({exchange.COCO_EXTRA: {"info": {"mine": 1}}})
    return project


def data_set(folder: Path) -> tuple[Dataset, dict[int, Path]]:
    """Boxes on all four images, and on one that is not there."""
    names = ("1.png", "2.png", "10.png", "sub/3.png", "gone.png")
    said = {OURS: {"split": "train", "note": "theirs"}, "license": 3}
    images = tuple(ImageEntry(100 + n, name, 64, 48, said) for n, name in enumerate(names))
    boxes = tuple(
        Box(image.id, kind, (x, 5, x + 8.5, 20), id=n * 10 + kind)
        for n, image in enumerate(images)
        for kind, x in ((1, 0), (7, 20), (7, 40))
    )
    classes = (ObjectClass(7, "bolt"), ObjectClass(1, "Nut"))
    paths = {image.id: folder / image.path for image in images[:4]}
    return Dataset(images, classes, boxes, {"info": {"year": 2020}, "licenses": [3]}), paths


def contents(project: Project) -> dict[str, Any]:
    """All that an import may touch; sizes and images without a file, which stay, do no harm."""
    found: dict[str, Any] = {
        table: sorted(project.database.rows(f"SELECT * FROM {table}"), key=repr) for table in TABLES
    }
    found["images"] = [row[:2] + row[4:9] for row in found["images"] if "gone" not in row[1]]
    found["classes"] = project.classes()
    return found


def steps(project: Project, folder: Path, mode: Mode) -> Iterator[int | Imported]:
    return datasets.bring_in(project, *data_set(folder), mode=mode)


@pytest.mark.parametrize("mode", list(Mode))
def test_an_import_is_taken_back_and_brought_in_again(mode: Mode, worked_on: Project, folder: Path) -> None:
    before = contents(worked_on)
    *progress, done = steps(worked_on, folder, mode)
    assert isinstance(done, Imported)
    assert [number for number in progress if isinstance(number, int)] == [3, 6, 9, 12, 15]
    assert (done.boxes, done.images, done.replaced) == ((12, 4, 0) if mode is Mode.MERGE else (15, 5, 6))
    after = contents(worked_on)
    for _ in range(2):
        assert list(datasets.switch(worked_on, done.step, is_in=False))
        assert {**contents(worked_on), "shelved_boxes": []} == before
        assert list(datasets.switch(worked_on, done.step, is_in=True))
        assert contents(worked_on) == after


def test_merging_adds_and_keeps(worked_on: Project, folder: Path) -> None:
    list(datasets.bring_in(worked_on, *data_set(folder)))
    images = {image.path: image for image in worked_on.images()}
    assert [len(worked_on.boxes(images[name].id)) for name in ("1.png", "10.png", "sub/3.png", "gone.png")] == [
        5,
        2,
        3,
        3,
    ]
    assert (images["1.png"].note, images["1.png"].split) == ("", None)  # what a person works on keeps its own
    assert (images["10.png"].note, images["10.png"].state) == ("mine", State.REVIEWED)
    assert (images["sub/3.png"].note, images["sub/3.png"].split) == ("theirs", Side.TRAIN)
    assert images["1.png"].extra["license"] == 3
    assert worked_on.settings.get(exchange.COCO_EXTRA) == {"info": {"mine": 1}, "licenses": [3]}
    assert [item.name for item in worked_on.classes()] == ["nut", "bolt"]


def test_replacing_takes_what_the_file_says(worked_on: Project, folder: Path) -> None:
    list(datasets.bring_in(worked_on, *data_set(folder), mode=Mode.REPLACE))
    images = {image.path: image for image in worked_on.images()}
    assert {len(worked_on.boxes(image.id)) for image in images.values()} == {3}
    assert {(image.note, image.state) for image in images.values()} == {("theirs", State.STARTED)}
    assert worked_on.settings.get(exchange.COCO_EXTRA) == {"info": {"year": 2020}, "licenses": [3]}


def test_original_ids_come_out_again(worked_on: Project, folder: Path) -> None:
    dataset, paths = data_set(folder)
    list(datasets.bring_in(worked_on, dataset, paths, mode=Mode.REPLACE))
    again = datasets.read(worked_on)
    assert {(image.id, image.path) for image in again.images} == {(image.id, image.path) for image in dataset.images}
    assert {(box.id, box.image_id, box.xyxy) for box in again.boxes} == {
        (box.id, box.image_id, box.xyxy) for box in dataset.boxes
    }
    assert {item.name for item in again.classes} == {"nut", "bolt"}
    image_ids, _ = datasets.coco_ids(worked_on)
    assert sorted(image_ids.values()) == [100, 101, 102, 103, 104]


def interrupt(work: Iterator[Any], after: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Ends work after so many events as a kill would: nothing gets a chance to tidy up. Whether it ended by itself."""
    events = sum(1 for _ in islice(work, after))
    with monkeypatch.context() as patch:
        patch.setattr(importing, "recover", lambda _: None)
        work.close()
    return events < after


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("what", ["import", "undo", "redo"])
@pytest.mark.parametrize("after", range(1, 9))
def test_what_is_interrupted_is_taken_back_at_the_next_opening(
    after: int, what: str, mode: Mode, worked_on: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(worked_on)
    if what == "import":
        interrupt(steps(worked_on, folder, mode), min(after, 5), monkeypatch)
    else:
        done = list(datasets.bring_in(worked_on, *data_set(folder), mode=mode))[-1]
        with_it = contents(worked_on)
        if what == "redo":
            list(datasets.switch(worked_on, done.step, is_in=False))
        ended = interrupt(datasets.switch(worked_on, done.step, is_in=what == "redo"), after, monkeypatch)
        if ended and what == "redo":
            before = {**with_it, "shelved_boxes": []}
    worked_on.close()
    again = Project.open(folder)
    assert contents(again) == before
    again.close()


@pytest.mark.parametrize("after", range(1, 6))
def test_a_cancelled_import_leaves_nothing(after: int, worked_on: Project, folder: Path) -> None:
    before = contents(worked_on)
    work = steps(worked_on, folder, Mode.REPLACE)
    for _ in range(after):
        next(work)
    work.close()  # type: ignore[attr-defined]
    assert contents(worked_on) == before


def test_a_full_disk_leaves_nothing(worked_on: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, really, calls = contents(worked_on), Database.transaction, iter(range(1000))

    def transaction(database: Database):
        if next(calls) == 4:
            raise ProjectError("the disk is full")
        return really(database)

    monkeypatch.setattr(Database, "transaction", transaction)
    with pytest.raises(ProjectError, match="the disk is full"):
        list(datasets.bring_in(worked_on, *data_set(folder)))
    assert contents(worked_on) == before


def test_a_finished_import_stays_and_its_way_back_goes_with_the_session(worked_on: Project, folder: Path) -> None:
    list(datasets.bring_in(worked_on, *data_set(folder), mode=Mode.REPLACE))
    after = contents(worked_on)
    worked_on.close()
    again = Project.open(folder)
    assert {**contents(again), "shelved_boxes": after["shelved_boxes"]} == after
    for table in ("imports", "import_images", "import_classes", "shelved_boxes"):
        assert again.database.rows(f"SELECT * FROM {table}") == []
    again.close()


def test_another_connection_writes_whenever_an_import_pauses(
    worked_on: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "AT_ONCE", 500)
    dataset, paths = data_set(folder)
    boxes = tuple(Box(100 + n % 4, 7, (n % 50, 1, n % 50 + 9, 9 + n % 30)) for n in range(4))
    many = tuple(ImageEntry(1000 + n, f"far/{n}.png", 64, 48) for n in range(3000))
    boxes += tuple(Box(image.id, 7, (1, 1, 9, 9)) for image in many for _ in range(10))
    whole = Dataset((*dataset.images, *many), dataset.classes, boxes)
    other, done, most = worked_on.connect(), 0, 0
    for event in datasets.bring_in(worked_on, whole, paths, mode=Mode.REPLACE):
        with other.database.transaction(wait=False):  # raises where another transaction is open
            pass
        if isinstance(event, int):
            done, most = event, max(most, event - done)
    other.close()
    assert most <= 500  # boxes of one transaction, so that whoever else writes waits for milliseconds
    assert len(datasets.read(worked_on).boxes) == 30_004


@pytest.mark.slow
def test_a_million_boxes_take_less_than_the_memory_and_time_that_is_promised(repository: Path) -> None:
    """tests/benchmarks/million.py says how long it takes where nothing else runs; here, how much memory."""
    script = repository / "tests" / "benchmarks" / "million.py"
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    busy = dict(re.findall(r"(?m)^(import|export) .*?([\d.]+) s of the processor", ran.stdout))
    memory = max(map(float, re.findall(r"at most ([\d.]+) GiB", ran.stdout)))
    assert memory < 1.5
    assert float(busy["import"]) < 60, ran.stdout  # twice the promise: other tests may run beside this one
    assert float(busy["export"]) < 60, ran.stdout
