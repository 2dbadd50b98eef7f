"""A label that shortens its text."""

from pytestqt.qtbot import QtBot

from app.widgets.elided_label import ElidedLabel


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
