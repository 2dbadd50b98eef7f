"""What the marks of an image say, in colours and in words."""

from dataclasses import replace

import pytest

from app import theme
from app.widgets.image_cells import dot_colour, state_text
from detector.data.project.records import ProjectImage, State

IMAGE = ProjectImage(1, "a.png", 10, 10, State.UNLABELLED, None)


def test_dots_tell_the_state() -> None:
    colours = theme.LIGHT
    assert dot_colour(IMAGE, 0, colours) == colours.muted
    assert dot_colour(IMAGE, 2, colours) == colours.accent
    assert dot_colour(replace(IMAGE, state=State.STARTED), 0, colours) == colours.warning
    assert dot_colour(replace(IMAGE, state=State.REVIEWED), 2, colours) == colours.good
    assert dot_colour(replace(IMAGE, ignored=True), 2, colours) == colours.muted


@pytest.mark.parametrize(
    ("image", "boxes", "proposals", "expected"),
    [
        (replace(IMAGE, state=State.STARTED), 1, 0, "Started, 1 box"),
        (replace(IMAGE, state=State.STARTED), 1, 2, "To review, 1 box, 2 proposals"),
        (replace(IMAGE, state=State.REVIEWED), 0, 0, "Reviewed, empty"),
        (replace(IMAGE, state=State.REVIEWED), 2, 0, "Reviewed, 2 boxes"),
        (replace(IMAGE, ignored=True), 0, 0, "Ignored, unlabelled, 0 boxes"),
    ],
)
def test_states_are_told_in_words(image: ProjectImage, boxes: int, proposals: int, expected: str) -> None:
    assert state_text(image, boxes=boxes, proposals=proposals, is_broken=False) == expected


def test_what_cannot_be_seen_says_why() -> None:
    assert state_text(IMAGE, boxes=0, proposals=0, is_broken=True).startswith("Cannot be decoded")
    missing = replace(IMAGE, missing=True)
    assert state_text(missing, boxes=0, proposals=0, is_broken=True).startswith("The file is missing")
