"""What a run's events add up to."""

from dataclasses import replace

import numpy as np
import pytest

from app.background.run_watcher import RunState
from app.background.training_course import (
    SMOOTHING,
    STRETCHES,
    ClassChange,
    Course,
    Verdict,
    ap_change,
    thinned,
    told_changes,
)
from detector.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    RunFinished,
    RunStarted,
    SampleImage,
    SamplesFound,
    StepDone,
    Warned,
)

STARTED = RunStarted("d0", ("nut",), 512, 40, 30, 400, 8, "CPU: 2 threads")


def step(number: int, loss: float = 1.0) -> StepDone:
    return StepDone(number, loss, 0.5, 0.5, 1e-3, 4.0)


def finished(before: float | None, after: float | None, reason: str = "done") -> RunFinished:
    """The end of a run with these AP, at step 400."""
    start, end = ({} if ap is None else {"AP": ap} for ap in (before, after))
    return RunFinished(400, reason, 100.0, "elsewhere/best.safetensors", end, start)


def course(*events: Event) -> Course:
    made = Course()
    made.add(events)
    return made


def test_events_become_curves() -> None:
    run = course(
        STARTED, Evaluated(0, {"AP": 0.25}), step(1, 2.0), step(2, 1.0), Evaluated(2, {"AP": 0.5}), Warned("!")
    )
    assert (run.steps, run.losses) == ([1, 2], [2.0, 1.0])
    assert (run.evaluated, run.aps, run.start_ap) == ([0, 2], [0.25, 0.5], 0.25)
    assert (run.step, run.warnings) == (2, ["!"])


def test_a_resumed_run_tells_its_steps_once() -> None:
    before = [STARTED, Evaluated(0, {"AP": 0.1}), *map(step, range(1, 8)), Evaluated(4, {"AP": 0.2})]
    run = course(*before, Evaluated(6, {"AP": 0.9}), finished(0.1, 0.2, "stopped"))
    run.add([replace(STARTED, step=4), step(5, 7.0)])
    assert run.steps == [1, 2, 3, 4, 5]
    assert run.losses[-1] == 7.0
    assert (run.evaluated, run.start_ap, run.finished) == ([0, 4], 0.1, None)


def test_an_evaluation_without_ap_is_no_point() -> None:
    assert course(STARTED, Evaluated(0, {})).aps == []


def test_a_blend_with_the_old_model_is_called_so() -> None:
    events = [STARTED, Evaluated(0, {"AP": 0.5}), Evaluated(400, {"AP": 0.61})]
    end = [Evaluated(400, {"AP": 0.6}, blended=True), finished(0.5, 0.6)]
    verdict, plain = (
        course(*events, *end).verdict(RunState.FINISHED),
        course(*events, *end[1:]).verdict(RunState.FINISHED),
    )
    assert verdict is not None
    assert plain is not None
    assert "blend" in verdict.text
    assert "blend" not in plain.text
    assert verdict.recommended


def test_the_classes_of_a_blend_are_its_own_where_another_had_its_ap() -> None:
    run = course(
        STARTED,
        Evaluated(0, {"AP": 0.5}, {"nut": 0.6, "bolt": 0.4}),
        Evaluated(400, {"AP": 0.6}, {"nut": 0.9, "bolt": 0.3}),
        Evaluated(400, {"AP": 0.6}, {"nut": 0.65, "bolt": 0.55}, blended=True),
        finished(0.5, 0.6),
    )
    assert {change.name: change.after for change in run.class_changes()} == {"nut": 0.65, "bolt": 0.55}


def test_smooth_losses_are_means_of_their_surroundings() -> None:
    run = course(STARTED, *(step(n, float(n)) for n in range(1, 41)))
    smooth = run.smooth_losses()
    assert len(smooth) == 40
    assert smooth[20] == pytest.approx(21.0)
    assert smooth[0] == pytest.approx(sum(range(1, SMOOTHING + 2)) / (SMOOTHING + 1))
    assert course().smooth_losses().size == 0


