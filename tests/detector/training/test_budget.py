"""Steps or seconds, and when it is time to measure."""

import pytest

from detector.training import budget
from detector.training.budget import GUESSED_STEPS, Budget, Moment


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    turned = Clock()
    monkeypatch.setattr(budget, "time", turned)
    return turned


def due(course: Budget, clock: Clock, seconds: float) -> list[int]:
    """The steps of so many seconds after which it is time to measure."""
    steps, before, step = [], course.moment(0), 0
    while before.share < 1:
        course.tick()
        clock.now += seconds
        step += 1
        after = course.moment(step)
        if course.is_due(before, after):
            steps.append(step)
        before = after
    return steps


def test_a_budget_of_steps_does_not_look_at_the_clock(clock: Clock) -> None:
    course = Budget(steps=10, seconds=None, every=4)
    assert due(course, clock, 1000) == [4, 8, 10]
    assert course.moment(5) == Moment(5, 0.5, 10)


def test_a_budget_of_time_ends_with_the_measurement_at_its_end(clock: Clock) -> None:
    course = Budget(steps=None, seconds=100, every=4)
    course.reserve = 5.0
    began = clock.now
    measured = due(course, clock, 1)
    assert clock.now - began == 95
    assert measured == [48, 95]  # a tenth of the time for two measurements


def test_where_measuring_takes_no_time_there_are_ten(clock: Clock) -> None:
    assert len(due(Budget(steps=None, seconds=100, every=1), clock, 0.5)) == 10


def test_the_number_of_steps_is_what_the_pace_so_far_promises(clock: Clock) -> None:
    course = Budget(steps=None, seconds=100, every=4)
    assert course.moment(0).steps == GUESSED_STEPS
    for _ in range(2):
        course.tick()
        clock.now += 2
    assert course.moment(2).steps == pytest.approx(2 + 96 / 2)
    course.pause()
    assert course.moment(2).steps == pytest.approx(2 + 96 / 2)  # a pause forgets no pace


def test_the_last_measurements_end_with_the_budget(clock: Clock) -> None:
    course = Budget(steps=None, seconds=100, every=4)
    course.reserve, course.blends = 10, True
    clock.now += 79
    assert course.share(7) < 1
    clock.now += 1
    assert course.share(7) == 1
    course.blends = False
    assert course.share(7) < 1


@pytest.mark.parametrize(("reserve", "seconds", "fits"), [(16, 100, True), (17, 100, False), (1000, None, True)])
def test_a_blend_is_measured_where_there_is_time(reserve: int, seconds: int | None, fits: bool) -> None:
    course = Budget(steps=None if seconds else 4, seconds=seconds, every=4)
    course.reserve = reserve
    assert not course.measures_blend
    course.blends = True
    assert course.measures_blend is fits


def test_a_run_that_goes_on_has_what_was_left(clock: Clock) -> None:
    course = Budget(steps=None, seconds=100, every=4)
    clock.now += 30
    assert course.share(7) == pytest.approx(0.3)
    again = Budget(steps=None, seconds=100, every=4)
    again.go_on(course.used)
    clock.now += 20
    assert again.share(7) == pytest.approx(0.5)


def test_a_moment_in_which_no_step_was_made_is_not_measured(clock: Clock) -> None:
    course = Budget(steps=10, seconds=None, every=4)
    assert not course.is_due(course.moment(4), course.moment(4))
