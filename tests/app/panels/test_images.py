"""The images list: clicks, keys, filters, search, empty states, and what a cell shows."""

import html
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QToolTip
from pytestqt.qtbot import QtBot

from app import theme
from app.class_verbs import add_class
from app.document import Document
from app.image_filter import FilterKind, ImageFilter
from app.panels.images import ImagesPanel, empty_text
from app.reviewing import review
from app.thumbnail_grid import cell_size, dot_colour, splice, state_text
from app.thumbnails import Thumbnails
from detector.data.images import natural_key
from detector.data.project.records import ProjectImage, State

BOX = (10.0, 10.0, 40.0, 40.0)
MakePass = Callable[..., None]


@pytest.fixture
def panel(qtbot: QtBot, document: Document, thumbnails: Thumbnails) -> ImagesPanel:
    """The panel, 256 pixels wide, on screen."""
    made = ImagesPanel(document, thumbnails)
    qtbot.addWidget(made)
    made.resize(256, 500)
    with qtbot.waitExposed(made):
        made.show()
    return made


def chip(panel: ImagesPanel, start: str) -> QPushButton:
    return next(b for b in panel.findChildren(QPushButton) if b.isCheckable() and b.text().startswith(start))


def centre(panel: ImagesPanel, row: int) -> QPoint:
    return panel.grid.visualRect(panel.grid.model().index(row, 0)).center()


def label_texts(panel: ImagesPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]


def press(panel: ImagesPanel, key: Qt.Key, text: str = "") -> bool:
    """Whether the list took the key for itself."""
    event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text)
    QApplication.sendEvent(panel.grid, event)
    return event.isAccepted()


