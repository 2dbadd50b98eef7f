"""Rows that break where the width ends."""

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.flow_layout import FlowLayout, flow

SIZES = st.lists(st.tuples(st.integers(1, 90), st.integers(1, 30)), max_size=12)


def test_a_row_breaks_where_the_width_ends() -> None:
    assert flow([(40, 10), (40, 20), (40, 10)], width=84, gap=4) == ([(0, 0), (44, 0), (0, 24)], 34)


def test_nothing_takes_no_room() -> None:
    assert flow([], width=100, gap=4) == ([], 0)


@given(SIZES, st.integers(90, 400), st.integers(0, 8))
def test_items_stay_inside_and_apart(sizes: list[tuple[int, int]], width: int, gap: int) -> None:
    corners, height = flow(sizes, width=width, gap=gap)
    areas = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True)]
    assert all(right <= width and bottom <= height for _, _, right, bottom in areas)
    for place, a in enumerate(areas):
        for b in areas[place + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_hidden_widgets_leave_no_gap(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    layout = FlowLayout(page, gap=4)
    labels = [QLabel(text) for text in ("one", "two", "three")]
    for label in labels:
        layout.addWidget(label)
    labels[1].hide()
    page.resize(300, 100)
    with qtbot.waitExposed(page):
        page.show()
    assert labels[2].x() == labels[0].geometry().right() + 1 + 4
    page.resize(labels[2].sizeHint().width() + 4, 100)
    qtbot.waitUntil(lambda: labels[2].y() > 0)