def test_long_curves_are_thinned_but_keep_their_peaks() -> None:
    values = np.zeros(10 * STRETCHES)
    values[1234], values[3456] = 5.0, -3.0
    steps, drawn = thinned(range(1, len(values) + 1), values)
    assert len(steps) == len(drawn) == 2 * STRETCHES
    assert (drawn.max(), drawn.min()) == (5.0, -3.0)
    assert (steps[0], steps[-1]) == (1, len(values))
    assert abs(steps[drawn.argmax()] - 1235) <= 10
    assert (np.diff(steps) >= 0).all()
    short = thinned([1, 2, 3], [3.0, 1.0, 2.0])
    assert [part.tolist() for part in short] == [[1, 2, 3], [3.0, 1.0, 2.0]]


def test_progress_is_told_in_words() -> None:
    assert course().progress_text(RunState.STARTING) == "Reading the model and the images"
    run = course(STARTED, step(100))
    told = run.progress_text(RunState.RUNNING)
    assert told == "step 100 of 400 · 4.0 images/s · 10 min left · CPU: 2 threads"  # 300 × 8 / 4 s
    assert run.progress_text(RunState.DIED) == "step 100 of 400 · CPU: 2 threads"
    assert "left" not in course(STARTED, replace(step(1), images_per_second=0.0)).progress_text(RunState.RUNNING)


def verdict(*events: Event, state: RunState = RunState.FINISHED, reason: str = "") -> Verdict:
    found = course(STARTED, step(120), *events).verdict(state, reason=reason)
    assert found is not None
    return found


def test_there_is_no_verdict_before_the_end() -> None:
    for state in (RunState.STARTING, RunState.RUNNING, RunState.STOPPING):
        assert course(STARTED, step(1)).verdict(state) is None


def test_a_better_model_is_recommended() -> None:
    found = verdict(finished(0.412, 0.583))
    assert found.text == "AP 0.41 → 0.58 on your 30 validation images. Use the new model?"
    assert (found.checkpoint, found.recommended) == ("best.safetensors", True)
    assert (found.use, found.keep) == ("Use the new model", "Keep the old one")


@pytest.mark.parametrize(("after", "word"), [(0.3, "worse"), (0.5, "no better")])
def test_a_model_that_is_not_better_is_not_recommended(after: float, word: str) -> None:
    found = verdict(finished(0.5, after))
    assert f"The new model is {word}: better keep the old one." in found.text
    assert (found.use, found.recommended) == ("Use it anyway", False)


def test_few_images_make_a_rough_number() -> None:
    run = course(replace(STARTED, validation_images=4), finished(0.2, 0.4))
    found = run.verdict(RunState.FINISHED)
    assert found is not None
    assert found.text == "AP 0.20 → 0.40 on your 4 validation images, a rough number for so few. Use the new model?"


def test_without_a_measure_nothing_is_recommended() -> None:
    found = verdict(finished(None, None))
    assert found.text.startswith("Nothing was measured")
    assert (found.checkpoint, found.recommended) == ("best.safetensors", None)


def test_how_it_ended_is_said_first() -> None:
    stopped = verdict(finished(0.2, 0.4, "stopped"), state=RunState.STOPPED)
    assert stopped.text.startswith("Stopped after step 400. AP 0.20 → 0.40")
    early = verdict(finished(0.2, 0.4, "early"))
    assert early.text.startswith("Ended after step 400 for want of progress. AP")
    unmeasured = verdict(finished(0.2, None, "stopped"), state=RunState.STOPPED)
    assert "was not measured yet. Use the new model?" in unmeasured.text
    none = verdict(replace(finished(0.2, None, "stopped"), best=None), state=RunState.STOPPED)
    assert (none.checkpoint, none.use) == (None, "")


