"""Steps over very many images: a worker stores them; undo takes them back; a failure leaves nothing half done."""

from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.background.image_work import vouched
from app.background.opening import IndexRead, read_index
from app.document import Document
from app.image_filter import FilterKind, kind_counts
from app.jobs import Jobs
from app.long_edits import LongEdits, portions
from app.notifications import Notifications
from app.verbs import undoing
from app.verbs.image_verbs import push_change, reopen, set_ignored, set_note
from detector.data.project.records import Change, Origin, ProjectBox, ProjectImage, State
from detector.data.project.store import Project
from detector.errors import ProjectError

BOX = (10.0, 10.0, 40.0, 40.0)
MakePass = Callable[..., None]


@pytest.fixture
def told(qtbot: QtBot, document: Document, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Errors; two images are many here, and proposals are read anew at once when that is due."""
    monkeypatch.setattr("app.verbs.image_verbs.MANY", 1)
    monkeypatch.setattr("app.long_edits.PORTION", 2)
    notifications, errors = Notifications(), []
    notifications.posted.connect(lambda notice: errors.append(notice.text))
    jobs = Jobs(notifications)
    edits = LongEdits(document, jobs)
    document.index_stale.connect(lambda: reread(document))
    yield errors
    del edits
    jobs.stop_all()


def reread(document: Document) -> None:
    for event in read_index(document.project, dict(document.images)):
        assert isinstance(event, IndexRead)
        document.set_index(event.index)


def done(qtbot: QtBot, document: Document) -> list[ProjectImage]:
    """Waits for the end; what the store holds, which is what the window shows."""
    qtbot.waitUntil(lambda: not document.busy)
    stored = document.project.images()
    assert stored == [document.images[image.id] for image in stored]
    return stored


def test_a_long_step_is_stored_taken_back_and_done_again(
    qtbot: QtBot, document: Document, told: list[str], make_pass: MakePass
):
    make_pass({place: [(BOX, 0.9, 0)] for place in range(5)})
    ids, before = list(document.visible), document.project.images()
    set_ignored(document, ids[:5], True)
    assert document.busy
    set_note(document, ids[5], "not now")  # nothing else is edited meanwhile
    after = done(qtbot, document)
    assert [image.ignored for image in after] == [*[True] * 5, False]
    assert after[5].note == ""
    assert document.undo_stack.undoText() == "Ignore: 5 images"
    assert kind_counts(document.tally)[FilterKind.IGNORED] == 5
    assert (document.shown, document.tally.proposal_total()) == ((), (0, 0))
    undoing.undo(document)
    assert done(qtbot, document) == before
    assert document.tally.proposal_total() == (5, 5)
    undoing.redo(document)
    assert done(qtbot, document) == after
    assert told == []


def test_boxes_come_and_go_with_their_images(qtbot: QtBot, document: Document, told: list[str], make_pass: MakePass):
    make_pass({place: [(BOX, 0.9, 0)] for place in range(5)})
    images = [document.images[image_id] for image_id in document.visible]
    (found,) = vouched(document.project, images, document.limits)
    assert found.unseen == 1
    push_change(document, found.change, "Vouch: 5 images")
    after = done(qtbot, document)
    assert [image.state for image in after] == [*[State.REVIEWED] * 5, State.UNLABELLED]
    assert sum(map(document.tally.box_count, document.images)) == 5
    reopen(document, [image.id for image in images])
    assert [image.state for image in done(qtbot, document)] == [*[State.STARTED] * 5, State.UNLABELLED]
    for _ in range(2):
        undoing.undo(document)
        done(qtbot, document)
    assert sum(map(document.tally.box_count, document.images)) == 0
    assert document.tally.proposal_total() == (5, 5)
    assert told == []


def test_what_the_store_refuses_is_no_step(
    qtbot: QtBot, document: Document, told: list[str], monkeypatch: pytest.MonkeyPatch
):
    ids, before = list(document.visible), document.project.images()

    def refuse(self: Project, change: Change) -> None:
        raise ProjectError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Project, "apply", refuse)
        set_ignored(document, ids, True)
        qtbot.waitUntil(lambda: told == ["The disk is full."])
        assert done(qtbot, document) == before
        assert document.undo_stack.index() == 0
    undoing.redo(document)
    after = done(qtbot, document)
    assert all(image.ignored for image in after)
    with monkeypatch.context() as patch:
        patch.setattr(Project, "apply", refuse)
        undoing.undo(document)
        qtbot.waitUntil(lambda: len(told) == 2)
        assert done(qtbot, document) == after
        assert document.undo_stack.index() == 1


def test_closing_meanwhile_loses_nothing(qtbot: QtBot, document: Document, told: list[str]):
    ids, folder = list(document.visible), document.project.folder
    set_ignored(document, ids, True)
    document.detach()
    assert not document.busy

    def is_stored() -> bool:
        project = Project.open(folder)
        try:
            return all(image.ignored for image in project.images())
        finally:
            project.close()

    qtbot.waitUntil(is_stored)
    assert told == []


def test_portions_hold_all_of_a_change():
    images = [ProjectImage(n, f"{n}.png", None, None, State.UNLABELLED, None) for n in range(5)]
    boxes = [ProjectBox(n, n % 5, 1, BOX, Origin.DRAWN) for n in range(12)]
    change = Change(
        boxes=tuple((None, box) if box.id % 2 else (box, None) for box in boxes),
        images=tuple((image, image) for image in images),
    )
    parts = list(portions(change, 2))
    assert [len(part.images) for part in parts] == [2, 2, 1]
    shown = [pair for part in parts for pair in part.boxes]
    assert sorted(shown, key=lambda pair: (pair[0] or pair[1]).id) == list(change.boxes)
    for part in parts:
        assert {(a or b).image_id for a, b in part.boxes} <= {image.id for _, image in part.images}
