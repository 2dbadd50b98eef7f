"""Brightness and contrast, which change what is shown and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.canvas.tone import PLAIN, Tone
from app.canvas.view import CanvasView
from app.document import Document
from app.verbs import navigation

share = st.integers(-100, 100)


def test_as_it_is_is_as_it_is() -> None:
    assert PLAIN.is_plain
    assert PLAIN.curve().tolist() == list(range(256))
    assert PLAIN.words() == ""


@given(share, share)
def test_curves_rise(brightness: int, contrast: int) -> None:
    curve = Tone(brightness, contrast).curve().astype(int)
    assert (np.diff(curve) >= 0).all()


@given(share.filter(bool))
def test_brightness_opens_shadows_and_leaves_black_and_white(brightness: int) -> None:
    curve = Tone(brightness=brightness).curve().astype(int)
    assert (curve[0], curve[255]) == (0, 255)
    assert np.sign(curve[64:192] - np.arange(64, 192)).sum() * brightness >= 0
    assert (curve[128] > 128) == (brightness > 0) or abs(brightness) < 2


def test_contrast_turns_around_the_middle() -> None:
    steep, flat, none = (Tone(contrast=value).curve().astype(int) for value in (100, -50, -100))
    assert steep[126] - steep[125] == 5
    assert (steep[0], steep[255]) == (0, 255)
    assert flat[255] - flat[0] == pytest.approx(128, abs=1)
    assert set(none) == {128}


def test_what_is_changed_is_said() -> None:
    assert Tone(20, -10).words() == "Brightness +20 · Contrast −10"
    assert Tone(contrast=5).words() == "Contrast +5"


def test_the_picture_is_shown_so_and_the_pixels_stay(canvas: CanvasView, document: Document, qtbot: QtBot) -> None:
    assert canvas._picture is not None

    def shown() -> tuple[int, int, int]:
        picture = canvas.grab().toImage()
        x, y = (round(value) for value in canvas.viewportTransform().map(20.5, 60.5))
        colour = QColor(picture.pixel(x, y))
        return colour.red(), colour.green(), colour.blue()

    canvas.zoom_to(8)
    canvas.centerOn(40, 60)
    canvas.set_boxes_visible(False)
    before = canvas._picture.levels[0].copy()
    tone = Tone(50, -20)
    plain, curve = shown(), tone.curve()
    with qtbot.waitSignal(canvas.tone_changed) as told:
        canvas.set_tone(tone)
    assert told.args == [tone]
    assert shown() == tuple(curve[value] for value in plain)
    assert (canvas._picture.levels[0] == before).all()
    with qtbot.assertNotEmitted(canvas.tone_changed):
        canvas.set_tone(Tone(50, -20))
    navigation.step(document, 1)
    assert canvas.tone == tone  # of all images, until it is reset
    navigation.step(document, -1)
    assert document.current is not None
    canvas.set_picture(document.current, before)
    canvas.set_tone(PLAIN)
    canvas.zoom_to(8)
    canvas.centerOn(40, 60)
    assert shown() == plain
