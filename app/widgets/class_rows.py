"""The rows of the list of classes: what is in them, where their parts are, how they are painted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app import theme
from app.widgets.elided_label import elided_name
from app.widgets.swatches import SWATCH, paint_swatch
from detector.data.project.records import ProjectClass

ROW = 32  # px
NUMBER_WIDTH = 44  # px
DIGITS = 9
FOLD_BEYOND = 12  # classes
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine


@dataclass(frozen=True)
class ClassRow:
    """A class as listed. `digit` 1 … 9 is its key, None has none; `hidden`: its boxes are out of sight."""

    entry: ProjectClass
    boxes: int
    digit: int | None
    hidden: bool = False


@dataclass(frozen=True)
class FoldRow:
    """The row behind which classes wait that a model brought and no box has."""

    hidden: int
    is_open: bool

    @property
    def text(self) -> str:
        """What a click on it does."""
        return f"Hide {self.hidden} unused" if self.is_open else f"{self.hidden} more from the model"


Row = ClassRow | FoldRow


@dataclass(frozen=True)
class RowParts:
    """Where the parts of a row are, in the coordinates of its rectangle."""

    swatch: QRect
    name: QRect
    eye: QRect  # a button that takes its boxes out of sight, or shows them
    number: QRect
    removal: QRect  # a button that takes the number's place where there is no box
    chip: QRect


def row_parts(row: QRect) -> RowParts:
    """Where the parts of a row go."""
    middle = row.top() + row.height() // 2
    swatch = QRect(row.left() + 8, middle - SWATCH // 2, SWATCH, SWATCH)
    chip = QRect(row.left() + row.width() - 32, middle - 9, 24, 18)
    number = QRect(chip.left() - 8 - NUMBER_WIDTH, row.top(), NUMBER_WIDTH, row.height())
    removal = QRect(chip.left() - 8 - 20, middle - 12, 24, 24)
    eye = QRect(number.left() - 24, middle - 12, 24, 24)
    left = swatch.left() + SWATCH + 8
    name = QRect(left, row.top(), eye.left() - 4 - left, row.height())
    return RowParts(swatch, name, eye, number, removal, chip)


def listed(
    classes: Sequence[ProjectClass],
    counts: Mapping[int, int],
    *,
    active: int | None,
    is_open: bool,
    out_of_sight: Collection[int] = (),
) -> list[Row]:
    """The rows: classes in order, but of a long list those that a model brought and no box has wait behind a fold.

    Digits go to the first nine that need no fold, whichever class is active: a key must not change its meaning by that.
    """
    is_long = len(classes) > FOLD_BEYOND
    unused = {item.id for item in classes if is_long and item.pass_id is not None and not counts.get(item.id)}
    kept = [item.id for item in classes if item.id not in unused]
    digits = {class_id: digit for digit, class_id in enumerate(kept[:DIGITS], 1)}
    shown = [item for item in classes if item.id not in unused or item.id == active]
    folded = [item for item in classes if item.id in unused and item.id != active]
    rows: list[Row] = [
        ClassRow(item, counts.get(item.id, 0), digits.get(item.id), item.id in out_of_sight) for item in shown
    ]
    if folded:
        rows.append(FoldRow(len(folded), is_open))
    return rows + [ClassRow(item, 0, None, item.id in out_of_sight) for item in folded if is_open]


def paint_class(painter: QPainter, rect: QRect, row: ClassRow, *, is_hovered: bool) -> None:
    """A class as listed; what can be clicked shows where the mouse is."""
    colours, parts = theme.current(), row_parts(rect)
    paint_swatch(painter, QRectF(parts.swatch), row.entry.colour)
    painter.setPen(QColor(colours.muted if row.hidden else colours.text))
    if row.hidden or is_hovered:
        eye = theme.icon("eye-off" if row.hidden else "eye", ink="text" if row.hidden else "muted")
        eye.paint(painter, parts.eye.adjusted(4, 4, -4, -4))
    room = QRect(parts.name)  # and what else stays empty
    if not (row.hidden or is_hovered):
        room.setRight((parts.number if row.boxes else parts.chip).left() - 4)
    name = elided_name(painter.fontMetrics(), row.entry.name, room.width())
    painter.drawText(room, _LEFT, name)
    font = painter.font()
    font.setPixelSize(theme.SMALL)
    painter.setFont(font)
    painter.setPen(QColor(colours.muted))
    if row.boxes:
        painter.drawText(parts.number, _RIGHT, f"{row.boxes:,}")
    elif is_hovered:
        theme.icon("delete").paint(painter, parts.removal.adjusted(4, 4, -4, -4))
    if row.digit is not None:
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.field))
        painter.drawRoundedRect(QRectF(parts.chip).adjusted(0.5, 0.5, -0.5, -0.5), 8.5, 8.5)
        painter.setPen(QColor(colours.text))
        painter.drawText(parts.chip, Qt.AlignmentFlag.AlignCenter, str(row.digit))


def paint_fold(painter: QPainter, rect: QRect, row: FoldRow) -> None:
    """The row behind which unused classes wait."""
    parts = row_parts(rect)
    arrow = QRect(parts.swatch.center() - QPoint(7, 7), QSize(16, 16))
    theme.icon("chevron-down" if row.is_open else "chevron-right").paint(painter, arrow)
    painter.setPen(QColor(theme.current().muted))
    painter.drawText(rect.adjusted(parts.name.left() - rect.left(), 0, -8, 0), _LEFT, row.text)
