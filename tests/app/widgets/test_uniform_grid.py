"""Where the cells of a long list are follows from their rows, and nothing is asked of rows out of sight."""

import pytest
from PySide6.QtCore import QModelIndex, QPoint, QSize, QStringListModel
from pytestqt.qtbot import QtBot

from app.widgets.uniform_grid import UniformGrid

ROWS = 100_001


class Texts(QStringListModel):
    """Notes which rows are asked for."""

    def __init__(self) -> None:
        super().__init__([""] * ROWS)
        self.asked: set[int] = set()

    def data(self, index: QModelIndex, role: int = 0) -> str:
        self.asked.add(index.row())
        return str(index.row())


@pytest.fixture
def grid(qtbot: QtBot) -> UniformGrid:
    made = UniformGrid()
    qtbot.addWidget(made)
    model = Texts()
    made.setModel(model)
    made.setGridSize(QSize(50, 40))
    made.resize(240, 400)
    made.show()
    made.updateGeometries()
    return made


def test_each_row_is_found_where_it_is(grid: UniformGrid) -> None:
    columns = grid.columns()
    assert columns >= 3
    for row in (0, 1, columns - 1, columns, 77, 50_000, ROWS - 1):
        index = grid.model().index(row, 0)
        grid.scrollTo(index)
        rect = grid.visualRect(index)
        assert grid.viewport().rect().contains(rect)
        assert rect.size() == QSize(50, 40)
        for point in (rect.topLeft(), rect.center(), rect.bottomRight()):
            assert grid.indexAt(point) == index
    assert not grid.indexAt(QPoint(columns * 50 + 1, 10)).isValid()  # beside the columns
    last = grid.visualRect(grid.model().index(ROWS - 1, 0))
    assert not grid.indexAt(last.center() + QPoint(50, 0)).isValid()  # behind the last one
    assert grid.visualRect(QModelIndex()).isNull()


def test_it_scrolls_no_further_than_it_must(grid: UniformGrid) -> None:
    bar, columns, height = grid.verticalScrollBar(), grid.columns(), grid.viewport().height()
    assert bar.maximum() == -(-ROWS // columns) * 40 - height
    grid.scrollTo(grid.model().index(0, 0))
    assert bar.value() == 0
    grid.scrollTo(grid.model().index(100 * columns, 0))
    assert bar.value() == 101 * 40 - height
    before = bar.value()
    grid.scrollTo(grid.model().index(99 * columns, 0))  # in sight already
    assert bar.value() == before
    grid.scrollTo(grid.model().index(2, 0))
    assert bar.value() == 0


def test_only_what_is_in_sight_is_painted(qtbot: QtBot, grid: UniformGrid) -> None:
    model = grid.model()
    assert isinstance(model, Texts)
    grid.scrollTo(model.index(60_000, 0))
    model.asked.clear()
    grid.viewport().grab()
    assert 60_000 in model.asked
    assert len(model.asked) <= (grid.viewport().height() // 40 + 2) * grid.columns()
    model.removeRows(10, ROWS - 10)
    qtbot.waitUntil(lambda: grid.verticalScrollBar().maximum() == 0)
    assert not grid.indexAt(QPoint(5, 300)).isValid()
