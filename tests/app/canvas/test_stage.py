"""What the canvas says about the image and about the keys."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.canvas.stage import hint_line, info_line
from app.document import Document
from app.image_filter import FilterKind, ImageFilter
from detector.data.project.records import ProjectImage, State


def a_document(**values: Any) -> Document:
    """The part of a document that the lines are made from."""
    state = values.pop("state", State.UNLABELLED)
    offered, boxes, predicted = values.pop("proposals", 0), values.pop("boxes", 0), values.pop("predicted", False)
    image = ProjectImage(1, "bench/12.jpg", 384, 255, state, None)
    given = {"current": 1, "images": {1: image}, "shown": (0,) * (offered + boxes), "visible": [3, 1, 2], "place": 1}
    return cast(
        Document,
        SimpleNamespace(
            **(given | {"filter": ImageFilter()} | values),
            proposal_count=lambda _: offered,
            box_count=lambda _: boxes,
            has_predictions=lambda: predicted,
        ),
    )


def test_the_line_about_the_image():
    assert info_line(a_document(), 1.64) == "bench/12.jpg   ·   384 × 255   ·   164%   ·   2 of 3"
    assert info_line(a_document(filter=ImageFilter(FilterKind.TO_REVIEW)), 1).endswith("2 of 3 to review")
    assert info_line(a_document(current=None), 1) == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"proposals": 3}, "3 proposals"),
        ({"boxes": 2}, "vouch for these boxes"),
        ({"predicted": True}, "found nothing"),
        ({}, "nothing is on this image"),
        ({"state": State.REVIEWED, "boxes": 1}, "Reviewed · 1 box "),
        ({"state": State.REVIEWED}, "Reviewed · empty"),
    ],
)
def test_the_hint_says_what_the_keys_do(values: dict[str, Any], said: str):
    assert said in hint_line(a_document(**values))
