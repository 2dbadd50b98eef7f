"""The images are sorted by what is asked for; dates come from the files, in a worker."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.background.ordering import Ordering, read_dates
from app.document import Document
from app.image_order import ImageOrder, OrderKind
from app.jobs import Jobs
from app.verbs import box_verbs, navigation
from app.verbs.class_verbs import add_class

BOX, OTHER = (10.0, 10.0, 40.0, 40.0), (50.0, 10.0, 80.0, 40.0)
MakePass = Callable[..., None]


@pytest.fixture
def ordering(document: Document, jobs: Jobs) -> Ordering:
    return Ordering(document, jobs)


def places(document: Document, ids: list[int]) -> list[int]:
    """The images in order, by their place in the order of names."""
    return [ids.index(image_id) for image_id in document.visible]


def test_by_boxes_and_proposals(document: Document, ordering: Ordering, make_pass: MakePass):
    make_pass({1: [(BOX, 0.9, 0), (OTHER, 0.8, 0)], 4: [(BOX, 0.9, 0)]})
    ids = list(document.visible)
    add_class(document, "bolt")
    document.show(ids[4])
    box_verbs.draw(document, (0.0, 45.0, 20.0, 59.0))
    box_verbs.draw(document, (30.0, 45.0, 50.0, 59.0))
    ordering.choose(ImageOrder(OrderKind.BOXES, descending=True))
    assert places(document, ids) == [4, 1, 0, 2, 3, 5]
    ordering.choose(ImageOrder(OrderKind.BOXES))
    assert places(document, ids) == [0, 2, 3, 5, 1, 4]
    ordering.choose(ImageOrder(descending=True))
    assert places(document, ids) == [5, 4, 3, 2, 1, 0]


def test_by_scores_and_doubt(document: Document, ordering: Ordering, make_pass: MakePass):
    make_pass(
        {
            0: [(BOX, 0.95, 0), (OTHER, 0.5, 0)],
            2: [(BOX, 0.9, 0), (OTHER, 0.8, 0)],
            3: [(BOX, 0.36, 0)],
            5: [(BOX, 0.345, 0)],  # just below the threshold: no proposal, but a close call
        }
    )
    ids = list(document.visible)
    for kind, descending, expected in (
        (OrderKind.BEST, True, [0, 2, 3, 1, 4, 5]),
        (OrderKind.BEST, False, [3, 2, 0, 1, 4, 5]),
        (OrderKind.WORST, True, [2, 0, 3, 1, 4, 5]),
        (OrderKind.WORST, False, [3, 0, 2, 1, 4, 5]),
        (OrderKind.DOUBT, False, [5, 3, 0, 2, 1, 4]),
    ):
        ordering.choose(ImageOrder(kind, descending))
        assert places(document, ids) == expected, kind
    document.set_limits(replace(document.limits, overall=0.85))
    ordering.choose(ImageOrder(OrderKind.DOUBT))
    assert places(document, ids) == [2, 0, 3, 5, 1, 4]


def test_the_list_stays_while_one_works_until_it_is_sorted_again(
    document: Document, ordering: Ordering, make_pass: MakePass
):
    make_pass({3: [(BOX, 0.9, 0)]})
    ids = list(document.visible)
    ordering.choose(ImageOrder(OrderKind.BOXES, descending=True))
    assert places(document, ids) == [3, 0, 1, 2, 4, 5]
    document.show(ids[3])
    box_verbs.delete(document, [-1])
    navigation.step(document, 1)
    assert document.current == ids[0]
    assert places(document, ids) == [3, 0, 1, 2, 4, 5]
    ordering.choose(document.order)
    assert places(document, ids) == [0, 1, 2, 3, 4, 5]


def test_by_date(document: Document, ordering: Ordering, qtbot: QtBot):
    ids = list(document.visible)
    folder = document.project.folder
    for place, age in enumerate((50, 20, 60, 10, 30)):
        os.utime(folder / f"{place}.png", (1_700_000_000 - age, 1_700_000_000 - age))
    (folder / "5.png").unlink()
    with qtbot.waitSignal(document.filter_changed):
        ordering.choose(ImageOrder(OrderKind.DATE, descending=True))
    assert places(document, ids) == [3, 1, 4, 0, 2, 5]
    os.utime(folder / "2.png", (1_800_000_000, 1_800_000_000))
    with qtbot.waitSignal(document.filter_changed):
        ordering.follow_files()
    assert places(document, ids) == [2, 3, 1, 4, 0, 5]


def test_the_order_chosen_last_counts(document: Document, ordering: Ordering, jobs: Jobs, qtbot: QtBot):
    ids = list(document.visible)
    ordering.choose(ImageOrder(OrderKind.DATE))
    ordering.choose(ImageOrder(descending=True))
    qtbot.waitUntil(lambda: not jobs.running)
    assert document.order == ImageOrder(descending=True)
    assert places(document, ids) == [5, 4, 3, 2, 1, 0]
    ordering.follow_files()  # which is about dates only
    assert not jobs.running


def test_dates_are_read_in_portions(document: Document, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.background.ordering.AT_ONCE", 4)
    paths = {image.id: image.path for image in document.images.values()}
    parts = list(read_dates(document.project.folder, {**paths, 99: "gone.png"}))
    assert [len(part) for part in parts] == [4, 2]
    assert parts[0].keys() | parts[1].keys() == paths.keys()
