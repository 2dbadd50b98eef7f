"""Which predictions are shown: mapped, likely enough, not rejected, not where a person's box is."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.boxes import Detections
from detector.data.project.proposals import Proposal, ProposalIndex, proposals
from detector.data.project.records import Origin, Pass, ProjectBox, Rejection

BOLT, NUT = 101, 102
PASS = Pass(1, "Model", "d0", {0: BOLT, 2: NUT}, {BOLT: 0.2, NUT: 0.35}, "2026-01-01T00:00:00+00:00", True)
SQUARE = (10.0, 10.0, 20.0, 20.0)
SIZE = (100, 50)


def found(*rows: tuple[tuple[float, float, float, float], float, int]) -> tuple[Pass, Detections]:
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    scores, channels = np.array([row[1] for row in rows], np.float32), np.array([row[2] for row in rows], np.int64)
    return PASS, Detections(boxes, scores, channels, np.arange(len(rows)))


def box(xyxy, class_id: int = BOLT) -> ProjectBox:
    return ProjectBox(1, 1, class_id, xyxy, Origin.DRAWN)


def rows_of(shown: tuple[Proposal, ...]) -> list[int]:
    return [item.row for item in shown]


def test_thresholds_are_the_classes_or_one_for_all():
    seen = found((SQUARE, 0.9, 0), (SQUARE, 0.36, 2), (SQUARE, 0.34, 2), (SQUARE, 0.2, 0), (SQUARE, 0.1, 0))
    ask = lambda threshold: rows_of(proposals(seen, [], [], threshold=threshold, size=SIZE))  # noqa: E731
    assert ask(None) == [0, 1, 3]
    assert ask(0.35) == [0, 1]
    assert ask(0.34) == [0, 1, 2]  # a score that is shown as the threshold is above it
    assert ask(0.0) == [0, 1, 2, 3, 4]
    assert ask(1.0) == []


def test_a_proposal_says_all_that_is_shown_of_it():
    (item,) = proposals(found((SQUARE, 0.5, 2)), [], [], threshold=None, size=SIZE)
    assert item == Proposal(0, NUT, SQUARE, 0.5, "Model")


def test_channels_without_a_class_are_left_out():
    assert rows_of(
        proposals(found((SQUARE, 0.9, 1), (SQUARE, 0.9, 60_000), (SQUARE, 0.9, 2)), [], [], threshold=0, size=None)
    ) == [2]
    nothing = (replace(PASS, class_ids={}, thresholds={}), found((SQUARE, 0.9, 0))[1])
    assert proposals(nothing, [], [], threshold=0, size=None) == ()


def test_what_lies_outside_is_cut_off_or_left_out():
    seen = found(((-5, -5, 200, 200), 0.9, 0), ((100, 10, 120, 20), 0.8, 0), ((90, 40, 99, 60), 0.7, 0))
    shown = proposals(seen, [], [], threshold=None, size=SIZE)
    assert [(item.row, item.xyxy) for item in shown] == [(0, (0, 0, 100, 50)), (2, (90, 40, 99, 50))]
    assert len(proposals(seen, [], [], threshold=None, size=None)) == 3


@pytest.mark.parametrize(("x2", "hidden"), [(20.0, True), (24.2, True), (24.4, False)])
def test_a_box_hides_what_is_nearly_the_same_whatever_the_class(x2: float, hidden: bool):
    """10 × 10 in (x2 − 10) × 10: IoU 1, 0.704, 0.694."""
    person = box((10.0, 10.0, x2, 20.0), NUT)
    shown = proposals(found((SQUARE, 0.9, 0), (SQUARE, 0.8, 2)), [person], [], threshold=None, size=SIZE)
    assert rows_of(shown) == ([] if hidden else [0, 1])


def test_a_rejection_hides_its_own_class_only():
    rejections = [Rejection(1, 1, NUT, (10.0, 10.0, 21.0, 20.0)), Rejection(2, 1, BOLT, (40.0, 40.0, 45.0, 45.0))]
    shown = proposals(found((SQUARE, 0.9, 0), (SQUARE, 0.8, 2)), [], rejections, threshold=None, size=SIZE)
    assert rows_of(shown) == [0]


def test_nothing_found_gives_nothing():
    assert proposals(found(), [box(SQUARE)], [Rejection(1, 1, BOLT, SQUARE)], threshold=None, size=SIZE) == ()
    index = ProposalIndex()
    assert index.counts(None) == {}
    index.set(5, found(), [], [], size=None)
    index.remove(6)
    assert index.counts(0.0) == {}


corner = st.integers(0, 6).map(lambda n: n * 10)
rectangles = st.tuples(corner, corner, corner, corner)
detections = st.lists(st.tuples(rectangles, st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.9]), st.integers(0, 3)), max_size=6)
labels = st.lists(rectangles, max_size=3)
steps = st.lists(st.tuples(st.integers(1, 4), st.none() | detections, labels, labels), max_size=12)


@given(steps)
def test_the_index_counts_what_proposals_shows(steps):
    """Whatever images were set, set anew and removed before."""
    index, now = ProposalIndex(), {}
    for image_id, seen, boxes, rejected in steps:
        if seen is None:
            now.pop(image_id, None)
            index.remove(image_id)
        else:
            labelled = [box(xyxy) for xyxy in boxes], [Rejection(1, 1, NUT, xyxy) for xyxy in rejected]
            now[image_id] = (found(*seen), *labelled)
            index.set(image_id, *now[image_id], size=SIZE)
        for threshold in (None, 0.05, 0.35, 0.95):
            shown = {id: len(proposals(*args, threshold=threshold, size=SIZE)) for id, args in now.items()}
            assert index.counts(threshold) == {id: number for id, number in shown.items() if number}


def test_counting_in_all_images_is_quick():
    """100,000 images would take 10 ms; a tenth of them must stay below what a slider can bear."""
    index, rng = ProposalIndex(), np.random.default_rng(0)
    for image_id in range(10_000):
        scores = rng.random(20).astype(np.float32)
        boxes = np.tile(np.array([[1, 2, 3, 4]], np.float32), (20, 1))
        index.set(image_id, (PASS, Detections(boxes, scores, np.zeros(20, np.int64), np.arange(20))), [], [], size=SIZE)
    best = min(_seconds(index) for _ in range(5))
    assert best < 0.02


def _seconds(index: ProposalIndex) -> float:
    began = time.perf_counter()
    counts = index.counts(0.5)
    seconds = time.perf_counter() - began
    assert 90_000 < sum(counts.values()) < 110_000
    return seconds
