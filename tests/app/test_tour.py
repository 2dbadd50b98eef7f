"""The tour through the sample, in the real window: it follows what is done, can be skipped, and comes again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app import settings as table
from app import worker_results
from app.main_window import MainWindow
from app.settings import Settings
from app.tour import ENOUGH, STOPS
from app.verbs.box_verbs import reshape
from app.verbs.reviewing import review
from detector.boxes import Detections

Make = Callable[[], MainWindow]


@pytest.fixture
def make(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Another window with the same settings."""
    monkeypatch.setattr("app.projects.user_data", lambda: tmp_path / "data")
    windows: list[MainWindow] = []

    def another() -> MainWindow:
        window = MainWindow(Settings(tmp_path / "settings.ini"))
        qtbot.addWidget(window)
        window.show()
        windows.append(window)
        return window

    yield another
    for window in windows:
        window.close()
        qtbot.waitUntil(lambda window=window: not window.jobs.running, timeout=20_000)


def open_sample(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.projects.opened, timeout=20_000):
        window.welcome.sample_wanted.emit()
    qtbot.waitUntil(lambda: not window.jobs.running and window.canvas.picture_size is not None, timeout=20_000)


def words(window: MainWindow) -> str:
    return window.tour._mark._title.text()


def label(window: MainWindow) -> None:
    """A pass over the first images, as if the model had made it."""
    document = window.document
    assert document.project is not None
    made = document.project.passes.begin(model="S", source="s", names=["nut"], category_ids=[1], thresholds={})
    ids = list(document.visible)[:5]
    box, score = np.array([[10, 10, 60, 60]], np.float32), np.array([0.9], np.float32)
    found = Detections(box, score, np.zeros(1, np.int64), np.arange(1))
    document.project.predictions.put(made.id, [(image_id, found) for image_id in ids])
    document.read_classes()
    worker_results.note_labelled(document, ids)


def test_it_follows_what_the_person_does(make: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch):
    window = make()
    open_sample(window, qtbot)
    mark, document = window.tour._mark, window.document
    assert mark.isVisible()
    assert (window.tour.step, words(window)) == (0, STOPS[0].title)
    label(window)
    assert (window.tour.step, words(window)) == (1, STOPS[1].title)
    (proposal,) = [box for box in document.shown if box.is_proposal]
    reshape(document, {proposal.key: (12, 12, 50, 50)})
    assert window.tour.step == 2
    for _ in range(ENOUGH):
        assert window.tour.step == 2
        review(document)
    assert (window.tour.step, words(window)) == (3, STOPS[3].title)
    monkeypatch.setattr(window.fine_tuning, "watcher", object())
    window.fine_tuning.bottom_wanted.emit(window.training)
    assert window.tour.step == 4
    assert mark.isVisible()
    monkeypatch.setattr(window.fine_tuning, "watcher", None)
    assert document.project is not None
    run = document.project.home / "runs" / "1" / "best.safetensors"
    window.model.choose(str(run))
    assert window.tour.step is None
    assert not mark.isVisible()
    assert window.settings.get(table.TOUR) is False


def test_the_picture_keeps_the_focus_and_its_keys(make: Make, qtbot: QtBot):
    window = make()
    open_sample(window, qtbot)
    window.activateWindow()
    window.canvas.setFocus()
    before = window.document.current
    qtbot.mouseClick(window.tour._mark.next_button, Qt.MouseButton.LeftButton)
    assert window.tour.step == 1
    qtbot.keyClick(window.canvas, Qt.Key.Key_D)
    assert window.document.current != before


def test_skipped_it_stays_away_and_comes_when_it_is_asked_for(make: Make, qtbot: QtBot):
    window = make()
    open_sample(window, qtbot)
    qtbot.mouseClick(window.tour._mark.skip_button, Qt.MouseButton.LeftButton)
    assert not window.tour._mark.isVisible()
    window.projects.close()
    open_sample(window, qtbot)
    assert window.tour.step is None
    window.close()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    again = make()
    assert again.settings.get(table.TOUR) is False
    with qtbot.waitSignal(again.projects.opened, timeout=20_000):
        again.actions_["tour"].trigger()  # which opens the sample, for nothing is open
    assert again.tour.step == 0
    assert again.tour._mark.isVisible()
    again.projects.close()
    assert not again.tour._mark.isVisible()


def test_other_folders_have_no_tour_unless_it_is_asked_for(make: Make, qtbot: QtBot, tmp_path: Path):
    (folder := tmp_path / "pictures").mkdir()
    Image.new("RGB", (90, 60)).save(folder / "0.png")
    window = make()
    with qtbot.waitSignal(window.projects.opened, timeout=20_000):
        window.projects.open_folder(folder)
    assert window.tour.step is None
    window.actions_["tour"].trigger()
    assert window.tour.step is not None
