"""Which predictions are shown: mapped, likely enough, not rejected, not where a person's box is."""

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.boxes import Detections
from detector.data.project.proposals import Limits, Proposal, ProposalIndex, proposals
from detector.data.project.records import Origin, Pass, ProjectBox, Rejection

BOLT, NUT = 101, 102
PASS = Pass(1, "Model", "d0", {0: BOLT, 2: NUT}, {BOLT: 0.2, NUT: 0.35}, "2026-01-01T00:00:00+00:00", True)
OWN = Limits()
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
    ask = lambda threshold: rows_of(proposals(seen, [], [], limits=Limits(threshold), size=SIZE))  # noqa: E731
    assert ask(None) == [0, 1, 3]
    assert ask(0.35) == [0, 1]
    assert ask(0.34) == [0, 1, 2]  # a score that is shown as the threshold is above it
    assert ask(0.0) == [0, 1, 2, 3, 4]
    assert ask(1.0) == []


def test_a_proposal_says_all_that_is_shown_of_it():
    (item,) = proposals(found((SQUARE, 0.5, 2)), [], [], limits=OWN, size=SIZE)
    assert item == Proposal(0, NUT, SQUARE, 0.5, "Model")


def test_channels_without_a_class_are_left_out():
    assert rows_of(
        proposals(
            found((SQUARE, 0.9, 1), (SQUARE, 0.9, 60_000), (SQUARE, 0.9, 2)), [], [], limits=Limits(0.0), size=None
        )
    ) == [2]
    nothing = (replace(PASS, class_ids={}, thresholds={}), found((SQUARE, 0.9, 0))[1])
    assert proposals(nothing, [], [], limits=Limits(0.0), size=None) == ()


def test_what_lies_outside_is_cut_off_or_left_out():
    seen = found(((-5, -5, 200, 200), 0.9, 0), ((100, 10, 120, 20), 0.8, 0), ((90, 40, 99, 60), 0.7, 0))
    shown = proposals(seen, [], [], limits=OWN, size=SIZE)
    assert [(item.row, item.xyxy) for item in shown] == [(0, (0, 0, 100, 50)), (2, (90, 40, 99, 50))]
    assert len(proposals(seen, [], [], limits=OWN, size=None)) == 3


@pytest.mark.parametrize(("x2", "hidden"), [(20.0, True), (24.2, True), (24.4, False)])
def test_a_box_hides_what_is_nearly_the_same_whatever_the_class(x2: float, hidden: bool):
    """10 × 10 in (x2 − 10) × 10: IoU 1, 0.704, 0.694."""
    person = box((10.0, 10.0, x2, 20.0), NUT)
    shown = proposals(found((SQUARE, 0.9, 0), (SQUARE, 0.8, 2)), [person], [], limits=OWN, size=SIZE)
    assert rows_of(shown) == ([] if hidden else [0, 1])


def test_a_rejection_hides_its_own_class_only():
    rejections = [Rejection(1, 1, NUT, (10.0, 10.0, 21.0, 20.0)), Rejection(2, 1, BOLT, (40.0, 40.0, 45.0, 45.0))]
    shown = proposals(found((SQUARE, 0.9, 0), (SQUARE, 0.8, 2)), [], rejections, limits=OWN, size=SIZE)
    assert rows_of(shown) == [0]


def test_nothing_found_gives_nothing():
    assert proposals(found(), [box(SQUARE)], [Rejection(1, 1, BOLT, SQUARE)], limits=OWN, size=SIZE) == ()
    index = ProposalIndex()
    assert index.counts(OWN) == {}
    index.set(5, found(), [], [], size=None)
    index.remove(6)
    assert index.counts(Limits(0.0)) == {}


def test_a_class_can_have_a_threshold_of_its_own_and_a_hidden_one_shows_nothing():
    seen = found((SQUARE, 0.9, 0), (SQUARE, 0.36, 2), (SQUARE, 0.34, 2), (SQUARE, 0.2, 0), (SQUARE, 0.1, 0))
    ask = lambda limits: rows_of(proposals(seen, [], [], limits=limits, size=SIZE))  # noqa: E731
    assert ask(Limits(None, {NUT: 0.3})) == [0, 1, 2, 3]
    assert ask(Limits(0.35, {BOLT: 0.1})) == [0, 1, 3, 4]
    assert ask(Limits(None, {NUT: 0.05}, frozenset({NUT}))) == [0, 3]
    assert ask(Limits(0.05, hidden=frozenset({BOLT}))) == [1, 2]


