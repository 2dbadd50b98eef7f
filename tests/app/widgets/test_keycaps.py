"""Keys as caps: as wide as their letters, never narrower than high."""

from PySide6.QtGui import QFont
from pytestqt.qtbot import QtBot

from app.widgets.keycaps import GAP, HEIGHT, KeyCaps, cap_width, caps_width


def test_caps_stand_beside_each_other(qtbot: QtBot):
    font = QFont()
    assert cap_width("I", font) == HEIGHT
    assert cap_width("Ctrl+Shift+Z", font) > 3 * HEIGHT
    assert caps_width(("I", "Ctrl+Z"), font) == HEIGHT + GAP + cap_width("Ctrl+Z", font)
    assert caps_width((), font) == 0


def test_what_is_painted_fills_the_hint(qtbot: QtBot):
    caps = KeyCaps(("I", "J"))
    qtbot.addWidget(caps)
    caps.resize(caps.sizeHint())
    image = caps.grab().toImage()
    ground = image.pixel(HEIGHT + GAP // 2, HEIGHT // 2)
    for start in (0, HEIGHT + GAP):
        inked = [x for x in range(start, start + HEIGHT) if image.pixel(x, HEIGHT // 2) != ground]
        assert (inked[0], inked[-1]) == (start, start + HEIGHT - 1)
    assert caps.accessibleName() == "I or J"
