"""The sheet before a fine-tuning."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import theme
from app.background.training_pace import Pace
from app.dialogs.fine_tune import FineTuneDialog, ModelFacts
from app.dialogs.fine_tune_plan import FineTunePlan
from detector.model.variants import VARIANTS
from detector.training.options import FineTuneOptions, Freeze

GOOD = FineTunePlan(10, 2, 0, 3, 2, 0, 57, 2, 9, ("bolt", "<b>nut</b>"))
D0 = ModelFacts("D0 · COCO · 512 px", VARIANTS["d0"], 512)
PACES = (Pace("d0", 256, "CPU", 9.0), Pace("d0", 512, "CPU: 2 threads", 0.25), Pace("d0", 512, "CPU", 9.0))


@pytest.fixture
def sheet(qtbot: QtBot, qapp: QApplication) -> FineTuneDialog:
    theme.apply(qapp, theme.LIGHT)
    made = FineTuneDialog(GOOD, D0, paces=PACES)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_says_what_will_happen(sheet: FineTuneDialog) -> None:
    assert sheet._summary.text() == GOOD.summary()
    assert sheet._lesson.text() == GOOD.lesson()
    assert sheet._effort.text().startswith("400 steps of 8 images: about 13 min")
    assert "CPU: 2 threads" in sheet._effort.text()
    assert not sheet._problem.isVisible()
    for label in (sheet._summary, sheet._lesson, sheet._problem, sheet._effort, sheet._error):
        assert label.textFormat() is Qt.TextFormat.PlainText


def test_start_gives_the_options(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    with qtbot.waitSignal(sheet.start_wanted) as wanted:
        sheet._start.click()
    assert wanted.args == [FineTuneOptions()]
    assert not sheet.isVisible()


def test_advanced_options_are_taken(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    low = sheet.height()
    sheet._fold.click()
    assert sheet._options_box.isVisible()
    assert sheet.height() > low
    sheet._steps.setValue(60)
    sheet._batch.setValue(4)
    sheet._size.setValue(256)
    sheet._seed.setValue(7)
    sheet._rate.setText("2e-4")
    for box in (sheet._freeze, sheet._any_orientation, sheet._flip):
        box.click()
    assert sheet._effort.text().startswith("60 steps of 4 images: about 36 min")
    with qtbot.waitSignal(sheet.start_wanted) as wanted:
        sheet._start.click()
    assert wanted.args == [
        FineTuneOptions(
            steps=60, batch=4, learning_rate=2e-4, image_size=256,
            freeze=Freeze.BACKBONE, seed=7, flip=False, any_orientation=True,
        )
    ]  # fmt: skip


def test_steps_come_from_the_images_until_they_are_named(sheet: FineTuneDialog) -> None:
    assert sheet._steps.text() == "400, from the number of images"
    sheet._batch.setValue(4)
    assert sheet._steps.text() == "800, from the number of images"


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [("_size", 500, "use a multiple of 128"), ("_rate", "fast", "no learning rate"), ("_rate", "-1", "above 0")],
)
def test_what_does_not_fit_is_said_in_place(sheet: FineTuneDialog, field: str, value: object, error: str) -> None:
    widget = getattr(sheet, field)
    before = widget.value() if field == "_size" else widget.text()
    set_value = widget.setValue if field == "_size" else widget.setText
    set_value(value)
    assert error in sheet._error.text()
    assert sheet._error.isVisible()
    assert not sheet._start.isEnabled()
    set_value(before)
    assert not sheet._error.isVisible()
    assert sheet._start.isEnabled()


def test_too_few_images_disable_start_until_vouched_for(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    sheet.set_plan(FineTunePlan(started=3))
    assert sheet._problem.isVisible()
    assert not sheet._start.isEnabled()
    assert not sheet._effort.isVisible()
    assert sheet._vouch.text() == "Vouch for the 3 started images"
    with qtbot.waitSignal(sheet.vouch_wanted):
        sheet._vouch.click()
    sheet.set_plan(replace(GOOD, started=0))
    assert sheet._start.isEnabled()
    assert not sheet._vouch.isVisible()
    assert not sheet._problem.isVisible()


def test_a_model_that_does_not_say_what_it_is_keeps_its_size(qtbot: QtBot, qapp: QApplication) -> None:
    sheet = FineTuneDialog(GOOD, ModelFacts("foreign.pth"), paces=PACES)
    qtbot.addWidget(sheet)
    assert sheet._size.text() == "the model's"
    assert sheet.options() == FineTuneOptions()
    assert "not known yet" in sheet._effort.text()


def test_nothing_is_cut_off(sheet: FineTuneDialog) -> None:
    for label in (sheet._summary, sheet._lesson, sheet._effort):
        assert label.height() >= label.heightForWidth(label.width())
