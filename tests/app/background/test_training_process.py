"""Runs in processes of their own: started, followed, stopped, killed, found again."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from click import Command
from pytestqt.qtbot import QtBot
from typer.main import get_command

from app.background import run_watcher, training_process
from app.background.run_watcher import SLICE, RunState, RunWatcher
from app.background.training_process import (
    EVENTS,
    LOG_FILE,
    NO_REASON,
    RUN_FILE,
    STOP_FILE,
    Run,
    chosen_options,
    flags,
    list_runs,
    reason_in,
    resume,
    start,
)
from detector.cli import command_line
from detector.data.project.store import Project
from detector.events import Event, RunFinished, RunStarted, StepDone, Warned, to_json
from detector.training.options import FineTuneOptions, Freeze, Precision
from tests.reviewed import make_parts

STARTED = RunStarted("d0", ("a\u2028b",), 128, 4, 2, 6, 2, "CPU: 1 threads")
STOPPED = RunFinished(3, "stopped", 1.0, None)
DONE = RunFinished(6, "done", 2.0, "best.safetensors", {"AP": 0.5}, {"AP": 0.25})

# Stands in for main.py where the training itself is beside the point: its --model says how it behaves.
ACTOR = f"""
import os, pathlib, subprocess, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
role = sys.argv[sys.argv.index("--model") + 1]
log = (out / "events.jsonl").open("a", encoding="utf-8", buffering=1)
if role == "fails":
    print("D0 on CPU", file=sys.stderr)
    sys.exit("error: the model is <b>gone</b>")
(out / f"rank {{os.environ.get('RANK', 0)}}").write_text(str(os.getpid()))
log.write({to_json(STARTED)!r} + "\\n")
if role == "finishes":
    log.write({to_json(DONE)!r} + "\\n")
if role == "has a child":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (out / "child").write_text(str(child.pid))
while role in ("waits", "has a child"):
    time.sleep(0.01)
    if role == "waits" and (out / "stop").exists():
        log.write({to_json(STOPPED)!r} + "\\n")
        break
