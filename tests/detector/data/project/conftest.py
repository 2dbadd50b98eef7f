"""A folder with a few pictures, and its project."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from detector.data.project import home
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, ProjectImage
from detector.data.project.store import Project

SIZE = (64, 48)


def picture(path: Path, shade: int = 0) -> Path:
    """A small picture; other shades are other contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, (shade, shade, shade)).save(path)
    return path


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's data, away from the real one's."""
    monkeypatch.setattr(home, "user_data", lambda: tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures 1, 2 and 10, and one in a folder."""
    for shade, name in enumerate(("10.png", "2.png", "1.png", "sub/3.png")):
        picture(tmp_path / "pictures" / name, shade)
    return tmp_path / "pictures"


@pytest.fixture
def opened(folder: Path) -> Iterator[Callable[..., Project]]:
    """Opens projects, scanned, and closes them at the end."""
    projects: list[Project] = []

    def open_project(place: Path = folder, **options: bool) -> Project:
        projects.append(Project.open(place, **options))
        list(projects[-1].scan())
        return projects[-1]

    yield open_project
    for project in projects:
        project.close()


@pytest.fixture
def project(opened: Callable[..., Project]) -> Project:
    """The project of `folder`."""
    return opened()


@pytest.fixture
def read_only_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`folder`, which cannot be written to; where the tests run as root, so the program is only told."""
    places = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for place in places:
        place.chmod(0o555)
    if home.can_write(folder):
        really = home.can_write
        monkeypatch.setattr(home, "can_write", lambda path: path not in places and really(path))
    yield folder
    for place in places:
        place.chmod(0o755)


@pytest.fixture
def add_class() -> Callable[..., ProjectClass]:
    """Stores a class."""

    def add(project: Project, name: str = "bolt") -> ProjectClass:
        position = len(project.classes())
        made = ProjectClass(project.new_id(), name, "#0096E8", position, position + 1)
        project.apply(Change(classes=((None, made),)))
        return made

    return add


@pytest.fixture
def draw() -> Callable[..., ProjectBox]:
    """Stores a box of a class on an image."""

    def add(project: Project, image: ProjectImage, item: ProjectClass, x: float = 1.0) -> ProjectBox:
        box = ProjectBox(project.new_id(), image.id, item.id, (x, 2.0, x + 10, 20.5), Origin.DRAWN)
        project.apply(Change(boxes=((None, box),)))
        return box

    return add
