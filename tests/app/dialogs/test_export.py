"""The sheet before an export."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.dialogs.export import ExportDialog, problem_with


@pytest.fixture
def sheet(qtbot: QtBot, tmp_path: Path) -> ExportDialog:
    made = ExportDialog(tmp_path)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_exports_into_the_folder_unless_told_otherwise(qtbot: QtBot, sheet: ExportDialog, tmp_path: Path) -> None:
    assert not sheet._note.isVisible()
    with qtbot.waitSignal(sheet.export_wanted) as wanted:
        sheet._export.click()
    assert wanted.args == [tmp_path / "annotations.json", False]
    assert not sheet.isVisible()


def test_only_reviewed_images_are_an_option(qtbot: QtBot, sheet: ExportDialog, tmp_path: Path) -> None:
    sheet._reviewed.click()
    sheet._path.setText(f" {tmp_path / 'ä.json'} ")
    with qtbot.waitSignal(sheet.export_wanted) as wanted:
        sheet._export.click()
    assert wanted.args == [tmp_path / "ä.json", True]


def test_what_is_replaced_is_said(sheet: ExportDialog, tmp_path: Path) -> None:
    (tmp_path / "old.json").touch()
    sheet._path.setText(str(tmp_path / "old.json"))
    assert "will be replaced" in sheet._note.text()
    assert sheet._export.isEnabled()


def test_a_place_that_is_none_is_refused(sheet: ExportDialog, tmp_path: Path) -> None:
    sheet._path.setText(str(tmp_path / "<b>nowhere</b>" / "a.json"))
    assert f"There is no folder {tmp_path}/<b>nowhere</b>" in sheet._note.text()
    assert sheet._note.textFormat() is Qt.TextFormat.PlainText
    assert not sheet._export.isEnabled()


def test_problems_name_the_way_out(tmp_path: Path) -> None:
    assert problem_with("  ") == problem_with(str(tmp_path)) == "Name a file, such as annotations.json."
    assert "whole path" in problem_with("labels.json")
    assert problem_with(str(tmp_path / "labels.json")) == ""


def test_a_place_can_be_browsed_for(sheet: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([str(tmp_path / "mine"), ""])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (next(answers), ""))
    sheet._on_browse()
    assert sheet._path.text() == str(tmp_path / "mine.json")
    sheet._on_browse()
    assert sheet._path.text() == str(tmp_path / "mine.json")
