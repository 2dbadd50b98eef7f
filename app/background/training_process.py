"""Fine-tuning as a process of its own: this program's `fine-tune`, detached, known by its folder; and who watches it.

The window may close and open again: all that is known of a run lies in its folder.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QObject, QTimer, Signal

from detector.events import Event, RunFinished, RunStarted, from_json
from detector.files import replacing
from detector.training.options import FineTuneOptions
from detector.training.run_folder import EVENTS, RUN_FILE, STOP_FILE

MAIN = Path(__file__).parents[2] / "main.py"
LOG_FILE = "log.txt"
NICENESS = 10
POLL = 500  # ms between two looks at a run
SLICE = 128 * 1024  # bytes of events read at a time: some 10 ms
TAIL = 16 * 1024  # bytes at the end of a file, where the last words are
SAME_START = 2.0  # seconds by which clocks may disagree on when a process began
NO_REASON = "it was ended from outside, or the computer went down"


class RunState(StrEnum):
    """Where a run is. STOPPED by the person, DIED by anything else."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    DIED = "died"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self in (RunState.FINISHED, RunState.STOPPED, RunState.DIED)


@dataclass(frozen=True)
class Run:
    """One fine-tuning and its folder. `model` is shown to people, `source` opens it; `created` is ISO local time.

    pid, born: its process and when that began, seconds since 1970; None where the window died before it knew. name: the
    person's for it, "" for the folder's. resumed_at: bytes of events there were when it last went on.
    """

    folder: Path
    model: str
    source: str
    created: str
    options: Mapping[str, Any]
    command: tuple[str, ...]
    pid: int | None = None
    born: float | None = None
    name: str = ""
    resumed_at: int = 0
    child: "subprocess.Popen[Any] | None" = field(default=None, compare=False, repr=False)

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or self.folder.name

    def is_alive(self) -> bool:
        """Whether its process works. A child that has ended is reaped: until then its number lives on."""
        if self.child is not None:
            return self.child.poll() is None
        process = self._process()
        if process is None:
            return False
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                return True
            if sys.platform != "win32":
                with suppress(ChildProcessError):  # of somebody else, who will reap it
                    os.waitpid(process.pid, os.WNOHANG)
        return False

    def stop(self) -> None:
        """Ask for a good end: after the step in hand, with a checkpoint. Raises OSError where that cannot be asked."""
        (self.folder / STOP_FILE).touch()

    def kill(self) -> None:
        """End it now, with all processes that it started."""
        process = self._process()
        if process is None:
            return
        with suppress(psutil.Error, ProcessLookupError):
            family = [*process.children(recursive=True), process]
            if sys.platform != "win32" and os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
            for member in family:
                with suppress(psutil.Error):
                    member.kill()

    def death_reason(self) -> str:
        """Why it ended without a word in its events: the last line of its log, where that is an error."""
        try:
            with (self.folder / LOG_FILE).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return NO_REASON
        return reason_in(text) or NO_REASON

    def _process(self) -> psutil.Process | None:
        if self.pid is None:
            return None
        try:
            process = psutil.Process(self.pid)
            # A clock that was set moves all starting times; then the command tells.
            same = abs(process.create_time() - (self.born or 0)) < SAME_START or process.cmdline() == [*self.command]
            return process if same else None
        except psutil.Error:
            return None


def start(data: Path, runs: Path, *, model: str, source: str, options: FineTuneOptions, device: str = "auto") -> Run:
    """Begin to fine-tune the model that `source` opens on a project folder or a COCO file, in a new folder in `runs`.

    Returns at once; what goes wrong in the process is told by its log. Raises OSError where it cannot be started.
    """
    folder = _new_folder(runs)
    name = str(Path(source).resolve()) if Path(source).is_file() else source
    command = (sys.executable, str(MAIN), "fine-tune", str(data.resolve()), "--model", name, "--out", str(folder))
    command += ("--device", device, *flags(options))
    created = datetime.now().isoformat(timespec="seconds")
    run = Run(folder, model, name, created, json.loads(json.dumps(asdict(options))), command)
    try:
        return _begin(run)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def resume(run: Run) -> Run:
    """Go on with a run that was cut short. Returns at once. Raises OSError where it cannot be started."""
    (run.folder / STOP_FILE).unlink(missing_ok=True)
    events = run.folder / EVENTS
    told = events.read_bytes().rfind(b"\n") + 1 if events.exists() else 0
    again = () if "--resume" in run.command else ("--resume",)
    return _begin(replace(run, command=(*run.command, *again), pid=None, born=None, child=None, resumed_at=told))


def rename(run: Run, name: str) -> None:
    """Call a run by another name, "" for its folder's. Raises OSError."""
    known = _read(run.folder)
    if known is not None:
        _write(replace(known, name=name))


def _begin(run: Run) -> Run:
    """The run with its process. Raises OSError."""
    _write(run)  # first without its process: should this program die between the two, the command finds it
    child = _launch(run)
    run = replace(_identified(run, _lowered(child.pid)), child=child)
    _write(run)
    return run


def list_runs(runs: Path) -> list[Run]:
    """The runs in a folder, newest first; folders that hold none are passed over."""
    found = [run for folder in (runs.iterdir() if runs.is_dir() else ()) if (run := _read(folder))]
    return sorted(found, key=lambda run: (run.created, len(run.folder.name), run.folder.name), reverse=True)