def test_a_death_names_its_reason_and_the_way_out() -> None:
    saved = CheckpointSaved(120, "last", "elsewhere/last.safetensors")
    found = verdict(saved, state=RunState.DIED, reason="No space left on device.")
    assert found.text == (
        "The run ended unexpectedly: No space left on device. It can go on where it was (Runs, Go on). "
        "The last checkpoint (step 120) can be used."
    )
    assert (found.checkpoint, found.use, found.recommended) == ("last.safetensors", "Use last checkpoint", None)
    killed = verdict(saved, state=RunState.STOPPED)
    assert killed.text.startswith("The run was ended at once. The last checkpoint (step 120)")
    nothing = verdict(state=RunState.DIED, reason="x")
    assert (nothing.checkpoint, nothing.use) == (None, "")
    assert "had not written a checkpoint yet" in nothing.text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (0.41, 0.58, "AP 0.41 → 0.58"),
        (0.412, 0.414, "AP 0.412 → 0.414"),
        (0.5, 0.5, "AP 0.50 → 0.50"),
        (0.5, 0.50001, "AP 0.5000 → 0.5000"),
        (None, 0.5, "AP 0.50"),
    ],
)
def test_ap_has_the_digits_that_tell_it_apart(before: float | None, after: float, text: str) -> None:
    assert ap_change(before, after) == text


# By class

RACCOON, DOG, CAT = (0.71, 0.84), (0.4, 0.31), (0.5, 0.5)


def measured(step: int, ap: float, **by_class: float) -> Evaluated:
    return Evaluated(step, {"AP": ap}, by_class)


def test_classes_are_compared_with_the_best_model_what_got_worse_first() -> None:
    run = course(
        STARTED,
        measured(0, 0.5, raccoon=0.71, dog=0.4, cat=0.5),
        measured(200, 0.58, raccoon=0.84, dog=0.31, cat=0.5, cow=0.2),
        measured(400, 0.55, raccoon=0.2),
        finished(0.5, 0.58),
    )
    assert run.class_changes() == [
        ClassChange("dog", 0.4, 0.31),
        ClassChange("cow", None, 0.2),
        ClassChange("raccoon", 0.71, 0.84),
        ClassChange("cat", 0.5, 0.5),
    ]
    found = run.verdict(RunState.FINISHED)
    assert found is not None
    said = "cow 0.00 → 0.20, raccoon 0.71 → 0.84; dog got worse: 0.40 → 0.31."
    assert found.text == f"AP 0.50 → 0.58 on your 30 validation images. By class: {said} Use the new model?"
    assert found.outcome == f"AP 0.50 → 0.58 on your 30 validation images. By class: {said}"


def test_what_looks_the_same_is_no_news() -> None:
    assert told_changes([ClassChange("nut", 0.4251, 0.4349), ClassChange("bolt", 0.42, 0.431)]) == "bolt 0.42 → 0.43"


def test_without_two_measurements_nothing_is_compared() -> None:
    assert course(STARTED, measured(0, 0.5, nut=0.5)).class_changes() == []
    assert course(STARTED, measured(4, 0.5, nut=0.5), measured(8, 0.6, nut=0.6)).class_changes() == []


def test_a_resumed_run_forgets_what_it_measures_again() -> None:
    run = course(STARTED, measured(0, 0.1, nut=0.1), measured(4, 0.2, nut=0.2), measured(8, 0.9, nut=0.9))
    run.add([replace(STARTED, step=4)])
    assert run.class_changes() == [ClassChange("nut", 0.1, 0.2)]


def test_many_changes_are_counted() -> None:
    changes = [ClassChange(f"c{number}", 0.1, 0.2 + number / 100) for number in range(9)]
    assert told_changes(changes) == "c0 0.10 → 0.20, c1 0.10 → 0.21, c2 0.10 → 0.22, 6 more got better"
    assert told_changes([*changes[:1], ClassChange("same", 0.3, 0.304)]) == "c0 0.10 → 0.20"
    assert told_changes(changes[:1]) == ""  # the only class: its AP is the AP


def test_samples_and_the_share_that_is_done_are_followed() -> None:
    image = SampleImage("a.jpg", (), (), ())
    run = course(STARTED, SamplesFound(0, ()), replace(step(100), done=0.9), SamplesFound(100, (image,)))
    assert (run.samples, run.share) == ((image,), 0.25)
    timed = course(replace(STARTED, steps=None, minutes=10), replace(step(100), done=0.5))
    assert timed.share == 0.5
    assert course().share is None
