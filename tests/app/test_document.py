"""A person's verbs on a real project: what they change, and that undo takes exactly that back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app import worker_results
from app.bookmark import Bookmark
from app.document import Document
from app.image_filter import FilterKind, ImageFilter, kind_counts
from app.jobs import Jobs
from app.notifications import Notifications
from app.projects import Projects
from app.verbs import box_verbs, navigation, undoing
from app.verbs.class_verbs import add_class, remove_class, rename_class
from app.verbs.reviewing import mark_empty, review, started, vouch
from detector.boxes import Detections
from detector.data.project.records import Change, Origin, Pass, State
from detector.data.project.store import Project
from detector.data.split import Side
from detector.errors import ProjectError
from tests.app.opening import open_into

BOX = (10.0, 10.0, 30.0, 40.0)


def found(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    """Detections from rows of x1, y1, x2, y2, score, channel."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64), np.arange(len(table)))


def make_folder(folder: Path, names: list[str]) -> Path:
    for place, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), (place, 99, 99)).save(path)  # none a copy of another
    return folder


@pytest.fixture
def document(qtbot: QtBot, tmp_path: Path):
    document = Document()
    bookmark = Bookmark(document)
    open_into(document, make_folder(tmp_path / "pictures", ["a1.png", "a2.png", "a10.png"]))
    yield document
    del bookmark
    document.detach()


def a_pass(document: Document, detections: dict[str, Detections], names=("nut", "bolt"), **thresholds: float) -> Pass:
    """One auto-labelling, as a worker does it."""
    worker = document.project.connect()
    made = worker.passes.begin(
        model="M", source="m", names=names, category_ids=range(1, len(names) + 1), thresholds=thresholds
    )
    by_name = {image.path: image.id for image in document.images.values()}
    worker.predictions.put(made.id, [(by_name[name], item) for name, item in detections.items()])
    worker.close()
    document.read_classes()
    worker_results.note_labelled(document, [by_name[name] for name in detections])
    worker_results.end_pass(document, made.id, "M")
    return made


def stored(document: Document):
    """All that the store holds of the images, read anew."""
    project = document.project
    return {
        image.path: (image.state, project.boxes(image.id), project.rejections(image.id)) for image in project.images()
    }


def state(document: Document) -> State:
    return document.images[document.current].state


def names(document: Document) -> list[str]:
    return [document.images[image_id].path for image_id in document.visible]


def test_images_come_in_natural_order_and_the_first_is_shown(document: Document):
    assert names(document) == ["a1.png", "a2.png", "a10.png"]
    assert document.images[document.current].path == "a1.png"


def test_a_box_is_drawn_taken_back_and_drawn_again(document: Document):
    assert box_verbs.draw(document, BOX) is None  # there is no class yet
    nut = add_class(document, "nut")
    before = stored(document)
    key = box_verbs.draw(document, BOX)
    assert [(box.key, box.class_id, box.xyxy, box.origin) for box in document.shown] == [(key, nut, BOX, Origin.DRAWN)]
    assert state(document) is State.STARTED
    assert document.selection == {key}
    after = stored(document)
    undoing.undo(document)
    assert (stored(document), document.shown, document.selection) == (before, (), frozenset())
    undoing.redo(document)
    assert stored(document) == after
    assert document.tally.box_count(document.current) == 1


def test_boxes_are_cut_off_at_the_borders_and_empty_ones_refused(document: Document):
    add_class(document, "nut")
    worker_results.note_decoded(document, document.current, width=64, height=48, key="k")
    box_verbs.draw(document, (-10, -5, 100, 30))
    assert document.shown[0].xyxy == (0, 0, 64, 30)
    assert box_verbs.draw(document, (70, 0, 90, 20)) is None
    key = document.shown[0].key
    box_verbs.reshape(document, {key: (50, 40, 90, 90)})
    assert document.shown[0].xyxy == (50, 40, 64, 48)


def test_proposals_are_accepted_changed_and_rejected(document: Document):
    add_class(document, "nut")
    a_pass(document, {"a1.png": found((0, 0, 9, 9, 0.9, 0), (20, 0, 29, 9, 0.8, 1), (40, 0, 49, 9, 0.7, 0))})
    assert [box.key for box in document.shown] == [-1, -2, -3]
    assert document.tally.proposal_total() == (3, 1)
    accepted = box_verbs.accept(document, [-1])[-1]
    document.set_selection([-2])
    moved = box_verbs.reshape(document, {-2: (22, 0, 31, 9)})[-2]
    assert document.selection == {moved}
    box_verbs.delete(document, [-3])
    origins = {box.id: (box.origin, box.model, box.score) for box in document.project.boxes(document.current)}
    assert origins[accepted][0] is Origin.ACCEPTED
    assert origins[moved][0] is Origin.EDITED
    assert origins[moved][1:] == ("M", pytest.approx(0.8))
    assert document.tally.proposal_total() == (0, 0)
    rejected = [item.xyxy for item in document.project.rejections(document.current)]
    assert rejected == [(20, 0, 29, 9), (40, 0, 49, 9)]  # where the moved one was, and the deleted one
    for _ in range(3):
        undoing.undo(document)
    assert [box.key for box in document.shown] == [-1, -2, -3]
    assert state(document) is State.UNLABELLED