def flags(options: FineTuneOptions) -> list[str]:
    """The options as arguments of `fine-tune`, as far as they are not what it would choose itself."""
    default = FineTuneOptions()
    words = {"learning_rate": "lr"}
    given: list[str] = []
    for name in (item.name for item in fields(options)):
        value = getattr(options, name)
        if value == getattr(default, name):
            continue
        flag = f"--{words.get(name, name).replace('_', '-')}"
        match name:
            case "scale":
                given += ["--scale-min", str(value[0]), "--scale-max", str(value[1])]
            case "flip":
                given.append("--no-flip")
            case "any_orientation" | "half" | "quick":
                given.append(flag)
            case _:
                given += [flag, str(value)]
    return given


def reason_in(log: str) -> str:
    """The error that a log ends with, without its "error: "; "" where it ends with none."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if lines and lines[-1].startswith("error: "):
        return lines[-1].removeprefix("error: ")
    return lines[-1] if "Traceback (most recent call last):" in lines else ""


class RunWatcher(QObject):
    """Follows a run's events and whether it lives, from the first event on, until it has ended.

    events_read: a list of Event, in order. state_changed: the RunState; `reason` says why a run DIED.
    """

    events_read = Signal(list)
    state_changed = Signal(object)

    def __init__(self, run: Run, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = run
        self.state = RunState.STARTING
        self.reason = ""
        self._offset = 0
        self._newest: RunStarted | RunFinished | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.look)
        self._timer.start(0)

    def stop(self) -> None:
        """Ask the run for a good end. Raises OSError."""
        self.run.stop()
        self.look()

    def close(self) -> None:
        """Look no more; the run goes on."""
        self._timer.stop()

    def look(self) -> None:
        """Read what is new; come again soon, unless it has ended."""
        alive = self.run.is_alive()  # before reading: what is written after this is read by the next look
        is_old = self._offset < self.run.resumed_at  # what it told before it went on says nothing of how it is now
        events, is_all = self._read()
        for event in events:
            if isinstance(event, RunStarted | RunFinished) and not is_old:
                self._newest = event
        if events:
            self.events_read.emit(events)
        if is_all or alive:
            self._set_state(self._judge(alive))
        if alive or not is_all:  # alive: a child must be reaped, too
            self._timer.start(POLL if is_all else 0)

    def _judge(self, alive: bool) -> RunState:
        if isinstance(self._newest, RunFinished):
            return RunState.STOPPED if self._newest.reason == "stopped" else RunState.FINISHED
        asked = (self.run.folder / STOP_FILE).exists()
        if not alive:
            return RunState.STOPPED if asked else RunState.DIED
        if asked:
            return RunState.STOPPING
        return RunState.RUNNING if self._newest else RunState.STARTING

    def _set_state(self, state: RunState) -> None:
        if state is not self.state:
            self.state = state
            self.reason = self.run.death_reason() if state is RunState.DIED else ""
            self.state_changed.emit(state)

    def _read(self) -> tuple[list[Event], bool]:
        """The next whole lines' events, and whether those were all there are."""
        try:
            with (self.run.folder / EVENTS).open("rb") as file:
                file.seek(self._offset)
                old = self.run.resumed_at - self._offset
                data = file.read(min(SLICE, old) if old > 0 else SLICE) + file.readline()
        except OSError:  # not there yet, or on a drive that is away for a moment
            return [], True
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        events = [event for line in data[:whole].split(b"\n") if (event := from_json(line))]
        return events, len(data) < SLICE and self._offset >= self.run.resumed_at


def _new_folder(runs: Path) -> Path:
    now = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    for number in count(1):
        folder = runs.resolve() / (now if number == 1 else f"{now}-{number}")
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise AssertionError("there is always another number")


def _launch(run: Run) -> "subprocess.Popen[Any]":
    """The process in a group of its own, with one core left to the window, saying all in its log."""
    environment = {**os.environ, "PYTHONUTF8": "1"}
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) - 1)))
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        detached = {"creationflags": group | subprocess.DETACHED_PROCESS}
    with (run.folder / LOG_FILE).open("wb") as log:
        return subprocess.Popen(
            run.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, **detached
        )


def _lowered(pid: int) -> psutil.Process | None:
    """A new process, at a low priority from its first moments on; None where it is gone already."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if sys.platform != "win32":  # where it was born so
            process.nice(NICENESS)
        if sys.platform == "linux":  # which may schedule sessions as equals, however nice their processes are
            with suppress(OSError):
                Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))
        return process
    return None


def _identified(run: Run, process: psutil.Process | None) -> Run:
    """The run with its process, where that is known."""
    with suppress(psutil.Error):
        if process is not None:
            return replace(run, pid=process.pid, born=process.create_time())
    return run


def _find(command: tuple[str, ...]) -> psutil.Process | None:
    """The process that runs a command; the run's folder in it makes it the only one."""
    listed = psutil.process_iter(["cmdline"])
    return next((process for process in listed if process.info["cmdline"] == [*command]), None)


def _write(run: Run) -> None:
    values = {item.name: getattr(run, item.name) for item in fields(run) if item.name not in ("folder", "child")}
    with replacing(run.folder / RUN_FILE) as temporary:
        temporary.write_text(json.dumps(values, indent=1), encoding="utf-8")


def _read(folder: Path) -> Run | None:
    try:
        values = json.loads((folder / RUN_FILE).read_text("utf-8"))
        run = Run(folder, **{**values, "command": tuple(values["command"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return run if run.pid is not None else _identified(run, _find(run.command))
