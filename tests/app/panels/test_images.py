"""The images list: clicks, keys, filters, search, empty states, and what a cell shows."""

import html
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QHelpEvent, QImage, QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QToolTip, QTreeWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.background.thumbnails import Thumbnails
from app.document import Document
from app.image_filter import FilterKind, ImageFilter, ImageGroup, empty_text, kind_counts
from app.image_order import ImageOrder, OrderKind
from app.panels.images import ImagesPanel
from app.verbs import box_verbs, navigation, undoing
from app.verbs.class_verbs import add_class
from app.verbs.image_verbs import set_ignored, set_note
from app.verbs.reviewing import review
from app.widgets.filter_chips import _Token
from app.widgets.image_menu import ImageMenu, ImageVerb
from app.widgets.thumbnail_grid import cell_size, splice
from detector.data.images import natural_key
from detector.data.project.records import Origin, ProjectImage, State

BOX = (10.0, 10.0, 40.0, 40.0)
MakePass = Callable[..., None]
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


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
    return next(b for b in panel.chips.findChildren(QPushButton) if b.text().startswith(start))


def centre(panel: ImagesPanel, row: int) -> QPoint:
    return panel.grid.visualRect(panel.grid.model().index(row, 0)).center()


def label_texts(panel: ImagesPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]


def click(
    qtbot: QtBot, panel: ImagesPanel, row: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    qtbot.mouseClick(panel.grid.viewport(), Qt.MouseButton.LeftButton, modifiers, centre(panel, row))


def press(panel: ImagesPanel, key: Qt.Key, text: str = "") -> bool:
    """Whether the list took the key for itself."""
    event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text)
    QApplication.sendEvent(panel.grid, event)
    return event.isAccepted()


