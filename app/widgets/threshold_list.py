"""The thresholds class by class: a slider in each row, and how many proposals it leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QPoint,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
)

from app import theme
from app.widgets.elided_label import elided_name
from app.widgets.painted_list import Index, PaintedList, RowPainter, RowsModel
from app.widgets.swatches import SWATCH, paint_swatch
from app.wording import count, tooltip
from detector.boxes import DEFAULT_THRESHOLD
from detector.data.project.proposals import Limits
from detector.data.project.records import ProjectClass

ROW = 30  # px
LOWEST, HIGHEST = 0.05, 1.0  # below no predictions are kept
STEP, PAGE = 0.01, 0.05
VALUE_WIDTH, NUMBER_WIDTH = 32, 44  # px
Role = Qt.ItemDataRole
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine


@dataclass(frozen=True)
class ThresholdRow:
    """A class, the score in force for it, whether it is the class's own, and its proposals in all images."""

    entry: ProjectClass
    score: float
    is_set: bool
    proposals: int


@dataclass(frozen=True)
class RowParts:
    """Where the parts of a row are; `track` is what the handle runs on."""

    swatch: QRect
    name: QRect
    track: QRect
    value: QRect
    number: QRect


def row_parts(row: QRect) -> RowParts:
    """Where the parts of a row go: names and tracks share what the numbers leave."""
    middle = row.top() + row.height() // 2
    swatch = QRect(row.left() + 4, middle - SWATCH // 2, SWATCH, SWATCH)
    number = QRect(row.right() - NUMBER_WIDTH - 3, row.top(), NUMBER_WIDTH, row.height())
    value = QRect(number.left() - VALUE_WIDTH, row.top(), VALUE_WIDTH, row.height())
    left = swatch.right() + 9
    width = (value.left() - left) * 45 // 100
    name = QRect(left, row.top(), width, row.height())
    track = QRect(name.right() + 13, middle - 2, value.left() - 10 - name.right() - 13, 4)
    return RowParts(swatch, name, track, value, number)


def score_at(track: QRect, x: int) -> float:
    """The score that a place on the track stands for, in steps of a hundredth."""
    share = (x - track.left()) / max(1, track.width())
    return _held(LOWEST + share * (HIGHEST - LOWEST))


def rows_of(
    classes: Sequence[ProjectClass], limits: Limits, *, own: Mapping[int, float], proposals: Mapping[int, int]
) -> list[ThresholdRow]:
    """The classes that a model finds here, in their order. own: the model's thresholds; proposals: by class, and 0
    where lower thresholds would bring some. Hidden classes are left out, as their proposals are.
    """
    return [
        ThresholdRow(item, _score(item.id, limits, own), item.id in limits.by_class, proposals[item.id])
        for item in classes
        if item.id in proposals and item.id not in limits.hidden
    ]


class ThresholdList(PaintedList):
    """Drag or click on a track, or use the arrows; a double click on the value, or Del, leaves it to the others.

    score_wanted: class id, and its score, None for no score of its own.
    """

    score_wanted = Signal(int, object)

    def __init__(self) -> None:
        self.model_ = _Model()
        super().__init__(self.model_)
        self.setItemDelegate(_Painter(self))
        self.setAccessibleName("Score thresholds by class")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._held: int | None = None  # the row whose handle the mouse has

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Takes the handle to where the mouse is."""
        index = self.indexAt(event.position().toPoint())
        super().mousePressEvent(event)
        if index.isValid() and event.button() is Qt.MouseButton.LeftButton:
            track = row_parts(self.visualRect(index)).track
            if track.adjusted(-8, -12, 8, 12).contains(event.position().toPoint()):
                self._held = index.row()
                self._move_to(event.position().toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The handle follows."""
        if self._held is None:
            super().mouseMoveEvent(event)
        else:
            self._move_to(event.position().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Lets go of the handle."""
        self._held = None
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """On the value: no threshold of its own."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and row_parts(self.visualRect(index)).value.contains(event.position().toPoint()):
            self.score_wanted.emit(self.model_.rows[index.row()].entry.id, None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right by a hundredth, with the pages by five; Del gives it up. Up and down are Qt's."""
        row = self.currentIndex().row()
        key = Qt.Key(event.key())
        steps = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP, Qt.Key.Key_PageDown: -PAGE, Qt.Key.Key_PageUp: PAGE}
        if 0 <= row < len(self.model_.rows) and key in steps:
            entry = self.model_.rows[row]
            self.score_wanted.emit(entry.entry.id, _held(entry.score + steps[key]))
        elif 0 <= row < len(self.model_.rows) and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.score_wanted.emit(self.model_.rows[row].entry.id, None)
        elif event.text().strip():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _move_to(self, point: QPoint) -> None:
        if self._held is not None and self._held < len(self.model_.rows):
            track = row_parts(self.visualRect(self.model_.index(self._held))).track
            row = self.model_.rows[self._held]
            if (score := score_at(track, point.x())) != row.score or not row.is_set:
                self.score_wanted.emit(row.entry.id, score)


class _Model(RowsModel[ThresholdRow]):
    def are_same(self, rows: Sequence[ThresholdRow]) -> bool:
        """Those of the same classes."""
        return [row.entry.id for row in rows] == [row.entry.id for row in self.rows]

    def data(self, index: Index, role: int = Role.DisplayRole) -> object:
        row = self.rows[index.row()]
        if role == Role.DisplayRole:
            return f"{row.entry.name}, from {row.score:.2f} on: {count(row.proposals, 'proposal')}"
        return tooltip(self.data(index)) if role == Role.ToolTipRole else None  # pyright: ignore[reportArgumentType]


class _Painter(RowPainter):
    def __init__(self, rows: ThresholdList) -> None:
        super().__init__(rows, height=ROW)
        self._list = rows

    def is_chosen(self, index: Index) -> bool:
        """The current one, while keys go to the list."""
        return self._list.hasFocus() and index.row() == self._list.currentIndex().row()

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, *, is_hovered: bool) -> None:
        """Swatch, name, track, score, number."""
        row, colours = self._list.model_.rows[index.row()], theme.current()
        parts = row_parts(rect)
        paint_swatch(painter, QRectF(parts.swatch), row.entry.colour)
        painter.setPen(QColor(colours.text))
        name = elided_name(painter.fontMetrics(), row.entry.name, parts.name.width())
        painter.drawText(parts.name, _LEFT, name)
        _paint_track(painter, parts.track, row)
        font = painter.font()
        font.setPixelSize(theme.SMALL)
        painter.setFont(font)
        painter.setPen(QColor(colours.text if row.is_set else colours.muted))
        painter.drawText(parts.value, _RIGHT, f"{row.score:.2f}")
        painter.setPen(QColor(colours.muted))
        painter.drawText(parts.number, _RIGHT, f"{row.proposals:,}")


def _paint_track(painter: QPainter, track: QRect, row: ThresholdRow) -> None:
    """Where the class has a score of its own the handle is full, else hollow."""
    colours = theme.current()
    x = track.left() + (row.score - LOWEST) / (HIGHEST - LOWEST) * track.width()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.line))
    painter.drawRoundedRect(QRectF(track), 2, 2)
    ink = QColor(colours.accent if row.is_set else colours.muted)
    painter.setBrush(ink)
    painter.drawRoundedRect(QRectF(track.left(), track.top(), x - track.left(), track.height()), 2, 2)
    painter.setPen(QPen(ink, 1.5))
    painter.setBrush(ink if row.is_set else QColor(colours.panel))
    painter.drawEllipse(QRectF(x - 5, track.center().y() - 4.5, 10, 10))


def _score(class_id: int, limits: Limits, own: Mapping[int, float]) -> float:
    score = limits.by_class.get(class_id, limits.overall)
    return own.get(class_id, DEFAULT_THRESHOLD) if score is None else score


def _held(score: float) -> float:
    return round(min(max(score, LOWEST), HIGHEST), 2)
