"""Opening COCO files and the sample; what cannot be opened leaves what is open as it is."""

import json
import threading
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
    assert projects._jobs.running == []
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
    assert projects._jobs.running == []
    assert projects.document.project is None


def test_a_folder_that_went_or_that_another_window_has_is_not_reopened(
    projects: Projects, folder: Path, tmp_path: Path, qtbot: QtBot
):
    settings = Settings(tmp_path / "settings.ini")
    settings.set(OPEN, str(tmp_path / "gone"))
    start_again(projects, tmp_path).reopen()
    assert projects._jobs.running == []
    other = Project.open(folder)
    settings.set(OPEN, str(folder))
    again = start_again(projects, tmp_path)
    with qtbot.waitSignal(again.ended):
        again.reopen()
    assert projects.document.project is None
    assert Settings(tmp_path / "settings.ini").get(OPEN) == str(folder)  # next time nobody may have it
    other.close()


class SlowStore:
    """A store that takes as long to check as the test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.goes_on, self.threads, self._open = threading.Event(), list[threading.Thread](), Project.open
        monkeypatch.setattr(Project, "open", self.open)

    def open(self, folder: Path, *, anyway: bool = False) -> Project:
        self.threads.append(threading.current_thread())
        assert self.goes_on.wait(60)
        return self._open(folder, anyway=anyway)


@pytest.fixture
def slow_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowStore]:
    store = SlowStore(monkeypatch)
    yield store
    store.goes_on.set()


def test_a_store_that_takes_long_is_opened_beside_the_window_which_says_so(
    projects: Projects, folder: Path, slow_store: SlowStore, qtbot: QtBot
):
    with qtbot.waitSignal(projects.progressed) as told:  # the event loop goes on meanwhile
        projects.open_folder(folder)
    assert told.args == ["Checking the store of pictures…", None]
    assert projects.document.project is None
    assert slow_store.threads[0] is not threading.main_thread()
    with qtbot.waitSignals([projects.ended, projects.opened]):
        slow_store.goes_on.set()
    assert projects.document.project.folder == folder


def test_of_folders_asked_for_meanwhile_the_last_one_opens(
    projects: Projects, folder: Path, slow_store: SlowStore, tmp_path: Path, qtbot: QtBot
):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (64, 48)).save(other / "b.png")
    for wanted in (folder, tmp_path / "nowhere", folder, other):
        projects.open_folder(wanted)
    with qtbot.waitSignal(projects.opened):
        slow_store.goes_on.set()
    assert projects.document.project.folder == other
    assert len(slow_store.threads) == 2
    with qtbot.waitSignal(projects.opened):
        projects.open_folder(folder)
    assert projects.document.project.read_only is None  # the first one was closed, so that nothing holds it


def test_a_store_that_opens_as_the_program_ends_is_closed_again(
    projects: Projects, folder: Path, slow_store: SlowStore, qtbot: QtBot
):
    projects.open_folder(folder)
    projects.leave()
    for job in projects._jobs.running:
        job.cancel()
    slow_store.goes_on.set()
    projects._jobs.stop_all()
    other = slow_store._open(folder)
    assert other.read_only is None
    other.close()
