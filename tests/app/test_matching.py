"""Finding by words: in any order, whatever the case, the best first, fast among 100,000."""

import pytest

from app.matching import Fit, Lines, fit, words_of


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("next image", Fit.EXACT),
        ("Next", Fit.START),
        ("image ne", Fit.WORDS),
        ("mag ext", Fit.WITHIN),
        ("ni", Fit.WITHIN),  # its first letters
        ("view image", Fit.ABOUT),
        ("ctrl+g", Fit.ABOUT),
        ("image zebra", None),
        ("", Fit.WORDS),
    ],
)
def test_how_words_fit(typed: str, wanted: Fit | None):
    assert fit("Next image", "View Ctrl+G", words_of(typed)) == wanted


def test_lines_hold_all_words_in_any_order_whatever_the_case():
    lines = Lines(["Größe/Straße 1.tif", "groesse/2.tif", "Größe/2.tif", ""])
    assert lines.find(words_of("STRASSE"), most=9) == [0]
    assert lines.find(words_of("tif größe"), most=9) == [0, 2]
    assert lines.find(words_of("tif"), most=2) == [0, 1]
    assert lines.find(words_of("zebra"), most=9) == []
    assert Lines([]).find(["a"], most=9) == []


def test_the_numbers_are_those_of_the_texts_also_where_one_is_empty():
    assert Lines(["", "a", "", "b a", "c"]).find(["a"], most=9) == [1, 3]
