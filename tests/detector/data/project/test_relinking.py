"""Missing images find their files again by content or by name, inside the project's folder; others are told of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from detector.data.project.records import Change, ProjectImage
from detector.data.project.relinking import Outside, Relinked, Searched
from detector.data.project.store import Project
from detector.data.split import content_key
from detector.errors import ImageError, ProjectError

Opener = Callable[..., Project]


def image_of(project: Project, path: str) -> ProjectImage:
    return next(image for image in project.images() if image.path == path)


def label(project: Project, path: str) -> ProjectImage:
    """Somebody worked on it; without that nothing is missed."""
    image = image_of(project, path)
    project.apply(Change(images=((image, replace(image, note="mine")),)))
    return image


def look(project: Project) -> None:
    for _ in project.scan():
        pass


def search(project: Project, where: Path) -> list[Relinked | Outside]:
    return [event for event in project.find_missing(where) if not isinstance(event, Searched)]


def test_a_file_of_that_name_is_taken_where_nobody_knows_the_content(project: Project, folder: Path):
    image = label(project, "1.png")
    (folder / "deep").mkdir()
    (folder / "1.png").rename(folder / "deep" / "1.png")
    look(project)
    newcomer = image_of(project, "deep/1.png")
    assert newcomer.id != image.id
    (event,) = search(project, folder)
    assert isinstance(event, Relinked)
    assert {(row.id, row.path, row.missing) for row in event.images} == {
        (image.id, "deep/1.png", False),
        (newcomer.id, "1.png", True),
    }
    assert image_of(project, "deep/1.png").note == "mine"
    assert "1.png" not in [image.path for image in project.images()]
    look(project)
    assert image_of(project, "deep/1.png").id == image.id
    assert search(project, folder) == []


def test_content_finds_a_file_under_another_name(project: Project, folder: Path, tmp_path: Path):
    image = label(project, "1.png")
    project.note_decoded(image.id, width=64, height=48, key=content_key(folder / "1.png"))
    (tmp_path / "kept.png").write_bytes((folder / "1.png").read_bytes())
    (folder / "1.png").unlink()
    look(project)
    (tmp_path / "kept.png").rename(folder / "sub" / "other.png")
    (event,) = search(project, folder / "sub")
    assert isinstance(event, Relinked)
    assert [(row.id, row.path) for row in event.images] == [(image.id, "sub/other.png")]


def test_another_picture_of_that_name_is_not_taken(project: Project, folder: Path):
    image = label(project, "1.png")
    project.note_decoded(image.id, width=64, height=48, key=content_key(folder / "1.png"))
    (folder / "1.png").unlink()
    Image.new("RGB", (64, 48), "red").save(folder / "sub" / "1.png")
    look(project)
    assert search(project, folder) == []
    assert image_of(project, "1.png").missing


@pytest.mark.parametrize("names", [("deep/2.png", "sub/2.png"), ("deep/2.png",)], ids=["two of them", "another size"])
def test_what_is_not_certain_is_left_alone(project: Project, folder: Path, names: tuple[str, ...]):
    image = label(project, "2.png")
    project.note_decoded(image.id, width=64, height=48)
    (folder / "2.png").unlink()
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 48) if len(names) > 1 else (9, 9)).save(folder / name)
    look(project)
    assert search(project, folder) == []


def test_what_somebody_worked_on_keeps_its_file(project: Project, folder: Path):
    label(project, "1.png")
    (folder / "deep").mkdir()
    (folder / "1.png").rename(folder / "deep" / "1.png")
    look(project)
    label(project, "deep/1.png")
    assert search(project, folder) == []


def test_files_elsewhere_are_told_of(project: Project, folder: Path, tmp_path: Path):
    image = label(project, "1.png")
    (tmp_path / "elsewhere").mkdir()
    (folder / "1.png").rename(tmp_path / "elsewhere" / "1.png")
    look(project)
    assert search(project, tmp_path / "elsewhere") == [
        Outside(replace(image, note="mine", missing=True), tmp_path / "elsewhere" / "1.png")
    ]
    assert image_of(project, "1.png").missing


def test_a_file_that_is_back_in_its_place_is_found(project: Project, folder: Path):
    image = label(project, "1.png")
    (folder / "1.png").rename(folder / "x")
    look(project)
    (folder / "x").rename(folder / "1.png")
    (event,) = search(project, folder)
    assert isinstance(event, Relinked)
    assert [(row.id, row.path, row.missing) for row in event.images] == [(image.id, "1.png", False)]


def test_nothing_is_looked_for_where_nothing_is_missing_or_nothing_may_be_changed(opened: Opener, folder: Path):
    project = opened()
    assert list(project.find_missing(folder)) == []
    label(project, "1.png")
    (folder / "1.png").unlink()
    look(project)
    with pytest.raises(ImageError, match="no such folder"):
        search(project, folder / "nowhere")
    with pytest.raises(ProjectError, match="another window"):
        opened().find_missing(folder)
