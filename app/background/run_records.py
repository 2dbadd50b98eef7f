"""The runs of a project, looked back on: what each began with and came to."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.background.training_process import Run, list_runs
from detector.events import CheckpointSaved, Evaluated, RunFinished, RunStarted, StepDone, from_json
from detector.training.run_folder import BEST, EVENTS, LAST

TAIL = 64 * 1024  # bytes at the end of the events in which the newest of each kind is looked for


@dataclass(frozen=True)
class RunRecord:
    """A run: `started`, `finished`: its first and last event, None where it did not come so far; `step`: steps done;
    `before`, `after`: AP of the model that it began with and of its best one; `checkpoint`: the best one, else the last
    one, None where there is none; `alive`: whether it is under way.
    """

    run: Run
    started: RunStarted | None
    finished: RunFinished | None
    step: int
    before: float | None
    after: float | None
    checkpoint: Path | None
    alive: bool

    @property
    def can_go_on(self) -> bool:
        """Whether it was cut short and has kept where it was."""
        reason = self.finished.reason if self.finished else "cut short"
        return not self.alive and reason in ("cut short", "stopped") and (self.run.folder / LAST).exists()


def read_records(runs: Path) -> Iterator[list[RunRecord]]:
    """In a worker: all runs, newest first."""
    yield [_record(run) for run in list_runs(runs)]


def _record(run: Run) -> RunRecord:
    started: RunStarted | None = None
    finished: RunFinished | None = None
    step, before, after = 0, None, None
    for event in _ends_of(run.folder / EVENTS):
        match event:
            case RunStarted():
                started, finished, step = started or event, None, max(step, event.step)
            case StepDone() | CheckpointSaved():
                step = max(step, event.step)
            case Evaluated():
                step, ap = max(step, event.step), event.metrics.get("AP")
                before = ap if event.step == 0 else before
                after = max(after or 0.0, ap) if event.step and ap is not None else after
            case RunFinished():
                finished, step = event, event.step
                before, after = event.start_metrics.get("AP", before), event.metrics.get("AP", after)
    found = (path for name in (BEST, LAST) if (path := run.folder / name).exists())
    return RunRecord(run, started, finished, step, before, after, next(found, None), run.is_alive())


def _ends_of(path: Path) -> Iterator[object]:
    """The first events of a run, and its last ones."""
    with suppress(OSError), path.open("rb") as file:
        head = file.read(TAIL)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(head), size - TAIL))
        for line in (head + file.read()).split(b"\n"):
            if (event := from_json(line)) is not None:
                yield event