def test_what_was_accepted_and_then_changed_or_deleted_is_not_proposed_again(document: Document):
    a_pass(document, {"a1.png": found((0, 0, 9, 9, 0.9, 0), (20, 0, 29, 9, 0.8, 1), (40, 0, 49, 9, 0.7, 0))})
    moved, relabelled, deleted = box_verbs.accept(document, [-1, -2, -3]).values()
    box_verbs.reshape(document, {moved: (0, 20, 9, 29)})
    box_verbs.relabel(document, [relabelled], document.classes[0].id)
    box_verbs.delete(document, [deleted, relabelled])
    assert [box.key for box in document.shown] == [moved]
    undoing.undo(document)
    assert [box.key for box in document.shown] == [moved, relabelled, deleted]
    for _ in range(3):
        undoing.undo(document)
    assert [box.key for box in document.shown] == [-1, -2, -3]


def test_what_the_store_refuses_is_no_step_of_undo(document: Document, monkeypatch: pytest.MonkeyPatch):
    add_class(document, "nut")
    box_verbs.draw(document, BOX)
    before, shown, steps = stored(document), document.shown, document.undo_stack.index()

    def refuse(self: Project, change: Change) -> None:
        raise ProjectError("The disk is full.")

    monkeypatch.setattr(Project, "apply", refuse)
    for verb in (
        lambda: box_verbs.draw(document, (1, 1, 9, 9)),
        lambda: review(document),
        lambda: undoing.undo(document),
    ):
        with pytest.raises(ProjectError, match=r"^The disk is full\.$"):
            verb()
        assert (document.undo_stack.index(), document.undo_stack.count()) == (steps, steps)
        assert (stored(document), document.shown) == (before, shown)
    monkeypatch.undo()
    undoing.undo(document)
    assert document.shown == ()
    undoing.redo(document)
    assert document.shown == shown


def test_review_vouches_for_what_is_shown_and_goes_on(document: Document):
    add_class(document, "nut")
    a_pass(document, {"a1.png": found((0, 0, 9, 9, 0.9, 0)), "a10.png": found((0, 0, 9, 9, 0.9, 0))})
    first = document.current
    assert review(document)
    assert document.images[first].state is State.REVIEWED
    assert document.images[first].split in (Side.TRAIN, Side.VAL)
    assert document.images[document.current].path == "a10.png"  # a2 has no proposal
    undoing.undo(document)
    assert document.current == first  # one step shows the image and undoes there
    assert state(document) is State.UNLABELLED
    assert [box.is_proposal for box in document.shown] == [True]


def test_review_does_not_vouch_for_what_nobody_has_seen(document: Document, qtbot: QtBot):
    with qtbot.waitSignal(document.refused) as refused:
        assert not review(document)
    assert "press E" in refused.args[0]
    assert state(document) is State.UNLABELLED
    a_pass(document, {"a1.png": found()})
    assert review(document)  # a model has looked and found nothing
    assert document.project.images()[0].state is State.REVIEWED


def test_empty_is_recorded_and_proposals_there_are_rejected(document: Document, qtbot: QtBot):
    first = document.current
    a_pass(document, {"a1.png": found((0, 0, 9, 9, 0.9, 0))})
    assert mark_empty(document)
    assert document.images[first].state is State.REVIEWED
    assert len(document.project.rejections(first)) == 1
    assert document.tally.box_count(first) == 0
    document.show(first)
    box_verbs.draw(document, BOX)
    with qtbot.waitSignal(document.refused):
        assert not mark_empty(document)


def test_a_pass_is_undone_and_leaves_later_edits_alone(document: Document):
    first = document.current
    a_pass(document, {"a1.png": found((0, 0, 9, 9, 0.9, 0))}, names=("nut",))
    worker_results.end_pass(document, 0, "none")  # a step that stands for an edit below the pass
    undoing.undo(document)
    second = a_pass(document, {"a1.png": found((0, 0, 9, 9, 0.9, 0), (20, 20, 40, 40, 0.9, 1))})
    assert len(document.shown) == 2
    document.undo_stack.undo()  # the pass
    assert [box.class_id for box in document.shown] == [document.classes[0].id]
    assert [item.name for item in document.classes] == ["nut"]
    document.undo_stack.redo()
    assert len(document.shown) == 2
    assert {item.name for item in document.classes} == {"nut", "bolt"}
    assert second.id in {item.id for item in document.project.passes.all() if item.active}
    assert document.current == first


