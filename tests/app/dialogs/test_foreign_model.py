"""The sheet that asks what a foreign model's file does not say: exactly that, with nothing chosen beforehand."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPlainTextEdit, QPushButton, QRadioButton
from pytestqt.qtbot import QtBot

from app.dialogs.foreign_model import ForeignModelDialog, count_text, head_text
from detector.model.foreign import EFFDET_NAMING, ZYLO_NAMING
from detector.model.foreign_file import ForeignFile

KEY = Qt.Key
D6_OR_D7 = ForeignFile(Path("best.pth"), EFFDET_NAMING, None, ("d6", "d7"), 3)
NAMELESS_COCO = ForeignFile(Path("best.pth"), ZYLO_NAMING, None, ("d0",), 90)
NAMED_VARIANT = ForeignFile(Path("tf_efficientdet_d0.pth"), EFFDET_NAMING, "d0", ("d0",), 3)


def sheet(qtbot: QtBot, file: ForeignFile) -> ForeignModelDialog:
    made = ForeignModelDialog(file)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(lambda: made.focusWidget() is not None and made.focusWidget().hasFocus())
    return made


def focused(made: ForeignModelDialog) -> QRadioButton | QPlainTextEdit | QPushButton:
    widget = made.focusWidget()
    assert isinstance(widget, QRadioButton | QPlainTextEdit | QPushButton)
    return widget


def texts(made: ForeignModelDialog) -> list[str]:
    return [label.text() for label in made.findChildren(QLabel) if label.isVisible()]


def test_all_is_asked_in_turn_and_answered_by_keys(qtbot: QtBot) -> None:
    made = sheet(qtbot, D6_OR_D7)
    assert not any(button.isChecked() for button in made.findChildren(QRadioButton))
    assert "Still open: variant, normalisation, class names" in texts(made)
    assert focused(made).text() == "D6: pictures of 1280 px, anchors of 4 × the stride"
    qtbot.keyClick(focused(made), KEY.Key_Down)
    assert "Still open: variant, normalisation, class names" in texts(made)
    qtbot.keyClick(focused(made), KEY.Key_Space)
    assert made.variants is not None
    assert made.variants.checkedButton().text() == "D7: pictures of 1536 px, anchors of 5 × the stride"
    qtbot.keyClick(focused(made), KEY.Key_Tab)
    qtbot.keyClick(focused(made), KEY.Key_Space)
    assert "Still open: class names" in texts(made)
    qtbot.keyClick(focused(made), KEY.Key_Tab)
    assert made.names is not None
    assert made.names.hasFocus()
    for name, told in (("bolt", "1 of 3 named"), ("hex nut", "2 of 3 named"), ("螺丝", "3 of 3 named")):
        assert not made.confirm.isEnabled()
        made.names.insertPlainText(f" {name}")  # as pasted: tests have no keys for all letters
        assert told in texts(made)
        if name != "螺丝":
            qtbot.keyClick(made.names, KEY.Key_Return)
    while focused(made) is not made.confirm:
        qtbot.keyClick(focused(made), KEY.Key_Tab)
    with qtbot.waitSignal(made.answered) as answered:
        qtbot.keyClick(made.confirm, KEY.Key_Space)
    assert answered.args == ["d7", ("bolt", "hex nut", "螺丝")]
    assert not made.isVisible()


def test_only_the_normalisation_is_asked_where_all_else_is_known(qtbot: QtBot) -> None:
    made = sheet(qtbot, NAMELESS_COCO)
    assert (made.variants, made.names) == (None, None)
    assert any("zylo117's format, D0 by its shapes, with 90 classes" in text for text in texts(made))
    assert not made.confirm.isEnabled()
    for button in made.findChildren(QRadioButton):
        button.click()
    with qtbot.waitSignal(made.answered) as answered:
        made.confirm.click()
    assert answered.args == ["d0_ap", None]


def test_only_the_names_are_asked_where_the_variant_is_said(qtbot: QtBot) -> None:
    made = sheet(qtbot, NAMED_VARIANT)
    assert (made.variants, made.normalisations) == (None, None)
    assert focused(made) is made.names
    assert any("D0 by its name, with 3 classes" in text for text in texts(made))
    assert made.names is not None
    made.names.setPlainText("a\n\n b \nc\nd")
    assert "4 names for 3 classes" in texts(made)
    assert not made.confirm.isEnabled()
    made.names.setPlainText("a\n\n b \nc\n")
    with qtbot.waitSignal(made.answered) as answered:
        made.confirm.click()
    assert answered.args == [None, ("a", "b", "c")]


def test_names_come_from_a_file(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, chosen = sheet(qtbot, NAMED_VARIANT), tmp_path / "names.txt"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(chosen), ""))
    load = next(button for button in made.findChildren(QPushButton) if button.text() == "Load from a file…")
    chosen.write_bytes(b"\xff\xfe\x00")
    load.click()
    assert any("names.txt cannot be read as a list of class names" in text for text in texts(made))
    assert not made.confirm.isEnabled()
    chosen.write_text("\ufeffbolt\r\nnut\r\n\r\nwasher", "utf-8")
    load.click()
    assert made.names is not None
    assert made.names.toPlainText() == "bolt\nnut\nwasher"
    assert "3 of 3 named" in texts(made)
    assert made.confirm.isEnabled()


def test_escape_answers_nothing(qtbot: QtBot) -> None:
    made = sheet(qtbot, NAMELESS_COCO)
    with qtbot.assertNotEmitted(made.answered):
        qtbot.keyClick(focused(made), KEY.Key_Escape)
    assert not made.isVisible()


def test_the_name_of_a_file_is_plain_text_and_no_answer_is_cut_off(qtbot: QtBot) -> None:
    made = sheet(qtbot, ForeignFile(Path("<b>&best.pth"), EFFDET_NAMING, None, ("d6", "d7"), 2))
    title = next(label for label in made.findChildren(QLabel) if "best" in label.text())
    assert title.textFormat() is Qt.TextFormat.PlainText
    assert all(button.sizeHint().width() <= button.width() for button in made.findChildren(QRadioButton))


def test_numbers_agree_with_their_nouns() -> None:
    one = ForeignFile(Path("best.pth"), EFFDET_NAMING, "d0_ap", ("d0",), 1)
    assert ", D0 by its name, with 1 class. " in head_text(one)
    assert count_text(0, 1) == ("0 of 1 named", "muted")
    assert count_text(1, 1) == ("1 of 1 named", "good")
    assert count_text(2, 1) == ("2 names for 1 class", "warning")
