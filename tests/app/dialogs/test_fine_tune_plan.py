"""What a fine-tuning would learn from."""

import pytest

from app.background.training_pace import Estimate
from app.dialogs.fine_tune_plan import FineTunePlan, Place, RecipeWords, full_words, plan, quick_words, roughly
from detector.data.project.records import ProjectClass, ProjectImage, State
from detector.data.split import Side
from detector.training.options import FineTuneOptions, Freeze

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


def test_where_nothing_is_reviewed_no_zeros_are_told() -> None:
    assert FineTunePlan(started=1, unlabelled=19).summary() == (
        "20 images are left out: 1 started image is not reviewed, 19 are unlabelled."
    )
    assert FineTunePlan().summary() == ""
    assert FineTunePlan(validate=1).summary() == "0 reviewed images train, 1 validates."


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


def test_the_full_training_is_told_by_measure_or_not_at_all() -> None:
    found, options, place = FineTunePlan(train=20, validate=4, boxes=9), FineTuneOptions(steps=100, batch=4), Place()
    unknown = full_words(found, options, None, place)
    assert unknown.title == "Full, on this CPU"
    assert unknown.detail == (
        "Every layer of the network learns: 100 steps of 4 images. "
        "How long that takes, the first run at this size will tell."
    )
    known = full_words(found, options, Estimate(1.5, "at the pace of the last run"), Place("d1", 640, 1))
    assert known.title == "Full: about 10 min on this GPU"
    assert known.detail == (
        "Every layer of D1 learns at 640 px: 100 steps of 4 images, and some time for measuring; "
        "at the pace of the last run."
    )
    frozen = full_words(found, FineTuneOptions(minutes=90, freeze=Freeze.BACKBONE), None, Place("d0", 512, 4))
    assert frozen == RecipeWords(
        "Full: 90 min on 4 GPUs", "All but the backbone of D0 learns at 512 px. Measuring is included."
    )


def test_quick_mode_is_told_with_its_time() -> None:
    words = quick_words(10, Place("d0", 384))
    assert words == RecipeWords(
        "Quick: 10 min on this CPU",
        "The first layers of D0 stay as they are, the rest learns at 384 px. Measuring is included. "
        "This is made for computers without a GPU.",
    )
    assert "without a GPU" not in quick_words(10, Place("d0", 384, 1)).detail


def test_guessed_times_are_whole_minutes() -> None:
    assert [roughly(seconds) for seconds in (3, 100, 560, 4000)] == ["1 min", "2 min", "9 min", "1 h 7 min"]
