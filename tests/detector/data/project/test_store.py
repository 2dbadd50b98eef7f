"""A project opens and reopens with everything in it, tells what is in the way, and never loses an image."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from detector.data.project import datasets
from detector.data.project import store as store_module
from detector.data.project.home import NAME
from detector.data.project.records import Change, ProjectBox, ProjectClass, State
from detector.data.project.store import Project
from detector.data.split import Side, content_key
from detector.errors import ImageError, ProjectError

Opener = Callable[..., Project]


def paths(project: Project) -> list[str]:
    return [image.path for image in project.images()]


def review(project: Project, path: str, side: Side | None = None) -> None:
    image = next(image for image in project.images() if image.path == path)
    project.apply(Change(images=((image, replace(image, state=State.REVIEWED, split=side)),)))


def test_a_new_project_holds_the_pictures_in_natural_order(project: Project):
    assert paths(project) == ["1.png", "2.png", "10.png", "sub/3.png"]
    assert {image.state for image in project.images()} == {State.UNLABELLED}
    assert all(image.size is None and image.split is None for image in project.images())


def test_everything_is_there_after_reopening(opened: Opener, add_class, draw):
    project = opened()
    bolt, image = add_class(project), project.images()[0]
    boxes = (draw(project, image, bolt), draw(project, image, bolt, 3.25))
    project.settings.put({"threshold": {"score": [0.5, None, "ü"]}})
    review(project, "2.png", Side.VAL)
    before = project.images()
    project.close()
    again = opened()
    assert again.images() == before
    assert (again.classes(), again.boxes(image.id)) == ((bolt,), boxes)
    assert again.settings.get("threshold") == {"score": [0.5, None, "ü"]}
    assert again.settings.get("unknown", 7) == 7
    assert again.box_counts() == {image.id: Counter({bolt.id: 2})}
    assert again.rejections(image.id) == ()


def test_opening_and_scanning_ten_thousand_images_is_quick(tmp_path: Path):
    data = b"GIF89a"  # never decoded here
    (tmp_path / "many").mkdir()
    for number in range(10_000):
        (tmp_path / "many" / f"{number}.gif").write_bytes(data)
    began = time.thread_time()
    project = Project.open(tmp_path / "many")
    chunks = project.scan()
    first = next(chunks)
    until_first = time.thread_time() - began
    rest = sum(map(len, chunks))
    listed = project.images()
    seconds = time.thread_time() - began
    project.close()
    assert 0 < len(first) <= 100
    assert len(first) + rest == len(listed) == 10_000
    assert [image.path for image in listed[:3]] == ["0.gif", "1.gif", "2.gif"]
    assert until_first < 1.5
    assert seconds < 5


def test_ids_are_never_given_twice(opened: Opener):
    project = opened()
    other = project.connect()
    ids = [connection.new_id() for _ in range(1500) for connection in (project, other)]
    other.close()
    project.close()
    ids.append(opened().new_id())
    assert len(set(ids)) == len(ids)


def test_new_files_come_and_others_stay(project: Project, folder: Path):
    before = project.images()
    Image.new("RGB", (8, 8)).save(folder / "3.png")
    ((new,),) = project.scan()
    assert new.path == "3.png"
    assert list(project.scan()) == []
    assert [image for image in project.images() if image != new] == before


def test_labels_of_files_that_went_away_stay(opened: Opener, folder: Path, add_class, draw):
    project = opened()
    box = draw(project, project.images()[0], add_class(project))
    review(project, "2.png")
    for name in ("1.png", "2.png", "10.png"):
        (folder / name).unlink()
    list(project.scan())
    assert paths(project) == ["1.png", "2.png", "sub/3.png"]  # nobody worked on 10.png
    assert project.boxes(box.image_id) == (box,)
    Image.new("RGB", (8, 8)).save(folder / "10.png")
    list(project.scan())
    assert paths(project) == ["1.png", "2.png", "10.png", "sub/3.png"]


def test_a_renamed_file_keeps_its_labels_and_side(project: Project, folder: Path, add_class, draw):
    image = project.images()[0]
    box = draw(project, image, add_class(project))
    review(project, "1.png", Side.VAL)
    project.note_decoded(image.id, width=64, height=48, key=content_key(folder / "1.png"))
    (folder / "1.png").rename(folder / "sub" / "renamed.png")
    Image.new("RGB", (8, 8)).save(folder / "new.png")
    found = [image for chunk in project.scan() for image in chunk]
    assert {(image.path, image.id == box.image_id) for image in found} == {
        ("sub/renamed.png", True),
        ("new.png", False),
    }
    renamed = project.image(box.image_id)
    assert (renamed.path, renamed.split, renamed.state) == ("sub/renamed.png", Side.VAL, State.REVIEWED)
    assert paths(project) == ["2.png", "10.png", "new.png", "sub/3.png", "sub/renamed.png"]


def test_a_folder_that_was_renamed_opens_with_its_labels_and_tells_the_open_window(opened: Opener, folder: Path):
    project = opened()
    review(project, "1.png")
    moved = folder.rename(folder.with_name("moved"))
    with pytest.raises(ImageError, match="no such folder"):
        list(project.scan())
    project.close()
    assert opened(moved).images()[0].state is State.REVIEWED


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="file names are Unicode there")
def test_names_that_are_not_unicode(opened: Opener, folder: Path):
    name = os.fsdecode(b"b\xfc\xff.png")
    Image.new("RGB", (8, 8)).save(folder / "x.png")
    (folder / "x.png").rename(folder / name)
    project = opened()
    image = next(image for image in project.images() if image.path == name)
    project.thumbnails.put(image.id, b"jpeg")
    assert project.thumbnails.get(image.id) == b"jpeg"
    assert content_key(folder / image.path) != content_key(folder / "1.png")
    assert datasets.read(project).images[-2].path == name


def test_what_decoding_shows_is_kept(project: Project, folder: Path):
    image, other = project.images()[:2]
    project.note_decoded(image.id, width=30, height=20, key=content_key(folder / image.path))
    project.note_decoded(image.id, width=30, height=20)
    assert project.image(image.id).size == (30, 20)
    assert project.sides.of(other.id, ()) in Side  # which reads the file, too
    for name in (image.path, other.path):
        (folder / name).rename(folder / f"renamed{name}")
    renamed = {found.path: found.id for chunk in project.scan() for found in chunk}
    assert renamed == {f"renamed{image.path}": image.id, f"renamed{other.path}": other.id}
    assert project.image(image.id).size == (30, 20)


def test_thumbnails_go_by_size_and_time_of_the_file(project: Project, folder: Path):
    image = project.images()[0]
    assert project.thumbnails.get(image.id) is None
    project.thumbnails.put(image.id, b"small")
    assert project.thumbnails.get(image.id) == b"small"
    Image.new("RGB", (99, 99)).save(folder / image.path)
    assert project.thumbnails.get(image.id) is None
    (folder / image.path).unlink()
    project.thumbnails.put(image.id, b"none")
    assert project.thumbnails.get(image.id) is None


def test_sides_of_first_reviews(project: Project, add_class, draw):
    bolt = add_class(project)
    first, second, third, _ = project.images()
    sides = []
    for image in (first, second, third):
        draw(project, image, bolt)
        sides.append(project.sides.of(image.id, {bolt.id}))
        project.apply(Change(images=((image, replace(image, state=State.REVIEWED, split=sides[-1])),)))
    assert sides == [Side.TRAIN, Side.VAL, Side.VAL]  # at least 2 for validation
    (box,) = project.boxes(first.id)
    project.apply(Change(boxes=((box, None),)))  # nothing is left to train on
    assert project.sides.of(first.id, {bolt.id}) is Side.TRAIN
    stored = project.image(first.id)
    project.apply(Change(images=((stored, replace(stored, split=None)),)))
    assert project.sides.of(first.id, {bolt.id}) is Side.TRAIN


def test_images_reviewed_together_take_each_other_into_account(project: Project, add_class, draw):
    bolt = add_class(project)
    images = project.images()
    for image in images:
        draw(project, image, bolt)
    together = project.sides.together({image.id: {bolt.id} for image in images})
    one_by_one = {}
    for image in images:
        one_by_one[image.id] = project.sides.of(image.id, {bolt.id})
        project.apply(Change(images=((image, replace(image, state=State.REVIEWED, split=one_by_one[image.id])),)))
    assert together == one_by_one
    assert set(together.values()) == {Side.TRAIN, Side.VAL}


def test_copies_share_a_side(opened: Opener, folder: Path):
    for number in range(12):
        (folder / f"copy{number}.png").write_bytes((folder / "1.png").read_bytes())
    project = opened()
    review(project, "1.png", Side.VAL)
    original, *copies = (image for image in project.images() if image.path.startswith(("1.", "copy")))
    project.note_decoded(original.id, width=64, height=48, key=content_key(folder / "1.png"))
    assert {project.sides.of(image.id, {1}) for image in copies} == {Side.VAL}
    project.apply(Change(images=((project.image(original.id), replace(project.image(original.id), split=None)),)))
    assert len(set(project.sides.together({image.id: {1} for image in (original, *copies)}).values())) == 1


def test_a_folder_without_pictures_is_refused_and_gets_no_store(tmp_path: Path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ProjectError, match="no picture"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match="no such folder"):
        Project.open(tmp_path / "gone")
    with pytest.raises(ProjectError, match="no such folder"):
        Project.open(tmp_path / "notes.txt")
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_second_window_only_reads_unless_told_otherwise(opened: Opener, add_class):
    first = opened()
    bolt = add_class(first)
    second = opened()
    assert first.read_only is None
    assert "another window" in (second.read_only or "")
    assert second.classes() == (bolt,)
    assert list(second.scan()) == []
    attempts = (
        lambda: second.apply(Change(classes=((bolt, None),))),
        lambda: second.settings.put({"a": 1}),
        second.new_id,
        lambda: second.passes.begin(model="", source="", names=(), category_ids=(), thresholds={}),
        lambda: second.passes.set_active(1, False),
        lambda: second.predictions.put(1, []),
        lambda: list(datasets.bring_in(second, datasets.read(first), {})),
    )
    for attempt in attempts:
        with pytest.raises(ProjectError, match="another window"):
            attempt()
    second.note_decoded(1, width=5, height=5)
    assert first.image(1).size != (5, 5)
    third = opened(anyway=True)
    assert third.read_only is None
    third.apply(Change(classes=((bolt, replace(bolt, name="screw")),)))
    assert [item.name for item in second.classes()] == ["screw"]
    first.close()
    assert opened().read_only is None


def test_two_writers_do_not_undo_each_others_work(opened: Opener, add_class, draw):
    first, second = opened(), opened(anyway=True)
    bolt = add_class(first)
    box = draw(first, first.images()[0], bolt)
    second.apply(Change(boxes=((box, None),)))
    moved = replace(box, xyxy=(0.0, 0.0, 5.0, 5.0))
    new = replace(box, id=first.new_id())
    with pytest.raises(ProjectError, match="another window"):
        first.apply(Change(boxes=((None, new), (box, moved))))
    with pytest.raises(ProjectError, match="another window"):
        first.apply(Change(boxes=((None, new), (None, new))))
    with pytest.raises(ProjectError, match="another window"):
        first.apply(Change(boxes=((None, replace(new, class_id=bolt.id + 5000)),)))
    assert first.boxes(box.image_id) == ()  # nothing of it


def test_a_folder_that_cannot_be_written_to_has_its_store_elsewhere(
    opened: Opener, read_only_folder: Path, data_home: Path, add_class
):
    project = opened()
    assert project.read_only is None
    assert project.home.is_relative_to(data_home)
    bolt = add_class(project)
    project.close()
    assert not (read_only_folder / NAME).exists()
    assert opened().classes() == (bolt,)


def test_a_store_elsewhere_stays_in_use_when_the_folder_can_be_written_to_again(
    opened: Opener, folder: Path, data_home: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr("detector.data.project.home.can_write", lambda path: path != folder)
        opened().close()
    project = opened()
    assert project.home.is_relative_to(data_home)
    assert not (folder / NAME).exists()


def test_a_store_that_cannot_be_written_to_is_read(
    opened: Opener, folder: Path, add_class, monkeypatch: pytest.MonkeyPatch
):
    writer = opened()
    bolt = add_class(writer)
    writer.close()
    monkeypatch.setattr("detector.data.project.home.can_write", lambda path: path != folder / NAME)
    names = sorted(os.listdir(folder / NAME))
    project = opened()
    assert project.read_only == f"{folder} cannot be written to."
    assert project.classes() == (bolt,)
    worker = project.connect()
    worker.thumbnails.put(1, b"small")
    worker.close()
    assert project.thumbnails.get(1) == b"small"
    assert sorted(os.listdir(folder / NAME)) == names


def test_changes_in_a_log_that_cannot_be_merged_are_not_passed_over(
    opened: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    opened().close()
    (folder / NAME / "project.db-wal").write_bytes(b"pages")
    monkeypatch.setattr("detector.data.project.home.can_write", lambda path: path != folder / NAME)
    with pytest.raises(ProjectError, match="copy the folder"):
        opened()


def test_a_full_disk_is_told_and_costs_only_the_last_change(opened: Opener, add_class, draw):
    project = opened()
    bolt = add_class(project)
    box = draw(project, project.images()[0], bolt)
    ((pages,),) = project.database.rows("PRAGMA page_count")
    project.database.rows(f"PRAGMA max_page_count = {pages}")
    many = [replace(box, id=project.new_id()) for _ in range(900)]
    with pytest.raises(ProjectError, match="disk is full"):
        project.apply(Change(boxes=tuple((None, item) for item in many)))
    assert project.boxes(box.image_id) == (box,)
    project.database.rows("PRAGMA max_page_count = 100000")
    project.apply(Change(boxes=tuple((None, item) for item in many)))
    assert len(project.boxes(box.image_id)) == 901


def test_a_store_held_by_another_program_is_told(opened: Opener, add_class, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("detector.data.project.database.BUSY_SECONDS", 0)
    project = opened()
    other = project.connect()
    with other.database.transaction(), pytest.raises(ProjectError, match="another program holds it"):
        add_class(project)
    other.close()
    add_class(project)


def test_network_drives_get_a_rollback_journal(
    opened: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch, add_class
):
    project = opened()
    assert project.database.rows("PRAGMA journal_mode") == [("wal",)]
    project.close()
    monkeypatch.setattr(store_module, "is_on_network", lambda path: True)
    project = opened()
    assert project.database.rows("PRAGMA journal_mode") == [("delete",)]
    add_class(project)
    worker = project.connect()
    assert len(worker.classes()) == 1
    worker.close()


def test_a_days_copy_is_made_of_labels(opened: Opener, folder: Path, add_class):
    project = opened()
    backups = project.home / "backups"
    assert not backups.exists()  # there is nothing yet that could be lost
    bolt = add_class(project)
    review(project, "1.png")
    list(project.scan())
    list(project.scan())
    project.close()
    (copy,) = backups.iterdir()
    (folder / NAME / "project.db").write_bytes(copy.read_bytes())  # the way out of damage
    again = opened()
    assert again.classes() == (bolt,)
    assert again.images()[0].state is State.REVIEWED


def test_boxes_keep_every_field(project: Project, add_class):
    bolt, image = add_class(project), project.images()[0]
    extra = {"attributes": {"a": [1, "\udc80", None]}, "id": 2**70}
    flags = {"iscrowd": True, "occluded": True, "truncated": True, "difficult": True}
    box = ProjectBox(
        id=project.new_id(),
        image_id=image.id,
        class_id=bolt.id,
        xyxy=(0.1, -0.2, 1e300, 5e-324),
        origin="edited",  # type: ignore[arg-type]
        model="D0 \udc80",
        score=0.1 + 0.2,
        extra=extra,
        **flags,
    )
    project.apply(Change(boxes=((None, box),)))
    assert project.boxes(image.id) == (box,)
    item = ProjectClass(project.new_id(), "nut \udcff\0", "#ffffff", 1, -5, extra=extra)
    project.apply(Change(classes=((None, item),)))
    assert project.classes() == (bolt, item)
    noted = replace(image, note="see \udcff", ignored=True)
    project.apply(Change(images=((image, noted),)))
    assert project.image(image.id) == noted
