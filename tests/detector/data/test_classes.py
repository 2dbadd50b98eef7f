"""Model channels find their class by name, and never by a guess."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from detector.data import classes
from detector.data.annotations import ObjectClass


def match(names: Sequence[str | None], *class_names: str) -> dict[int, int]:
    """Matches against classes with the ids 10, 20, 30, …"""
    return classes.match(names, [ObjectClass(10 * place, name) for place, name in enumerate(class_names, 1)])


def test_names_match_whatever_the_order_of_the_classes() -> None:
    assert match(["person", None, "traffic light", "cat"], "cat", "dog", "person") == {0: 30, 3: 10}


def test_case_and_spacing_do_not_matter() -> None:
    assert match(["Traffic  Light", "STRASSE"], " traffic light", "straße") == {0: 10, 1: 20}


def test_the_exact_name_wins_over_a_similar_one() -> None:
    assert match(["Nut", "nut"], "nut", "NUT") == {1: 10, 0: 20}
    assert match(["Nut", "nut"], "nut") == {1: 10}
    assert match(["nut"], "Nut", "nut") == {0: 20}


def test_what_several_share_matches_nothing() -> None:
    assert match(["nut"], "Nut", "NUT") == {}
    assert match(["nut"], "nut", "nut") == {}
    assert match(["Nut", "NUT"], "nut") == {}
    assert match(["nut", "nut"], "nut") == {}


def test_nothing_matches_nothing() -> None:
    assert match([None, None], "None") == {}
    assert match([], "nut") == {}
    assert match(["nut"]) == {}


@given(names=st.lists(st.none() | st.text("aA b", max_size=3)), class_names=st.lists(st.text("aA b", max_size=3)))
def test_a_match_is_one_to_one_and_its_names_agree(names: list[str | None], class_names: list[str]) -> None:
    found = match(names, *class_names)
    assert len(set(found.values())) == len(found)
    for channel, class_id in found.items():
        name = names[channel]
        assert name is not None
        assert name.lower().split() == class_names[class_id // 10 - 1].lower().split()
