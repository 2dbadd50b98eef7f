"""Colours can be told apart and text can be read, on both themes."""

import re
from itertools import combinations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app import theme
from app.theme import DARK, LIGHT, Theme, contrast
from detector.data.project.colours import OKABE_ITO, class_colour

AA_TEXT, AA_SIGNAL = 4.5, 3.0
GROUNDS = ("window", "panel", "hover", "field")
THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("ink", ["text", "muted", "accent", "good", "warning", "bad"])
def test_text_and_signals_meet_aa_on_every_ground(colours: Theme, ink: str):
    for ground in (*GROUNDS, "accent_soft"):
        assert contrast(getattr(colours, ink), getattr(colours, ground)) >= AA_TEXT, (ink, ground)


@THEMES
def test_text_on_coloured_grounds_meets_aa(colours: Theme):
    assert contrast(colours.on_accent, colours.accent) >= AA_TEXT
    assert contrast(colours.on_overlay, colours.overlay) >= AA_TEXT
    assert contrast(colours.on_canvas, colours.canvas) >= AA_TEXT
    assert contrast(colours.muted, colours.canvas) >= AA_SIGNAL


@THEMES
def test_what_floats_on_the_canvas_stands_out_from_it(colours: Theme):
    assert contrast(colours.overlay, colours.canvas) >= 1.5


@THEMES
def test_the_words_of_an_empty_field_meet_aa(colours: Theme, qtbot: QtBot, qapp: QApplication):
    theme.apply(qapp, colours)
    try:
        for field in (QLineEdit(placeholderText="Search"), QPlainTextEdit(placeholderText="One a line")):
            qtbot.addWidget(field)
            field.ensurePolished()
            ink = field.palette().placeholderText().color()
            assert ink.alpha() == 255
            assert contrast(ink.name(), colours.field) >= AA_TEXT
    finally:
        theme.apply(qapp, LIGHT)


@pytest.mark.parametrize("position", range(60))
def test_text_on_class_colours_meets_aa(position: int):
    colour = class_colour(position)
    assert contrast(theme.readable_on(colour), colour) >= AA_TEXT


def test_the_first_classes_differ_from_each_other():
    assert len(set(OKABE_ITO)) == len(OKABE_ITO) == 8
    assert all(class_colour(a) != class_colour(b) for a, b in combinations(range(60), 2))


@THEMES
def test_the_style_sheet_is_filled_in(colours: Theme):
    sheet = theme.style_sheet(colours)
    assert "$" not in sheet
    for path in re.findall(r"url\((.*?)\)", sheet):
        assert (theme.RESOURCES / "icons" / path.rsplit("/", 1)[1]).is_file()


def test_icons_take_the_theme_that_is_in_force(qtbot: QtBot, qapp: QApplication):
    def darkest() -> int:
        image = theme.icon("open").pixmap(QSize(20, 20)).toImage()
        pixels = [image.pixelColor(x, y) for x in range(20) for y in range(20)]
        return min(pixel.lightness() for pixel in pixels if pixel.alpha() > 250)

    theme.apply(qapp, LIGHT)
    light = darkest()
    theme.apply(qapp, DARK)
    try:
        assert light < 80
        assert darkest() > 180
    finally:
        theme.apply(qapp, LIGHT)
