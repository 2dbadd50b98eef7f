"""Torch comes whole from a worker thread, and nobody has to wait for what loads."""

import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

from detector.loading import pausing

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, threading
from detector.loading import load_torch
assert "torch" not in sys.modules
thread = threading.Thread(target=load_torch)
thread.start()
thread.join()
assert "torch" in sys.modules
import torch
from torchvision.ops import nms
boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]])
assert nms(boxes, torch.tensor([0.5, 0.9, 0.3]), 0.5).tolist() == [1, 2]
load_torch()
"""


def test_torch_is_loaded_by_a_thread_and_works():
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_who_waits_for_something_to_load_can_leave():
    released, loaded = threading.Event(), []

    def load() -> str:
        assert released.wait(60)
        loaded.append(True)
        return "all"

    impatient, patient = pausing(load), pausing(load)
    for waiting in (impatient, patient):
        assert [next(waiting), next(waiting)] == [None, None]
    impatient.close()
    assert not loaded
    released.set()

    def wait() -> Generator[None, None, None]:
        got.append((yield from patient))

    got: list[str] = []
    assert set(wait()) <= {None}
    assert got == ["all"]
