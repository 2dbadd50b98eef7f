"""How fast earlier runs have been."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from app.background.training_pace import KEPT, TAIL, Pace, estimate, paces, remember, remembered
from app.background.training_process import EVENTS, Run
from detector.events import Event, RunStarted, StepDone, to_json
from detector.model.variants import VARIANTS, find_variant
from detector.training.options import FineTuneOptions, Freeze

STARTED = RunStarted("d0", ("nut",), 256, 4, 2, 900, 8, "CPU")


def run(folder: Path, *events: Event) -> Run:
    folder.mkdir()
    (folder / EVENTS).write_text("".join(to_json(event) + "\n" for event in events), "utf-8")
    return Run(folder, "D0", "d0", "2026-01-01T00:00:00", {}, ("gone",))


def steps(count: int, pace: float) -> list[StepDone]:
    return [StepDone(number, 1.0, 0.5, 0.5, 1e-3, pace) for number in range(1, count + 1)]


def test_the_last_step_of_each_run_tells(tmp_path: Path) -> None:
    long = run(tmp_path / "long", STARTED, *steps(300, 1.0), *steps(1, 4.0))
    assert (tmp_path / "long" / EVENTS).stat().st_size > 2 * TAIL
    short = run(tmp_path / "short", STARTED, *steps(1, 2.0))
    assert paces([long, short]) == (Pace("d0", 256, "CPU", 0.25), Pace("d0", 256, "CPU", 0.5))


def test_runs_without_steps_are_passed_over(tmp_path: Path) -> None:
    missing = Run(tmp_path / "nowhere", "D0", "d0", "2026-01-01T00:00:00", {}, ("gone",))
    torn = run(tmp_path / "torn", *steps(3, 2.0))
    quick = run(tmp_path / "quick", replace(STARTED, quick=True), *steps(3, 2.0))
    assert paces([missing, run(tmp_path / "empty"), run(tmp_path / "began", STARTED), torn, quick]) == ()


def test_a_frozen_backbone_has_a_pace_of_its_own(tmp_path: Path) -> None:
    made = run(tmp_path / "frozen", STARTED, *steps(1, 2.0))
    (pace,) = paces([replace(made, options=json.loads(json.dumps(asdict(FineTuneOptions(freeze=Freeze.BACKBONE)))))])
    assert pace.share < 1


D0, USUAL = VARIANTS["d0"], FineTuneOptions()
SLOW = Pace("d0", 512, "CPU: 2 threads", 0.5)


def test_the_newest_run_of_the_same_kind_is_believed() -> None:
    other = replace(SLOW, image_size=256, seconds_per_image=9.0)
    found = estimate([other, SLOW, replace(SLOW, seconds_per_image=7.0)], D0, 512, USUAL, gpus=0)
    assert found is not None
    assert (found.seconds_per_image, "last run at this size (CPU: 2 threads)" in found.basis) == (0.5, True)


def test_other_runs_are_scaled_by_their_work() -> None:
    smaller = estimate([SLOW], D0, 256, USUAL, gpus=0)
    larger = estimate([replace(SLOW, image_size=128), SLOW], VARIANTS["d1"], 640, USUAL, gpus=0)
    frozen = estimate([SLOW], D0, 512, FineTuneOptions(freeze=Freeze.BACKBONE), gpus=0)
    assert smaller is not None and larger is not None and frozen is not None  # noqa: PT018
    assert smaller.seconds_per_image == pytest.approx(0.125)
    assert larger.seconds_per_image == pytest.approx(0.5 * 6.1 / 2.5)
    assert frozen.seconds_per_image < 0.5
    assert "roughly" in smaller.basis


def test_several_gpus_share_the_work(tmp_path: Path) -> None:
    on_two = run(tmp_path / "two", replace(STARTED, device="CUDA: A"), *steps(1, 8.0))
    (pace,) = paces([replace(on_two, processes=2)])
    assert pace.seconds_per_image == 0.25  # of each
    found = [estimate([pace], D0, 256, USUAL, gpus=gpus) for gpus in (1, 2, 4)]
    assert [item and item.seconds_per_image for item in found] == [0.25, 0.125, 0.0625]


def test_before_the_first_run_it_is_a_guess_and_says_so() -> None:
    small, large = (estimate([], VARIANTS[name], VARIANTS[name].image_size, USUAL, gpus=0) for name in ("d0", "d4"))
    gpu = estimate([SLOW], D0, 512, USUAL, gpus=1)  # a CPU's pace says nothing of it
    assert small is not None and large is not None and gpu is not None  # noqa: PT018
    assert "rough guess" in small.basis and "rough guess" in gpu.basis  # noqa: PT018
    assert gpu.seconds_per_image < small.seconds_per_image < large.seconds_per_image
    assert estimate([], find_variant("phi1.5"), 640, USUAL, gpus=0) is None
    assert estimate([SLOW], None, None, USUAL, gpus=0) is None


def test_paces_are_remembered_newest_first_and_each_kind_once() -> None:
    kept = remember([SLOW], [])
    assert json.loads(json.dumps(kept)) == kept
    fast = replace(SLOW, seconds_per_image=0.1)
    other = replace(SLOW, image_size=256)
    assert remembered(remember([fast, other], kept)) == (fast, other)
    assert remembered(remember([other], remember([fast], kept))) == (other, fast)
    assert remembered([5, {"variant": "d0"}, {**kept[0], "seconds_per_image": 0}, {**kept[0], "x": 1}]) == ()
    many = [replace(SLOW, image_size=size) for size in range(128, 128 * 50, 128)]
    assert len(remember(many, [])) == KEPT
