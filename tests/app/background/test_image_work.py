"""Vouching for many images, and the trash: asked first, done in a worker, one step of undo."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QFile
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.background import image_work
from app.background.image_work import ImageWork, Vouched, trash_question, vouched
from app.document import Document
from app.image_filter import FilterKind, kind_counts
from app.jobs import Jobs
from app.notifications import Notifications
from app.verbs import box_verbs, undoing
from app.verbs.class_verbs import add_class, remove_class
from app.verbs.image_verbs import set_ignored, set_note
from app.verbs.reviewing import review
from app.widgets.image_menu import ImageVerb
from detector.data.project.records import Origin, State
from detector.data.split import Side

BOX, OTHER = (10.0, 10.0, 40.0, 40.0), (50.0, 10.0, 80.0, 40.0)
MakePass = Callable[..., None]


@pytest.fixture
def work(qtbot: QtBot, document: Document) -> Iterator[ImageWork]:
    notifications, window = Notifications(), QWidget()
    qtbot.addWidget(window)
    jobs = Jobs(notifications)
    made = ImageWork(document, jobs, notifications, window)
    made.told, made.jobs, made.window = [], jobs, window  # for the tests to look at
    notifications.posted.connect(made.told.append)
    yield made
    jobs.stop_all()


def done(qtbot: QtBot, work: ImageWork) -> None:
    qtbot.waitUntil(lambda: not work.jobs.running)


def states(document: Document) -> list[State]:
    return [image.state for image in document.project.images()]


def test_one_vouches_for_all_that_is_shown_on_many(
    qtbot: QtBot, work: ImageWork, document: Document, make_pass: MakePass
):
    make_pass({0: [(BOX, 0.9, 0), (OTHER, 0.1, 0)], 1: [(BOX, 0.8, 1)], 2: []})
    ids = list(document.visible)
    document.show(ids[3])
    box_verbs.draw(document, OTHER)
    set_ignored(document, ids[5:], True)
    steps = document.undo_stack.count()
    work.run(ImageVerb.REVIEW, ids)
    done(qtbot, work)
    assert states(document) == [*[State.REVIEWED] * 4, State.UNLABELLED, State.UNLABELLED]
    assert [box.origin for box in document.project.boxes(ids[0])] == [Origin.ACCEPTED]
    assert {document.images[image_id].split for image_id in ids[:4]} <= set(Side)
    assert document.tally.proposal_total() == (0, 0)
    assert document.undo_stack.undoText() == "Vouch: 4 images"
    assert work.told[0].text.startswith("1 image left unreviewed")
    undoing.undo(document)
    assert document.undo_stack.index() == steps
    assert states(document) == [State.UNLABELLED] * 3 + [State.STARTED] + [State.UNLABELLED] * 2
    assert document.tally.proposal_total() == (2, 2)
    undoing.redo(document)
    assert states(document)[:4] == [State.REVIEWED] * 4


def test_what_changes_meanwhile_is_left_alone(qtbot: QtBot, work: ImageWork, document: Document, make_pass: MakePass):
    make_pass({0: [(BOX, 0.9, 0)], 1: [(BOX, 0.8, 1)]})
    ids = list(document.visible)
    work.run(ImageVerb.REVIEW, ids[:2])
    document.show(ids[0])
    box_verbs.draw(document, OTHER)
    done(qtbot, work)
    assert states(document)[:2] == [State.STARTED, State.REVIEWED]


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        (ImageVerb.IGNORE, "Ignore: 2 images"),
        (ImageVerb.USE, "Use again"),
        (ImageVerb.REOPEN, "Take back review"),
        (ImageVerb.TRAIN, "Use for training: 2 images"),
        (ImageVerb.VALIDATE, "Use for validation: 2 images"),
    ],
)
def test_each_verb_is_one_step(work: ImageWork, document: Document, verb: ImageVerb, text: str, make_pass: MakePass):
    make_pass({3: [(BOX, 0.9, 0)]})
    ids = list(document.visible)
    set_ignored(document, ids[2:3], True)
    document.show(ids[3])
    review(document)
    steps = document.undo_stack.count()
    chosen = ids[2:4] if verb in (ImageVerb.USE, ImageVerb.REOPEN) else ids[:2]
    work.run(verb, chosen)
    assert document.undo_stack.count() == steps + 1
    assert document.undo_stack.undoText() == text


def ask_trash(qtbot: QtBot, work: ImageWork, ids: list[int], answer: str) -> QMessageBox:
    work.run(ImageVerb.TRASH, ids)
    box = work.window.findChild(QMessageBox)
    button = next(each for each in box.findChildren(QPushButton) if answer in each.text())
    button.click()
    done(qtbot, work)
    return box


@pytest.fixture
def trash(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    """The system's trash, which tests leave alone; it takes no file called 3.png."""
    place = tmp_path_factory.mktemp("trash")

    def move(path: str) -> tuple[bool, str]:
        file = QFile(path)
        name = path.rpartition("/")[2]
        moved = name != "3.png" and file.rename(str(place / name))
        return moved, str(place / name)

    monkeypatch.setattr(QFile, "moveToTrash", move)
    return place


