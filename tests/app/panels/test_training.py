"""The panel of training, from its first event to the choice between two models."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import theme
from app.background.run_watcher import RunState
from app.panels import training
from app.panels.training import TrainingPanel, View, load_plots
from app.panels.training_plots import TrainingPlots
from detector.events import (
    CheckpointSaved,
    Evaluated,
    RunFinished,
    RunStarted,
    SampleImage,
    SamplesFound,
    StepDone,
)

STARTED = RunStarted("d0", ("nut",), 512, 40, 30, 400, 8, "CPU: 2 threads")
STEPS = [StepDone(number, 2 - number / 100, 0.5, 0.5, 1e-3, 4.0) for number in range(1, 101)]
SAVED = CheckpointSaved(80, "last", "elsewhere/last.safetensors")
FOLDER = Path("/project/runs/1")


@pytest.fixture
def panel(qtbot: QtBot, qapp: QApplication) -> TrainingPanel:
    theme.apply(qapp, theme.LIGHT)
    made = TrainingPanel()
    made.plots_wanted.connect(made.show_plots)
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    return made


def plots(qtbot: QtBot, panel: TrainingPanel) -> TrainingPlots:
    """The curves, once they are there with all that came before them."""
    qtbot.waitUntil(lambda: panel._plots is not None and bool(panel._plots.ap_title.text()))
    return panel._plots


def end(panel: TrainingPanel, before: float, after: float) -> None:
    panel.set_run(FOLDER, model="D0")
    best = "elsewhere/best.safetensors"
    panel.add_events([STARTED, *STEPS, RunFinished(400, "done", 9.0, best, {"AP": after}, {"AP": before})])
    panel.set_state(RunState.FINISHED)


def test_without_a_run_it_explains_itself(panel: TrainingPanel) -> None:
    assert panel._pages.currentIndex() == 0
    panel.set_run(FOLDER, model="D0")
    assert panel._pages.currentIndex() == 1
    panel.set_run(None)
    assert panel._pages.currentIndex() == 0


def test_curves_follow_the_events(qtbot: QtBot, panel: TrainingPanel) -> None:
    panel.set_run(FOLDER, model="<b>D0</b>")
    assert panel._title.text() == "Fine-tuning <b>D0</b>"
    panel.add_events([STARTED, Evaluated(0, {"AP": 0.25}), *STEPS[:40], Evaluated(40, {"AP": 0.5})])
    panel.set_state(RunState.RUNNING)
    shown = plots(qtbot, panel)
    assert shown.raw_curve.getData()[0].tolist() == list(range(1, 41))
    assert shown.ap_curve.getData()[1].tolist() == [0.25, 0.5]
    assert (shown.start_line.isVisible(), shown.start_line.value()) == (True, 0.25)
    assert shown.ap_title.text() == "AP on the validation images  0.500 · start 0.250 (dashed)"
    assert panel._where.text() == "Training · step 40 of 400 · 4.0 images/s · 12 min left · CPU: 2 threads"
    assert (panel._bar.value(), panel._bar.maximum()) == (100, 1000)
    panel.add_events(STEPS[40:])
    assert shown.raw_curve.getData()[0].tolist() == list(range(1, 101))
    low, high = shown.loss.viewRange()[0]
    assert low <= 0
    assert high >= 400


def test_a_new_run_starts_from_nothing(qtbot: QtBot, panel: TrainingPanel) -> None:
    end(panel, 0.25, 0.5)
    panel.set_run(FOLDER, model="D1")
    assert panel.course.steps == []
    assert not panel._banner_row.isVisible()
    assert panel._stop.isVisible()
    assert not plots(qtbot, panel).start_line.isVisible()


def test_curves_take_the_theme(qtbot: QtBot, panel: TrainingPanel, qapp: QApplication) -> None:
    panel.set_run(FOLDER, model="D0")
    theme.apply(qapp, theme.DARK)
    assert plots(qtbot, panel).loss.backgroundBrush().color().name().upper() == theme.DARK.panel
    assert plots(qtbot, panel).loss_curve.opts["pen"].color().name().upper() == theme.DARK.accent
    theme.apply(qapp, theme.LIGHT)


def test_stopping_is_asked_for_and_after_a_while_killing(
    qtbot: QtBot, panel: TrainingPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "PATIENCE", 1)
    panel.set_run(FOLDER, model="D0")
    panel.set_state(RunState.RUNNING)
    with qtbot.waitSignal(panel.stop_wanted):
        panel._stop.click()
    assert not panel._kill.isVisible()
    panel.set_state(RunState.STOPPING)
    assert not panel._stop.isEnabled()
    qtbot.waitUntil(panel._kill.isVisible)
    with qtbot.waitSignal(panel.kill_wanted):
        panel._kill.click()
    panel.set_state(RunState.STOPPED)
    assert not panel._kill.isVisible()
    assert not panel._stop.isVisible()


def test_a_better_model_is_offered_first(qtbot: QtBot, panel: TrainingPanel) -> None:
    end(panel, 0.41, 0.58)
    assert panel.banner.text.text() == "AP 0.41 → 0.58 on your 30 validation images. Use the new model?"
    assert (panel.banner.use.property("role"), panel.banner.keep.property("role")) == ("primary", "")
    with qtbot.waitSignal(panel.use_wanted) as wanted:
        panel.banner.use.click()
    assert wanted.args == [FOLDER / "best.safetensors"]
    assert panel.verdict is None  # asked once
    panel.set_in_use(True)
    panel.set_state(RunState.FINISHED)
    said = "AP 0.41 → 0.58 on your 30 validation images. The new model is in use."
    assert panel.banner.text.text() == said
    with qtbot.waitSignal(panel.revert_wanted):
        panel.banner.revert.click()
    panel.set_in_use(False)
    assert panel.banner.text.text().endswith("The new model is not in use.")
    assert not panel.banner.revert.isVisible()
    with qtbot.waitSignal(panel.use_wanted):
        panel.banner.use.click()


def test_a_worse_model_is_not_pressed_upon_anyone(qtbot: QtBot, panel: TrainingPanel) -> None:
    end(panel, 0.58, 0.41)
    assert (panel.banner.use.property("role"), panel.banner.keep.property("role")) == ("", "primary")
    assert panel.banner.use.text() == "Use it anyway"
    with qtbot.waitSignal(panel.keep_wanted), qtbot.assertNotEmitted(panel.use_wanted):
        panel.banner.keep.click()
    assert panel.banner.text.text() == "AP 0.58 → 0.41 on your 30 validation images. The new model is not in use."
    assert (panel.banner.keep.isVisible(), panel.banner.use.isVisible()) == (False, True)


def test_after_a_death_the_last_checkpoint_is_offered(qtbot: QtBot, panel: TrainingPanel) -> None:
    panel.set_run(FOLDER, model="D0")
    panel.add_events([STARTED, *STEPS, SAVED])
    panel.set_state(RunState.DIED, reason="<b>No</b> space left on device")
    assert (
        "<b>No</b> space left on device. It can go on where it was (Runs, Go on). The last" in panel.banner.text.text()
    )
    with qtbot.waitSignal(panel.use_wanted) as wanted:
        panel.banner.use.click()
    assert wanted.args == [FOLDER / "last.safetensors"]


def test_a_choice_that_was_made_is_not_asked_again(panel: TrainingPanel) -> None:
    panel.set_run(FOLDER, model="D0", decided=True)
    panel.add_events([STARTED, SAVED])
    panel.set_state(RunState.DIED)
    assert panel.verdict is None
    assert panel.banner.text.text().endswith("The new model is not in use.")


def test_a_run_without_checkpoint_can_only_be_closed(qtbot: QtBot, panel: TrainingPanel) -> None:
    panel.set_run(FOLDER, model="D0")
    panel.set_state(RunState.DIED, reason="no boxes")
    assert not panel.banner.use.isVisible()
    with qtbot.waitSignal(panel.keep_wanted):
        panel.banner.keep.click()


def test_plots_are_asked_for_once_and_show_what_came_before_them(qtbot: QtBot) -> None:
    panel = TrainingPanel()
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.plots_wanted):
        panel.set_run(FOLDER, model="D0")
    panel.add_events([STARTED, *STEPS])
    assert list(load_plots()) == [None]
    panel.show_plots()
    panel.show_plots()
    first = plots(qtbot, panel)
    qtbot.waitUntil(lambda: first.raw_curve.getData()[0] is not None)
    assert first.raw_curve.getData()[0].tolist() == list(range(1, 101))
    with qtbot.assertNotEmitted(panel.plots_wanted):
        panel.set_run(FOLDER, model="D0")
    panel.show_plots()
    assert plots(qtbot, panel) is first


def test_views_are_a_click_away_and_ask_for_what_they_need(qtbot: QtBot, panel: TrainingPanel) -> None:
    sample = SampleImage("/p/a.jpg", ((1.0, 2.0, 3.0, 4.0),), (0.5,), ("nut",))
    panel.set_run(FOLDER, model="D0")
    with qtbot.assertNotEmitted(panel.pictures_wanted):
        panel.add_events([STARTED, Evaluated(0, {"AP": 0.1}, {"nut": 0.1}), SamplesFound(0, (sample,))])
    with qtbot.waitSignal(panel.pictures_wanted) as wanted:
        panel._chips[View.PICTURES].click()
    assert wanted.args == [["/p/a.jpg"]]
    assert panel.samples.isVisible()
    with qtbot.assertNotEmitted(panel.pictures_wanted):  # the same ones, found anew
        panel.add_events([SamplesFound(9, (replace(sample, scores=(0.9,)),))])
    assert panel.samples._samples[0].scores == (0.9,)
    panel._chips[View.CLASSES].click()
    assert panel._classes_page.currentIndex() == 0
    panel.add_events([Evaluated(9, {"AP": 0.3}, {"nut": 0.3})])
    assert panel._classes_page.currentIndex() == 1
    assert panel._classes.item(0, 3).text() == "+0.20"
    panel.set_thresholds({"nut": 0.45})
    assert panel._classes.item(0, 4).text() == "0.45"
    with qtbot.waitSignal(panel.runs_wanted):
        panel._chips[View.RUNS].click()
    assert panel.runs.isVisible()
    assert [chip.isChecked() for chip in panel._chips.values()] == [False, False, False, True]
    panel.set_run(FOLDER, model="D1")
    assert plots(qtbot, panel).isVisible()


def test_the_question_makes_room_for_the_table_of_runs(panel: TrainingPanel) -> None:
    end(panel, 0.41, 0.58)
    panel._chips[View.RUNS].click()
    assert not panel._banner_row.isVisible()
    panel._chips[View.CURVES].click()
    assert panel._banner_row.isVisible()