def test_a_click_shows_the_image(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    with qtbot.waitSignal(document.current_changed):
        qtbot.mouseClick(panel.grid.viewport(), Qt.MouseButton.LeftButton, pos=centre(panel, 3))
    assert document.current == document.visible[3]


def test_two_columns_fill_the_panel(panel: ImagesPanel) -> None:
    first, second, third = (panel.grid.visualRect(panel.grid.model().index(row, 0)) for row in range(3))
    assert first.top() == second.top() < third.top()
    assert panel.grid.viewport().width() - second.right() <= 4


def test_the_list_follows_the_document(panel: ImagesPanel, document: Document) -> None:
    document.show(document.visible[4])
    assert panel.grid.currentIndex().row() == 4
    assert panel.grid.viewport().rect().contains(centre(panel, 4))


def test_arrows_step_and_other_keys_are_left_to_the_window(panel: ImagesPanel, document: Document) -> None:
    assert press(panel, Qt.Key.Key_Right)
    assert press(panel, Qt.Key.Key_Down)
    assert document.current == document.visible[3]
    assert press(panel, Qt.Key.Key_Left)
    assert press(panel, Qt.Key.Key_Up)
    assert document.current == document.visible[0]
    for key, text in ((Qt.Key.Key_Space, " "), (Qt.Key.Key_D, "d"), (Qt.Key.Key_Return, "\r"), (Qt.Key.Key_1, "1")):
        assert not press(panel, key, text)
    assert document.current == document.visible[0]


def test_the_to_review_chip_counts_and_filters(
    qtbot: QtBot, panel: ImagesPanel, document: Document, make_pass: MakePass
) -> None:
    make_pass({1: [(BOX, 0.9, 0)], 4: [(BOX, 0.8, 1)]})
    ids = list(document.visible)
    qtbot.waitUntil(lambda: chip(panel, "To review").text() == "To review 2")
    qtbot.mouseClick(chip(panel, "To review"), Qt.MouseButton.LeftButton)
    assert document.filter.kind is FilterKind.TO_REVIEW
    assert document.visible == [ids[0], ids[1], ids[4]]  # the current one stays
    assert panel.grid.model().rowCount() == 3
    assert panel.grid.image_at(2) == ids[4]


def test_review_moves_the_progress_on(
    qtbot: QtBot, panel: ImagesPanel, document: Document, make_pass: MakePass
) -> None:
    make_pass({0: [(BOX, 0.9, 0)]})
    assert review(document)
    qtbot.waitUntil(lambda: "1 of 6 reviewed" in label_texts(panel))


def test_chips_for_states_without_images_are_hidden(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    qtbot.waitUntil(lambda: chip(panel, "Unlabelled").isVisible())
    assert not chip(panel, "Started").isVisible()
    add_class(document, "bolt")
    document.draw(BOX)
    qtbot.waitUntil(lambda: chip(panel, "Started").isVisible())


def test_typing_searches_and_escape_ends_it(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    search = panel.findChild(QLineEdit)
    assert search is not None
    search.setFocus()
    with qtbot.waitSignal(document.visible_changed):
        qtbot.keyClicks(search, "3.PNG")
    assert [document.images[id].path for id in document.visible] == ["0.png", "3.png"]
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == ""
    assert len(document.visible) == 6


def test_no_match_says_so_and_offers_the_way_back(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    document.set_filter(ImageFilter(FilterKind.ALL, "<b>zebra</b>"))
    qtbot.waitUntil(lambda: "No image matches “<b>zebra</b>”." in label_texts(panel))
    button = next(b for b in panel.findChildren(QPushButton) if b.text() == "Show all images")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(panel.grid.isVisible)
    assert len(document.visible) == 6


@pytest.mark.parametrize(
    ("kind", "reviewed", "expected"),
    [
        (FilterKind.TO_REVIEW, 6, "Everything is reviewed."),
        (FilterKind.TO_REVIEW, 2, "Nothing to review. Auto-label proposes boxes; each image with some waits here."),
        (FilterKind.REVIEWED, 0, "Nothing is reviewed yet. Space vouches for the image that you look at."),
        (FilterKind.STARTED, 2, "No image is started."),
    ],
)
def test_empty_lists_say_why(kind: FilterKind, reviewed: int, expected: str) -> None:
    assert empty_text(ImageFilter(kind), {FilterKind.ALL: 6, FilterKind.REVIEWED: reviewed}) == expected


def test_a_closed_project_leaves_an_empty_list(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    document.detach()
    qtbot.waitUntil(lambda: "No picture here yet." in label_texts(panel))
    assert panel.grid.model().rowCount() == 0


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # the offscreen one, about popups
def test_a_tooltip_shows_the_name_letter_by_letter(panel: ImagesPanel, document: Document) -> None:
    image_id = document.visible[1]
    named = ProjectImage(image_id, "<img src=x>.png", None, None, State.UNLABELLED, None)
    document.images[image_id] = named  # no file system takes every name
    point = centre(panel, 1)
    event = QHelpEvent(QEvent.Type.ToolTip, point, panel.grid.viewport().mapToGlobal(point))
    QApplication.sendEvent(panel.grid.viewport(), event)
    assert html.escape("<img src=x>.png") in QToolTip.text()
    assert "Unlabelled, 0 boxes" in QToolTip.text()
    QToolTip.hideText()


def test_the_current_image_has_the_accents_frame(panel: ImagesPanel, document: Document) -> None:
    document.show(document.visible[2])
    picture = panel.grid.viewport().grab().toImage()

    def edge(row: int) -> str:
        cell = panel.grid.visualRect(panel.grid.model().index(row, 0))
        return QColor(picture.pixelColor(cell.left() + 6, cell.center().y())).name().upper()

    assert edge(2) == theme.current().accent.upper()
    assert edge(0) != theme.current().accent.upper()


def test_pictures_arrive_and_are_painted(
    qtbot: QtBot, panel: ImagesPanel, document: Document, thumbnails: Thumbnails
) -> None:
    qtbot.waitUntil(lambda: all(thumbnails.image(id) is not None for id in document.visible))
    colour = panel.grid.viewport().grab().toImage().pixelColor(centre(panel, 4))
    assert abs(colour.red() - 160) < 12
    assert abs(colour.green() - 80) < 12


def test_painting_asks_only_for_what_is_on_screen(
    panel: ImagesPanel, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [ProjectImage(n, f"later/{n:06}.png", None, None, State.UNLABELLED, None) for n in range(1000, 21000)]
    document.add_images(images, keys={image.id: natural_key(image.path) for image in images}, counts={})
    assert panel.grid.model().rowCount() == 20_006
    asked: list[int] = []
    monkeypatch.setattr(document, "proposal_count", lambda image_id: asked.append(image_id) or 0)
    panel.grid.viewport().grab()
    assert 0 < len(asked) < 40


def test_dots_tell_the_state() -> None:
    def image(state: State) -> ProjectImage:
        return ProjectImage(1, "a.png", 10, 10, state, None)

    colours = theme.LIGHT
    assert dot_colour(image(State.UNLABELLED), 0, colours) == colours.muted
    assert dot_colour(image(State.UNLABELLED), 2, colours) == colours.accent
    assert dot_colour(image(State.STARTED), 0, colours) == colours.warning
    assert dot_colour(image(State.REVIEWED), 2, colours) == colours.good


def test_states_are_told_in_words() -> None:
    image = ProjectImage(1, "a.png", 10, 10, State.STARTED, None)
    assert state_text(image, boxes=1, proposals=0, is_broken=False) == "Started, 1 box"
    assert state_text(image, boxes=1, proposals=2, is_broken=False) == "To review, 1 box, 2 proposals"
    assert state_text(image, boxes=0, proposals=0, is_broken=True).startswith("Cannot be decoded")


@given(st.integers(40, 4000))
def test_cells_fill_the_width(width: int) -> None:
    wide, high = cell_size(width)
    columns = (width - 1) // wide
    assert columns >= 2
    assert high > 0
    assert columns * wide > width - 1 - columns


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9), unique=True))
def test_splice_turns_one_list_into_the_other(before: list[int], after: list[int]) -> None:
    start, gone, come = splice(before, after)
    assert before[:start] + after[start : start + come] + before[start + gone :] == after


@given(st.lists(st.integers(), unique=True, min_size=1), st.data())
def test_splice_finds_the_one_row_that_went(before: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(before) - 1))
    assert splice(before, before[:place] + before[place + 1 :]) == (place, 1, 0)
