"""A look at the folder tells what came, went, came back or has another name, each with what is known about it."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from detector.data.project.records import Change, ProjectImage, State
from detector.data.project.store import Project
from detector.data.split import Side, content_key


def look(project: Project) -> list[ProjectImage]:
    return [image for chunk in project.scan() for image in chunk]


def by_path(project: Project) -> dict[str, ProjectImage]:
    return {image.path: image for image in project.images()}


def note(project: Project, path: str, text: str = "odd") -> ProjectImage:
    image = by_path(project)[path]
    project.apply(Change(images=((image, replace(image, note=text)),)))
    return image


def read_all(project: Project, folder: Path) -> None:
    for image in project.images():
        project.note_decoded(image.id, width=64, height=48, key=content_key(folder / image.path))


def test_files_that_went_and_came_back_are_told_once(project: Project, folder: Path):
    image = note(project, "1.png")
    (folder / "1.png").rename(folder.parent / "away.png")
    (gone,) = look(project)
    assert (gone.id, gone.missing, gone.note) == (image.id, True, "odd")
    assert look(project) == []
    assert project.image(image.id).missing
    (folder.parent / "away.png").rename(folder / "1.png")
    (back,) = look(project)
    assert (back.id, back.missing) == (image.id, False)
    assert look(project) == []


def test_a_renamed_file_is_neither_new_nor_missing(project: Project, folder: Path):
    image = note(project, "1.png")
    read_all(project, folder)
    (folder / "1.png").rename(folder / "sub" / "one.png")
    (renamed,) = look(project)
    assert (renamed.id, renamed.path, renamed.missing, renamed.note) == (image.id, "sub/one.png", False, "odd")


def test_copies_that_are_renamed_together_each_keep_their_own(project: Project, folder: Path):
    for name in ("a/x.png", "a/y.png", "a/z.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes((folder / "1.png").read_bytes())
    look(project)
    for name in ("a/x.png", "a/y.png"):
        note(project, name, name)
    read_all(project, folder)
    before = by_path(project)
    (folder / "a").rename(folder / "b")
    assert {(image.id, image.path) for image in look(project)} == {
        (before[f"a/{name}"].id, f"b/{name}") for name in ("x.png", "y.png", "z.png")
    }


def test_an_image_that_is_only_ignored_goes_with_its_file(project: Project, folder: Path):
    image = by_path(project)["1.png"]
    project.apply(Change(images=((image, replace(image, ignored=True)),)))
    (folder / "1.png").unlink()
    look(project)
    assert "1.png" not in by_path(project)
    Image.new("RGB", (9, 9)).save(folder / "1.png")
    (back,) = look(project)
    assert (back.id, back.ignored) == (image.id, True)


@pytest.mark.parametrize(
    ("state", "ignored", "is_open"),
    [
        (State.UNLABELLED, False, True),
        (State.STARTED, False, True),
        (State.REVIEWED, False, False),
        (State.STARTED, True, False),
    ],
)
def test_images_that_want_a_look_are_open(state: State, ignored: bool, is_open: bool):
    assert ProjectImage(1, "a.png", None, None, state, Side.TRAIN, ignored).is_open is is_open


def test_files_that_are_taken_away_are_noted_at_once(project: Project, folder: Path):
    images = project.images()
    (folder / images[0].path).unlink()
    project.note_gone([images[0].id])
    assert project.image(images[0].id).missing
    assert look(project) == []
