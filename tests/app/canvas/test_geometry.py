"""Boxes under the pointer, on the move and beside their labels, without a screen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canvas.geometry import (
    CORNER_REACH,
    EDGE_REACH,
    LEAST_INSIDE,
    MIN_SIDE,
    Box,
    Handle,
    drawn,
    fitting_scale,
    grip_frame,
    handle_at,
    handle_points,
    moved,
    next_in_stack,
    place_chip,
    resized,
    scrolled,
    stack_at,
    stretched,
    touching,
)

SIZE = (640.0, 480.0)
SCREEN: Box = (0, 0, 1000, 700)
TINY = 1e-6
way = st.floats(-2000, 2000)
anywhere = st.tuples(st.floats(-300, 1000), st.floats(-300, 800))


@st.composite
def box_in(draw: st.DrawFn, width: float = 640, height: float = 480) -> Box:
    x1, y1 = draw(st.floats(0, width - 2)), draw(st.floats(0, height - 2))
    return x1, y1, draw(st.floats(x1 + 1, width)), draw(st.floats(y1 + 1, height))


def is_inside(box: Box, size: tuple[float, float]) -> bool:
    return box[0] >= -TINY and box[1] >= -TINY and box[2] <= size[0] + TINY and box[3] <= size[1] + TINY


def sides(box: Box) -> tuple[float, float]:
    return box[2] - box[0], box[3] - box[1]


@given(anywhere, anywhere)
def test_a_drawn_box_lies_in_the_image_between_its_points(start: tuple[float, float], end: tuple[float, float]) -> None:
    box = drawn(start, end, SIZE)
    if box is None:
        beside = [max(a, b) < 0 or min(a, b) > limit for a, b, limit in zip(start, end, SIZE, strict=True)]
        assert any(beside)
        return
    assert is_inside(box, SIZE)
    assert min(sides(box)) >= MIN_SIDE - TINY
    assert drawn(end, start, SIZE) is not None
    for axis in (0, 1):
        a, b = (min(max(point[axis], 0), SIZE[axis]) for point in (start, end))
        if abs(a - b) >= MIN_SIDE:
            assert (box[axis], box[axis + 2]) == (min(a, b), max(a, b))


@given(st.lists(box_in(), min_size=1, max_size=5), way, way)
def test_boxes_move_as_one_and_stay_in_the_image(boxes: list[Box], dx: float, dy: float) -> None:
    before = np.array(boxes)
    after = moved(before, (dx, dy), SIZE)
    shift = after - before
    assert np.allclose(shift, shift[0, [0, 1, 0, 1]], atol=TINY)
    assert all(is_inside(tuple(row), SIZE) for row in after)
    wanted = before + np.array([dx, dy, dx, dy])
    if all(is_inside(tuple(row), SIZE) for row in wanted):
        assert np.allclose(after, wanted, atol=2 * TINY)


def test_a_box_that_is_outside_may_only_come_in() -> None:
    outside = np.array([[-10.0, 100, 30, 140]])
    assert moved(outside, (-5, 0), SIZE).tolist() == [[-10, 100, 30, 140]]
    assert moved(outside, (4, 0), SIZE).tolist() == [[-6, 100, 34, 140]]


@given(box_in(), st.sampled_from(Handle), way, way)
def test_a_handle_moves_only_its_edges_and_the_box_stays_a_box(box: Box, handle: Handle, dx: float, dy: float) -> None:
    after = resized(box, handle, by=(dx, dy), size=SIZE)
    assert is_inside(after, SIZE)
    for axis, (side, by) in enumerate(zip(handle.value, (dx, dy), strict=True)):
        low, high = box[axis], box[axis + 2]
        if side == 0:
            assert (after[axis], after[axis + 2]) == (low, high)
            continue
        assert after[axis + 2] - after[axis] >= MIN_SIDE - TINY
        fixed, free = (low, high + by) if side > 0 else (high, low + by)
        free = min(max(free, 0), SIZE[axis])
        if abs(free - fixed) >= MIN_SIDE:
            assert (after[axis], after[axis + 2]) == (min(fixed, free), max(fixed, free))


def test_an_image_narrower_than_the_smallest_box_is_all_box() -> None:
    assert drawn((0, 0), (0, 5), (0.5, 10)) == (0, 0, 0.5, 5)


@given(st.lists(box_in(), max_size=8), anywhere, st.floats(0, 20))
def test_the_stack_holds_what_is_near_smallest_first(boxes: list[Box], at: tuple[float, float], reach: float) -> None:
    array = np.array(boxes).reshape(-1, 4)
    stack = stack_at(array, at, reach=reach)
    away = [max(x1 - at[0], at[0] - x2, y1 - at[1], at[1] - y2) for x1, y1, x2, y2 in boxes]
    assert (
        {i for i, d in enumerate(away) if d < reach - TINY}
        <= set(stack)
        <= {i for i, d in enumerate(away) if d < reach + TINY}
    )
    areas = [np.prod(sides(boxes[place])) for place in stack]
    assert areas == sorted(areas)


@given(st.lists(st.integers(), min_size=1, unique=True))
def test_clicks_go_round_the_stack(stack: list[int]) -> None:
    selected, order = {stack[-1]}, []
    for _ in stack:
        selected = {next_in_stack(stack, selected)}
        order.extend(selected)
    assert order == stack
    assert next_in_stack(stack, set()) == stack[0]


def test_a_band_touches_what_shares_a_point_with_it() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 10, 30], [9, 9, 21, 21]])
    assert touching(boxes, (10, 10, 15, 15)) == [0, 3]
    assert touching(boxes, (11, 0, 12, 5)) == []


@given(box_in(1000, 700))
def test_each_handle_is_taken_where_it_is_shown(box: Box) -> None:
    for handle, point in handle_points(box).items():
        assert handle_at(box, point) is handle


@given(box_in(1000, 700))
def test_the_middle_of_a_box_moves_it_and_beyond_reach_is_nothing(box: Box) -> None:
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    if min(sides(box)) > 2 * EDGE_REACH + 1:
        assert handle_at(box, middle) is None
    frame = grip_frame(box)
    assert handle_at(box, (frame[0] - CORNER_REACH - 1, middle[1])) is None
    assert handle_at(box, (middle[0], frame[3] + CORNER_REACH + 1)) is None


def test_edges_are_taken_along_their_length_and_handles_reach_further() -> None:
    box = (100.0, 100, 300, 300)
    assert handle_at(box, (140, 103)) is Handle.NORTH
    assert handle_at(box, (140, 107)) is None
    assert handle_at(box, (200, 107)) is Handle.NORTH
    assert handle_at(box, (307, 200)) is Handle.EAST
    assert handle_at(box, (92, 308)) is Handle.SOUTH_WEST
    assert handle_at(box, (140, 200)) is None


@given(box_in(1000, 700))
def test_every_handle_has_twelve_pixels_each_way_and_a_tiny_box_eight_to_move_it(box: Box) -> None:
    frame = grip_frame(box)
    assert min(sides(frame)) >= 8
    for handle in (Handle.NORTH_WEST, Handle.SOUTH_EAST):
        x, y = handle_points(box)[handle]
        out = handle.value
        assert all(handle_at(box, (x + out[0] * dx, y + out[1] * dy)) is handle for dx in (0, 11) for dy in (0, 11))
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    for dx, dy in ((0, 0), (3.9, 0), (-3.9, 0), (0, 3.9), (0, -3.9)):
        if min(sides(box)) < 2 * (LEAST_INSIDE - 1):
            assert handle_at(box, (middle[0] + dx, middle[1] + dy)) is None


@given(box_in(200, 100), st.tuples(way, way), st.booleans())
def test_keys_move_sides_within_the_image_and_not_past_each_other(box: Box, by: tuple[float, float], far: bool) -> None:
    (after,) = stretched(np.array([box]), by, (200, 100), far=far).tolist()
    fixed = slice(0, 2) if far else slice(2, 4)
    assert after[fixed] == pytest.approx(box[fixed])
    assert min(after) >= -TINY
    assert after[2] <= 200 + TINY
    assert after[3] <= 100 + TINY
    for axis in (0, 1):
        side = axis + 2 if far else axis
        if by[axis] == 0:
            assert after[side] == box[side]
        elif after[axis + 2] - after[axis] - TINY > MIN_SIDE and TINY < after[side] < (200, 100)[axis] - TINY:
            assert after[side] == pytest.approx(box[side] + by[axis])
        else:
            assert after[axis + 2] - after[axis] >= MIN_SIDE - TINY


def test_a_side_that_is_not_to_move_stays_beyond_the_border() -> None:
    boxes = np.array([[-5.0, -5, 20, 20], [10, 10, 10.5, 300]])
    assert stretched(boxes, (3, 0), (200, 100), far=True).tolist() == [[-5, -5, 23, 20], [10, 10, 13.5, 300]]
    assert stretched(boxes, (0, 2), (200, 100), far=False).tolist() == [[-5, -3, 20, 20], [10, 12, 10.5, 300]]


@pytest.mark.parametrize("side", [2.0, 8.0, 14.0])
def test_a_small_box_can_be_moved_and_shows_corners_only(side: float) -> None:
    box = (50.0, 50, 50 + side, 50 + side)
    shown = set(handle_points(box))
    assert shown == {Handle.NORTH_WEST, Handle.NORTH_EAST, Handle.SOUTH_EAST, Handle.SOUTH_WEST}
    inside = np.linspace(50.5, 49.5 + side, 7)
    assert all(handle_at(box, (x, y)) is None for x in inside for y in inside if side <= 12)
    assert handle_at(box, (50 + side / 2, 50 + side / 2)) is None


@given(box_in(1000, 700), st.floats(20, 200), st.lists(box_in(1000, 700), max_size=4))
def test_a_chip_is_seen_whole_and_beside_its_box_where_there_is_room(box: Box, width: float, taken: list[Box]) -> None:
    chip = place_chip(box, (width, 18), bounds=SCREEN, taken=taken, must=True)
    assert chip is not None
    assert chip[0] >= -TINY
    assert chip[1] >= -TINY
    assert chip[2] <= 1000 + TINY
    assert chip[3] <= 700 + TINY
    if box[1] >= 18 or box[3] <= 700 - 18 or box[0] >= width or box[2] <= 1000 - width:
        beside = box[0] - chip[2], chip[0] - box[2], box[1] - chip[3], chip[1] - box[3]
        assert max(beside) >= -TINY
    optional = place_chip(box, (width, 18), bounds=SCREEN, taken=taken, must=False)
    if optional is not None:
        assert not any(
            optional[0] < t[2] and t[0] < optional[2] and optional[1] < t[3] and t[1] < optional[3] for t in taken
        )


def test_chips_go_above_then_below_and_inside_at_last() -> None:
    def chip(box: Box, taken: tuple[Box, ...] = ()) -> Box | None:
        return place_chip(box, (50, 18), bounds=SCREEN, taken=taken, must=False)

    assert chip((100, 100, 200, 200)) == (100, 82, 150, 100)
    assert chip((100, 100, 200, 200), ((90, 80, 110, 90),)) == (150, 82, 200, 100)
    assert chip((100, 100, 200, 200), ((0, 80, 1000, 90),)) == (100, 200, 150, 218)
    assert chip((100, 5, 200, 200)) == (100, 200, 150, 218)
    assert chip((100, -5, 200, 800)) == (200, 0, 250, 18)
    assert chip((100, 20, 1200, 800), ((0, 0, 1000, 20),)) == (50, 20, 100, 38)
    assert chip((100, 5, 990, 695)) == (50, 5, 100, 23)
    assert chip((-100, -100, 2000, 2000)) == (0, 0, 50, 18)
    assert chip((100, 100, 200, 200), (SCREEN,)) is None


@given(st.floats(1, 9000), st.floats(1, 9000), st.floats(1, 3000), st.floats(1, 3000))
def test_a_fitted_image_touches_one_pair_of_walls(width: float, height: float, across: float, down: float) -> None:
    scale = fitting_scale((width, height), (across, down))
    assert width * scale <= across * (1 + TINY)
    assert height * scale <= down * (1 + TINY)
    assert np.isclose(width * scale, across) or np.isclose(height * scale, down)


@given(st.floats(-3000, 3000), st.floats(1, 4000), st.floats(-500, 500))
def test_the_wheel_brings_no_edge_further_in_than_the_margin(low: float, length: float, by: float) -> None:
    high = low + length
    way = scrolled(low, high, by=by, length=800, margin=40)
    assert min(by, 0) <= way <= max(by, 0)
    assert way <= 0 or low + way <= 40 + TINY
    assert way >= 0 or high + way >= 760 - TINY
    if low >= 40 and high <= 760:
        assert way == 0
