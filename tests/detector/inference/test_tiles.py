"""Tiles: small objects lie whole in one, and what is found in them becomes each object once."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.boxes import Detections, intersection, iou
from detector.inference.tiles import MARGIN, OVERLAP, PORTION, Window, merge, tiles

SIDE = 128
Box = tuple[float, float, float, float]


def detections(*rows: tuple[Box, float, int]) -> Detections:
    """Rows of box, score, channel."""
    boxes, scores, channels = zip(*rows, strict=True) if rows else ((), (), ())
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(channels, np.int64),
        np.arange(len(rows)),
    )


def seen(window: Window, objects: list[Box], *, least: float = 4) -> Detections:
    """What a perfect model finds in a part of a picture: each object as far as it lies there, if enough of it does."""
    rows = []
    for number, (x1, y1, x2, y2) in enumerate(objects):
        left, top = max(x1, window.left), max(y1, window.top)
        right, bottom = min(x2, window.right), min(y2, window.bottom)
        if right - left >= least and bottom - top >= least:
            box = (left - window.left, top - window.top, right - window.left, bottom - window.top)
            rows.append((box, 0.5 + 0.01 * number, 0))
    return detections(*rows)


@given(st.integers(1, 900), st.integers(1, 900), st.integers(8, 300))
def test_tiles_cover_the_picture_and_neighbours_overlap(width: int, height: int, side: int) -> None:
    found = tiles(width, height, side)
    assert bool(found) == (max(width, height) > side)
    covered = np.zeros((height, width), np.uint8)
    for tile in found:
        assert 0 <= tile.left < tile.right <= width
        assert 0 <= tile.top < tile.bottom <= height
        assert (tile.right - tile.left, tile.bottom - tile.top) == (min(side, width), min(side, height))
        covered[tile.top : tile.bottom, tile.left : tile.right] = 1
    assert not found or covered.all()
    lefts = sorted({tile.left for tile in found})
    assert all(after - before <= side - side // OVERLAP for before, after in itertools.pairwise(lefts))
    assert len(found) <= 1 or len(found) < 4 * (width / side + 1) * (height / side + 1)  # and they are not too many


@given(st.data(), st.integers(1, 900), st.integers(1, 900), st.integers(8, 300))
def test_every_box_up_to_the_overlap_lies_whole_in_a_tile(data: st.DataObject, width: int, height: int, side: int):
    largest = side // OVERLAP
    x1, y1 = data.draw(st.floats(0, width - 0.5)), data.draw(st.floats(0, height - 0.5))
    x2 = min(width, x1 + data.draw(st.floats(0.1, largest)))
    y2 = min(height, y1 + data.draw(st.floats(0.1, largest)))
    whole = tiles(width, height, side) or [Window(0, 0, width, height)]
    assert any(t.left <= x1 and t.top <= y1 and x2 <= t.right and y2 <= t.bottom for t in whole)


@given(st.data())
def test_perfect_finds_in_tiles_become_each_object_once(data: st.DataObject) -> None:
    """Objects of up to the overlap without its margins, anywhere, apart from each other; nobody saw the whole."""
    width, height = data.draw(st.integers(130, 500)), data.draw(st.integers(90, 500))
    largest = SIDE // OVERLAP - 2 * SIDE // MARGIN - 1
    objects: list[Box] = []
    for _ in range(data.draw(st.integers(1, 8))):
        w, h = data.draw(st.floats(8, largest)), data.draw(st.floats(8, largest))
        x, y = data.draw(st.floats(0, width - w)), data.draw(st.floats(0, height - h))
        box = (x, y, x + w, y + h)
        if not objects or not intersection(np.array([box]), np.array(objects)).any():
            objects.append(box)
    merged = merge([(tile, seen(tile, objects)) for tile in tiles(width, height, SIDE)], width, height)
    assert len(merged) == len(objects)
    overlaps = iou(merged.boxes, np.array(objects, np.float32))
    assert (overlaps.max(axis=0) > 0.99).all()
    assert (np.diff(merged.scores) <= 0).all()


LEFT, RIGHT = Window(0, 0, 128, 100), Window(72, 0, 200, 100)


def test_a_piece_of_what_another_tile_holds_whole_goes_though_its_score_is_higher() -> None:
    cut, whole = detections(((110, 10, 128, 30), 0.9, 0)), detections(((38, 10, 68, 30), 0.4, 0))
    merged = merge([(LEFT, cut), (RIGHT, whole)], 200, 100)
    assert merged.boxes.tolist() == [[110, 10, 140, 30]]
    assert merged.scores.tolist() == pytest.approx([0.4])


def test_pieces_and_whole_boxes_may_be_too_many_for_one_comparison() -> None:
    assert PORTION < 700
    cut = detections(*(((110, 2 * n, 128, 2 * n + 1), 0.9, 0) for n in range(700)))
    whole = detections(*(((38, 2 * n, 68, 2 * n + 1), 0.4, 0) for n in range(0, 700, 2)))
    left, right = Window(0, 0, 128, 1400), Window(72, 0, 200, 1400)
    merged = merge([(left, cut), (right, whole)], 200, 1400)
    assert sorted(merged.scores.tolist()) == pytest.approx([0.4] * 350 + [0.9] * 350)


def test_pieces_that_no_tile_holds_whole_become_one_box() -> None:
    left, right = detections(((20, 10, 128, 60), 0.6, 0)), detections(((0, 12, 90, 62), 0.8, 0))
    merged = merge([(LEFT, left), (RIGHT, right)], 200, 100)
    assert merged.boxes.tolist() == [[20, 10, 162, 62]]
    assert merged.scores.tolist() == pytest.approx([0.8])


def test_pieces_of_two_objects_stay_two() -> None:
    left, right = detections(((20, 10, 128, 30), 0.6, 0)), detections(((0, 60, 90, 90), 0.8, 0))
    merged = merge([(LEFT, left), (RIGHT, right)], 200, 100)
    assert sorted(map(tuple, merged.boxes.tolist())) == [(20, 10, 128, 30), (72, 60, 162, 90)]


def test_what_the_whole_picture_shows_takes_the_pieces_in_and_leaves_small_ones() -> None:
    large, small = ((10, 5, 190, 95), 0.3, 0), ((40, 40, 60, 60), 0.7, 0)
    parts = [
        (Window(0, 0, 200, 100), detections(large)),
        (LEFT, detections(((10, 5, 128, 95), 0.8, 0), small)),
        (RIGHT, detections(((0, 5, 118, 95), 0.8, 0))),
    ]
    assert merge(parts, 200, 100).boxes.tolist() == [[40, 40, 60, 60], [10, 5, 190, 95]]


def test_classes_do_not_touch_each_other() -> None:
    left, right = detections(((110, 10, 128, 30), 0.9, 1)), detections(((38, 10, 68, 30), 0.4, 0))
    assert sorted(merge([(LEFT, left), (RIGHT, right)], 200, 100).channels.tolist()) == [0, 1]


def test_boxes_at_the_pictures_own_border_are_not_cut() -> None:
    merged = merge([(LEFT, detections(((0, 0, 40, 40), 0.9, 0))), (RIGHT, detections())], 200, 100)
    assert merged.boxes.tolist() == [[0, 0, 40, 40]]


def test_nothing_found_is_nothing() -> None:
    assert len(merge([(LEFT, detections()), (RIGHT, detections())], 200, 100)) == 0
