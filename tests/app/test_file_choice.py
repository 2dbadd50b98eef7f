"""Opening what a person points at."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.file_choice import HEAD, FileChoice, pictures_beside


def coco(folder: Path, name: str, before: str = "") -> Path:
    file = folder / "labels.json"
    file.write_text(json.dumps({"info": before, "images": [{"id": 1, "file_name": name}]}), "utf-8")
    return file


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.parametrize("name", ["a.jpg", "b/“ü” \\.jpg"])
@pytest.mark.parametrize("within", ["", "images"])
def test_pictures_are_found_beside_the_file_that_names_them(tmp_path: Path, name: str, within: str) -> None:
    picture(tmp_path / within / name)
    assert pictures_beside(coco(tmp_path, name)) == tmp_path


@pytest.mark.parametrize(
    "content", [b"", b"[", b'{"images": []}', b'{"file_name": "\\q"}', b'{"file_name": "a\\u0000"}']
)
def test_what_names_no_picture_has_none_beside_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "labels.json"
    file.write_bytes(content)
    assert pictures_beside(file) is None


def test_a_path_that_leads_elsewhere_says_nothing_of_where_the_others_are(tmp_path: Path) -> None:
    folder = tmp_path / "annotations"
    folder.mkdir()
    for name in ("a.jpg", "annotations/a.jpg"):
        picture(tmp_path / name)
    for name in ("../a.jpg", str(folder / "a.jpg")):
        assert pictures_beside(coco(folder, name)) is None


def test_a_name_beyond_the_head_is_not_looked_for(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    assert pictures_beside(coco(tmp_path, "a.jpg", before=HEAD * " ")) is None


def test_where_the_pictures_are_is_asked_only_where_they_are_not_beside(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, projects = QWidget(), Mock()
    qtbot.addWidget(window)
    ask = Mock(return_value=str(tmp_path / "elsewhere"))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", ask)
    choice, file = FileChoice(projects, Mock(), window), coco(tmp_path, "a.jpg")
    choice.open_path(file)
    projects.open_coco.assert_called_with(file, tmp_path / "elsewhere")
    picture(tmp_path / "a.jpg")
    choice.open_path(file)
    projects.open_coco.assert_called_with(file, tmp_path)
    ask.assert_called_once()
    ask.return_value = ""
    (tmp_path / "a.jpg").unlink()
    choice.open_path(file)
    assert projects.open_coco.call_count == 2