def test_a_click_shows_the_image(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    with qtbot.waitSignal(document.current_changed):
        qtbot.mouseClick(panel.grid.viewport(), Qt.MouseButton.LeftButton, pos=centre(panel, 3))
    assert document.current == document.visible[3]


def test_keys_and_the_button_change_what_is_listed(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    popover = panel._popover
    add_class(document, "bolt")
    box_verbs.draw(document, BOX)
    add_class(document, "nut")
    with qtbot.waitExposed(popover):
        qtbot.mouseClick(panel._filter_button, Qt.MouseButton.LeftButton)

    def button(text: str) -> QPushButton:
        return next(each for each in popover.findChildren(QPushButton) if each.text() == text)

    below = panel._filter_button.mapToGlobal(QPoint(0, panel._filter_button.height()))
    assert 0 <= popover.y() - below.y() < 16
    assert not button("Reviewed 0").isEnabled()
    qtbot.mouseClick(button("Started 1"), Qt.MouseButton.LeftButton)
    assert document.filter.kind is FilterKind.STARTED
    qtbot.mouseClick(button("Drawn"), Qt.MouseButton.LeftButton)
    assert document.filter.origin is Origin.DRAWN
    classes = popover.findChild(QTreeWidget)
    item = classes.topLevelItem(0)
    qtbot.mouseClick(classes.viewport(), Qt.MouseButton.LeftButton, pos=classes.visualItemRect(item).center())
    assert document.filter.class_id == document.classes[0].id
    assert "1 of 6 images" in [label.text() for label in popover.findChildren(QLabel)]
    classes.setFocus()
    classes.setCurrentItem(classes.topLevelItem(0))
    qtbot.keyClick(classes, Qt.Key.Key_Return)  # once more takes it back
    assert document.filter.class_id is None
    qtbot.mouseClick(button("Drawn"), Qt.MouseButton.LeftButton)
    assert document.filter.origin is None
    qtbot.mouseClick(button("Show all"), Qt.MouseButton.LeftButton)
    assert document.filter == ImageFilter()
    assert button("All 6").isChecked()
    popover.close()


def test_the_order_is_chosen_from_a_menu(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    actions = {action.text(): action for action in panel._order.menu().actions()}
    for text, expected in (
        ("Boxes", ImageOrder(OrderKind.BOXES, descending=True)),
        ("Doubt", ImageOrder(OrderKind.DOUBT)),
        ("Name", ImageOrder()),
        ("Descending", ImageOrder(descending=True)),
    ):
        with qtbot.waitSignal(panel.order_wanted) as wanted:
            actions[text].trigger()
        assert wanted.args == [expected]
        assert panel._order.text() == "Name"  # until it is sorted so
    document.set_order(ImageOrder(OrderKind.BOXES, descending=True))
    assert panel._order.text() == "Boxes"
    with qtbot.waitSignal(panel.order_wanted) as wanted:
        actions["Sort again"].trigger()
    assert wanted.args == [document.order]
    assert actions["Descending"].isChecked()


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


def test_a_further_filter_is_a_chip_that_a_click_takes_away(
    qtbot: QtBot, panel: ImagesPanel, document: Document
) -> None:
    bolt = add_class(document, "a bolt & a nut that together have a very long name")
    box_verbs.draw(document, BOX)
    ids = list(document.visible)
    document.set_filter(ImageFilter(FilterKind.STARTED, "", bolt, Origin.DRAWN))
    started, of_class, drawn = tokens(qtbot, panel)
    assert started.text().startswith("Started 1 ")
    assert of_class.text().startswith("a bolt && a nut that")
    assert len(of_class.text()) < 30
    assert drawn.text().startswith("Drawn ")
    assert document.visible == [ids[0]]
    qtbot.mouseClick(started, Qt.MouseButton.LeftButton)
    assert document.filter == ImageFilter(FilterKind.ALL, "", bolt, Origin.DRAWN)
    of_class, drawn = tokens(qtbot, panel, 2)
    qtbot.mouseClick(of_class, Qt.MouseButton.LeftButton)
    (drawn,) = tokens(qtbot, panel, 1)
    qtbot.mouseClick(drawn, Qt.MouseButton.LeftButton)
    assert document.filter == ImageFilter()
    qtbot.waitUntil(lambda: not any(button.isVisible() for button in panel.chips.findChildren(_Token)))
    assert document.visible == ids


def test_a_group_of_images_is_a_chip_too(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    ids = list(document.visible)
    document.set_filter(ImageFilter(among=ImageGroup("Small & objects", frozenset(ids[:3]))))
    (chip,) = tokens(qtbot, panel, 1)
    assert chip.text().startswith("Small && objects 3 ")
    assert document.visible == ids[:3]
    document.set_filter(replace(document.filter, kind=FilterKind.REVIEWED, among=ImageGroup("None", frozenset())))
    assert empty_text(document.filter, kind_counts(document.tally)) == "No image fits all of these filters."
    document.set_filter(replace(document.filter, kind=FilterKind.ALL))
    qtbot.mouseClick(tokens(qtbot, panel, 1)[0], Qt.MouseButton.LeftButton)
    assert document.visible == ids


def tokens(qtbot: QtBot, panel: ImagesPanel, number: int = 3) -> list[QPushButton]:
    def shown() -> list[QPushButton]:
        return [button for button in panel.chips.findChildren(_Token) if button.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) == number)
    return shown()


def test_a_class_that_goes_takes_its_filter_along(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    bolt = add_class(document, "bolt")
    document.set_filter(ImageFilter(class_id=bolt))
    tokens(qtbot, panel, 1)
    undoing.undo(document)
    qtbot.waitUntil(lambda: document.filter == ImageFilter())
    assert len(document.visible) == 6


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
        (FilterKind.NOTED, 2, "No image has a note."),
        (FilterKind.EMPTY, 2, "No image is recorded as empty. E records that nothing is on the one that you look at."),
    ],
)
def test_empty_lists_say_why(kind: FilterKind, reviewed: int, expected: str) -> None:
    counts = {FilterKind.ALL: 6, FilterKind.REVIEWED: reviewed}
    assert empty_text(ImageFilter(kind), counts) == expected
    assert empty_text(ImageFilter(kind, "x", origin=Origin.EDITED), counts) == "No image fits all of these filters."


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
    monkeypatch.setattr(document.tally, "box_count", lambda image_id: asked.append(image_id) or 0)
    panel.grid.viewport().grab()
    assert 0 < len(asked) < 40


def test_ctrl_and_shift_choose_several(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    ids = list(document.visible)
    click(qtbot, panel, 2, CTRL)
    assert panel.grid.chosen == (ids[0], ids[2])
    assert document.current == ids[0]  # nothing else is shown
    click(qtbot, panel, 2, CTRL)
    assert panel.grid.chosen == (ids[0],)
    click(qtbot, panel, 1)
    click(qtbot, panel, 4, SHIFT)
    assert panel.grid.chosen == tuple(ids[1:5])
    assert "4 chosen" in label_texts(panel)
    click(qtbot, panel, 3, SHIFT)
    assert panel.grid.chosen == tuple(ids[1:4])
    click(qtbot, panel, 5)
    assert panel.grid.chosen == ()
    assert document.current == ids[5]
    assert not any(text.endswith("chosen") for text in label_texts(panel))


def test_ctrl_a_is_about_images_only_while_several_are_chosen(
    qtbot: QtBot, panel: ImagesPanel, document: Document
) -> None:
    def asks(key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers)
        event.ignore()
        QApplication.sendEvent(panel.grid, event)
        return event.isAccepted()

    assert not asks(Qt.Key.Key_A, CTRL)
    assert not asks(Qt.Key.Key_Escape, NONE)
    click(qtbot, panel, 1, CTRL)
    assert asks(Qt.Key.Key_A, CTRL)
    qtbot.keyClick(panel.grid, Qt.Key.Key_A, CTRL)
    assert panel.grid.chosen == tuple(document.visible)
    assert asks(Qt.Key.Key_Escape, NONE)
    qtbot.keyClick(panel.grid, Qt.Key.Key_Escape)
    assert panel.grid.chosen == ()


def test_shift_and_arrows_choose_on_the_way(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    ids = list(document.visible)
    for _ in range(2):
        qtbot.keyClick(panel.grid, Qt.Key.Key_Right, SHIFT)
    assert panel.grid.chosen == tuple(ids[:3])
    assert document.current == ids[2]
    qtbot.keyClick(panel.grid, Qt.Key.Key_Left, SHIFT)
    assert panel.grid.chosen == tuple(ids[:2])


def test_what_the_filter_hides_is_chosen_no_more(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    ids = list(document.visible)
    panel.grid.choose(ids[1:4])
    document.set_filter(ImageFilter(text="2.png"))
    assert panel.grid.chosen == (ids[2],)
    document.set_filter(ImageFilter())
    assert panel.grid.chosen == (ids[2],)


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # the offscreen one, about popups
def test_a_menu_is_about_what_is_chosen_or_else_about_the_image_under_the_mouse(
    qtbot: QtBot, panel: ImagesPanel, document: Document
) -> None:
    ids = list(document.visible)
    panel.grid.choose(ids[:3])
    for row, expected in ((1, tuple(ids[:3])), (4, (ids[4],))):
        with qtbot.waitSignal(panel.grid.menu_wanted) as wanted:
            reason = QContextMenuEvent.Reason.Mouse
            QApplication.sendEvent(panel.grid.viewport(), QContextMenuEvent(reason, centre(panel, row), QPoint()))
        assert wanted.args[0] == expected
        for menu in panel.findChildren(ImageMenu):
            menu.close()


def menu_texts(menu: ImageMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.text()]


def test_menus_offer_what_changes_something(qtbot: QtBot, document: Document, make_pass: MakePass) -> None:
    make_pass({0: [(BOX, 0.9, 0)]})
    ids = list(document.visible)
    review(document)
    set_ignored(document, [ids[1]], True)
    several, alone = ImageMenu(document, ids[:3]), ImageMenu(document, ids[2:3])
    for menu in (several, alone):
        qtbot.addWidget(menu)
    assert menu_texts(several) == [
        "Vouch for 1 image",
        "Take the review of 1 image back",
        "Auto-label 3 images",
        "Use for",
        "Ignore 2 images",
        "Use 1 image again",
        "Move 3 files to the trash…",
    ]
    assert menu_texts(alone) == [
        "Vouch for what is shown",
        "Auto-label",
        "Note…",
        "Use for",
        "Ignore",
        "Move the file to the trash…",
    ]
    with qtbot.waitSignal(several.verb_wanted) as wanted:
        several.actions()[0].trigger()
    assert wanted.args == [ImageVerb.REVIEW, tuple(ids[:3])]


def test_notes_are_written_where_they_were_begun(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    panel.note_written.connect(lambda image_id, text: set_note(document, image_id, text))
    ids = list(document.visible)
    panel.note.setFocus()
    qtbot.keyClicks(panel.note, "blurred, ask Mira")
    navigation.step(document, 1)  # without Enter
    assert document.images[ids[0]].note == "blurred, ask Mira"
    assert panel.note.text() == ""
    qtbot.keyClicks(panel.note, "x")
    qtbot.keyClick(panel.note, Qt.Key.Key_Escape)
    assert panel.note.text() == ""
    assert document.images[ids[1]].note == ""
    document.set_filter(ImageFilter(text="mira"))
    assert ids[0] in document.visible
    assert ids[2] not in document.visible
    undoing.undo(document)
    assert document.current == ids[0]
    assert panel.note.text() == ""
    panel.note.setFocus()
    qtbot.keyClicks(panel.note, "late")
    with qtbot.waitSignal(panel.note_written):
        document.detach()


def test_lines_show_names_and_take_one_row_each(qtbot: QtBot, panel: ImagesPanel, document: Document) -> None:
    panel.set_compact(True)
    first, second = (panel.grid.visualRect(panel.grid.model().index(row, 0)) for row in range(2))
    assert first.left() == second.left()
    assert second.top() - first.top() == first.height() < 40
    click(qtbot, panel, 3)
    assert document.current == document.visible[3]
    qtbot.keyClick(panel.grid, Qt.Key.Key_Down)
    assert document.current == document.visible[4]
    assert panel.grid.model().index(4, 0).data() == "4.png"  # for those who listen
    assert painted(panel).pixelColor(centre(panel, 4)).name() != painted(panel).pixelColor(centre(panel, 2)).name()


def painted(panel: ImagesPanel) -> QImage:
    return panel.grid.viewport().grab().toImage()


@pytest.mark.parametrize("compact", [False, True], ids=["grid", "list"])
def test_marks_are_painted(qtbot: QtBot, panel: ImagesPanel, document: Document, compact: bool) -> None:
    panel.set_compact(compact)
    qtbot.waitUntil(lambda: panel.grid.itemDelegate()._thumbnails.image(document.visible[5]) is not None)

    def row() -> QImage:
        return painted(panel).copy(panel.grid.visualRect(panel.grid.model().index(5, 0)))

    seen = [row()]
    image_id = document.visible[5]
    for change in (
        lambda: set_note(document, image_id, "x"),
        lambda: set_ignored(document, [image_id], True),
        lambda: panel.grid.choose([image_id]),
        lambda: document.add_images([replace(document.images[image_id], missing=True, note="x")], keys={}, counts={}),
    ):
        change()
        seen.append(row())
    assert all(before != after for before, after in pairwise(seen))


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