def test_files_go_to_the_trash_when_one_says_so(qtbot: QtBot, work: ImageWork, document: Document, trash):
    ids, folder = list(document.visible), document.project.folder
    set_note(document, ids[2], "mine")
    ask_trash(qtbot, work, ids[1:4], "Cancel")
    assert (folder / "1.png").exists()
    box = ask_trash(qtbot, work, ids[1:4], "Move")
    assert box.text() == "Move these 3 image files to the trash?"
    assert sorted(path.name for path in trash.iterdir()) == ["1.png", "2.png"]
    assert document.visible == [ids[0], *ids[3:]]
    assert document.undo_stack.undoText() == "Move to trash: 2 images"
    assert "2 images: in the system's trash" in work.told[0].text
    assert work.told[1].details == "3.png"
    undoing.undo(document)
    assert ids[2] in document.visible  # its note is there, its file is not
    assert kind_counts(document.tally)[FilterKind.MISSING] == 1
    work.run(ImageVerb.TRASH, [ids[2]])  # there is no file to move
    assert not work.jobs.running


def test_the_question_says_what_would_be_lost(document: Document):
    images = [document.images[image_id] for image_id in document.visible]
    assert trash_question(images[:1]) == "Move 0.png to the trash?"
    add_class(document, "bolt")
    box_verbs.draw(document, BOX)
    review(document)
    box_verbs.draw(document, BOX)
    review(document)
    images = [document.images[image_id] for image_id in document.visible]
    assert trash_question(images[:1]) == "Move 0.png to the trash? It is reviewed."
    assert trash_question(images[1:]) == "Move these 5 image files to the trash? 1 of them is reviewed."
    assert trash_question(images) == "Move these 6 image files to the trash? 2 of them are reviewed."


def test_nothing_goes_where_nothing_may_be_changed(qtbot: QtBot, work: ImageWork, document: Document):
    document.project.read_only = "Only to look at."
    for verb in (ImageVerb.TRASH, ImageVerb.REVIEW):
        with qtbot.waitSignal(document.refused):
            work.run(verb, document.visible[:2])
    assert work.window.findChild(QMessageBox) is None
    assert not work.jobs.running


def test_notes_are_written(work: ImageWork, document: Document):
    work.set_note(document.visible[1], "odd")
    assert document.images[document.visible[1]].note == "odd"


@pytest.mark.parametrize("busy", [True, False], ids=["while others are changed", "after its class went"])
def test_one_vouches_for_nothing_that_is_not_there_any_more(
    qtbot: QtBot,
    work: ImageWork,
    document: Document,
    make_pass: MakePass,
    monkeypatch: pytest.MonkeyPatch,
    busy: bool,
):
    make_pass({0: [(BOX, 0.9, 0)]})
    has_read, may_go_on = threading.Event(), threading.Event()

    def held(*arguments: Any) -> Iterator[Vouched]:
        found = list(vouched(*arguments))
        has_read.set()
        assert may_go_on.wait(60)
        yield from found

    monkeypatch.setattr(image_work, "vouched", held)
    work.run(ImageVerb.REVIEW, document.visible[:1])
    assert has_read.wait(60)
    if busy:
        document.busy = "Many images are being changed; try again in a moment."
    else:
        remove_class(document, document.classes[0].id)
    steps = document.undo_stack.count()
    with qtbot.waitSignal(document.refused):
        may_go_on.set()
    document.busy = ""
    assert set(states(document)) == {State.UNLABELLED}
    assert document.undo_stack.count() == steps
