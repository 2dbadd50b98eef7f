"""What a fine-tuning would learn from."""

import pytest

from app.background.training_pace import Estimate
from app.dialogs.fine_tune_plan import FineTunePlan, effort, plan
from detector.data.project.records import ProjectClass, ProjectImage, State
from detector.data.split import Side
from detector.training.options import FineTuneOptions

REVIEWED, STARTED, UNLABELLED = State.REVIEWED, State.STARTED, State.UNLABELLED
TRAIN, VAL = Side.TRAIN, Side.VAL
CLASSES = tuple(ProjectClass(id, name, "#000000", id, id) for id, name in enumerate(("bolt", "nut", "<b>"), 1))


def images(*kinds: tuple[State, Side | None], ignored: int = 0) -> list[ProjectImage]:
    """Images with ids from 1 on; the last ones are ignored."""
    return [
        ProjectImage(id, f"{id}.jpg", 9, 9, state, side, ignored=id > len(kinds) - ignored)
        for id, (state, side) in enumerate(kinds, 1)
    ]


def test_reviewed_images_are_counted_by_side_and_the_rest_by_reason() -> None:
    listed = images(
        *[(REVIEWED, TRAIN)] * 3, (REVIEWED, VAL), (REVIEWED, None),
        (STARTED, None), (UNLABELLED, None), (REVIEWED, TRAIN), ignored=1,
    )  # fmt: skip
    boxes = {1: {1: 2, 2: 1}, 2: {1: 1}, 4: {3: 5}, 5: {2: 4}, 6: {3: 9}, 8: {3: 1}}
    assert plan(listed, boxes, CLASSES) == FineTunePlan(
        train=3, validate=1, undivided=1, started=1, unlabelled=1, ignored=1,
        boxes=8, empty=1, validation_boxes=5, classes=("bolt", "nut"),
    )  # fmt: skip


def test_it_is_said_in_plain_words() -> None:
    found = FineTunePlan(10, 2, 0, 3, 2, 0, 57, 2, 9, ("bolt", "<b>nut</b>"))
    assert found.summary() == (
        "10 reviewed images train, 2 validate, 5 are left out: 3 started images are not reviewed, 2 are unlabelled."
    )
    assert found.content() == (
        "They hold 57 boxes of 2 classes: bolt, <b>nut</b>. The new model will know these and nothing else. "
        "2 images without boxes count as empty."
    )
    one = FineTunePlan(1, 1, 1, 1, 0, 1, 1, 0, 1, ("bolt",))
    assert one.summary() == (
        "1 reviewed image trains, 1 validates, 1 more is shared out as it starts, "
        "2 are left out: 1 started image is not reviewed, 1 is ignored."
    )
    assert one.content() == "They hold 1 box of 1 class: bolt. The new model will know it and nothing else."


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (FineTunePlan(started=3), "No image is reviewed yet"),
        (FineTunePlan(train=3, validate=1, empty=3), "nothing to learn"),
        (FineTunePlan(train=3, boxes=4), "nothing could be measured: review at least one more"),
        (FineTunePlan(train=3, validate=1, boxes=4), "The images that validate have no boxes"),
        (FineTunePlan(train=3, undivided=2, boxes=4), ""),
        (FineTunePlan(train=3, validate=1, boxes=4, validation_boxes=1), ""),
    ],
)
def test_what_cannot_start_says_why(found: FineTunePlan, problem: str) -> None:
    assert problem in found.problem
    assert bool(problem) == bool(found.problem)


def test_the_effort_is_told_by_measure_or_not_at_all() -> None:
    found, options = FineTunePlan(train=20, validate=4, boxes=9), FineTuneOptions(steps=100, batch=4)
    unknown = effort(found, options, None)
    assert (
        unknown == "100 steps of 4 images. How long that takes is not known yet: the first run at this size will tell."
    )
    known = effort(found, options, Estimate(1.5, "at the pace of the last run"))
    assert known == "100 steps of 4 images, about 10 min and some for measuring, at the pace of the last run."
    assert effort(found, FineTuneOptions(), None).startswith("400 steps of 8 images")
