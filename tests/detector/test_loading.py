"""Torch comes whole from a worker thread."""

import subprocess
import sys
from pathlib import Path

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
