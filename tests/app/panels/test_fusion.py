"""The panel of fusion weights: what it says and what it draws."""

import csv
import io
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app import theme
from app.panels.fusion import FusionPanel, Moment, change_in_words
from app.panels.fusion_geometry import middle
from detector.events import FusionWeights, RunStarted
from detector.model.fusion import FusionSnapshot, assemble
from detector.model.variants import VARIANTS, find_variant

D0 = VARIANTS["d0"]
STARTED = RunStarted("d0", ("nut",), 512, 10, 2, 400, 8, "CPU: 1 threads")


def snapshot(first: float = 0.5, *, raw: float = 1.0) -> FusionSnapshot:
    """D0's weights: all 0.5 but for the first edge's."""
    return assemble(D0, [raw] + [1.0] * 56, [first] + [0.5] * 56)


def weights(step: int, first: float, *, raw: float = 1.0, reach: float = 0.0) -> FusionWeights:
    edges = snapshot(first, raw=raw).edges
    return FusionWeights(step, tuple(edge.raw for edge in edges), tuple(edge.weight for edge in edges), reach)


@pytest.fixture
def panel(qtbot: QtBot) -> FusionPanel:
    made = FusionPanel()
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    return made


def hover(qtbot: QtBot, panel: FusionPanel, index: int) -> None:
    qtbot.mouseMove(panel._view, QPoint(1, 1))  # Qt tells of no movement where there is none
    qtbot.mouseMove(panel._view, QPoint(*map(round, middle(panel._view._curves[index]))))


