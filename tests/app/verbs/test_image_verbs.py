"""Verbs on many images: one step of undo each, stored at once, and nothing else changes."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.document import FEW, Document
from app.image_filter import FilterKind, ImageFilter, kind_counts
from app.verbs import box_verbs, navigation, undoing
from app.verbs.class_verbs import add_class
from app.verbs.image_verbs import ignore_trashed, reopen, set_ignored, set_note, set_side, unite_sides
from app.verbs.reviewing import mark_empty, review
from detector.data.images import natural_key
from detector.data.project.records import ProjectImage, State
from detector.data.split import Side

BOX = (10.0, 10.0, 40.0, 40.0)
MakePass = Callable[..., None]


def stored(document: Document) -> list[ProjectImage]:
    assert document.project is not None
    return document.project.images()


def check_step(document: Document, verb: Callable[[], None], text: str) -> list[ProjectImage]:
    """One step, stored, taken back and done again; what it leaves."""
    before, steps = stored(document), document.undo_stack.count()
    verb()
    after = stored(document)
    assert document.undo_stack.count() == steps + 1
    assert document.undo_stack.undoText() == text
    assert after == [document.images[image.id] for image in after] != before
    undoing.undo(document)
    assert stored(document) == before == [document.images[image.id] for image in before]
    undoing.redo(document)
    assert stored(document) == after
    return after


def test_reviews_are_taken_back_and_boxes_stay(document: Document):
    add_class(document, "bolt")
    ids = list(document.visible)
    box_verbs.draw(document, BOX)
    review(document)
    mark_empty(document)
    after = check_step(document, lambda: reopen(document, ids), "Take back review: 2 images")
    assert [image.state for image in after[:3]] == [State.STARTED, State.UNLABELLED, State.UNLABELLED]
    assert all(image.split is not None for image in after[:2])  # the side that a review gave stays
    assert document.tally.box_count(ids[0]) == 1


def test_ignored_images_ask_for_nothing(document: Document, make_pass: MakePass):
    make_pass({place: [(BOX, 0.9, 0)] for place in range(3)})
    ids = list(document.visible)
    assert document.tally.proposal_total() == (3, 3)
    check_step(document, lambda: set_ignored(document, ids[:2], True), "Ignore: 2 images")
    assert document.tally.proposal_total() == (1, 1)
    assert document.shown == ()
    navigation.show_next_to_review(document)
    assert document.current == ids[2]
    assert kind_counts(document.tally)[FilterKind.UNLABELLED] == 4
    document.set_filter(ImageFilter(FilterKind.IGNORED))
    assert document.visible == ids[:3]  # the current one, too
    check_step(document, lambda: set_ignored(document, ids[:3], False), "Use again: 2 images")
    assert document.tally.proposal_total() == (3, 3)


def test_groups_move_to_the_side_of_most(document: Document):
    ids = list(document.visible)
    set_side(document, ids[:4], Side.TRAIN)
    set_side(document, ids[4:], Side.VAL)
    groups = [(ids[0], ids[1], ids[4]), (ids[2], ids[5])]
    after = check_step(document, lambda: unite_sides(document, groups), "Move to one side: 2 images")
    assert {image.split for image in after} == {Side.TRAIN}
    set_side(document, ids[4:], Side.VAL)
    after = check_step(document, lambda: unite_sides(document, [(*ids[3:], 10**6)]), "Move to one side")
    assert [image.split for image in after[3:]] == [Side.VAL] * 3


def test_sides_are_set(document: Document):
    ids = list(document.visible)
    after = check_step(document, lambda: set_side(document, ids[1:3], Side.VAL), "Use for validation: 2 images")
    assert [image.split for image in after] == [None, Side.VAL, Side.VAL, None, None, None]
    check_step(document, lambda: set_side(document, ids[1:2], Side.TRAIN), "Use for training")


def test_a_note_is_kept_and_undo_shows_its_image(document: Document):
    ids = list(document.visible)
    check_step(document, lambda: set_note(document, ids[3], "  blurred \n"), "Note")
    assert document.images[ids[3]].note == "blurred"
    document.show(ids[0])
    undoing.undo(document)
    assert document.current == ids[3]


def test_what_changes_nothing_is_no_step(document: Document):
    ids = list(document.visible)
    for verb in (
        lambda: reopen(document, ids),
        lambda: set_ignored(document, ids, False),
        lambda: set_note(document, ids[0], " "),
        lambda: set_note(document, 10**6, "gone"),
        lambda: ignore_trashed(document, []),
    ):
        verb()
    assert document.undo_stack.count() == 0


def test_nothing_is_changed_where_nothing_may_be(document: Document, qtbot: QtBot):
    document.project.read_only = "Only to look at."
    with qtbot.waitSignal(document.refused) as refused:
        set_ignored(document, document.visible[:2], True)
    assert refused.args == ["Only to look at."]
    assert not any(image.ignored for image in document.images.values())


def trash(document: Document, ids: list[int]) -> None:
    document.project.note_gone(ids)
    document.add_images([replace(document.images[image_id], missing=True) for image_id in ids], keys={}, counts={})
    ignore_trashed(document, ids)


def test_trashed_images_are_out_of_sight_and_their_labels_come_back(document: Document):
    add_class(document, "bolt")
    ids = list(document.visible)
    box_verbs.draw(document, BOX)
    trash(document, ids[:1])
    assert document.visible == ids[1:]
    assert document.current == ids[1]
    assert kind_counts(document.tally)[FilterKind.ALL] == 5
    assert document.project.image(ids[0]).missing
    undoing.undo(document)
    assert document.current == ids[0]
    assert document.tally.box_count(ids[0]) == 1
    assert kind_counts(document.tally)[FilterKind.MISSING] == 1  # but its file stays in the trash
    undoing.redo(document)
    document.show(ids[1])
    assert document.visible == ids[1:]


def test_the_last_image_of_the_list_can_be_trashed(document: Document):
    ids = list(document.visible)
    document.show(ids[5])
    trash(document, ids[5:])
    assert document.current == ids[4]
    trash(document, ids[:5])
    assert document.visible == [ids[4]]  # somewhere one must be


def test_missing_images_without_work_are_out_of_sight(document: Document):
    ids = list(document.visible)
    set_note(document, ids[3], "mine")
    gone = [replace(document.images[image_id], missing=True) for image_id in ids[2:4]]
    document.add_images(gone, keys={}, counts={})
    assert document.visible == [*ids[:2], *ids[3:]]
    document.set_filter(ImageFilter(FilterKind.MISSING))
    assert document.visible == [ids[0], ids[3]]
    add_class(document, "bolt")
    document.show(ids[2])
    box_verbs.draw(document, BOX)
    assert kind_counts(document.tally)[FilterKind.MISSING] == 2


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_many_images_are_told_of_together(document: Document, qtbot: QtBot, number: int):
    assert document.project is not None
    folder = document.project.folder
    for place in range(number):
        (folder / f"new{place}.png").write_bytes((folder / "0.png").read_bytes())
    new = [image for chunk in document.project.scan() for image in chunk]
    document.add_images(new, keys={image.id: natural_key(image.path) for image in new}, counts={})
    updated: list[int] = []
    document.image_updated.connect(updated.append)
    set_ignored(document, [image.id for image in new], True)
    assert len(updated) == (number if number <= FEW else 0)
    assert kind_counts(document.tally)[FilterKind.IGNORED] == number
