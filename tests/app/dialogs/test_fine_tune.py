"""The sheet before a fine-tuning."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.background.training_data_check import Compared
from app.background.training_pace import Pace
from app.dialogs.fine_tune import FineTuneDialog
from app.dialogs.fine_tune_findings import FindingList
from app.dialogs.fine_tune_options import ModelFacts
from app.dialogs.fine_tune_plan import FineTunePlan
from app.image_filter import ImageGroup
from app.models import ModelChoice
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.training_data import Fault, Finding, tabulate
from detector.model.variants import VARIANTS
from detector.training.options import FineTuneOptions, Freeze

GOOD = FineTunePlan(10, 2, 0, 3, 2, 0, 57, 2, 9, ("bolt", "<b>nut</b>"))
D0 = ModelFacts("D0 · COCO · 512 px", VARIANTS["d0"], 512)
PACES = (Pace("d0", 256, "CPU", 9.0), Pace("d0", 512, "CPU: 2 threads", 0.25), Pace("d0", 512, "CPU", 9.0))


@pytest.fixture
def sheet(qtbot: QtBot) -> FineTuneDialog:
    models = [ModelChoice("d0", D0.title), ModelChoice("/runs/<b>", "<b>")]
    made = FineTuneDialog(GOOD, D0, models=models, source="d0", paces=PACES)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_says_what_will_happen(sheet: FineTuneDialog) -> None:
    assert sheet._summary.text() == GOOD.summary()
    assert sheet._learnt.text() == GOOD.content()
    recipe = sheet.recipe
    assert recipe.quick.text() == "Quick: 4 min on this CPU"
    assert recipe.full.text() == "Full: about 13 min on this CPU"
    assert recipe.full_words.text().startswith("Every layer of D0 learns at 512 px: 400 steps of 8 images")
    assert "CPU: 2 threads" in recipe.full_words.text()
    assert not sheet._problem.isVisible()
    for label in (sheet._summary, sheet._learnt, sheet._problem, recipe.quick_words, recipe.full_words, sheet._error):
        assert label.textFormat() is Qt.TextFormat.PlainText


def test_a_cpu_begins_with_quick_mode_and_the_full_training_is_one_click_away(
    qtbot: QtBot, sheet: FineTuneDialog
) -> None:
    assert sheet.recipe.quick.isChecked()
    assert sheet.form.options() == FineTuneOptions(quick=True)
    sheet.recipe.full.click()
    with qtbot.waitSignal(sheet.start_wanted) as wanted:
        sheet._start.click()
    assert wanted.args == [FineTuneOptions(), "d0", 0]
    assert not sheet.isVisible()


def test_the_keyboard_begins_at_the_choice(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    sheet.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is sheet.recipe.quick)
    qtbot.keyClick(sheet.recipe.quick, Qt.Key.Key_Down)
    assert sheet.recipe.full.isChecked()
    with qtbot.waitSignal(sheet.start_wanted) as wanted:
        qtbot.keyClick(sheet, Qt.Key.Key_Return)
    assert wanted.args[0] == FineTuneOptions()


def test_gpus_begin_with_the_full_training_on_all_of_them(qtbot: QtBot, qapp: QApplication) -> None:
    sheet = FineTuneDialog(GOOD, D0, paces=(Pace("d0", 512, "CUDA: A", 0.5),), gpus=2)
    qtbot.addWidget(sheet)
    sheet.show()
    assert sheet.recipe.full.isChecked()
    assert sheet.recipe.full.text() == "Full: about 13 min on 2 GPUs"  # 200 steps of 2 × 8 at 0.25 s
    assert "200 steps of 16 images" in sheet.recipe.full_words.text()
    assert sheet.form.steps.text() == "200, from the number of images"
    sheet._fold.click()
    assert sheet.form.gpus.isVisible()
    sheet.form.gpus.setValue(1)
    assert sheet.recipe.full.text() == "Full: about 27 min on this GPU"
    assert sheet.recipe.quick.text() == "Quick: 4 min on this GPU"
    with qtbot.waitSignal(sheet.start_wanted) as wanted:
        sheet._start.click()
    assert wanted.args == [FineTuneOptions(), "", 1]


def test_what_was_chosen_last_is_chosen_again(qtbot: QtBot, qapp: QApplication) -> None:
    quick = FineTuneOptions(quick=True, minutes=25, batch=4, scale=(0.4, 1.8), photometric=0.4, flip=False)
    full = FineTuneOptions(steps=60, learning_rate=2e-4, image_size=256, freeze=Freeze.BACKBONE, seed=3)
    strong = FineTuneOptions(any_orientation=True, scale=(0.4, 1.8), photometric=0.4, mosaic=0.3)
    for before in (quick, full, strong):
        sheet = FineTuneDialog(GOOD, D0, gpus=0, before=before)
        qtbot.addWidget(sheet)
        assert sheet.form.options() == before
        assert sheet.recipe.quick.isChecked() is before.quick


def test_advanced_options_are_taken(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    sheet.recipe.full.click()
    low = sheet.height()
    sheet._fold.click()
    assert sheet.form.isVisible()
    assert not sheet.form.gpus.isVisible()
    assert sheet.height() > low
    sheet.form.steps.setValue(60)
    sheet.form.batch.setValue(4)
    sheet.form.image_size.setValue(256)
    sheet.form.seed.setValue(7)
    sheet.form.rate.setText("2e-4")
    sheet.form.strength.setCurrentIndex(3)
    for box in (sheet.form.freeze, sheet.form.any_orientation, sheet.form.flip):
        box.click()
    assert sheet.recipe.full.text() == "Full: about 18 min on this CPU"
    assert "All but the backbone of D0 learns at 256 px: 60 steps of 4 images" in sheet.recipe.full_words.text()
    with qtbot.waitSignal(sheet.start_wanted) as wanted:
        sheet._start.click()
    assert wanted.args == [
        FineTuneOptions(
            steps=60, batch=4, learning_rate=2e-4, image_size=256,
            freeze=Freeze.BACKBONE, seed=7, flip=False, any_orientation=True,
            scale=(0.4, 1.8), photometric=0.4, mosaic=0.3,
        ),
        "d0",
        0,
    ]  # fmt: skip


def test_steps_come_from_the_images_until_they_are_named(sheet: FineTuneDialog) -> None:
    sheet.recipe.full.click()
    assert sheet.form.steps.text() == "400, from the number of images"
    sheet.form.batch.setValue(4)
    assert sheet.form.steps.text() == "800, from the number of images"


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [("image_size", 500, "use a multiple of 128"), ("rate", "fast", "no learning rate"), ("rate", "-1", "above 0")],
)
def test_what_does_not_fit_is_said_in_place(sheet: FineTuneDialog, field: str, value: object, error: str) -> None:
    widget = getattr(sheet.form, field)
    before = widget.value() if field == "image_size" else widget.text()
    set_value = widget.setValue if field == "image_size" else widget.setText
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
    assert not sheet.recipe.isVisible()
    assert not sheet._fold.isVisible()
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
    assert sheet.form.image_size.text() == "the model's"
    assert sheet.form.options(quick=False) == FineTuneOptions()
    assert sheet.recipe.full.text() == "Full, on this CPU"
    assert "the first run at this size will tell" in sheet.recipe.full_words.text()


def test_nothing_is_cut_off(sheet: FineTuneDialog) -> None:
    for label in (sheet._summary, sheet._learnt, sheet.recipe.quick_words, sheet.recipe.full_words):
        assert label.height() >= label.heightForWidth(label.width())


def test_a_budget_of_time_takes_the_place_of_steps(sheet: FineTuneDialog) -> None:
    sheet.recipe.full.click()
    sheet.form.steps.setValue(60)
    sheet.form.minutes.setValue(7)
    assert not sheet.form.steps.isEnabled()
    assert sheet.recipe.full.text() == "Full: 7 min on this CPU"
    assert sheet.form.options() == FineTuneOptions(minutes=7)
    sheet.recipe.quick.click()
    assert sheet.form.minutes.value() == 0  # each way has a time of its own
    sheet.form.minutes.setValue(3)
    assert sheet.recipe.quick.text() == "Quick: 3 min on this CPU"
    sheet.recipe.full.click()
    assert sheet.form.minutes.value() == 7
    sheet.form.minutes.setValue(0)
    assert sheet.form.options() == FineTuneOptions(steps=60)


def test_quick_mode_takes_longer_for_more_images_unless_a_time_was_chosen(sheet: FineTuneDialog) -> None:
    for train, minutes in ((55, 6), (412, 10), (0, 4)):
        sheet.set_plan(replace(GOOD, train=train))
        assert sheet.form.minutes.text() == f"{minutes} min, from the number of images"
        assert sheet.recipe.quick.text() == f"Quick: {minutes} min on this CPU"
        assert sheet.form.options() == FineTuneOptions(quick=True)
    sheet.form.minutes.setValue(3)
    sheet.set_plan(replace(GOOD, train=412))
    assert sheet.form.options() == FineTuneOptions(quick=True, minutes=3)
    sheet.form.minutes.setValue(0)
    assert sheet.recipe.quick.text() == "Quick: 10 min on this CPU"
    assert sheet.form.options() == FineTuneOptions(quick=True)
    sheet.form.set_options(FineTuneOptions(quick=True, minutes=0.4))
    assert sheet.form.options() == FineTuneOptions(quick=True, minutes=1)


def test_unfolding_does_not_push_the_buttons_off_the_screen(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    screen = sheet.screen().availableGeometry()
    sheet.move(sheet.x(), screen.bottom() - sheet.height())
    sheet._fold.click()
    qtbot.waitUntil(lambda: screen.contains(sheet.frameGeometry()))
    place = sheet._start.mapToGlobal(sheet._start.rect().bottomLeft())
    assert screen.contains(place)


def test_quick_mode_leaves_out_what_it_cannot_do(sheet: FineTuneDialog) -> None:
    sheet.form.freeze.setChecked(True)
    sheet.form.strength.setCurrentIndex(3)
    assert not sheet.form.freeze.isEnabled()
    assert not sheet.form.steps.isEnabled()
    assert sheet.form.steps.text() == "as many as the time allows"
    assert sheet.form.minutes.text() == "4 min, from the number of images"
    assert not sheet._error.isVisible()
    assert sheet.form.options() == FineTuneOptions(quick=True, scale=(0.4, 1.8), photometric=0.4)


def test_another_start_brings_its_size(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    with qtbot.waitSignal(sheet.model_chosen) as chosen:
        sheet.form.model.setCurrentIndex(1)
    assert chosen.args == ["/runs/<b>"]
    sheet.set_model(ModelFacts("<b> · D1 · 640 px", VARIANTS["d1"], 640))
    assert sheet._from.text() == "From <b> · D1 · 640 px"
    assert sheet.form.options().image_size is None
    assert sheet.recipe.full.text() == "Full: about 33 min on this CPU"  # 6.1 / 2.5 of D0's
    said = sheet.recipe.full_words.text()
    assert said.startswith("Every layer of D1 learns at 640 px")
    assert said.endswith("roughly, judged by an earlier run of D0 at 512 px (CPU: 2 threads).")
    with qtbot.waitSignal(sheet.start_wanted) as wanted:
        sheet._start.click()
    assert wanted.args == [FineTuneOptions(quick=True), "/runs/<b>", 0]


# What the check of the data found

SMALL = (0.0, 0.0, 10.0, 10.0)  # of 1000 px: small at 512 px, not at 896


def small_objects(number: int = 12) -> Dataset:
    images = tuple(ImageEntry(place, f"{place}.jpg", 1000, 1000) for place in range(number))
    return Dataset(images, (ObjectClass(1, "<b>nut</b>"),), tuple(Box(place, 1, SMALL) for place in range(number)))


def ways(sheet: FineTuneDialog) -> dict[str, QPushButton]:
    (found,) = sheet.findChildren(FindingList)
    return {button.text(): button for button in found.findChildren(QPushButton) if button.isVisible()}


def test_small_objects_lead_to_a_larger_size(sheet: FineTuneDialog) -> None:
    low = sheet.height()
    sheet.set_training_data(tabulate(small_objects(), None))
    assert sheet.height() > low
    assert list(ways(sheet)) == ["Show 12 images", "Use 896 px"]
    assert sheet._area.verticalScrollBar().maximum() == 0  # nothing is cut off
    ways(sheet)["Use 896 px"].click()
    assert sheet.form.image_size.value() == 896
    assert ways(sheet) == {}
    assert sheet._start.isEnabled()


def test_findings_are_shown_in_the_list_of_images(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    sheet.set_training_data(tabulate(small_objects(3), None))
    texts = [label.text() for label in sheet._findings.findChildren(QLabel) if label.isVisible() and label.text()]
    assert any("3 of “<b>nut</b>”" in text for text in texts)
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in sheet._findings.findChildren(QLabel)[1::2])
    buttons = [button for button in sheet._findings.findChildren(QPushButton) if button.text() == "Show 3 images"]
    with qtbot.waitSignal(sheet.images_wanted) as wanted:
        buttons[0].click()
    assert wanted.args == [ImageGroup("Few boxes", frozenset(range(3)))]
    assert not sheet.isVisible()


def test_near_duplicates_can_be_moved_to_one_side(qtbot: QtBot, sheet: FineTuneDialog) -> None:
    sheet.set_compared(Compared(100, 4000))
    assert sheet._checking.text() == "Comparing pictures: 100 of 4,000"
    assert sheet._checking.isVisible()
    sheet.set_near_duplicates(
        Finding(Fault.NEAR_DUPLICATES, "2 look like others.", (1, 2, 5, 6), groups=((1, 5), (2, 6)))
    )
    assert not sheet._checking.isVisible()
    with qtbot.waitSignal(sheet.one_side_wanted) as wanted:
        ways(sheet)["Move them to one side"].click()
    assert wanted.args == [((1, 5), (2, 6))]
    sheet.set_training_data(tabulate(Dataset((), (), ()), None))
    sheet.set_near_duplicates(None)
    assert ways(sheet) == {}
