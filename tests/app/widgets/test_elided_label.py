"""A label that shortens its text."""

from pytestqt.qtbot import QtBot

from app.widgets.elided_label import ElidedLabel, elided_name


def test_names_that_differ_in_their_middle_or_at_their_end_are_told_apart(qtbot: QtBot) -> None:
    label = ElidedLabel()
    qtbot.addWidget(label)
    metrics = label.fontMetrics()
    room = metrics.horizontalAdvance("species 175 of th… list")
    for name in ("species 175 of the reference list", "a class with a very long name 0012", "short", ""):
        shown = elided_name(metrics, name, room)
        assert metrics.horizontalAdvance(shown) <= room
        assert shown[:8] == name[:8]
        assert shown[-5:] == name[-5:]
    assert "175" in elided_name(metrics, "species 175 of the reference list", room)
    assert elided_name(metrics, "short", room) == "short"


def test_what_does_not_fit_is_shortened_and_told_by_the_tooltip(qtbot: QtBot) -> None:
    label = ElidedLabel("short")
    qtbot.addWidget(label)
    label.resize(200, 20)
    label.show()
    assert (label.shown_text(), label.toolTip()) == ("short", "")
    label.setText("<b>a long text</b> that goes on and on and on and on and on")
    assert label.shown_text().endswith("…")
    assert "&lt;b&gt;a long text" in label.toolTip()
    assert label.minimumSizeHint().width() == 0
    label.resize(2000, 20)
    assert (label.shown_text(), label.toolTip()) == (label.text(), "")