def test_a_pass_that_ends_leaves_edits_of_boxes_to_be_done_again(document: Document):
    first = document.current
    assert first is not None
    add_class(document, "nut")
    box_verbs.draw(document, BOX)
    undoing.undo(document)
    made = a_pass(document, {"a1.png": found((20, 20, 40, 40, 0.9, 0))}, names=("nut",))
    assert document.undo_stack.undoText().startswith("Auto-label")
    undoing.redo(document)
    assert [box.xyxy for box in document.project.boxes(first)] == [BOX]
    undoing.undo(document)
    undoing.undo(document)  # the pass
    assert not document.shown
    assert made.id not in {item.id for item in document.project.passes.all() if item.active}
    undoing.redo(document)
    undoing.redo(document)
    assert len(document.shown) == 2
    undoing.undo(document)
    undoing.undo(document)
    undoing.undo(document)  # the class
    second = a_pass(document, {"a1.png": found((20, 20, 40, 40, 0.9, 0))}, names=("nut",))
    undoing.redo(document)  # there is no second class of that name
    assert [item.name for item in document.classes] == ["nut"]
    assert second.id in {item.id for item in document.project.passes.all() if item.active}


def test_started_images_are_vouched_for_together(document: Document):
    add_class(document, "nut")
    for _ in range(2):
        box_verbs.draw(document, BOX)
        navigation.step(document, 1)
    waiting = started(document)
    assert list(waiting.values()) == [{document.classes[0].id}] * 2
    vouch(document, document.project.sides.together(waiting))
    assert {document.project.image(image_id).state for image_id in waiting} == {State.REVIEWED}
    assert {document.project.image(image_id).split for image_id in waiting} == {Side.TRAIN, Side.VAL}
    assert not started(document)
    undoing.undo(document)
    assert started(document) == waiting


def test_the_threshold_acts_on_all_images_at_once(document: Document, qtbot: QtBot):
    rows = found((0, 0, 9, 9, 0.9, 0), (20, 0, 29, 9, 0.5, 0))
    a_pass(document, {"a1.png": rows, "a2.png": rows, "a10.png": rows}, nut=0.4)
    assert document.tally.proposal_total() == (6, 3)
    with qtbot.waitSignals([document.proposals_changed, document.shown_changed]):
        document.set_limits(replace(document.limits, overall=0.6))
    assert document.tally.proposal_total() == (3, 3)
    assert len(document.shown) == 1
    document.set_limits(replace(document.limits, overall=None))
    assert document.tally.proposal_total() == (6, 3)


def test_filters_list_what_they_say(document: Document):
    add_class(document, "nut")
    a_pass(document, {"a2.png": found((0, 0, 9, 9, 0.9, 0))})
    box_verbs.draw(document, BOX)
    review(document)
    navigation.step(document, 1)
    document.set_filter(ImageFilter(FilterKind.REVIEWED))
    assert names(document)[0] == "a1.png"
    assert kind_counts(document.tally)[FilterKind.REVIEWED] == 1
    document.set_filter(ImageFilter(FilterKind.TO_REVIEW))
    assert "a1.png" not in names(document)
    document.set_filter(ImageFilter(text="NUT"))
    assert names(document)[0] == "a1.png"
    document.set_filter(ImageFilter(text="10"))
    assert "a10.png" in names(document)


def test_classes_are_renamed_removed_and_never_doubled(document: Document, qtbot: QtBot):
    nut, bolt = add_class(document, "nut"), add_class(document, "bolt")
    assert add_class(document, "NUT ") == nut
    with qtbot.waitSignal(document.refused):
        rename_class(document, bolt, "Nut")
    rename_class(document, bolt, "screw")
    document.set_active_class(nut)
    box_verbs.draw(document, BOX)
    with qtbot.waitSignal(document.refused):
        remove_class(document, nut)
    remove_class(document, bolt)
    assert [item.name for item in document.classes] == ["nut"]
    undoing.undo(document)
    undoing.undo(document)
    assert document.images[document.current].state is State.UNLABELLED
    assert [item.name for item in document.classes] == ["nut", "screw"]


def test_all_is_there_after_reopening(document: Document, qtbot: QtBot):
    add_class(document, "nut")
    navigation.step(document, 1)
    box_verbs.draw(document, BOX)
    document.set_limits(replace(document.limits, overall=0.7))
    current, folder, boxes = document.current, document.project.folder, document.shown
    document.detach()
    open_into(document, folder)
    assert (document.current, document.limits.overall) == (current, 0.7)
    assert [(box.key, box.xyxy) for box in document.shown] == [(box.key, box.xyxy) for box in boxes]
    assert not document.undo_stack.canUndo()


def test_a_second_window_changes_nothing(document: Document, qtbot: QtBot):
    add_class(document, "nut")
    other = open_into(Document(), document.project.folder)
    assert other.read_only
    with qtbot.waitSignal(other.refused) as refused:
        assert box_verbs.draw(other, BOX) is None
    assert "another window" in refused.args[0]
    other.detach()


def test_a_folder_without_pictures_is_not_left_open(qtbot: QtBot, tmp_path: Path):
    from app.settings import Settings

    notifications, document = Notifications(), Document()
    projects = Projects(document, Jobs(notifications), notifications, Settings(tmp_path / "settings.ini"))
    with qtbot.waitSignal(notifications.posted) as posted:
        projects.open_folder(tmp_path)
    assert "holds no picture" in posted.args[0].text
    assert document.project is None
    assert not list(tmp_path.glob(".efficientdet-studio"))
