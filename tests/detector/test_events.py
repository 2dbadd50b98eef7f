"""Events as lines of JSON, and back."""

import math
from dataclasses import fields, is_dataclass
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.events import Evaluated, Event, FusionWeights, StepDone, from_json, to_json

TEXT = st.text(st.characters(exclude_categories=[])) | st.sampled_from(["a\u2028b", "a\x85b", "\udc80.jpg", "<img>"])
FINITE = st.floats(allow_nan=False, allow_infinity=False)
BY_TYPE = {float: FINITE, str: TEXT}


def values(kind: type) -> st.SearchStrategy:
    """Values of a field's type, with finite numbers and any text."""
    if kind in BY_TYPE:
        return BY_TYPE[kind]
    if is_dataclass(kind):
        return st.builds(kind, **{field.name: values(field.type) for field in fields(kind)})
    parts = [part for part in get_args(kind) if part is not Ellipsis]
    if getattr(kind, "__origin__", None) is tuple:
        return st.lists(values(parts[0])).map(tuple)
    if len(parts) == 2 and parts[0] is str and type(None) not in parts:
        return st.dictionaries(TEXT, values(parts[1]))
    return st.one_of(*map(values, parts)) if parts else st.from_type(kind)


EVENTS = st.one_of(
    *(st.builds(kind, **{field.name: values(field.type) for field in fields(kind)}) for kind in get_args(Event))
)


@given(EVENTS)
def test_what_was_written_is_read_as_it_was(event: Event) -> None:
    line = to_json(event)
    assert "\n" not in line
    assert from_json(line) == event
    assert from_json(line.encode("utf-8", "backslashreplace")) == event


def test_numbers_that_are_not_finite_leave_valid_json() -> None:
    losses = {
        "loss": math.inf,
        "class_loss": math.nan,
        "box_loss": 1.5,
        "learning_rate": 1e-3,
        "images_per_second": 2.0,
    }
    line = to_json(StepDone(3, **losses))
    assert '"loss": null' in line
    again = from_json(line)
    assert isinstance(again, StepDone)
    assert math.isnan(again.loss)
    assert again.box_loss == 1.5


def test_edges_without_a_parameter_stay_so() -> None:
    event = FusionWeights(0, (None, -0.5), (1.0, 0.0))
    assert from_json(to_json(event)) == event


@pytest.mark.parametrize(
    "line",
    [
        "",
        to_json(Evaluated(3, {"AP": 0.5}))[:-1],
        b'{"event": "Warned", "message": "\xc3',
        '{"event": "Danced", "step": 3}',
        '{"event": ["Warned"]}',
        '{"step": 3}',
        '{"event": "StepDone", "step": 3}',
        "[1, 2]",
        "null",
    ],
)
def test_a_line_that_is_no_event_is_none(line: str | bytes) -> None:
    assert from_json(line) is None


def test_what_a_later_version_adds_is_passed_over() -> None:
    assert from_json('{"event": "Evaluated", "step": 3, "metrics": {}, "mood": "good"}') == Evaluated(3, {})
