"""Choosing several images, as file managers have it."""

from app.image_selection import ImageSelection

LISTED = [5, 3, 8, 1, 9]


def test_ctrl_begins_with_the_current_image():
    one = ImageSelection().toggled(8, current=5)
    assert one.chosen == {5, 8}
    assert one.toggled(5, current=5).chosen == {8}
    assert ImageSelection().toggled(8, current=None).chosen == {8}


def test_shift_chooses_from_the_anchor_as_listed():
    begun = ImageSelection().toggled(3, current=None)
    assert begun.extended(1, LISTED, current=9).chosen == {3, 8, 1}
    assert begun.extended(1, LISTED, current=9).extended(5, LISTED, current=9).chosen == {5, 3}
    assert ImageSelection().extended(8, LISTED, current=5).chosen == {5, 3, 8}
    assert ImageSelection(anchor=77).extended(8, LISTED, current=9).chosen == {8, 1, 9}
    assert ImageSelection().extended(8, LISTED, current=None).chosen == {8}


def test_what_is_not_listed_is_not_chosen():
    assert ImageSelection(frozenset({3, 77})).among(LISTED).chosen == {3}
