"""The bubble that points at parts of the window."""

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.coach_mark import CoachMark, Side, place

ROOM = QRect(0, 0, 1000, 700)
SIZE = QSize(252, 110)


@pytest.mark.parametrize(
    ("target", "side"),
    [
        (QRect(500, 10, 120, 34), Side.BELOW),
        (QRect(960, 10, 40, 34), Side.BELOW),
        (QRect(0, 10, 40, 34), Side.BELOW),
        (QRect(300, 400, 600, 300), Side.ABOVE),
        (QRect(300, 60, 500, 600), Side.LEFT),
    ],
)
def test_a_bubble_stands_beside_its_target_and_in_the_room(target: QRect, side: Side):
    found = place(SIZE, target, ROOM, side)
    bubble = QRect(found.corner, SIZE)
    assert ROOM.contains(bubble)
    assert not bubble.intersects(target)
    if side is Side.BELOW:
        assert target.left() - 30 <= bubble.left() + found.tip <= target.right() + 30
    elif side is Side.ABOVE:
        assert target.left() <= bubble.left() + found.tip <= target.right()
    else:
        assert target.top() <= bubble.top() + found.tip <= target.bottom()


def test_where_there_is_no_room_it_stays_in_sight():
    found = place(SIZE, QRect(100, 100, 800, 590), ROOM, Side.LEFT)
    assert ROOM.contains(QRect(found.corner, SIZE))


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(800, 500)
    made.button = QPushButton("Here", made)  # type: ignore[attr-defined]
    made.button.setGeometry(300, 20, 100, 30)  # type: ignore[attr-defined]
    made.show()
    return made


def test_it_follows_its_target_and_goes_with_it(window: QWidget):
    button: QPushButton = window.button  # type: ignore[attr-defined]
    mark = CoachMark(window)
    mark.say("Title", "Words that say what to do.", step=1, steps=5)
    assert not mark.isVisible()
    mark.point_at(button, Side.BELOW)
    assert mark.isVisible()
    before = mark.pos()
    button.move(500, 60)
    assert mark.pos() == before + QPoint(200, 40)
    button.hide()
    assert not mark.isVisible()
    button.show()
    assert mark.isVisible()
    window.resize(600, 500)
    assert window.rect().contains(mark.geometry())
    mark.leave()
    button.move(10, 10)
    assert not mark.isVisible()


def test_it_takes_no_focus_and_tells_what_was_clicked(window: QWidget, qtbot: QtBot):
    button: QPushButton = window.button  # type: ignore[attr-defined]
    window.activateWindow()
    button.setFocus()
    mark = CoachMark(window)
    mark.say("Title", "Words", step=5, steps=5)
    mark.point_at(button, Side.BELOW)
    assert mark.next_button.text() == "Done"
    with qtbot.waitSignal(mark.next_wanted):
        qtbot.mouseClick(mark.next_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(mark.skipped):
        qtbot.mouseClick(mark.skip_button, Qt.MouseButton.LeftButton)
    assert mark.focusPolicy() == Qt.FocusPolicy.NoFocus
    assert not mark.next_button.hasFocus()


@pytest.mark.parametrize("side", Side)
def test_bubble_and_arrow_are_painted(window: QWidget, side: Side):
    mark = CoachMark(window)
    window.button.setGeometry(300, 200, 100, 30)  # type: ignore[attr-defined]
    mark.say("Title", "Words", step=1, steps=5)
    mark.point_at(window.button, side)  # type: ignore[attr-defined]
    image = mark.grab().toImage()
    accent = theme.current().accent.lower()
    tip = {
        Side.BELOW: (mark._tip, 5),
        Side.ABOVE: (mark._tip, mark.height() - 5),
        Side.LEFT: (mark.width() - 5, mark._tip),
    }
    assert image.pixelColor(*tip[side]).name() == accent
    assert image.pixelColor(mark.width() // 2, mark.height() // 2).name() == accent
