"""Counts and filters are kept up to date change by change; here they are compared with counting all anew."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app import document as module
from app import worker_results
from app.background.opening import read_index
from app.document import Document
from app.image_filter import FilterKind, ImageFilter, kind_counts
from app.verbs import box_verbs, image_verbs, undoing
from app.verbs.class_verbs import add_class
from app.verbs.reviewing import mark_empty, review
from detector.boxes import Detections
from detector.data.images import natural_key
from detector.data.project.proposals import proposals
from detector.data.project.records import Origin, State
from tests.app.opening import open_into

IMAGES, STEPS = 9, 60


def some_detections(chance: random.Random) -> Detections:
    """Up to six, of two channels, some of them on the same place."""
    number = chance.randint(0, 6)
    corners = [(x, y, x + 20, y + 20) for x, y in (chance.choice(((5, 5), (30, 5), (5, 26))) for _ in range(number))]
    scores = np.array([chance.choice((0.1, 0.3, 0.5, 0.9)) for _ in range(number)], np.float32)
    channels = np.array([chance.randint(0, 1) for _ in range(number)], np.int64)
    return Detections(np.array(corners, np.float32).reshape(-1, 4), scores, channels, np.arange(number))


def label(document: Document, chance: random.Random) -> None:
    """A pass over some images."""
    project = document.project
    made = project.passes.begin(
        model="M", source="m", names=("nut", "bolt"), category_ids=(1, 2), thresholds={"nut": 0.4, "bolt": 0.2}
    )
    seen = chance.sample(sorted(document.images), chance.randint(1, len(document.images)))
    project.predictions.put(made.id, [(image_id, some_detections(chance)) for image_id in seen])
    document.read_classes()
    worker_results.note_labelled(document, seen)
    worker_results.end_pass(document, made.id, "M")


def some_images(document: Document, chance: random.Random) -> list[int]:
    return chance.sample(sorted(document.images), chance.randint(0, 5))


def some_filter(document: Document, chance: random.Random) -> ImageFilter:
    class_id = chance.choice((None, *(item.id for item in document.classes)))
    origin = chance.choice((None, None, *Origin))
    return ImageFilter(chance.choice(list(FilterKind)), chance.choice(("", "1", "NUT")), class_id, origin)


def edit(document: Document, chance: random.Random) -> None:
    """One thing that a person does."""
    keys = [box.key for box in document.shown]
    some = chance.sample(keys, chance.randint(0, len(keys)))
    verbs = (
        lambda: document.show(chance.choice(sorted(document.images))),
        lambda: box_verbs.draw(document, (chance.choice((5.0, 30.0)), 5.0, 50.0, 26.0)),
        lambda: box_verbs.accept(document, some),
        lambda: box_verbs.delete(document, some),
        lambda: [
            box_verbs.relabel(document, some, item.id)
            for item in chance.sample(document.classes, min(1, len(document.classes)))
        ],
        lambda: box_verbs.reshape(document, dict.fromkeys(some, (2.0, 2.0, 40.0, 40.0))),
        lambda: review(document),
        lambda: mark_empty(document),
        lambda: undoing.undo(document),
        lambda: undoing.undo(document),
        lambda: undoing.redo(document),
        lambda: document.set_limits(replace(document.limits, overall=chance.choice((None, 0.05, 0.4, 0.6)))),
        lambda: document.set_filter(some_filter(document, chance)),
        lambda: document.set_filter(some_filter(document, chance)),
        lambda: image_verbs.set_ignored(document, some_images(document, chance), chance.random() < 0.5),
        lambda: image_verbs.reopen(document, some_images(document, chance)),
        lambda: image_verbs.set_note(document, document.current, chance.choice(("", "A 1"))),
        lambda: label(document, chance),
    )
    chance.choice(verbs)()


def check(document: Document) -> None:
    """Compares with what the store says."""
    project = document.project
    images = {image.id: image for image in project.images()}
    boxes = {image_id: project.boxes(image_id) for image_id in images}
    offered, proposed = {}, {}
    for image_id, image in images.items():
        found = project.predictions.of(image_id)
        shows = found is not None and image.state is not State.REVIEWED and not image.ignored
        rejected = project.rejections(image_id)
        kept = proposals(found, boxes[image_id], rejected, limits=document.limits, size=(64, 48)) if shows else ()
        offered[image_id] = len(kept)
        proposed[image_id] = {item.class_id for item in kept}
    to_review = sum(number > 0 for number in offered.values())
    assert document.tally.proposal_total() == (sum(offered.values()), to_review)
    assert {image_id: document.tally.proposals.get(image_id, 0) for image_id in images} == offered
    assert {image_id: document.tally.box_count(image_id) for image_id in images} == {
        i: len(b) for i, b in boxes.items()
    }
    assert document.tally.class_counts() == Counter(box.class_id for of_image in boxes.values() for box in of_image)
    names = {item.id: item.name.casefold() for item in document.classes}

    def is_visible(image_id: int, wanted: ImageFilter) -> bool:
        image, of_image = images[image_id], boxes[image_id]
        text = wanted.text.casefold()
        classes = {box.class_id for box in of_image}
        of_kind = {
            FilterKind.ALL: True,
            FilterKind.TO_REVIEW: offered[image_id] > 0,
            FilterKind.UNLABELLED: image.state is State.UNLABELLED and not image.ignored,
            FilterKind.STARTED: image.state is State.STARTED and not image.ignored,
            FilterKind.REVIEWED: image.state is State.REVIEWED and not image.ignored,
            FilterKind.EMPTY: image.state is State.REVIEWED and not image.ignored and not of_image,
            FilterKind.NOTED: image.note != "",
            FilterKind.IGNORED: image.ignored,
            FilterKind.MISSING: image.missing,
        }
        return (
            of_kind[wanted.kind]
            and (wanted.class_id is None or wanted.class_id in classes | proposed[image_id])
            and (wanted.origin is None or wanted.origin in {box.origin for box in of_image})
            and any(text in words for words in (image.path, image.note.casefold(), *(names[id] for id in classes)))
        )

    ordered = sorted(images, key=lambda image_id: natural_key(images[image_id].path))
    now, current = document.filter, document.current
    assert document.visible == [id for id in ordered if is_visible(id, now) or id == current]
    of_kinds = {kind: sum(is_visible(image_id, ImageFilter(kind)) for image_id in images) for kind in FilterKind}
    assert kind_counts(document.tally) == of_kinds


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("few", [0, 64], ids=["index read anew", "index kept"])
def test_counts_and_filters_are_as_if_counted_anew(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, few: int
):
    monkeypatch.setattr(module, "FEW", few)
    for number in range(IMAGES):
        Image.new("RGB", (64, 48), "grey").save(tmp_path / f"a{number + 5}.png")
    document, chance = Document(), random.Random(seed)
    document.index_stale.connect(lambda: reread(document))
    open_into(document, tmp_path)
    for image_id in document.images:
        worker_results.note_decoded(document, image_id, width=64, height=48, key="")
    add_class(document, "nut")
    for _ in range(STEPS):
        edit(document, chance)
        check(document)
    document.detach()
    open_into(document, tmp_path)
    check(document)
    document.detach()


def test_what_changes_while_the_index_is_read_is_not_lost(qtbot: QtBot, tmp_path: Path):
    Image.new("RGB", (64, 48), "grey").save(tmp_path / "a.png")
    document = Document()
    open_into(document, tmp_path)
    label(document, random.Random(3))
    document.set_limits(replace(document.limits, overall=0.05))
    (late,) = read_index(document.project, dict(document.images))
    assert document.tally.proposal_total()[0] > 0
    document.tally.forget_touched()  # as if the worker had begun only now
    review(document)
    document.set_index(late.index)
    assert document.tally.proposal_total() == (0, 0)
    document.detach()


def reread(document: Document) -> None:
    (read,) = read_index(document.project, dict(document.images))
    document.set_index(read.index)