def colour_at(panel: FusionPanel, index: int) -> QColor:
    """The colour in the middle of an edge, as drawn."""
    panel._view.forget_pointer()
    image = QImage(panel._view.size(), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    panel._view.render(image)
    return image.pixelColor(*map(round, middle(panel._view._curves[index])))


def test_nothing_is_shown_as_such(panel: FusionPanel) -> None:
    assert panel.shown() is None
    assert panel.table() == ""
    assert panel._pages.currentIndex() == 0


def test_the_chosen_model_is_shown_and_named_as_plain_text(panel: FusionPanel) -> None:
    panel.set_model(snapshot(), title="<b>D0</b>")
    assert panel.shown() == snapshot()
    assert panel._caption.text().startswith("The weights of <b>D0</b> as it uses them")
    assert "&lt;b&gt;" in (panel._caption.toolTip() or "&lt;b&gt;")
    panel.set_model(None, title="")
    assert panel._pages.currentIndex() == 0


def test_the_pointer_tells_names_raw_and_normalised_values(qtbot: QtBot, panel: FusionPanel) -> None:
    panel.set_model(snapshot(0.0, raw=-0.25), title="D0")
    hover(qtbot, panel, 0)
    told = panel._view.card()
    assert told is not None
    title, rows = told
    assert title == "Cell 1 · P6 td (top-down)"
    assert [(row.name, row.number, row.raw, row.marked) for row in rows] == [
        ("P6 in", "0.000", "raw -0.2500 · dead", True),
        ("P7 in enlarged", "0.500", "raw 1.0000", False),
    ]
    x, y = panel._view._nodes[(2, "P5 out")]
    qtbot.mouseMove(panel._view, QPoint(round(x), round(y)))
    told = panel._view.card()
    assert told is not None
    assert [row.name for row in told[1]] == ["P5 in", "P5 td", "P4 out pooled"]
    assert not any(row.marked for row in told[1])
    assert panel._note.text().startswith("1 dead edge ")
    assert panel.grab().toImage().size() == panel.size() * panel.devicePixelRatio()  # the card is painted, too


def test_fixed_weights_are_told_as_such(qtbot: QtBot, panel: FusionPanel) -> None:
    variant = VARIANTS["d6"]
    count = variant.cells * 19
    panel.set_model(assemble(variant, [None] * count, [1.0] * count), title="D6")
    assert panel._caption.text() == "D6: every edge is fixed at 1, unnormalised; there are no weights to learn"
    hover(qtbot, panel, 0)
    told = panel._view.card()
    assert told is not None
    assert [(row.number, row.raw) for row in told[1]] == [("1", "fixed 1, unnormalised")] * 2


def test_the_plain_pyramid_is_drawn_with_the_nodes_it_has(qtbot: QtBot, panel: FusionPanel) -> None:
    variant = find_variant("d0+fpn+softmax")
    panel.set_model(assemble(variant, ([None] + [1.0] * 8) * 3, ([1.0] + [0.5] * 8) * 3), title="FPN")
    assert set(panel._view._nodes) == {(1, f"P{n} in") for n in range(3, 8)} | {
        (cell, f"P{n} out") for cell in (1, 2, 3) for n in range(3, 8)
    }
    hover(qtbot, panel, 0)
    told = panel._view.card()
    assert told is not None
    assert told[0] == "Cell 1 · P7 out"
    assert [(row.name, row.number, row.raw) for row in told[1]] == [("P7 in", "1.000", "the only input")]


def test_a_run_comes_to_the_front_and_is_followed(panel: FusionPanel) -> None:
    panel.set_model(snapshot(), title="D0")
    panel.add_events([STARTED, weights(0, 0.25)])
    assert panel.shows_run
    assert panel._caption.text().startswith("EMA weights of the run")
    panel.add_events([weights(40, 0.375)])
    assert panel.shown() == snapshot(0.375)
    assert panel._step_label.text() == "step 40 of 400"
    panel._slider.setValue(0)
    panel.add_events([weights(80, 0.5)])
    assert panel.shown() == snapshot(0.25)  # whoever looks back is left there
    panel._model_button.click()
    assert panel.shown() == snapshot()
    panel.clear_run()
    panel.add_events([])
    assert not panel.shows_run


def test_a_run_that_goes_on_tells_its_steps_once(panel: FusionPanel) -> None:
    panel.add_events([STARTED, weights(0, 0.25), weights(40, 0.375), weights(80, 0.5)])
    panel.add_events([replace(STARTED, step=40), weights(80, 0.75)])
    assert [moment.step for moment in panel._moments] == [0, 40, 80]
    assert panel.shown() == snapshot(0.75)


def test_events_of_a_later_version_are_passed_over(panel: FusionPanel) -> None:
    panel.add_events([STARTED, FusionWeights(0, (1.0,), (1.0,))])
    panel.add_events([replace(STARTED, variant="d9"), weights(0, 0.5)])
    assert panel.shown() is None


def test_the_difference_is_shown_in_colour_and_number(qtbot: QtBot, panel: FusionPanel) -> None:
    panel.add_events([STARTED, weights(0, 0.5), weights(40, 0.5625, raw=1.01, reach=0.5)])
    panel._difference.click()
    hover(qtbot, panel, 0)
    told = panel._view.card()
    assert told is not None
    assert [row.number for row in told[1]] == ["0.562 (+0.0625)", "0.500 (+0.0000)"]
    assert panel._caption.text().startswith("Change since the start (EMA weights)")
    assert colour_at(panel, 0) == QColor(theme.LIGHT.accent)
    panel.add_events([weights(80, 0.375)])
    hover(qtbot, panel, 0)
    told = panel._view.card()
    assert told is not None
    assert told[1][0].number == "0.375 (−0.1250)"
    assert colour_at(panel, 0) == QColor(theme.LIGHT.warning)


def test_a_change_is_put_beside_what_was_possible() -> None:
    start = Moment(0, snapshot(), 0.0)
    assert change_in_words(start, start).startswith("This is the start")
    small = change_in_words(Moment(40, snapshot(0.51, raw=1.01), 0.5), start)
    assert "changed by 0.0100" in small
    assert "raw weight is 0.0100, of about 0.5000 that the learning rates allow: hardly moved" in small
    assert "hardly" not in change_in_words(Moment(40, snapshot(0.6, raw=1.2), 0.5), start)


def test_picture_and_table_hold_what_is_shown(qtbot: QtBot, panel: FusionPanel) -> None:
    panel.set_model(snapshot(0.75), title="D0")
    rows = list(csv.DictReader(io.StringIO(panel.table())))
    assert len(rows) == 57
    assert rows[0]["weight"] == "0.75"
    plain = panel.picture()
    assert plain.width() == 2 * panel._view.width()
    hover(qtbot, panel, 0)
    assert panel.picture() == plain
    panel.set_model(snapshot(0.25), title="D0")
    assert panel.picture() != plain


def test_the_menu_asks_for_files(qtbot: QtBot, panel: FusionPanel) -> None:
    panel.set_model(snapshot(), title="D0")
    picture, table = panel._export.menu().actions()
    with qtbot.waitSignal(panel.picture_wanted):
        picture.trigger()
    with qtbot.waitSignal(panel.table_wanted):
        table.trigger()
