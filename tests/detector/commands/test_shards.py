"""auto-label in two processes: one result, as one process would write it, and no waiting for one that is gone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from detector.commands import shards

LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
BROKEN = ("1.png", "4.png")  # one for each process
LEAVES = "import os; from detector.commands.shards import shards; shards().__enter__(); os._exit(9)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven pictures, two of them broken."""
    made = tmp_path / "pictures"
    made.mkdir()
    rng = np.random.default_rng(0)
    for number in range(7):
        Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8)).save(made / f"{number}.png")
    for name in BROKEN:
        (made / name).write_bytes(b"no picture")
    return made


def arguments(folder: Path, *more: object) -> list[str]:
    given = ("main.py", "auto-label", folder, "--model", "starter", "--device", "cpu", "--score", 0.05, *more)
    return list(map(str, given))


def run(command: list[str], repository: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=repository)


def test_two_processes_write_what_one_does_and_list_all_broken_files(
    folder: Path, tmp_path: Path, repository: Path
) -> None:
    outs = tmp_path / "one.json", tmp_path / "two.json"
    for out, start in zip(outs, ([sys.executable], LAUNCHER), strict=True):
        done = run([*start, *arguments(folder, "--out", out)], repository)
        assert done.returncode == 0, done.stderr
        said = done.stderr.splitlines()
        assert [next(name for name in BROKEN if name in line) for line in said if line.startswith("error:")] == [
            *BROKEN
        ]
        assert "2 of 7 images could not be read; they are left out." in said
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_process_that_ends_early_is_an_error_and_nobody_waits_for_it(
    folder: Path, tmp_path: Path, repository: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    commands = [sys.executable, *arguments(folder, "--out", tmp_path / "labels.json")], [sys.executable, "-c", LEAVES]
    first, second = (
        subprocess.Popen(
            command,
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": str(repository)},
            stderr=subprocess.PIPE,
            text=True,
            cwd=repository,
        )
        for rank, command in enumerate(commands)
    )
    _, said = first.communicate(timeout=240)
    second.communicate(timeout=60)
    assert first.returncode == 1
    assert {
        "error: Another of the processes ended before its share was done; see what it said.",
        "error: The processes did not all find each other; see what the others said.",  # it left as they met
    } & set(said.splitlines())
    assert not (tmp_path / "labels.json").exists()


@pytest.mark.parametrize(
    ("wanted", "devices", "expected"),
    [
        ("auto", 2, ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]),
        ("cuda", 8, ["cuda:0", "cuda:1", "cuda:2", "cuda:3", "cuda:4"]),
        ("auto", 0, ["auto"] * 5),
        ("cuda:1", 2, ["cuda:1"] * 5),
        ("cpu", 2, ["cpu"] * 5),
    ],
)
def test_processes_take_the_gpus_in_turn(
    wanted: str, devices: int, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(shards, "is_cpu", lambda name: name == "cpu")
    found = []
    for rank in range(5):
        monkeypatch.setenv("LOCAL_RANK", str(rank))
        found.append(shards.own_device(wanted))
    assert found == expected


def test_a_project_is_left_to_one_process(folder: Path, repository: Path) -> None:
    command = [sys.executable, *arguments(folder)[:5], "--into-project"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=repository, env={**os.environ, "WORLD_SIZE": "2"}
    )
    assert done.returncode == 2
    assert "leave torchrun or --into-project out" in " ".join(done.stderr.split())
