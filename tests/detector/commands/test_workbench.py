"""Generated pictures go into a folder of their own."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from detector.cli import command_line
from detector.errors import OptionsError


@pytest.mark.parametrize("kept", ["labels.json", "images/0001.jpg"])
def test_what_a_folder_holds_is_not_overwritten(tmp_path: Path, kept: str) -> None:
    (tmp_path / kept).parent.mkdir(exist_ok=True)
    (tmp_path / kept).write_text("mine")
    arguments = ["workbench", str(tmp_path), "--count", "1", "--width", "64", "--height", "64"]
    with pytest.raises(OptionsError, match="is there already and would be overwritten; name a new folder"):
        CliRunner().invoke(command_line(), arguments, catch_exceptions=False)
    assert (tmp_path / kept).read_text() == "mine"
