"""The bar at the top: what gives way where it is narrow, and what the menu of models says."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMenu, QToolButton, QWidget, QWidgetAction
from pytestqt.qtbot import QtBot

from app.actions import Actions
from app.models import ModelChoice, ModelGroup
from app.panels.top_bar import CONTROL, PROGRESS, ROOMY, Progress, TopBar

STARTER = ModelChoice("starter", "Starter · D0 · 384 px")
ABSENT = ModelChoice("d4", "D4 <b>&</b> · COCO", missing="put d4.pth into <weights>")


@pytest.fixture
def bar(qtbot: QtBot) -> Iterator[TopBar]:
    owner = QWidget()
    qtbot.addWidget(owner)
    made = TopBar(Actions(owner, {}), QMenu(owner), owner)
    made.resize(1440, made.height())
    owner.show()
    yield made
    owner.close()


def test_a_narrow_bar_keeps_the_words_about_work(bar: TopBar):
    export = next(button for button in bar.findChildren(QToolButton) if button.text() == "Export")
    assert export.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    bar.resize(ROOMY - 1, bar.height())
    assert export.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly
    assert "Export" in export.toolTip()


def test_a_long_device_does_not_push_the_model_aside(bar: TopBar):
    bar.set_models([], STARTER)
    bar.set_device("CUDA: NVIDIA GeForce RTX 4070 Laptop GPU <b>", is_fallback=False)
    (device,) = (button for button in bar.findChildren(QToolButton) if button.text().startswith("●"))
    assert device.text() == "●  CUDA: NVIDIA GeForce RTX 4070 Laptop GPU <b>" or device.text().endswith("…")
    bar.resize(1280, bar.height())
    bar.layout().activate()
    assert device.text().endswith("…")
    assert device.text().startswith("●  CUDA")
    assert device.toolTip().endswith("CUDA: NVIDIA GeForce RTX 4070 Laptop GPU &lt;b&gt;</span>")
    assert bar.model_button.width() >= bar.model_button.sizeHint().width()
    bar.set_device("CPU: 4 threads, ONNX Runtime", is_fallback=True)
    assert device.text() == "●  CPU: 4 threads"


def test_nothing_moves_as_work_begins_and_ends(bar: TopBar):
    needed = bar.layout().minimumSize().width()
    buttons = [button for button in bar.findChildren(QToolButton) if button.isVisible()]
    before = [button.geometry() for button in buttons]
    bar.set_progress("Labelling 412 of 3,000 · 38/s · 1 min 8 s left" * 5, 0.14)
    progress = bar.findChild(Progress)
    assert progress.isVisible()
    assert PROGRESS[0] <= progress.width() <= PROGRESS[1]
    assert bar.layout().minimumSize().width() == needed
    assert [button.geometry() for button in buttons] == before
    assert {button.height() for button in buttons} == {CONTROL}
    bar.end_progress()
    assert not progress.isVisible()


def test_the_menu_of_models_has_headings_and_says_what_is_missing(bar: TopBar):
    bar.set_models([ModelGroup("Fine-tuned here", []), ModelGroup("Built in", [STARTER, ABSENT])], STARTER)
    rows = bar.model_button.menu().actions()
    headings = [row.defaultWidget() for row in rows if isinstance(row, QWidgetAction)]
    assert [label.text() for label in headings if isinstance(label, QLabel)] == ["Built in"]
    chosen, absent = (next(row for row in rows if row.text().startswith(name)) for name in ("Starter", "D4"))
    assert chosen.isChecked()
    assert not absent.isEnabled()
    assert absent.text() == "D4 <b>&&</b> · COCO\tnot here"
    assert absent.toolTip() == "<span>put d4.pth into &lt;weights&gt;</span>"
    assert bar.model_button.text() == "Starter · D0 · 384 px"


def test_what_can_be_fetched_can_be_chosen_and_is_not_marked(bar: TopBar, qtbot: QtBot):
    fetchable = ModelChoice("d4", "D4 · COCO", missing="fetch 84 MB", megabytes=84)
    bar.set_models([ModelGroup("Built in", [STARTER, fetchable])], fetchable)
    chosen, absent = (row for row in bar.model_button.menu().actions() if row.text().startswith(("Starter", "D4")))
    assert absent.text() == "D4 · COCO\tdownload 84 MB"
    with qtbot.waitSignal(bar.model_chosen) as asked:
        absent.trigger()
    assert asked.args == ["d4"]
    assert not absent.isChecked()
    assert not chosen.isChecked()


def test_a_folded_group_is_a_menu_of_its_own(bar: TopBar, qtbot: QtBot):
    fetchable = ModelChoice("d4_ap", "D4 AdvProp · COCO", missing="fetch 84 MB", megabytes=84)
    here = ModelChoice("d3_ap", "D3 AdvProp · COCO")
    bar.set_models([ModelGroup("Built in", [STARTER]), ModelGroup("AdvProp & co.", [here, fetchable], True)], here)
    folded = next(row for row in bar.model_button.menu().actions() if row.text() == "AdvProp && co.")
    inside = folded.menu()
    assert isinstance(inside, QMenu)
    chosen, absent = inside.actions()
    assert chosen.isChecked()
    assert absent.text() == "D4 AdvProp · COCO\tdownload 84 MB"
    with qtbot.waitSignal(bar.model_chosen) as asked:
        absent.trigger()
    assert asked.args == ["d4_ap"]
