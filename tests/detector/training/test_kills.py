"""A run that is killed again and again, each time resumed, ends with the weights of one that was left alone."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from detector.model.checkpoint import load
from detector.training.run_folder import BEST, EVENTS, LAST

MAIN = Path(__file__).parents[3] / "main.py"
LONG = 300.0  # seconds for a run on a busy machine


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    images, boxes = [], []
    for number in range(1, 5):
        Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(tmp_path / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 128, "height": 96})
        bbox = [10, 10, 40 + 5 * number, 50]
        area = bbox[2] * bbox[3]
        boxes.append({"id": number, "image_id": number, "category_id": 1, "bbox": bbox, "area": area, "iscrowd": 0})
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "bolt"}]}))
    return path


def start(data: Path, out: Path, steps: int, *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, MAIN, "fine-tune", data, "--model", "phi-1", "--from-scratch", "--out", out]
    command += ["--image-size", "128", "--batch", "2", "--steps", steps, "--device", "cpu", "--seed", "5", *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def steps_told(out: Path) -> int:
    """How many steps the events tell, those of earlier attempts included."""
    path = out / EVENTS
    return path.read_text("utf-8", errors="replace").count('"StepDone"') if path.exists() else 0


def kill_after(child: subprocess.Popen[bytes], out: Path, steps: int, delay: float) -> bool:
    """Kill a run so many further steps and seconds into it, on its way up where steps is 0; whether it still ran."""
    before, deadline = steps_told(out), time.monotonic() + LONG
    while child.poll() is None and steps_told(out) < before + steps:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(delay)
    alive = child.poll() is None
    child.kill()
    child.communicate()
    return alive


def check_usable(out: Path) -> None:
    """Whatever checkpoint is there opens and holds numbers."""
    for path in (out / BEST, out / LAST):
        if path.exists():
            tensors = load(path).network.state_dict().values()
            assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors if tensor.is_floating_point())


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_run_killed_and_resumed_ends_with_the_same_weights(data: Path, tmp_path: Path, kills: int) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    steps = 18 + 3 * kills  # more than the attempts up to the last kill get done
    left_alone = start(data, whole, steps)

    chance, done = random.Random(kills), 0
    while done < kills:
        resumed = ("--resume",) if (cut / "frozen-train.json").exists() else ()
        child = start(data, cut, steps, *resumed)
        assert kill_after(child, cut, chance.randint(0, 3), chance.uniform(0, 0.3))
        done += 1
        check_usable(cut)
    child = start(data, cut, steps, "--resume")
    _, said = child.communicate(timeout=LONG)
    assert child.returncode == 0, said.decode()

    _, said = left_alone.communicate(timeout=LONG)
    assert left_alone.returncode == 0, said.decode()
    for name in (BEST, LAST):
        expected, found = load_file(whole / name), load_file(cut / name)
        assert all(torch.equal(expected[key], found[key]) for key in expected), name
    assert not list(cut.glob("*.part")), "what kills left half-written is swept away"
