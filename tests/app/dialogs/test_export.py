"""The sheet before an export."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.background.exporting import ExportWish
from app.dialogs.export import ExportDialog, problem_with
from detector.data.formats import Written


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
        sheet.confirm.click()
    assert wanted.args == [ExportWish(tmp_path / "annotations.json")]
    assert not sheet.isVisible()


def test_only_reviewed_images_are_an_option(qtbot: QtBot, sheet: ExportDialog, tmp_path: Path) -> None:
    sheet._reviewed.click()
    sheet._path.setText(f" {tmp_path / 'ä.json'} ")
    with qtbot.waitSignal(sheet.export_wanted) as wanted:
        sheet.confirm.click()
    assert wanted.args == [ExportWish(tmp_path / "ä.json", reviewed_only=True)]


def test_what_is_replaced_is_said(sheet: ExportDialog, tmp_path: Path) -> None:
    (tmp_path / "old.json").touch()
    sheet._path.setText(str(tmp_path / "old.json"))
    assert "will be replaced" in sheet._note.text()
    assert sheet.confirm.isEnabled()


def test_a_place_that_is_none_is_refused(sheet: ExportDialog, tmp_path: Path) -> None:
    sheet._path.setText(str(tmp_path / "<b>nowhere</b>" / "a.json"))
    assert f"There is no folder {tmp_path}/<b>nowhere</b>" in sheet._note.text()
    assert sheet._note.textFormat() is Qt.TextFormat.PlainText
    assert not sheet.confirm.isEnabled()


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


def test_other_formats_go_into_a_new_folder_beside_that_of_the_pictures(
    qtbot: QtBot, sheet: ExportDialog, tmp_path: Path
) -> None:
    for box in (sheet.by_side, sheet.predictions, sheet.copy_images):
        box.click()
    sheet.formats[Written.YOLO].click()
    assert not sheet.by_side.isVisible()  # it has sides of its own
    with qtbot.waitSignal(sheet.export_wanted) as wanted:
        sheet.confirm.click()
    place = tmp_path.with_name(f"{tmp_path.name}-yolo")
    assert wanted.args == [ExportWish(place, Written.YOLO, copy_images=True)]


def test_coco_may_be_several_files(qtbot: QtBot, sheet: ExportDialog, tmp_path: Path) -> None:
    (tmp_path / "annotations-val.json").touch()
    sheet.by_side.click()
    sheet.predictions.click()
    assert sheet._note.text().startswith("annotations-val.json is there already and will be replaced")
    with qtbot.waitSignal(sheet.export_wanted) as wanted:
        sheet.confirm.click()
    assert wanted.args == [ExportWish(tmp_path / "annotations.json", by_side=True, predictions=True)]


def test_a_name_of_the_person_s_own_stays_when_the_format_changes(sheet: ExportDialog, tmp_path: Path) -> None:
    sheet.formats[Written.VOC].click()
    sheet.formats[Written.COCO].click()
    assert sheet._path.text() == str(tmp_path / "annotations.json")
    sheet._path.setText(str(tmp_path / "mine"))
    sheet.formats[Written.VOC].click()
    assert sheet._path.text() == str(tmp_path / "mine")


def test_copies_never_go_into_the_project(sheet: ExportDialog, tmp_path: Path) -> None:
    sheet.copy_images.click()
    assert sheet.confirm.isEnabled()  # beside the pictures themselves nothing is copied
    sheet.formats[Written.VOC].click()
    sheet._path.setText(str(tmp_path / "new"))
    assert "twice" in sheet._note.text()
    assert not sheet.confirm.isEnabled()
    assert problem_with(str(tmp_path), Written.YOLO) == ""
    (tmp_path / "x").touch()
    assert "is there already; name a new folder" in problem_with(str(tmp_path), Written.YOLO)
