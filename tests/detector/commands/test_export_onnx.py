"""export-onnx, as a person runs it."""

import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "main.py"), "export-onnx", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("raw", [True, False])
def test_a_model_is_written_and_its_inputs_and_outputs_are_told(repository: Path, tmp_path: Path, raw: bool) -> None:
    out = tmp_path / "starter.onnx"
    done = run(repository, "starter", str(out), *(["--raw"] if raw else []))
    assert done.returncode == 0, done.stderr
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_outputs()]
    assert names == (["logits", "regression"] if raw else ["boxes", "scores", "classes", "anchors"])
    assert all(name in done.stdout for name in [*names, "images", "D0"])


def test_another_suffix_is_wrong_usage(repository: Path, tmp_path: Path) -> None:
    done = run(repository, "starter", str(tmp_path / "starter.pth"))
    assert done.returncode == 2
    assert ".onnx" in done.stderr


def test_a_folder_that_is_not_there_is_said_in_one_line(repository: Path, tmp_path: Path) -> None:
    done = run(repository, "starter", str(tmp_path / "nowhere" / "starter.onnx"), "--raw")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "nowhere" in done.stderr
