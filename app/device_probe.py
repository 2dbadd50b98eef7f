"""Which device models will run on, found out in a child process: the window does not load torch for it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUESTION = "import sys; from detector.device import describe, pick; print(describe(pick(sys.argv[1])))"
TICK = 0.2  # seconds


def probe(wanted: str) -> Iterator[str]:
    """In a worker: the device in words, once it is known; empty words until then, and never where nothing is found."""
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