def test_of_channels_that_are_one_class_here_the_best_stands_for_one_thing():
    """9 × 10 in 10 × 10: IoU 0.9. What a channel found twice itself its own NMS has let through."""
    near = (10.0, 10.0, 19.0, 20.0)
    one = replace(PASS, class_ids={0: BOLT, 1: NUT, 2: BOLT}, thresholds={BOLT: 0.2, NUT: 0.2})
    seen = found((SQUARE, 0.9, 0), (near, 0.8, 2), (near, 0.7, 0), (SQUARE, 0.6, 1), ((50, 10, 60, 20), 0.5, 2))[1]
    assert rows_of(proposals((one, seen), [], [], limits=OWN, size=SIZE)) == [0, 2, 3, 4]
    rejected = [Rejection(1, 1, BOLT, SQUARE)]  # a twin does not come forth for the one that was rejected
    assert rows_of(proposals((one, seen), [], rejected, limits=OWN, size=SIZE)) == [3, 4]
    chain = found((SQUARE, 0.9, 0), ((13, 10, 23, 20), 0.8, 2), ((16, 10, 26, 20), 0.7, 0))[1]  # IoU 0.54 each
    assert rows_of(proposals((one, chain), [], [], limits=OWN, size=SIZE)) == [0, 2]


corner = st.integers(0, 6).map(lambda n: n * 10)
rectangles = st.tuples(corner, corner, corner, corner)
detections = st.lists(st.tuples(rectangles, st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.9]), st.integers(0, 3)), max_size=6)
labels = st.lists(rectangles, max_size=3)
steps = st.lists(st.tuples(st.integers(1, 4), st.none() | detections, labels, labels), max_size=12)


LIMITS = (
    *map(Limits, (None, 0.05, 0.35, 0.95)),
    Limits(None, {NUT: 0.1}),
    Limits(0.35, {BOLT: 0.9}, frozenset({NUT})),
    Limits(None, hidden=frozenset({BOLT})),
)


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
        for limits in LIMITS:
            shown = {id: proposals(*args, limits=limits, size=SIZE) for id, args in now.items()}
            assert index.counts(limits) == {id: len(items) for id, items in shown.items() if items}
            assert all(index.count(id, limits) == len(items) for id, items in shown.items())
            by_class = Counter(item.class_id for items in shown.values() for item in items)
            assert {id: number for id, number in index.class_counts(limits).items() if number} == by_class
            for class_id in (BOLT, NUT, 99):
                having = {id for id, items in shown.items() if any(item.class_id == class_id for item in items)}
                assert set(index.with_class(class_id, limits)) == having
            scores = {id: [item.score for item in items] for id, items in shown.items() if items}
            assert index.best_scores(limits) == {id: max(of_image) for id, of_image in scores.items()}
            assert index.worst_scores(limits) == {id: min(of_image) for id, of_image in scores.items()}
        assert index.class_counts(OWN).keys() == index.class_counts(Limits(0.0)).keys() >= by_class.keys()


def test_doubt_is_the_distance_of_the_nearest_prediction_from_its_limit():
    index, left, right = ProposalIndex(), (0, 0, 9, 9), (20, 20, 40, 40)
    for image_id, seen in enumerate(([(left, 0.9, 0)], [(left, 0.9, 0), (right, 0.45, 2)], [(left, 0.52, 2)], [])):
        index.set(image_id, found(*seen), [], [], size=SIZE)
    index.set(4, found((left, 0.5, 0)), [], [], size=SIZE)
    index.remove(4)  # reviewed: nothing is in doubt
    assert index.doubts(Limits(0.5)) == pytest.approx({0: 0.4, 1: 0.05, 2: 0.02}, abs=1e-6)
    by_class = Limits(0.5, {NUT: 0.9}, frozenset({BOLT}))
    assert index.doubts(by_class) == pytest.approx({1: 0.45, 2: 0.38}, abs=1e-6)
    own = index.doubts(Limits())
    assert own.keys() == {0, 1, 2}
    assert own[0] == pytest.approx(abs(0.9 - PASS.thresholds[BOLT]), abs=1e-6)


ALIKE, APART = Limits(0.5), Limits(0.9, {BOLT: 0.5}, frozenset({NUT}))


@pytest.mark.parametrize("limits", [ALIKE, APART], ids=["one for all", "by class"])
def test_counting_in_all_images_is_quick(limits: Limits):
    """100,000 images would take 10 to 15 ms; a tenth of them must stay below what a slider can bear."""
    index, rng = ProposalIndex(), np.random.default_rng(0)
    for image_id in range(10_000):
        scores = rng.random(20).astype(np.float32)
        boxes = np.tile(np.array([[1, 2, 3, 4]], np.float32), (20, 1))
        index.set(image_id, (PASS, Detections(boxes, scores, np.zeros(20, np.int64), np.arange(20))), [], [], size=SIZE)
    best = min(_seconds(index, limits) for _ in range(5))
    assert best < 0.02


def _seconds(index: ProposalIndex, limits: Limits) -> float:
    began = time.thread_time()
    counts = index.counts(limits)
    seconds = time.thread_time() - began
    assert 90_000 < sum(counts.values()) < 110_000
    return seconds
