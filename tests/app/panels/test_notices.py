"""Notices: what goes by itself, what stays, and what a person can do."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.notifications import Kind, Notice
from app.panels.notices import SHOWN, Notices


def texts(notices: Notices) -> list[str]:
    return [card.notice.text for card in notices.cards()]


def test_no_room_is_taken_while_there_is_nothing_to_say(qtbot: QtBot):
    notices = Notices()
    qtbot.addWidget(notices)
    assert notices.isHidden()
    notices.add(Notice(Kind.ERROR, "a"))
    assert not notices.isHidden()
    qtbot.mouseClick(notices.cards()[0].close_button, Qt.MouseButton.LeftButton)
    assert notices.isHidden()


def test_the_newest_stay_and_repeats_do_not_pile_up(qtbot: QtBot):
    notices = Notices()
    qtbot.addWidget(notices)
    for text in "abcab":
        notices.add(Notice(Kind.WARNING, text))
    assert texts(notices) == ["c", "a", "b"]
    assert len(texts(notices)) == SHOWN


def test_an_action_runs_and_closes(qtbot: QtBot):
    done = []
    notices = Notices()
    qtbot.addWidget(notices)
    notices.add(Notice(Kind.WARNING, "locked", action="Open anyway", run=lambda: done.append(1)))
    qtbot.mouseClick(notices.cards()[0].action_button, Qt.MouseButton.LeftButton)
    assert done == [1]
    assert notices.cards() == []


def test_details_are_shown_on_demand_and_text_is_plain(qtbot: QtBot):
    notices = Notices()
    qtbot.addWidget(notices)
    notices.show()
    notices.add(Notice(Kind.ERROR, "<img src=x>", details="line\nline"))
    (card,) = notices.cards()
    label = next(label for label in card.findChildren(QLabel) if label.text())
    assert label.textFormat() is Qt.TextFormat.PlainText
    details = card.findChild(QPlainTextEdit)
    assert not details.isVisible()
    button = next(button for button in card.findChildren(QPushButton) if button.isCheckable())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert details.isVisible()
