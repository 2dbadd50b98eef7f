"""The sheet before an import says what comes, and asks what becomes of what is there."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.dialogs.import_labels import ImportDialog, details, facts, here, warnings
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.formats import Format
from detector.data.problems import Problem
from detector.data.project.import_report import ClassFound, ImportReport, ReadyImport
from detector.data.project.importing import Mode

REPORT = ImportReport(
    source=Path("/data/<b>labels</b>.json"),
    format=Format.COCO,
    images=412,
    boxes=1204,
    matched=400,
    missing=tuple(f"gone{n}.png" for n in range(11)),
    ambiguous=("1.png",),
    classes=(ClassFound("parts", 0, True), ClassFound("nut", 1000, False), ClassFound("bolt", 204, True)),
    left_out=(Problem("annotation 7: bbox [1, 2, 0, 5] has no area", "a.png"),),
    odd=(Problem("2 boxes reach beyond the picture", "b.png", kept=True),),
    labelled=30,
    reviewed=12,
    boxes_here=77,
)
DATASET = Dataset(
    (ImageEntry(1, "a.png"),), (ObjectClass(1, "nut"), ObjectClass(2, "parts")), (Box(1, 1, (0, 0, 5, 5)),)
)


def sheet_of(report: ImportReport, qtbot: QtBot) -> ImportDialog:
    made = ImportDialog(ReadyImport(report, DATASET, {}))
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def sheet(qtbot: QtBot) -> ImportDialog:
    return sheet_of(REPORT, qtbot)


def test_it_says_what_the_labels_hold() -> None:
    assert facts(REPORT) == [
        "1,204 boxes on 412 images; 400 of these pictures are in this folder.",
        "3 classes, 2 of them new: nut (1,000), bolt (204), parts (0).",
    ]
    assert warnings(REPORT) == [
        "11 pictures not found, such as gone0.png.",
        "1 name fits several pictures, such as 1.png.",
        "1 entry cannot be used and will be left out.",
        "1 remark on what will be imported, in the details.",
    ]
    assert here(REPORT) == "30 of these images have labels here already. 12 are reviewed: adding leaves them alone."
    assert details(REPORT)[-4:] == [
        "Left out:",
        "  a.png: annotation 7: bbox [1, 2, 0, 5] has no area",
        "Imported, but worth a look:",
        "  b.png: 2 boxes reach beyond the picture",
    ]


def test_a_long_list_is_cut_off() -> None:
    many = replace(REPORT, missing=tuple(map(str, range(2000))), ambiguous=(), left_out=(), odd=())
    assert details(many)[-1] == "  … and 1,500 more"
    assert len(details(many)) == 502


def test_it_adds_unless_told_otherwise(qtbot: QtBot, sheet: ImportDialog) -> None:
    with qtbot.waitSignal(sheet.import_wanted) as wanted:
        sheet.confirm.click()
    assert wanted.args == [ReadyImport(REPORT, DATASET, {}), Mode.MERGE]
    assert not sheet.isVisible()


def test_it_replaces_and_leaves_out_unused_classes_where_that_is_wanted(qtbot: QtBot, sheet: ImportDialog) -> None:
    assert sheet.replace.text() == "Replace them: 77 boxes go"
    sheet.replace.click()
    sheet.drop.click()
    with qtbot.waitSignal(sheet.import_wanted) as wanted:
        sheet.confirm.click()
    ready, mode = wanted.args
    assert mode is Mode.REPLACE
    assert [item.name for item in ready.dataset.classes] == ["nut"]


def test_what_needs_no_question_is_not_asked(qtbot: QtBot) -> None:
    plain = replace(REPORT, labelled=0, reviewed=0, boxes_here=0, missing=(), ambiguous=(), left_out=(), odd=())
    sheet = sheet_of(replace(plain, classes=(ClassFound("nut", 5, True),), matched=412), qtbot)
    assert not sheet.merge.isVisible()
    assert not sheet.drop.isVisible()
    assert not sheet.fold.isVisible()
    assert facts(sheet._ready.report)[0].endswith("all of these pictures are in this folder.")


def test_details_unfold(sheet: ImportDialog) -> None:
    height = sheet.height()
    sheet.fold.click()
    assert sheet.details.isVisible()
    assert sheet.height() > height
    sheet.fold.click()
    assert sheet.height() == height


def test_names_are_plain_text(sheet: ImportDialog) -> None:
    assert {label.textFormat() for label in sheet.findChildren(QLabel) if "<" in label.text()} == {
        Qt.TextFormat.PlainText
    }
