"""bench: each engine measured, as a table and as JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SAMPLE = "resources/sample/images"


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "main.py", "bench", "--model", "starter", "--images", SAMPLE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=repository)


def test_both_engines_are_measured_on_the_cpu(repository: Path) -> None:
    done = run(repository, "--count", "4", "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    onnx, torch = json.loads(done.stdout)["engines"]
    assert "ONNX Runtime" in onnx["device"]
    assert "ONNX Runtime" not in torch["device"]
    assert onnx["export_seconds"] > 0
    assert torch["export_seconds"] is None
    for measured in (onnx, torch):
        check(measured, images=4)


def check(measured: dict[str, Any], *, images: int) -> None:
    assert measured["images"] == images
    for name in ("decode_ms", "resize_ms", "forward_ms", "images_per_second"):
        assert 0 < measured[name] < 1e5
    assert measured["post_ms"] >= 0
    assert measured["peak_mb"] > 50


def test_a_folder_that_is_not_there_is_said_in_one_line(repository: Path) -> None:
    done = run(repository, "--device", "cpu", "--images", "nowhere")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "nowhere" in done.stderr
