"""The entry: a folder or file opens the window, a subcommand runs, and its name wins over a folder's."""

from pathlib import Path

import pytest
import typer.main

import main
from detector.cli import command_line
from detector.commands import COMMANDS


def test_the_entry_knows_every_subcommand():
    assert set(COMMANDS) == set(typer.main.get_command(command_line()).commands)


def test_a_folder_or_a_file_opens_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fusion").mkdir()
    (tmp_path / "photos").mkdir()
    assert main.is_place(["photos"])
    assert main.is_place([str(tmp_path)])
    assert not main.is_place(["fusion"])  # the subcommand
    assert not main.is_place(["nowhere"])  # the command line says what is wrong with it
    assert not main.is_place(["photos", "--model"])
