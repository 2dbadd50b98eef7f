"""The sheet before predictions are imported says whose they are and what does not come in."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.dialogs.import_predictions import ImportPredictionsDialog, facts, warnings
from detector.data.problems import Problem
from detector.data.project.importing_predictions import Naming, ReadyPredictions
from detector.data.results import Result

RESULT = Result(7, 3, (1, 2, 3, 4), 0.5)
READY = ReadyPredictions(
    source=Path("/data/<b>found</b>.json"),
    naming=Naming.EXPORTED,
    found={1: [RESULT] * 3, 2: [RESULT]},
    classes={},
    named={"bolt": 1, "nut": 3},
    entries=9,
    unknown_images=(43, "x"),
    unknown_categories=(5,),
    left_out=(Problem("entry 7: bbox [1, 2, 0, 5] has no area"),),
)


def test_it_says_what_comes_in_and_what_does_not() -> None:
    assert facts(READY) == ["4 boxes with scores on 2 images of this folder.", "2 classes: nut (3), bolt (1)."]
    origin, *rest = warnings(READY)
    assert origin.startswith("No COCO file was imported, so ")
    assert rest == [
        "5 boxes are left out. 2 images of the file have no picture here, such as 43; "
        "1 category number belongs to no class here: 5.",
        "1 entry cannot be used, such as entry 7: bbox [1, 2, 0, 5] has no area.",
    ]
    plain = replace(READY, naming=Naming.NAMES, entries=4, unknown_images=(), unknown_categories=(), left_out=())
    assert facts(plain)[2].startswith("Images are told by the names of their pictures")
    assert warnings(plain) == []


def test_the_predictions_are_wanted_or_not(qtbot: QtBot) -> None:
    for press, expected in ((Qt.Key.Key_Return, [READY]), (Qt.Key.Key_Escape, [])):
        sheet = ImportPredictionsDialog(READY)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(sheet)
        sheet.show()
        wanted: list[ReadyPredictions] = []
        sheet.import_wanted.connect(wanted.append)
        qtbot.keyClick(sheet, press)
        assert wanted == expected
        assert not sheet.isVisible()


def test_names_are_plain_text(qtbot: QtBot) -> None:
    sheet = ImportPredictionsDialog(READY)
    qtbot.addWidget(sheet)
    formats = {label.textFormat() for label in sheet.findChildren(QLabel) if "<" in label.text()}
    assert formats == {Qt.TextFormat.PlainText}
