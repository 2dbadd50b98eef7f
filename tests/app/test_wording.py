"""Numbers with their nouns, times, and names in tooltips."""

import pytest
from PySide6.QtGui import Qt

from app.wording import count, duration, tooltip


def test_nouns_agree_with_their_numbers() -> None:
    assert count(1, "box", "boxes") == "1 box"
    assert count(0, "box", "boxes") == "0 boxes"
    assert count(1204, "proposal") == "1,204 proposals"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (68, "1 min 8 s"), (3600, "1 h 0 min"), (7530, "2 h 5 min")],
)
def test_times_are_told_in_two_units(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_tooltips_hold_no_tags_of_others() -> None:
    text = tooltip("<img src=x> & co")
    assert Qt.mightBeRichText(text)  # else the escapes would be shown
    assert "<img" not in text
