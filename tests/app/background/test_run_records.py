"""Runs looked back on."""

from collections.abc import Sequence
from pathlib import Path

from app.background.run_records import TAIL, RunRecord, read_records
from app.background.training_process import Run, _write, list_runs, rename
from app.models import choice
from detector.events import CheckpointSaved, Evaluated, Event, RunFinished, RunStarted, StepDone, to_json
from detector.training.run_folder import BEST, EVENTS, LAST

STARTED = RunStarted("d0", ("nut",), 256, 4, 2, 900, 8, "CPU")


def write(runs: Path, name: str, events: Sequence[Event], *, files: Sequence[str] = ()) -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    _write(Run(folder, "D0", "d0", f"2026-01-{name}T00:00:00", {}, ("gone", name), 2**22 + 1, 0.0))
    (folder / EVENTS).write_text("".join(to_json(event) + "\n" for event in events), "utf-8")
    for file in files:
        (folder / file).touch()
    return folder


def steps(first: int, last: int) -> list[Event]:
    return [StepDone(number, 1.0, 0.5, 0.5, 1e-3, 4.0) for number in range(first, last + 1)]


def records(runs: Path) -> list[RunRecord]:
    (found,) = read_records(runs)
    return found


def test_a_long_run_tells_how_it_began_and_ended(tmp_path: Path) -> None:
    end = RunFinished(2000, "done", 61.0, "x", {"AP": 0.6}, {"AP": 0.4})
    events = [STARTED, Evaluated(0, {"AP": 0.4}), *steps(1, 2000), end]
    folder = write(tmp_path, "01", events, files=(BEST, LAST))
    assert (folder / EVENTS).stat().st_size > 2 * TAIL
    (record,) = records(tmp_path)
    assert (record.started, record.finished, record.step) == (STARTED, end, 2000)
    assert (record.before, record.after, record.alive, record.can_go_on) == (0.4, 0.6, False, False)
    assert record.checkpoint == folder / BEST


def test_what_was_cut_short_can_go_on_from_where_it_was_kept(tmp_path: Path) -> None:
    cut = [STARTED, Evaluated(0, {"AP": 0.4}), *steps(1, 40), Evaluated(40, {"AP": 0.7}), *steps(41, 44)]
    write(tmp_path, "01", cut)
    write(tmp_path, "02", [*cut, CheckpointSaved(44, "last", "x")], files=(LAST,))
    write(tmp_path, "03", [*cut, RunFinished(44, "stopped", 9.0, None)], files=(LAST,))
    write(tmp_path, "04", [*cut, RunFinished(44, "early", 9.0, None)], files=(LAST,))
    write(tmp_path, "05", [])
    nothing, early, stopped, died, lost = records(tmp_path)
    assert [each.can_go_on for each in (nothing, early, stopped, died, lost)] == [False, False, True, True, False]
    assert (died.step, died.before, died.after, died.checkpoint) == (44, 0.4, 0.7, died.run.folder / LAST)
    assert (nothing.started, nothing.step, nothing.checkpoint) == (None, 0, None)


def test_a_run_has_the_name_that_it_was_given_everywhere(tmp_path: Path) -> None:
    folder = write(tmp_path / "runs", "01", [STARTED], files=(BEST,))
    assert records(tmp_path / "runs")[0].run.title == "01"
    rename(list_runs(tmp_path / "runs")[0], "<b>night")
    assert records(tmp_path / "runs")[0].run.title == "<b>night"
    assert choice(str(folder / BEST)).title == "<b>night"
    rename(list_runs(tmp_path / "runs")[0], "")
    assert choice(str(folder / BEST)).title == "01"
