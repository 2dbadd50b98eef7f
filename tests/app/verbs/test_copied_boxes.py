"""Boxes as text, and where they land, without a window."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.verbs.copied_boxes import (
    FLAGS,
    KEY,
    CopiedBox,
    CopiedBoxes,
    as_array,
    as_rectangles,
    from_text,
    is_there,
    landed,
    set_aside,
    to_text,
)
from detector.boxes import iou

Rectangle = tuple[float, float, float, float]
number = st.floats(-1e4, 1e4)


@st.composite
def rectangle_in(draw: st.DrawFn, width: float = 640, height: float = 480) -> Rectangle:
    x1, y1 = draw(st.floats(0, width - 2)), draw(st.floats(0, height - 2))
    return x1, y1, draw(st.floats(x1 + 1, width)), draw(st.floats(y1 + 1, height))


name = st.text(min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
box = st.builds(CopiedBox, name, rectangle_in(), st.frozensets(st.sampled_from(FLAGS)))
boxes = st.lists(box, min_size=1, max_size=5).map(tuple)


@given(boxes, st.none() | st.tuples(st.floats(1, 1e5), st.floats(1, 1e5)))
def test_text_comes_back_as_what_it_was(boxes: tuple[CopiedBox, ...], size: tuple[float, float] | None) -> None:
    assert from_text(to_text(CopiedBoxes(boxes, size))) == CopiedBoxes(boxes, size)


def test_the_text_says_whose_it_is_and_can_be_read() -> None:
    text = to_text(CopiedBoxes((CopiedBox("Größe", (1, 2, 3, 4), frozenset({"difficult"})),), (64, 48)))
    assert KEY in text.splitlines()[1]
    assert "Größe" in text
    assert json.loads(text)["boxes"] == [{"class": "Größe", "xyxy": [1, 2, 3, 4], "difficult": True}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a bolt",
        "{}",
        "[]",
        '{"annotations": []}',
        KEY,
        f'{{"{KEY}": 1}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": []}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": [7]}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": {{"class": "a"}}}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": [{{"class": "", "xyxy": [0, 0, 1, 1]}}]}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": [{{"class": 3, "xyxy": [0, 0, 1, 1]}}]}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": [{{"class": "a", "xyxy": [0, 0, 1]}}]}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": [{{"class": "a", "xyxy": [0, 0, 0, 1]}}]}}',
        f'{{"{KEY}": 1, "image_size": null, "boxes": [{{"class": "a", "xyxy": [0, 0, NaN, 1]}}]}}',
        f'{{"{KEY}": 1, "image_size": [0, 9], "boxes": [{{"class": "a", "xyxy": [0, 0, 1, 1]}}]}}',
        f'{{"{KEY}": ' + "[" * 100_000,
    ],
)
def test_other_texts_hold_no_boxes(text: str) -> None:
    assert from_text(text) is None


@given(st.lists(rectangle_in(), min_size=1, max_size=4), st.floats(10, 2000), st.floats(10, 2000))
def test_boxes_land_within_the_image_at_their_size_where_they_fit(
    rectangles: list[Rectangle], width: float, height: float
) -> None:
    before = as_array(rectangles)
    after = landed(before, source=None, target=(width, height))
    assert (after >= -1e-6).all()
    assert (after <= np.array([width, height, width, height]) + 1e-6).all()
    for was, now in zip(before, after, strict=True):
        for axis, limit in enumerate((width, height)):
            side = was[axis + 2] - was[axis]
            assert now[axis + 2] - now[axis] == pytest.approx(min(side, limit), abs=1e-6)
            if was[axis + 2] <= limit:
                assert now[axis] == pytest.approx(was[axis])


def test_boxes_scale_with_an_image_of_the_same_shape() -> None:
    boxes = as_array([(100, 50, 200, 100)])
    assert landed(boxes, source=(4000, 3000), target=(400, 300)).tolist() == [[10, 5, 20, 10]]
    assert landed(boxes, source=(4000, 3000), target=(400, 320)).tolist() == boxes.tolist()
    assert landed(boxes, source=(640, 480), target=(640, 480)).tolist() == boxes.tolist()
    assert landed(boxes, source=(640, 480), target=None).tolist() == boxes.tolist()


@given(st.lists(rectangle_in(), min_size=1, max_size=5), st.lists(rectangle_in(), max_size=5), st.data())
def test_what_is_there_is_found_whatever_the_order(
    rectangles: list[Rectangle], others: list[Rectangle], data: st.DataObject
) -> None:
    near = [
        tuple(value + data.draw(st.floats(-3, 3)) for value in each)
        for each in data.draw(st.lists(st.sampled_from(rectangles), max_size=3))
    ]
    a, b = (
        as_array(rectangles),
        as_array([*others, *(each for each in near if each[0] < each[2] and each[1] < each[3])]),
    )
    assert is_there(a, b).tolist() == (iou(a, b) >= 0.95).any(axis=1).tolist()


@given(st.lists(rectangle_in(300, 200), min_size=1, max_size=4))
def test_copies_step_aside_together_until_none_covers_its_original(rectangles: list[Rectangle]) -> None:
    before = as_array(rectangles)
    after = set_aside(before, before, size=(640, 480))
    by = after - before
    assert np.allclose(by, by[0])
    assert (after >= -1e-6).all()
    assert (after <= np.array([640, 480, 640, 480]) + 1e-6).all()
    assert 4 <= np.abs(by[0]).max() <= 400
    third = set_aside(before, np.vstack([before, after]), size=(640, 480))
    assert not np.allclose(third, after)
    assert not np.allclose(third, before)


def test_boxes_stay_where_nothing_is_or_no_room_is_left() -> None:
    boxes = as_array([(0, 0, 64, 48)])
    assert set_aside(boxes, as_array([]), size=(64, 48)).tolist() == boxes.tolist()
    assert set_aside(boxes, boxes, size=(64, 48)).tolist() == boxes.tolist()
    corner = as_array([(54, 38, 64, 48)])
    assert set_aside(corner, corner, size=(64, 48)).tolist() == [[50, 34, 60, 44]]


def test_what_lost_its_area_is_no_rectangle() -> None:
    assert as_rectangles(as_array([(1, 2, 3, 4), (5, 5, 5, 9)])) == [(1, 2, 3, 4), None]
