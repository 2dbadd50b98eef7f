"""A damaged store is made anew: every row that can be read is in it, the damaged files are kept, and it is told."""

import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.data.project import home, rescue
from detector.data.project.backups import back_up
from detector.data.project.database import DamageError, decoded
from detector.data.project.home import NAME
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, Rejection, State
from detector.data.project.store import Project
from detector.data.split import Side
from detector.errors import ProjectError

IMAGES, BOXES, PAGE = 300, 1500, 4096
VARIANTS, SLOW_VARIANTS = 36, 300
TABLES = ("images", "classes", "boxes", "rejections")
KINDS = ("noise", "zeros", "bits", "cut", "cut in a page", "swapped", "header", "first page", "run")
Rows = dict[str, dict[int, tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "user_data", lambda: tmp_path / "data")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with much work in it, closed as it should be."""
    folder = tmp_path_factory.mktemp("filled") / "pictures"
    folder.mkdir()
    for number in range(IMAGES):
        (folder / f"picture {number:03} \N{LATIN SMALL LETTER U WITH DIAERESIS}.png").touch()
    project = Project.open(folder)
    list(project.scan())
    work(project, random.Random(0))
    project.close()
    return folder


def work(project: Project, rng: random.Random) -> None:
    classes = [ProjectClass(project.new_id(), f"class {n}", "#112233", n, n + 1) for n in range(4)]
    project.apply(Change(classes=tuple((None, item) for item in classes)))
    images = project.images()
    boxes = []
    for _ in range(BOXES):
        x, y = rng.uniform(0, 500), rng.uniform(0, 500)
        owner = rng.choice(images).id, rng.choice(classes).id
        boxes.append(ProjectBox(project.new_id(), *owner, (x, y, x + 9.5, y + 7.25), Origin.DRAWN, extra={"n": x}))
    project.apply(Change(boxes=tuple((None, box) for box in boxes)))
    gone = rng.sample(boxes, 100)
    project.apply(Change(boxes=tuple((box, None) for box in gone)))
    rejections = [Rejection(project.new_id(), image.id, classes[0].id, (1, 2, 3, 4)) for image in images[::3]]
    project.apply(Change(rejections=tuple((None, item) for item in rejections)))
    reviewed = [(image, replaced(image)) for image in images if image.id % 2]
    project.apply(Change(images=tuple(reviewed)))
    project.settings.put({"threshold": 0.4})


def replaced(image: Any) -> Any:
    return replace(image, state=State.REVIEWED, split=Side.TRAIN, note=f"note {image.id}")


@pytest.fixture
def damaged(filled: Path, tmp_path: Path) -> Path:
    """A copy of the project, to be damaged."""
    return shutil.copytree(filled, tmp_path / "pictures")


def store(folder: Path) -> Path:
    return folder / NAME / "project.db"


def rows(path: Path) -> Rows:
    """What SQLite itself finds under each id, one by one."""
    found: Rows = {table: {} for table in TABLES}
    with closing(sqlite3.connect(path)) as raw:
        raw.text_factory = decoded
        for table in TABLES:
            for number in range(1, IMAGES + 2 * BOXES):
                with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
                    for row in raw.execute(f"SELECT * FROM {table} WHERE id = ?", (number,)):
                        found[table][number] = row
    return found


@pytest.fixture(scope="module")
def originals(filled: Path) -> Rows:
    return rows(store(filled))


def damage(path: Path, rng: random.Random, kinds: Sequence[str] = KINDS) -> None:
    """Does harm to a file."""
    data, kind = bytearray(path.read_bytes()), rng.choice(kinds)
    pages = len(data) // PAGE
    if kind in ("noise", "zeros"):
        for page in rng.sample(range(1, pages), rng.randint(1, pages // 8)):
            data[page * PAGE : (page + 1) * PAGE] = rng.randbytes(PAGE) if kind == "noise" else bytes(PAGE)
    elif kind == "swapped":
        one, two = (slice(page * PAGE, (page + 1) * PAGE) for page in rng.sample(range(1, pages), 2))
        data[one], data[two] = data[two], data[one]
    elif kind == "bits":  # which nobody can tell from what was meant
        for _ in range(rng.randint(1, 400)):
            data[rng.randrange(PAGE, len(data))] ^= 1 << rng.randrange(8)
    elif kind.startswith("cut"):
        del data[rng.randrange(1, pages) * PAGE + (rng.randrange(PAGE) if kind == "cut in a page" else 0) :]
    else:
        size = {"header": 100, "first page": PAGE, "run": len(data) // 3}[kind]
        start = rng.randrange(PAGE, len(data) // 2) if kind == "run" else 0
        data[start : start + size] = rng.choice([bytes(size), rng.randbytes(size)])
    path.write_bytes(data)


def read_everything(project: Project) -> None:
    """As a window does."""
    list(project.scan())
    for image in project.images():
        project.boxes(image.id)
        project.rejections(image.id)
    for read in (project.classes, project.passes.all, project.box_counts, project.origin_counts):
        read()
    project.settings.get("threshold")


def opened_at_last(folder: Path) -> Project:
    """Open, read, and open again where damage came to light by reading."""
    for _ in range(2):
        project = Project.open(folder)
        with suppress(DamageError):
            read_everything(project)
            return project
        project.close()
    project = Project.open(folder)
    read_everything(project)
    return project


@pytest.mark.parametrize(
    "seed", [*range(VARIANTS), *(pytest.param(n, marks=pytest.mark.slow) for n in range(VARIANTS, SLOW_VARIANTS))]
)
def test_no_row_that_can_be_read_is_lost(seed: int, damaged: Path, originals: Rows, tmp_path: Path) -> None:
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 2)):
        damage(store(damaged), rng)
    harmed = store(damaged).read_bytes()
    readable = rows(store(damaged))
    first = Project.open(damaged)
    rescued = first.rescued
    first.close()
    opened_at_last(damaged).close()
    if rescued is not None:
        assert rescued.backup is None
        assert (rescued.aside / "project.db").read_bytes() == harmed
        assert str(rescued.aside) in rescued.message(damaged)
    after = rows(store(damaged))
    for table in TABLES:
        for number, row in readable[table].items():
            if row == originals[table].get(number):
                kept = after[table][number]
                assert kept == row or (table == "images" and kept[5:] == row[5:]), (table, number)
    again = Project.open(damaged)
    assert again.rescued is None
    again.close()


@pytest.mark.parametrize("seed", range(VARIANTS))
def test_with_a_good_copy_nothing_is_lost_at_all(seed: int, damaged: Path, originals: Rows) -> None:
    project = Project.open(damaged)
    back_up(project.database, project.home / "backups")
    project.close()
    kinds = [kind for kind in KINDS if kind != "bits"]
    damage(store(damaged), random.Random(seed), kinds)
    opened_at_last(damaged).close()
    after = rows(store(damaged))
    for table in ("classes", "boxes", "rejections"):
        assert originals[table].items() <= after[table].items()
    assert {n: row[1] for n, row in originals["images"].items()} == {n: row[1] for n, row in after["images"].items()}


@pytest.mark.parametrize("content", [b"", b"no database at all" * 500], ids=["emptied", "nonsense"])
def test_a_store_that_holds_nothing_any_more_comes_from_the_copy(
    content: bytes, damaged: Path, originals: Rows
) -> None:
    project = Project.open(damaged)
    back_up(project.database, project.home / "backups")
    project.close()
    store(damaged).write_bytes(content)
    project = Project.open(damaged)
    rescued = project.rescued
    project.close()
    assert rescued is not None
    assert rescued.from_backup == rescued.boxes == len(originals["boxes"])
    assert rescued.backup is not None
    assert rescued.backup.name in rescued.message(damaged)
    assert rows(store(damaged))["boxes"] == originals["boxes"]


def test_boxes_whose_image_and_class_are_lost_keep_a_place(damaged: Path) -> None:
    with closing(sqlite3.connect(store(damaged))) as raw:
        raw.execute("DELETE FROM classes WHERE id = 2")
        raw.execute("DELETE FROM images WHERE id = 7")
        raw.commit()
        boxes = raw.execute("SELECT count(*) FROM boxes").fetchall()
    store(damaged).with_name("project.db-suspect").touch()
    with store(damaged).open("r+b") as file:  # the tables are there, their description is not
        file.seek(60)
        file.write(b"\xff\xff\xff\xff")
    project = Project.open(damaged)
    assert project.rescued is not None
    assert "lost name 2" in [item.name for item in project.classes()]
    assert project.image(7).path == "lost name 7"
    assert project.image(7).missing
    assert [(sum(counts.total() for counts in project.box_counts().values()),)] == boxes
    list(project.scan())
    assert next(image.id for image in project.images() if image.path.startswith("picture 006")) > IMAGES
    project.close()


def test_columns_whose_names_are_harmed_keep_their_rows(damaged: Path, originals: Rows) -> None:
    data = store(damaged).read_bytes()
    assert data.count(b"origin TEXT NOT NULL") > 1
    store(damaged).write_bytes(data.replace(b"origin TEXT NOT NULL", b"origin$TEXT NOT NULL"))
    project = Project.open(damaged)
    assert project.rescued is not None
    project.close()
    assert rows(store(damaged))["boxes"] == originals["boxes"]


def test_a_finished_store_takes_its_place_at_the_next_start(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(store(damaged), random.Random(3), ["zeros"])
    store(damaged).with_name("project.db-suspect").touch()
    with monkeypatch.context() as patch:
        patch.setattr(rescue, "finish", finish_only_old := Recorder())
        with suppress(ProjectError):
            Project.open(damaged).close()
    assert finish_only_old.called
    assert store(damaged).with_name("project.db-rescued").exists()
    project = Project.open(damaged)
    read_everything(project)
    project.close()
    assert not store(damaged).with_name("project.db-rescued").exists()


class Recorder:
    called = False

    def __call__(self, *_: Any) -> None:
        self.called = True


def test_a_disk_that_is_full_leaves_the_damaged_store_as_it_is(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(store(damaged), random.Random(1), ["header"])
    harmed = store(damaged).read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", full)
        with pytest.raises(ProjectError, match=r"project\.db: is damaged, and cannot be made anew \(No space left"):
            Project.open(damaged)
    assert store(damaged).read_bytes() == harmed
    project = Project.open(damaged)
    assert project.rescued is not None
    project.close()


def test_what_cannot_be_written_to_is_not_rescued_but_told(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(store(damaged), random.Random(1), ["header"])
    harmed = store(damaged).read_bytes()
    monkeypatch.setattr(home, "can_write", lambda path: path != damaged / NAME)
    with pytest.raises(DamageError, match="copy the folder to where it can be written to"):
        Project.open(damaged)
    assert store(damaged).read_bytes() == harmed


def test_an_unclean_end_alone_changes_nothing(damaged: Path) -> None:
    project = Project.open(damaged)
    project.settings.put({"threshold": 0.7})
    copy = shutil.copytree(damaged, damaged.with_name("found"))  # the log is not folded in
    project.close()
    assert (copy / NAME / "project.db-wal").stat().st_size
    project = Project.open(copy)
    assert (project.rescued, project.settings.get("threshold")) == (None, 0.7)
    project.close()
