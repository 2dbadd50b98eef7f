"""Notices: what goes by itself, what stays, and what a person can do."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.notifications import Kind, Notice
from app.panels.notices import MARGIN, SHOWN, WIDTH, Notices


@pytest.fixture
def notices(qtbot: QtBot) -> Iterator[Notices]:
    """Over a page of 900 × 600 px."""
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    yield Notices(page)
    page.close()


def texts(notices: Notices) -> list[str]:
    return [card.notice.text for card in notices.cards()]


def test_no_room_is_taken_while_there_is_nothing_to_say(qtbot: QtBot, notices: Notices):
    assert notices.isHidden()
    notices.add(Notice(Kind.ERROR, "a"))
    assert not notices.isHidden()
    qtbot.mouseClick(notices.cards()[0].close_button, Qt.MouseButton.LeftButton)
    assert notices.isHidden()


def test_the_newest_stay_and_repeats_do_not_pile_up(qtbot: QtBot, notices: Notices):
    for text in "abcab":
        notices.add(Notice(Kind.WARNING, text))
    assert texts(notices) == ["c", "a", "b"]
    assert all(card.height() >= card.sizeHint().height() for card in notices.cards())
    assert len(texts(notices)) == SHOWN


def test_an_action_runs_and_closes(qtbot: QtBot, notices: Notices):
    done = []
    notices.add(Notice(Kind.WARNING, "locked", action="Open anyway", run=lambda: done.append(1)))
    qtbot.mouseClick(notices.cards()[0].action_button, Qt.MouseButton.LeftButton)
    assert done == [1]
    assert notices.cards() == []


def test_there_may_be_two_ways_on(qtbot: QtBot, notices: Notices):
    done = []
    both = {
        "action": "Download",
        "run": lambda: done.append(1),
        "other": "Choose…",
        "run_other": lambda: done.append(2),
    }
    for place in (0, 1):
        notices.add(Notice(Kind.INFO, "absent", **both))
        (card,) = notices.cards()
        assert (card.action_button.text(), card.other_button.text()) == ("Download", "Choose…")
        qtbot.mouseClick((card.action_button, card.other_button)[place], Qt.MouseButton.LeftButton)
        assert notices.cards() == []
    assert done == [1, 2]


def test_details_are_shown_on_demand_and_text_is_plain(qtbot: QtBot, notices: Notices):
    notices.add(Notice(Kind.ERROR, "<img src=x>", details="line\nline"))
    (card,) = notices.cards()
    label = next(label for label in card.findChildren(QLabel) if label.text())
    assert label.textFormat() is Qt.TextFormat.PlainText
    details = card.findChild(QPlainTextEdit)
    assert not details.isVisible()
    button = next(button for button in card.findChildren(QPushButton) if button.isCheckable())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert details.isVisible()


def test_they_float_in_the_middle_of_the_top_and_grow_with_their_details(qtbot: QtBot, notices: Notices):
    notices.add(Notice(Kind.ERROR, "word " * 60, details="line\nline"))
    place = notices.geometry()
    assert (place.width(), place.center().x(), place.top()) == (WIDTH, 449, MARGIN)
    assert place.height() > 2 * notices.fontMetrics().height()
    button = next(button for button in notices.findChildren(QPushButton) if button.isCheckable())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert notices.height() >= place.height() + 140
    notices.parentWidget().resize(400, 600)
    assert (notices.x(), notices.width()) == (MARGIN, 400 - 2 * MARGIN)


def test_the_sign_takes_another_theme(qapp: QApplication, notices: Notices):
    notices.add(Notice(Kind.ERROR, "full"))
    sign = next(label for label in notices.cards()[0].findChildren(QLabel) if not label.pixmap().isNull())

    def inks() -> set[str]:
        image = sign.pixmap().toImage()
        colours = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
        return {colour.name().upper() for colour in colours if colour.alpha() == 255}

    assert theme.LIGHT.bad in inks()
    try:
        theme.apply(qapp, theme.DARK)
        assert theme.DARK.bad in inks()
    finally:
        theme.apply(qapp, theme.LIGHT)
