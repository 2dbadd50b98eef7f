"""Going from panel to panel with the keyboard."""

import pytest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QListWidget, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.focus_cycle import FocusRing, go_to_panel


def panel_of(*widgets: QWidget) -> QWidget:
    panel = QWidget()
    column = QVBoxLayout(panel)
    for widget in widgets:
        column.addWidget(widget)
    return panel


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def panels(window: QWidget, qtbot: QtBot) -> list[QWidget]:
    """One with a field above a list, one with two buttons, one with nothing for the keyboard."""
    made = [
        panel_of(QLineEdit(), QListWidget()),
        panel_of(QPushButton("first"), QPushButton("last")),
        panel_of(QWidget()),
    ]
    row = QHBoxLayout(window)
    for panel in made:
        row.addWidget(panel)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return made


def focused() -> str:
    widget = QApplication.focusWidget()
    return widget.text() if isinstance(widget, QPushButton) else type(widget).__name__


def test_lists_come_before_fields_and_panels_without_keys_are_left_out(panels: list[QWidget]):
    panels[0].findChildren(QLineEdit)[0].setFocus()
    seen = []
    for _ in range(3):
        go_to_panel(panels, 1)
        seen.append(focused())
    assert seen == ["first", "QListWidget", "first"]


def rings(panels: list[QWidget]) -> list[str]:
    return [
        type(ring.parent()).__name__ for panel in panels for ring in panel.findChildren(FocusRing) if ring.isVisible()
    ]


def test_one_sees_where_the_keyboard_has_come_to(panels: list[QWidget], qtbot: QtBot):
    listed = panels[0].findChildren(QListWidget)[0]
    panels[1].findChildren(QPushButton)[0].setFocus()
    go_to_panel(panels, 1)
    assert rings(panels) == ["QListWidget"]
    go_to_panel(panels, 1)
    assert rings(panels) == ["QPushButton"]
    go_to_panel(panels, 1)
    assert rings(panels) == ["QListWidget"]
    (ring,) = (each for each in listed.findChildren(FocusRing) if each.isVisible())
    listed.resize(listed.width() + 20, listed.height())
    assert ring.size() == listed.size()
    image = ring.grab().toImage()
    assert image.pixelColor(ring.width() // 2, 1).name() == theme.current().accent.lower()
    panels[0].findChildren(QLineEdit)[0].setFocus()
    assert rings(panels) == []


def test_one_goes_back_from_wherever_one_is_in_a_panel(panels: list[QWidget]):
    panels[1].findChildren(QPushButton)[1].setFocus()
    go_to_panel(panels, -1)
    assert focused() == "QListWidget"


def test_panels_that_are_folded_away_are_left_out(panels: list[QWidget]):
    panels[0].findChildren(QListWidget)[0].setFocus()
    panels[1].hide()
    go_to_panel(panels, 1)
    assert focused() == "QListWidget"
    panels[0].findChildren(QListWidget)[0].setEnabled(False)
    go_to_panel(panels, 1)
    assert focused() == "QLineEdit"
