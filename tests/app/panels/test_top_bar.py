"""The bar at the top: what gives way where it is narrow, and what the menu of models says."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMenu, QToolButton, QWidget, QWidgetAction
from pytestqt.qtbot import QtBot

from app.actions import Actions
from app.models import ModelChoice, ModelGroup
from app.panels.top_bar import CONTROL, LEAST, PROGRESS, Progress, TopBar, VerbButton

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


def button(bar: TopBar, text: str) -> QToolButton:
    return next(each for each in bar.findChildren(QToolButton) if each.text().startswith(text))


def has_words(bar: TopBar, text: str) -> bool:
    return button(bar, text).toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon


def test_a_narrow_bar_keeps_the_words_about_work(bar: TopBar):
    bar.set_models([], STARTER)
    bar.set_device("CPU: 4 threads, ONNX Runtime", is_fallback=True)
    given_up = []
    for width in range(1600, LEAST - 1, -1):
        bar.resize(width, bar.height())
        bar.layout().activate()
        assert bar.layout().minimumSize().width() <= width
        kept = tuple(has_words(bar, text) for text in ("Export", "Auto-label", "Open"))
        words = any(each.text() == "Fine-tune" for each in bar.findChildren(VerbButton))
        told = (*kept, words, button(bar, "●").text(), bar.model_button.text())
        if given_up[-1:] != [told]:
            given_up.append(told)
    whole, brief, least = "●  CPU: 4 threads, ONNX Runtime", "●  CPU: 4 threads", "●  CPU"
    assert given_up == [
        (True, True, True, True, whole, "Starter · D0 · 384 px"),
        (True, True, True, True, brief, "Starter · D0 · 384 px"),
        (False, True, True, True, brief, "Starter · D0 · 384 px"),
        (False, False, True, True, brief, "Starter · D0 · 384 px"),
        (False, False, True, True, brief, "Starter · D0"),
        (False, False, False, True, brief, "Starter · D0"),
        (False, False, False, True, least, "Starter · D0"),
        (False, False, False, False, least, "Starter · D0"),
    ]
    assert "Export" in button(bar, "Export").toolTip()
    bar.resize(1600, bar.height())
    assert has_words(bar, "Export")
    assert button(bar, "●").text() == whole


def test_long_names_push_nothing_aside(bar: TopBar):
    long = "2026-11-22 what the night shift's camera saw, second try · D0 · 384 px"
    bar.set_models([], ModelChoice("x", long))
    bar.set_device("CUDA: NVIDIA GeForce RTX 4070 Laptop GPU <b>", is_fallback=False)
    assert button(bar, "●").text() == "●  CUDA: RTX 4070 Laptop <b>"
    assert button(bar, "●").toolTip().endswith("CUDA: NVIDIA GeForce RTX 4070 Laptop GPU &lt;b&gt;</span>")
    assert "…" in bar.model_button.text()
    assert "second try" in bar.model_button.toolTip()
    bar.resize(1280, bar.height())
    bar.layout().activate()
    assert bar.model_button.width() >= bar.model_button.sizeHint().width()


def test_where_there_is_little_room_a_pass_says_so_by_its_numbers(bar: TopBar):
    progress = bar.findChild(Progress)
    assert isinstance(progress, Progress)
    words = "Labelling 412 of 3,000 · 38/s · 1 min 8 s left"
    for width, shown in ((320, words), (240, words.removeprefix("Labelling "))):
        progress.setFixedWidth(width)
        bar.layout().activate()
        bar.set_progress(words, 0.14)
        assert any(label.text() == shown for label in progress.findChildren(QLabel)), width


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
