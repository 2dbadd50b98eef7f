"""Looking at the folder again: what came, went or was renamed is told in one line, and missing files are found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app import worker_results
from app.background.refreshing import FIND, News, Refreshing
from app.document import Document
from app.jobs import Jobs
from app.notifications import Notice, Notifications
from app.verbs.image_verbs import set_note
from detector.data.project.records import ProjectImage, State
from detector.data.split import content_key


@pytest.fixture
def refreshing(qtbot: QtBot, document: Document) -> Iterator[Refreshing]:
    notifications, window = Notifications(), QWidget()
    qtbot.addWidget(window)
    jobs = Jobs(notifications)
    made = Refreshing(document, jobs, notifications, window)
    made.told = []  # for the tests to look at
    notifications.posted.connect(made.told.append)
    yield made
    jobs.stop_all()


def look(qtbot: QtBot, refreshing: Refreshing) -> Notice:
    with qtbot.waitSignal(refreshing.refreshed):
        refreshing.look()
    return refreshing.told[-1]


def paths(document: Document) -> list[str]:
    return [document.images[image_id].path for image_id in document.visible]


def read_content(document: Document) -> None:
    for image in document.images.values():
        key = content_key(document.project.folder / image.path)
        worker_results.note_decoded(document, image.id, width=90, height=60, key=key)


def test_what_has_changed_is_told_and_shown(qtbot: QtBot, refreshing: Refreshing, document: Document):
    folder, ids = document.project.folder, list(document.visible)
    read_content(document)
    set_note(document, ids[4], "mine")
    for number in range(3):
        Image.new("RGB", (9, 9), (number, 7, 7)).save(folder / f"new{number}.png")
    (folder / "1.png").rename(folder / "9.png")
    (folder / "3.png").unlink()
    (folder / "4.png").unlink()
    document.show(ids[1])
    told = look(qtbot, refreshing)
    assert (told.text, told.action) == ("In the folder: 3 new, 1 renamed, 2 missing.", FIND)
    assert paths(document) == ["0.png", "2.png", "4.png", "5.png", "9.png", "new0.png", "new1.png", "new2.png"]
    assert document.current == ids[1]
    assert document.images[ids[1]].path == "9.png"
    assert document.images[ids[4]].missing  # 3.png is gone without a word, since nobody had touched it
    assert look(qtbot, refreshing).text == "Nothing has changed in the folder."
    Image.new("RGB", (90, 60)).save(folder / "3.png")
    Image.new("RGB", (90, 60)).save(folder / "4.png")
    assert look(qtbot, refreshing).text == "In the folder: 2 found again."
    assert paths(document)[2:4] == ["3.png", "4.png"]
    assert not document.images[ids[4]].missing


def test_what_one_does_meanwhile_stays(qtbot: QtBot, refreshing: Refreshing, document: Document):
    image_id = document.visible[2]
    (document.project.folder / "2.png").rename(document.project.folder / "x.txt")
    with qtbot.waitSignal(refreshing.refreshed):
        refreshing.look()
        refreshing.look()  # which is under way
        set_note(document, image_id, "meanwhile")
    assert document.images[image_id].note == "meanwhile"
    assert document.images[image_id].missing
    assert len(refreshing.told) == 1


@pytest.mark.parametrize("inside", [True, False], ids=["in the project", "elsewhere"])
def test_missing_files_are_found(
    qtbot: QtBot, refreshing: Refreshing, document: Document, tmp_path_factory: pytest.TempPathFactory, inside: bool
):
    folder, image_id = document.project.folder, document.visible[2]
    set_note(document, image_id, "mine")
    place = folder / "deep" if inside else tmp_path_factory.mktemp("elsewhere")
    place.mkdir(exist_ok=True)
    (folder / "2.png").rename(place / "2.png")
    look(qtbot, refreshing)
    refreshing.find_missing(place)
    qtbot.waitUntil(lambda: len(refreshing.told) == 2)
    if inside:
        assert refreshing.told[-1].text == "1 missing image found."
        assert document.images[image_id].path == "deep/2.png"
        assert not document.images[image_id].missing
        assert paths(document) == ["0.png", "1.png", "3.png", "4.png", "5.png", "deep/2.png"]
    else:
        assert refreshing.told[-1].text == (
            f"No missing image was found there; 1 file outside {folder}, such as {place / '2.png'}: move them into it, "
            "then refresh."
        )
        assert document.images[image_id].missing


def test_one_is_asked_where_to_look(
    qtbot: QtBot, refreshing: Refreshing, document: Document, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def ask(parent: QWidget, title: str, start: str) -> str:
        asked.append(title)
        return str(document.project.folder)

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", ask)
    refreshing.ask_missing()
    assert (refreshing.told[-1].text, asked) == ("No image is missing.", [])
    set_note(document, document.visible[2], "mine")
    (document.project.folder / "2.png").unlink()
    look(qtbot, refreshing).run()
    assert asked == ["Where may the files of 1 missing image be?"]
    qtbot.waitUntil(lambda: refreshing.told[-1].text == "No missing image was found there.")


def test_missing_files_are_told_at_opening(refreshing: Refreshing, document: Document):
    refreshing.tell_missing()
    assert refreshing.told == []
    image_id = document.visible[0]
    set_note(document, image_id, "mine")
    document.tally.missing.add(image_id)
    refreshing.tell_missing()
    assert refreshing.told[0].text == "The file of 1 image with your work is missing."
    assert refreshing.told[0].action == FIND


def test_a_folder_that_is_gone_is_told(qtbot: QtBot, refreshing: Refreshing, document: Document, tmp_path: Path):
    document.project.folder = tmp_path / "nowhere"
    refreshing.look()
    qtbot.waitUntil(lambda: bool(refreshing.told))
    assert "no such folder" in refreshing.told[0].text
    document.project.folder = tmp_path
    assert look(qtbot, refreshing).text == "Nothing has changed in the folder."  # one may look again


def test_news_count_each_image_once():
    def image(image_id: int, path: str, missing: bool = False) -> ProjectImage:
        return ProjectImage(image_id, path, None, None, State.UNLABELLED, None, missing=missing)

    known = {1: image(1, "a"), 2: image(2, "b"), 3: image(3, "c", missing=True)}
    news = News()
    news.note([image(1, "x", missing=True), image(2, "b", missing=True), image(3, "c"), image(4, "d")], known)
    assert news == News(new=1, renamed=1, missing=1, returned=1)
    assert news.text() == "In the folder: 1 new, 1 renamed, 1 missing, 1 found again."
