"""How fast earlier runs have been."""

from pathlib import Path

from app.background.training_pace import TAIL, Pace, paces
from app.background.training_process import EVENTS, Run
from detector.events import Event, RunStarted, StepDone, to_json

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
    assert paces([missing, run(tmp_path / "empty"), run(tmp_path / "began", STARTED), torn]) == ()