"""


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Run]]:
    """Starts a run of the actor in a role; ends what a test leaves."""
    script = tmp_path / "actor.py"
    script.write_text(ACTOR, "utf-8")
    monkeypatch.setattr(training_process, "MAIN", script)
    monkeypatch.setattr(run_watcher, "POLL", 20)
    begun: list[Run] = []

    def call(role: str, *, processes: int = 1) -> Run:
        options = FineTuneOptions(steps=6)
        begun.append(start(tmp_path, tmp_path / "runs", model="D0", source=role, options=options, processes=processes))
        return begun[-1]

    yield call
    for run in begun:
        run.kill()
        assert run.child is not None
        run.child.wait()


def follow(qtbot: QtBot, run: Run) -> tuple[RunWatcher, list[Event]]:
    """A watcher that looks until the test ends, and the events that it tells."""
    watcher, events = RunWatcher(run), []
    watcher.events_read.connect(events.extend)
    return watcher, events


def wait_for(qtbot: QtBot, watcher: RunWatcher, state: RunState) -> None:
    qtbot.waitUntil(lambda: watcher.state is state)


def test_a_run_is_followed_to_its_end(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    run = act("finishes")
    watcher, events = follow(qtbot, run)
    wait_for(qtbot, watcher, RunState.FINISHED)
    assert events == [STARTED, DONE]
    assert run.child is not None
    qtbot.waitUntil(lambda: run.child.returncode == 0)  # reaped without being asked


def test_a_run_that_was_stopped_goes_on_and_tells_what_came_before(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    run = act("waits")
    watcher, _ = follow(qtbot, run)
    wait_for(qtbot, watcher, RunState.RUNNING)
    watcher.stop()
    wait_for(qtbot, watcher, RunState.STOPPED)
    with (run.folder / EVENTS).open("a", encoding="utf-8") as log:
        log.write('{"event": "StepDo')  # a line that a kill has torn; the command ends it before it goes on
    torn = (run.folder / EVENTS).stat().st_size
    again = resume(run)
    assert again.command == (*run.command, "--resume")
    assert list_runs(run.folder.parent) == [again]
    assert not (run.folder / STOP_FILE).exists()
    states: list[RunState] = []
    watcher, events = RunWatcher(again), []
    watcher.state_changed.connect(states.append)
    watcher.events_read.connect(events.extend)
    qtbot.waitUntil(lambda: (run.folder / EVENTS).stat().st_size > torn)
    with (run.folder / EVENTS).open("a", encoding="utf-8") as log:
        log.write(f"\n{to_json(STARTED)}\n")
    wait_for(qtbot, watcher, RunState.RUNNING)
    assert events == [STARTED, STOPPED, STARTED]
    assert states == [RunState.RUNNING]  # the stop before says nothing of now
    watcher.stop()
    wait_for(qtbot, watcher, RunState.STOPPED)
    third = resume(again)
    assert third.command == again.command
    for each in (again, third):
        each.kill()
        assert each.child is not None
        each.child.wait()


def test_the_process_is_described_before_anything_else(act: Callable[[str], Run]) -> None:
    run = act("waits")
    told = json.loads((run.folder / RUN_FILE).read_text("utf-8"))
    process = psutil.Process(run.pid)
    assert told["pid"] == process.pid
    assert told["born"] == process.create_time()
    assert told["command"] == process.cmdline()
    assert (told["model"], told["source"], told["options"]["steps"]) == ("D0", "waits", 6)
    if sys.platform != "win32":
        assert os.getpgid(process.pid) == os.getsid(process.pid) == process.pid != os.getpgid(0)
        assert process.nice() >= 10
        session = Path(f"/proc/{process.pid}/autogroup")
        if session.exists():
            assert session.read_text().split()[-1] == "10"
    assert process.environ()["OMP_NUM_THREADS"]


def test_a_run_asked_to_stop_ends_well(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    watcher, events = follow(qtbot, act("waits"))
    wait_for(qtbot, watcher, RunState.RUNNING)
    states = []
    watcher.state_changed.connect(states.append)
    watcher.stop()
    wait_for(qtbot, watcher, RunState.STOPPED)
    assert states[0] in (RunState.STOPPING, RunState.STOPPED)
    assert events == [STARTED, STOPPED]


def test_kill_takes_the_whole_family(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    run = act("has a child")
    watcher, _ = follow(qtbot, run)
    qtbot.waitUntil(lambda: (run.folder / "child").exists() and bool((run.folder / "child").read_text()))
    child = psutil.Process(int((run.folder / "child").read_text()))
    watcher.stop()
    assert watcher.state is RunState.STOPPING
    run.kill()
    wait_for(qtbot, watcher, RunState.STOPPED)
    qtbot.waitUntil(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_run_killed_from_outside_has_died(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    run = act("waits")
    watcher, _ = follow(qtbot, run)
    wait_for(qtbot, watcher, RunState.RUNNING)
    psutil.Process(run.pid).kill()
    wait_for(qtbot, watcher, RunState.DIED)
    assert watcher.reason == NO_REASON


def test_the_log_tells_why_a_run_died(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    watcher, events = follow(qtbot, act("fails"))
    wait_for(qtbot, watcher, RunState.DIED)
    assert (watcher.reason, events) == ("the model is <b>gone</b>", [])


def test_a_zombie_does_not_live(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    run = act("finishes")
    qtbot.waitUntil(lambda: psutil.Process(run.pid).status() == psutil.STATUS_ZOMBIE)
    (again,) = list_runs(run.folder.parent)
    assert again.child is None
    assert not again.is_alive()
    assert not psutil.pid_exists(again.pid or 0)


def test_a_run_goes_on_without_the_window_and_is_found_again(qtbot: QtBot, act: Callable[[str], Run]) -> None:
    run = act("waits")
    first, _ = follow(qtbot, run)
    wait_for(qtbot, first, RunState.RUNNING)
    first.close()
    (found,) = list_runs(run.folder.parent)
    assert found == run
    second, events = follow(qtbot, found)
    wait_for(qtbot, second, RunState.RUNNING)
    assert events == [STARTED]
    found.stop()
    wait_for(qtbot, second, RunState.STOPPED)


def test_a_window_that_died_while_starting_is_made_up_for(act: Callable[[str], Run]) -> None:
    run = act("waits")
    values = json.loads((run.folder / RUN_FILE).read_text("utf-8"))
    (run.folder / RUN_FILE).write_text(json.dumps({**values, "pid": None, "born": None}))
    assert [found.pid for found in list_runs(run.folder.parent)] == [run.pid]
    run.kill()
    assert run.child is not None
    run.child.wait()
    (found,) = list_runs(run.folder.parent)
    assert (found.pid, found.is_alive()) == (None, False)


def test_another_process_under_the_old_number_is_not_the_run(act: Callable[[str], Run], tmp_path: Path) -> None:
    run = act("waits")
    other = replace(run, born=(run.born or 0) - 60, command=("another",), child=None)
    assert not other.is_alive()
    other.kill()
    assert run.is_alive()
    moved_clock = replace(run, born=(run.born or 0) - 60, child=None)
    assert moved_clock.is_alive()


def test_runs_are_listed_newest_first(act: Callable[[str], Run], tmp_path: Path) -> None:
    begun = [act("finishes") for _ in range(3)]
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / RUN_FILE).write_text('{"model": 3')
    assert [run.folder for run in list_runs(tmp_path / "runs")] == [run.folder for run in reversed(begun)]
    assert list_runs(tmp_path / "nowhere") == []


def test_a_program_that_cannot_start_leaves_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(OSError, match="no-python"):
        start(tmp_path, tmp_path / "runs", model="D0", source="d0", options=FineTuneOptions())
    assert list_runs(tmp_path / "runs") == []
    assert not list((tmp_path / "runs").iterdir())


@pytest.fixture
def silent(tmp_path: Path) -> Run:
    """A run whose process is gone; its events are what a test writes."""
    (tmp_path / LOG_FILE).touch()
    return Run(tmp_path, "D0", "d0", "2026-01-01T00:00:00", {}, ("gone",))


def test_only_whole_lines_are_read_and_none_twice(qtbot: QtBot, silent: Run) -> None:
    watcher, events = follow(qtbot, silent)
    line = to_json(STARTED) + "\n"
    with (silent.folder / EVENTS).open("w", encoding="utf-8", newline="\n") as log:
        log.write(line[:30])
        log.flush()
        watcher.look()
        assert events == []
        log.write(line[30:] + '{"torn": \n')
        log.flush()
        watcher.look()
        log.write(to_json(DONE) + "\n")
    watcher.look()
    assert events == [STARTED, DONE]


def test_a_long_history_comes_in_slices_and_whole(qtbot: QtBot, silent: Run) -> None:
    steps = [StepDone(step, 1.0, 0.5, 0.5, 1e-3, 2.0) for step in range(1, 3001)]
    history = [STARTED, *steps, Warned("x" * 2 * SLICE), DONE]
    (silent.folder / EVENTS).write_text("".join(to_json(event) + "\n" for event in history), "utf-8")
    watcher, events = follow(qtbot, silent)
    sizes = []
    watcher.events_read.connect(lambda some: sizes.append(len(some)))
    wait_for(qtbot, watcher, RunState.FINISHED)
    assert events == history
    assert max(sizes) < len(history) / 2


# Several processes, started by torchrun


def workers(qtbot: QtBot, run: Run) -> list[psutil.Process]:
    """The two processes that torchrun has started, once they are there."""
    told = [run.folder / f"rank {rank}" for rank in range(2)]
    qtbot.waitUntil(lambda: all(path.exists() and path.read_text() for path in told))
    return [psutil.Process(int(path.read_text())) for path in told]


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_several_processes_are_one_run_that_stops_well(qtbot: QtBot, act: Callable[..., Run]) -> None:
    run = act("waits", processes=2)
    watcher, events = follow(qtbot, run)
    both = workers(qtbot, run)
    wait_for(qtbot, watcher, RunState.RUNNING)
    (found,) = list_runs(run.folder.parent)
    assert (found, found.is_alive()) == (run, True)
    assert {process.ppid() for process in both} == {run.pid}
    assert both[0].environ()["WORLD_SIZE"] == "2"
    watcher.stop()
    wait_for(qtbot, watcher, RunState.STOPPED)
    assert STOPPED in events
    qtbot.waitUntil(lambda: not run.is_alive() and all(map(has_ended, both)))


@pytest.mark.slow
def test_kill_takes_all_processes(qtbot: QtBot, act: Callable[..., Run]) -> None:
    run = act("waits", processes=2)
    both = workers(qtbot, run)
    run.kill()
    qtbot.waitUntil(lambda: not run.is_alive() and all(map(has_ended, both)))


def test_what_a_killed_torchrun_leaves_is_ended(qtbot: QtBot, act: Callable[..., Run]) -> None:
    run = act("waits", processes=2)
    watcher, _ = follow(qtbot, run)
    both = workers(qtbot, run)
    wait_for(qtbot, watcher, RunState.RUNNING)
    psutil.Process(run.pid).kill()
    wait_for(qtbot, watcher, RunState.DIED)
    assert watcher.reason == NO_REASON
    qtbot.waitUntil(lambda: all(map(has_ended, both)))


@pytest.mark.slow
def test_the_log_of_several_tells_what_the_first_one_said(qtbot: QtBot, act: Callable[..., Run]) -> None:
    watcher, _ = follow(qtbot, act("fails", processes=2))
    qtbot.waitUntil(lambda: watcher.state is RunState.DIED)
    assert watcher.reason == "the model is <b>gone</b>"


def test_what_a_log_ends_with() -> None:
    assert reason_in("D0 on CPU\nerror: no boxes; label some.\n") == "no boxes; label some."
    assert reason_in("Traceback (most recent call last):\n  File x\nKeyError: 'a'\n\n") == "KeyError: 'a'"
    assert reason_in("D0 at 128 px on CPU\n") == ""
    failed = "E1123 00:13:40.414000 1 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1) x\n"
    ended = f"{failed}Traceback (most recent call last):\n  File x\nChildFailedError: \n=====\n"
    assert reason_in(f"D0 on CPU\n{ended}") == ""
    assert reason_in(f"Traceback (most recent call last):\n  File x\nKeyError: 'a'\n{ended}") == "KeyError: 'a'"
    lost = "Traceback (most recent call last):\n  File x\nRuntimeError: connection closed by peer\n"
    assert reason_in(f"error: the disk is full.\n{lost}{ended}") == "the disk is full."


@pytest.mark.parametrize(
    "options",
    [
        FineTuneOptions(),
        FineTuneOptions(steps=7, batch=3, learning_rate=2e-4, image_size=256, freeze=Freeze.BACKBONE, seed=5),
        FineTuneOptions(epochs=2, scale=(0.8, 1.25), flip=False, any_orientation=True, mosaic=0.5, photometric=0.0),
        FineTuneOptions(patience=3, half=True, precision=Precision.MIXED),
    ],
)
def test_the_command_line_understands_the_options(options: FineTuneOptions) -> None:
    command: Command = get_command(command_line()).commands["fine-tune"]  # type: ignore[attr-defined]
    given = command.make_context("fine-tune", ["x", "--model", "d0", "--out", "y", *flags(options)]).params
    renamed = {
        "learning_rate": given["lr"],
        "flip": not given["no_flip"],
        "scale": (given["scale_min"], given["scale_max"]),
        "freeze": Freeze(given["freeze"]),
        "precision": Precision(given["precision"]),
    }
    names = FineTuneOptions.__dataclass_fields__
    assert FineTuneOptions(**{name: renamed.get(name, given.get(name)) for name in names}) == options


def test_what_was_chosen_for_a_run_is_known_again(act: Callable[..., Run], tmp_path: Path) -> None:
    options = FineTuneOptions(quick=True, minutes=3, flip=False, scale=(0.4, 1.8))
    run = start(tmp_path, tmp_path / "others", model="D0", source="finishes", options=options)
    assert run.child is not None
    run.child.wait()
    (found,) = list_runs(tmp_path / "others")
    chosen = chosen_options(found)
    assert chosen == options
    assert chosen is not None
    assert chosen.precision is Precision.AUTO
    of_another_version = replace(found, options={**found.options, "freeze": "heads"})
    assert [chosen_options(each) for each in (of_another_version, replace(found, options={}))] == [None, None]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Four reviewed pictures of parts, one of them for validation, open as in the window."""
    opened = make_parts(tmp_path / "pictures")
    yield opened
    opened.close()


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_real_command_learns_from_a_project_that_the_window_has_open(
    qtbot: QtBot, project: Project, processes: int
) -> None:
    options = FineTuneOptions(steps=2, batch=2 // processes, image_size=128)
    runs = project.home / "runs"
    run = start(
        project.folder, runs, model="Starter", source="starter", options=options, device="cpu", processes=processes
    )
    watcher, events = follow(qtbot, run)
    qtbot.waitUntil(lambda: watcher.state.has_ended, timeout=180_000)
    assert watcher.state is RunState.FINISHED, watcher.reason
    assert isinstance(events[0], RunStarted)
    assert (events[0].train_images, events[0].validation_images, events[0].batch) == (3, 1, 2)
    assert [event.step for event in events if isinstance(event, StepDone)] == [1, 2]
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.start_metrics["AP"] > 0  # the starter knows these parts
    assert (run.folder / "best.safetensors").is_file()
    assert [found.folder for found in list_runs(project.home / "runs")] == [run.folder]
