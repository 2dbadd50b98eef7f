"""Which device models will run on, found out in a child process: the window does not load torch for it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs

ROOT = Path(__file__).parents[2]
QUESTION = """
import sys
from detector.device import describe, gpus, pick
device = pick(sys.argv[1])
print(gpus(device), describe(device))
"""
TICK = 0.2  # seconds


class DeviceFinder(QObject):
    """Looks for the device that the person wants. found: it in words, and how many GPUs a training can use. missing:
    what was wanted and is not there.
    """

    found = Signal(str, int)
    missing = Signal(str)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._told = ""

    def look(self, wanted: str) -> None:
        """Find out where models will run: auto, cpu, cuda or mps is wanted."""
        if self._job:
            self._job.cancel()
        self._told = ""
        self._job = self._jobs.start(
            "Looking for the device",
            lambda: probe(wanted),
            on_events=self._on_told,
            on_done=lambda: self._on_done(wanted),
            outlives_project=True,
        )

    def _on_told(self, said: list[str]) -> None:
        number, _, self._told = said[-1].partition(" ")
        if self._told:
            self.found.emit(self._told, int(number))

    def _on_done(self, wanted: str) -> None:
        self._job = None
        if not self._told:
            self.missing.emit(wanted)


def probe(wanted: str) -> Iterator[str]:
    """In a worker: the number of GPUs and the device in words, once they are known; "" until then, and never where
    nothing is found.
    """
    command = [sys.executable, "-c", QUESTION, wanted]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        while True:
            try:
                answer, _ = child.communicate(timeout=TICK)
            except subprocess.TimeoutExpired:
                yield ""  # where the work can be cancelled
                continue
            if child.returncode == 0 and answer.strip():
                yield answer.strip()
            return
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
