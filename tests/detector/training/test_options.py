"""The plan that follows from options and data."""

import pytest

from detector.errors import OptionsError
from detector.training.options import FineTuneOptions


def test_default_budget_grows_with_the_data():
    steps = [FineTuneOptions().total_steps(images) for images in (1, 20, 60, 100, 500, 5000, 10000)]
    assert steps == sorted(steps)
    assert (steps[0], steps[1], steps[3], steps[4]) == (400, 400, 900, 3000)
    assert steps[-1] == 12 * 10000 / 8


def test_a_larger_batch_takes_fewer_steps():
    assert FineTuneOptions(batch=16).total_steps(100) == 450


def test_epochs_are_passes_over_the_images():
    options = FineTuneOptions(epochs=3, batch=8)
    assert options.total_steps(20) == 9
    assert options.evaluation_steps(20) == 3


def test_small_sets_are_not_measured_after_each_pass():
    options = FineTuneOptions(steps=400, batch=8)
    assert options.evaluation_steps(100) == 39  # three passes of 13 steps


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch": -1},
        {"learning_rate": float("nan")},
        {"steps": 5, "epochs": 5},
        {"scale": (1.5, 0.5)},
        {"mosaic": 2.0},
    ],
)
def test_impossible_options_are_refused(wrong: dict):
    with pytest.raises(OptionsError):
        FineTuneOptions(**wrong)
