"""What a press on a stack of boxes does, as a table."""

import pytest

from app.canvas.tools import selection_at


@pytest.mark.parametrize(
    ("stack", "selection", "again", "at_once", "clicked"),
    [
        ([1, 2, 3], set(), False, {1}, None),
        ([1, 2, 3], {2}, False, {1}, None),  # a new place: the smallest
        ([1, 2, 3], {1}, True, {1}, 2),  # the same place: may be a drag of 1, or a click for 2
        ([1, 2, 3], {3}, True, {3}, 1),
        ([1], {1}, True, {1}, None),
        ([1, 2], {7}, True, {1}, None),  # something else was selected meanwhile
        ([1, 2], {1, 7}, False, {1, 7}, 1),  # may be a drag of both
        ([1, 2], {2, 7}, False, {1}, None),
    ],
)
def test_a_press_selects(
    stack: list[int], selection: set[int], again: bool, at_once: set[int], clicked: int | None
) -> None:
    assert selection_at(stack, frozenset(selection), again=again) == (at_once, clicked)
