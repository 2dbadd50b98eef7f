"""export-onnx, as a person calls it; that it works in a process of its own, the tests of the cache of graphs show."""

import sys
from pathlib import Path

import onnxruntime
import pytest
from typer.testing import CliRunner, Result

from detector.cli import command_line, run


def call(*arguments: object) -> Result:
    return CliRunner().invoke(command_line(), ["export-onnx", *map(str, arguments)])


@pytest.mark.parametrize("raw", [True, False])
def test_a_model_is_written_and_its_inputs_and_outputs_are_told(tmp_path: Path, raw: bool) -> None:
    out = tmp_path / "starter.onnx"
    done = call("starter", out, *(["--raw"] if raw else []))
    assert done.exit_code == 0, done.output
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_outputs()]
    assert names == (["logits", "regression"] if raw else ["boxes", "scores", "classes", "anchors"])
    assert all(name in done.stdout for name in [*names, "images", "D0"])


def test_another_suffix_is_wrong_usage(tmp_path: Path) -> None:
    done = call("starter", tmp_path / "starter.pth")
    assert done.exit_code == 2
    assert ".onnx" in done.stderr


def test_a_folder_that_is_not_there_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "nowhere" / "starter.onnx"
    monkeypatch.setattr(sys, "argv", ["main.py", "export-onnx", "starter", str(out), "--raw"])
    with pytest.raises(SystemExit, match="1"):
        run()
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere" in line
