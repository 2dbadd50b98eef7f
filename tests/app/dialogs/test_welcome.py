"""The welcome page: its buttons, recent projects, and what can be dropped on it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.dialogs.welcome import WelcomePage, droppable


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> WelcomePage:
    """The page with one project that is there and one that is gone."""
    (tmp_path / "here").mkdir()
    made = WelcomePage([tmp_path / "here", tmp_path / "gone"])
    qtbot.addWidget(made)
    made.resize(1000, 700)
    with qtbot.waitExposed(made):
        made.show()
    return made


def buttons(page: WelcomePage) -> list[QPushButton]:
    return page.findChildren(QPushButton)


def button(page: WelcomePage, name: str) -> QPushButton:
    return next(b for b in buttons(page) if b.accessibleName() == name)


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("Open a folder", "open_folder_wanted"),
        ("Open a COCO data set", "open_coco_wanted"),
        ("Try the sample", "sample_wanted"),
    ],
)
def test_buttons_ask(qtbot: QtBot, page: WelcomePage, name: str, signal: str) -> None:
    with qtbot.waitSignal(getattr(page, signal)):
        qtbot.mouseClick(button(page, name), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(getattr(page, signal)):
        qtbot.keyClick(button(page, name), Qt.Key.Key_Space)


def test_a_recent_project_is_one_click_away(qtbot: QtBot, page: WelcomePage, tmp_path: Path) -> None:
    with qtbot.waitSignal(page.recent_wanted) as told:
        qtbot.mouseClick(button(page, "here"), Qt.MouseButton.LeftButton)
    assert told.args == [tmp_path / "here"]


def test_a_project_that_is_gone_is_greyed(qtbot: QtBot, page: WelcomePage) -> None:
    gone = button(page, "gone")
    assert not gone.isEnabled()
    assert "No longer there" in gone.toolTip()
    with qtbot.assertNotEmitted(page.recent_wanted):
        qtbot.mouseClick(gone, Qt.MouseButton.LeftButton)


def test_other_recents_replace_the_first(qtbot: QtBot, page: WelcomePage, tmp_path: Path) -> None:
    page.set_recents([tmp_path])
    qtbot.waitUntil(lambda: any(b.isVisible() and b.accessibleName() == tmp_path.name for b in buttons(page)))
    assert not any(b.isVisible() and b.accessibleName() == "here" for b in buttons(page))


def test_without_recent_projects_no_heading_promises_some(page: WelcomePage) -> None:
    page.set_recents([])
    assert not any(label.isVisible() and label.text() == "Recent" for label in page.findChildren(QLabel))


def test_names_are_shown_letter_by_letter(qtbot: QtBot, tmp_path: Path) -> None:
    page = WelcomePage([tmp_path / "<img src=x>"])
    qtbot.addWidget(page)
    assert "&lt;img src=x&gt;" in button(page, "<img src=x>").toolTip()


def drag(path: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    return data


def enter(page: WelcomePage, data: QMimeData) -> bool:
    event = QDragEnterEvent(
        QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    event.ignore()
    QApplication.sendEvent(page, event)
    return event.isAccepted()


def test_a_dropped_folder_is_told(qtbot: QtBot, page: WelcomePage, tmp_path: Path) -> None:
    data = drag(tmp_path)
    assert enter(page, data)
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    with qtbot.waitSignal(page.dropped) as told:
        QApplication.sendEvent(page, event)
    assert told.args == [tmp_path]


def test_a_picture_is_not_taken(page: WelcomePage, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert not enter(page, drag(tmp_path / "a.png"))


def test_what_can_be_dropped(tmp_path: Path) -> None:
    labels = tmp_path / "labels.JSON"
    local = QUrl.fromLocalFile
    assert droppable([local(str(labels))]) == labels
    assert droppable([local(str(tmp_path))]) == tmp_path
    assert droppable([local(str(tmp_path)), local(str(labels))]) is None
    assert droppable([QUrl("https://example.org/labels.json")]) is None
    assert droppable([]) is None


def test_narrow_pages_put_the_columns_below_each_other(qtbot: QtBot, page: WelcomePage) -> None:
    start, recent = button(page, "Try the sample"), button(page, "here")
    assert recent.mapTo(page, QPoint()).x() > start.mapTo(page, QPoint()).x()
    page.resize(560, 700)
    qtbot.waitUntil(lambda: recent.mapTo(page, QPoint()).y() > start.mapTo(page, QPoint()).y())
