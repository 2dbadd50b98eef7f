"""Opening COCO files and the sample; what cannot be opened leaves what is open as it is."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.document import Document
from app.jobs import Jobs
from app.notifications import Notifications
from app.projects import SAMPLE, Projects
from app.settings import OPEN, REOPENS, Settings
from detector.data.project.store import Project


@pytest.fixture
def projects(qtbot: QtBot, tmp_path: Path) -> Iterator[Projects]:
    notifications, document = Notifications(), Document()
    jobs = Jobs(notifications)
    made = Projects(document, jobs, notifications, Settings(tmp_path / "settings.ini"))
    made.document, made.notifications = document, notifications  # for the tests to look at
    yield made
    made.close()
    jobs.stop_all()


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """A COCO file of two pictures, one of them missing, in a folder `pictures`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (64, 48)).save(folder / "a.png")
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}, {"id": 2, "file_name": "gone.png"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 10, 20]}],
        "categories": [{"id": 7, "name": "nut"}],
    }
    (tmp_path / "labels.json").write_text(json.dumps(document))
    return tmp_path / "labels.json"


def test_a_coco_file_opens_its_pictures_and_asks_for_its_labels(projects: Projects, data_set: Path, qtbot: QtBot):
    with qtbot.waitSignal(projects.labels_wanted) as wanted:
        projects.open_coco(data_set, data_set.parent / "pictures")
    assert wanted.args == [data_set]
    document = projects.document
    assert [image.path for image in document.images.values()] == ["a.png"]
    assert document.shown == ()  # nothing has come in yet


def test_what_cannot_be_opened_leaves_the_open_project_alone(projects: Projects, data_set: Path, qtbot: QtBot):
    with qtbot.waitSignal(projects.opened):
        projects.open_folder(data_set.parent / "pictures")
    with qtbot.waitSignal(projects.notifications.posted) as posted:
        projects.open_folder(data_set.parent / "nowhere")
    assert "no such folder" in posted.args[0].text
    assert len(projects.document.images) == 1


def test_the_sample_is_a_copy_of_the_person_s_own(
    projects: Projects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
):
    monkeypatch.setattr("app.projects.user_data", lambda: tmp_path / "data")
    with qtbot.waitSignal(projects.opened):
        projects.open_sample()
    assert projects.document.project.folder == tmp_path / "data" / "sample"
    assert len(projects.document.images) == len(list(SAMPLE.iterdir()))
    assert not list(SAMPLE.parent.glob("**/.efficientdet-studio"))


@pytest.fixture
def folder(data_set: Path) -> Path:
    return data_set.parent / "pictures"


def start_again(projects: Projects, tmp_path: Path) -> Projects:
    """Another start of the program with the same settings."""
    return Projects(projects.document, projects._jobs, projects.notifications, Settings(tmp_path / "settings.ini"))


def test_the_folder_of_last_time_is_opened_again(projects: Projects, folder: Path, tmp_path: Path, qtbot: QtBot):
    with qtbot.waitSignal(projects.opened):
        projects.open_folder(folder)
    projects.leave()
    assert projects.document.project is None
    again = start_again(projects, tmp_path)
    with qtbot.waitSignal(again.opened):
        again.reopen()
    assert projects.document.project.folder == folder
    again.close()  # the person does: next time begins with the welcome page
    start_again(projects, tmp_path).reopen()
    assert projects.document.project is None


def test_after_a_crash_it_is_opened_whatever_the_person_prefers(
    projects: Projects, folder: Path, tmp_path: Path, qtbot: QtBot
):
    settings = Settings(tmp_path / "settings.ini")
    settings.set(REOPENS, False)
    with qtbot.waitSignal(projects.opened):
        projects.open_folder(folder)
    projects.document.detach()  # the program is gone without a word
    again = start_again(projects, tmp_path)
    with qtbot.waitSignal(again.opened):
        again.reopen()
    assert projects.document.project.folder == folder
    again.leave()
    start_again(projects, tmp_path).reopen()
    assert projects.document.project is None


def test_a_folder_that_went_or_that_another_window_has_is_not_reopened(
    projects: Projects, folder: Path, tmp_path: Path
):
    settings = Settings(tmp_path / "settings.ini")
    settings.set(OPEN, str(tmp_path / "gone"))
    start_again(projects, tmp_path).reopen()
    other = Project.open(folder)
    settings.set(OPEN, str(folder))
    start_again(projects, tmp_path).reopen()
    assert projects.document.project is None
    other.close()
