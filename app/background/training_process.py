"""Fine-tuning as a process of its own: this program's `fine-tune`, detached, known by its folder.

The window may close and open again: all that is known of a run lies in its folder.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from detector.errors import OptionsError
from detector.files import replacing
from detector.training.options import FineTuneOptions, Freeze, Precision
from detector.training.run_folder import EVENTS, RUN_FILE, STOP_FILE

MAIN = Path(__file__).parents[2] / "main.py"
TORCHRUN, PROCESSES = ("-m", "torch.distributed.run", "--standalone"), "--nproc-per-node"
# Its first line about a process that failed, in a log; from there on it speaks of itself.
TORCHRUN_SAYS = re.compile(r"^[EW]\d{4} .*torch/distributed/elastic.*(failed \(exitcode|Sending process)", re.MULTILINE)
LOG_FILE = "log.txt"
NICENESS = 10
TAIL = 16 * 1024  # bytes at the end of a file, where the last words are
SAME_START = 2.0  # seconds by which clocks may disagree on when a process began
NO_REASON = "it was ended from outside, or the computer went down"


@dataclass(frozen=True)
class Run:
    """One fine-tuning and its folder. `model` is shown to people, `source` opens it; `created` is ISO local time.

    pid, born: its process and when that began, seconds since 1970; None where the window died before it knew. name: the
    person's for it, "" for the folder's. resumed_at: bytes of events there were when it last went on. processes: how
    many train together, each on a GPU of its own; more than one are started by torchrun, whose process is the run's.
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
    processes: int = 1
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
        with suppress(psutil.Error, ProcessLookupError):
            if process is not None:
                family = [*process.children(recursive=True), process]
                if sys.platform != "win32" and os.getpgid(process.pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
                _kill(family)
        self.kill_orphans()

    def kill_orphans(self) -> None:
        """End what a killed torchrun has left: each of its processes leads a group of its own and would train on."""
        if self.processes > 1:
            alone = self.command[self.command.index(PROCESSES) + 2 :]
            listed = psutil.process_iter(["cmdline"])
            _kill([each for each in listed if tuple(each.info["cmdline"] or ())[-len(alone) :] == alone])

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


def start(
    data: Path,
    runs: Path,
    *,
    model: str,
    source: str,
    options: FineTuneOptions,
    device: str = "auto",
    processes: int = 1,
) -> Run:
    """Begin to fine-tune the model that `source` opens on a project folder or a COCO file, in a new folder in `runs`;
    with several processes as `torchrun` would, a batch for each.

    Returns at once; what goes wrong in the process is told by its log. Raises OSError where it cannot be started.
    """
    folder = _new_folder(runs)
    name = str(Path(source).resolve()) if Path(source).is_file() else source
    together = (*TORCHRUN, PROCESSES, str(processes)) if processes > 1 else ()
    command = (sys.executable, *together, str(MAIN), "fine-tune", str(data.resolve()), "--model", name)
    command += ("--out", str(folder), "--device", device, *flags(options))
    created = datetime.now().isoformat(timespec="seconds")
    chosen = json.loads(json.dumps(asdict(options)))
    run = Run(folder, model, name, created, chosen, command, processes=processes)
    try:
        return _begin(run)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def resume(run: Run) -> Run:
    """Go on with a run that was cut short. Returns at once. Raises OSError where it cannot be started."""
    run.kill_orphans()
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


def chosen_options(run: Run) -> FineTuneOptions | None:
    """What was chosen for a run; None where that is from another version and does not fit."""
    stored = {"precision": Precision.AUTO, **run.options}  # which runs of earlier versions do not name
    try:
        parsed = {
            "scale": tuple(stored["scale"]),
            "freeze": Freeze(stored["freeze"]),
            "precision": Precision(stored["precision"]),
        }
        return FineTuneOptions(**{**stored, **parsed})
    except (OptionsError, TypeError, KeyError, ValueError):
        return None


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
    """The error that a log ends with, without its "error: "; "" where it ends with none.

    Of several processes the first error counts: the others fail for want of the one that had it. What torchrun says of
    them, after their own words, is passed over.
    """
    end = TORCHRUN_SAYS.search(log)
    lines = [line.strip() for line in (log[: end.start()] if end else log).splitlines() if line.strip()]
    errors = [line for line in (lines if end else lines[-1:]) if line.startswith("error: ")]
    if errors:
        return errors[0].removeprefix("error: ")
    return lines[-1] if "Traceback (most recent call last):" in lines else ""


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
    environment.setdefault("OMP_NUM_THREADS", str(max(1, ((os.cpu_count() or 2) - 1) // run.processes)))
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        detached = {"creationflags": group | subprocess.DETACHED_PROCESS}
    with (run.folder / LOG_FILE).open("wb") as log:
        return subprocess.Popen(
            run.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, **detached
        )


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


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
