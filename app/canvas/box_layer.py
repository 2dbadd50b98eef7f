"""The boxes of the current image as arrays, where they are hit, and how they are painted: in screen pixels, so that
lines and handles keep their size at any zoom.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QLineF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QTransform

from app import theme
from app.canvas.chips import MOST, Chip, chip_font, paint_chips, provenance
from app.canvas.geometry import Box, Boxes, Handle, grip_frame, handle_at, handle_points, stack_at, touching
from app.canvas.ink import faint, halo_of, pen
from app.canvas.outlines import Outlines
from app.document import Document
from app.page import ShownBox

LINE, HALO, HANDLE = 2, 4, 8  # screen px
SMALL_HANDLE, SMALL_BOX = 6, 24  # screen px: handles that leave a box up to that size to be seen
DASHES = (5, 2.5)  # in line widths
FEW, CROWD = 20, 100  # proposals that are all labelled, among at most so many boxes
RIM = 4  # screen px at a box's sides that a label may cover
FILL, HATCH = 0.15, 0.7  # opacities
THIN_FROM = 300  # boxes in sight; so many outlines would hide the picture if they were as thick as those of a few


@dataclass(frozen=True)
class Draft:
    """A rectangle that a gesture stretches, in image pixels; with its size beside it where `measured`."""

    xyxy: Box
    colour: str
    measured: bool


class BoxLayer:
    """What is shown of the document's current image, and what a gesture under way makes of it.

    live: rectangles that replace those of some boxes as long as a gesture moves them. preview: the selection that a
    rubber band would make. draft: the rectangle that a gesture stretches. measured: labels of moving boxes tell their
    size.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._shown: tuple[ShownBox, ...] = ()
        self._boxes: Boxes = np.zeros((0, 4))
        self._places: dict[int, int] = {}
        self._outlines = Outlines()
        self.visible, self.with_handles, self.all_labelled = True, True, False
        self.hovered: int | None = None
        self.live: dict[int, Box] = {}
        self.measured = False
        self.preview: frozenset[int] | None = None
        self.draft: Draft | None = None

    def reload(self) -> None:
        """Take over what the document shows."""
        self._shown = self._document.shown
        self._boxes = np.array([box.xyxy for box in self._shown], float).reshape(-1, 4)
        self._places = {box.key: place for place, box in enumerate(self._shown)}
        self._outlines.keep(self._shown)
        if self.hovered not in self._places:
            self.hovered = None

    def rectangle(self, key: int) -> Box | None:
        """Where the document has a box, in image pixels; None where it has no such box."""
        place = self._places.get(key)
        return None if place is None else self._shown[place].xyxy

    def stack_at(self, point: tuple[float, float], *, reach: float) -> list[int]:
        """The keys of the boxes within `reach` of a point, in image pixels, the smallest first."""
        return self._keys(stack_at(self._boxes, point, reach=reach)) if self.visible else []

    def touching(self, band: Box) -> frozenset[int]:
        """The keys of the boxes that share a point with a rubber band, in image pixels."""
        return frozenset(self._keys(touching(self._boxes, band)) if self.visible else [])

    def handle_at(self, point: tuple[float, float], to_screen: QTransform) -> tuple[int, Handle] | None:
        """The selected box whose handles are out, and the handle at a point in screen pixels."""
        key = self._handled()
        if key is None:
            return None
        handle = handle_at(_box(_rectangles(self._boxes[[self._places[key]]], to_screen)[0].tolist()), point)
        return None if handle is None else (key, handle)

    @property
    def still(self) -> tuple[bool, frozenset[int], frozenset[int]]:
        """Changes whenever paint_still would paint the document's boxes in another way."""
        return self.visible, frozenset(self.live), self._chosen

    def paint_still(self, painter: QPainter, exposed: QRect) -> None:
        """Paint the boxes that no gesture moves, where `exposed` (screen pixels) needs it: fills, outlines, and those
        of selected boxes at last.
        """
        to_screen = painter.worldTransform()
        painter.save()
        seen = self._seen(_rectangles(self._boxes, to_screen), exposed) if self.visible else []
        chosen, moving = self._chosen, self.live.keys()
        outlined = [box for box, _ in seen if box.segmentation is not None and box.key not in moving]
        self._outlines.paint(painter, [(box, self._colour(box)) for box in outlined])
        painter.setWorldTransform(QTransform())
        resting = [pair for pair in seen if pair[0].key in chosen and pair[0].key not in moving]
        self._paint_fills(painter, resting)
        self._paint_outlines(painter, [pair for pair in seen if pair[0].key not in chosen])
        self._paint_outlines(painter, resting)
        painter.restore()

    def paint(self, painter: QPainter, bounds: QRect) -> None:
        """Paint what stands out: the hovered box, moving ones, labels, handles, draft.

        `bounds` is the whole of what is seen, in screen pixels.
        """
        to_screen = painter.worldTransform()
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setFont(chip_font(painter.font()))
        if self.visible:
            self._paint_standing_out(painter, self._seen(_rectangles(self._boxes_now(), to_screen), bounds), bounds)
        if self.draft is not None:
            self._paint_draft(painter, self.draft, to_screen, bounds)
        painter.restore()

    def _paint_standing_out(self, painter: QPainter, seen: Sequence[tuple[ShownBox, Box]], bounds: QRect) -> None:
        moving = [pair for pair in seen if pair[0].key in self.live]
        self._paint_fills(painter, moving)
        self._paint_outlines(painter, [pair for pair in seen if pair[0].key == self.hovered])
        self._paint_outlines(painter, moving)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_chips(painter, self._chips(seen), _bounds(bounds))
        self._paint_handles(painter, seen)

    @property
    def _chosen(self) -> frozenset[int]:
        """What is selected, or would be by a rubber band; and what a gesture moves."""
        return (self._document.selection if self.preview is None else self.preview) | self.live.keys()

    def _keys(self, places: Iterable[int]) -> list[int]:
        return [self._shown[place].key for place in places]

    def _handled(self) -> int | None:
        """The box that shows handles: the only one selected."""
        selection = self._document.selection
        key = next(iter(selection)) if len(selection) == 1 and self.visible and self.with_handles else None
        return key if key in self._places else None

    def _boxes_now(self) -> Boxes:
        """The boxes, those that a gesture moves where it has them."""
        boxes = self._boxes
        if self.live:
            boxes = boxes.copy()
            for key, xyxy in self.live.items():
                boxes[self._places[key]] = xyxy
        return boxes

    def _seen(self, screen: Boxes, bounds: QRect) -> list[tuple[ShownBox, Box]]:
        """The boxes whose rectangles (N, 4) are in sight, with these."""
        places = touching(screen, _bounds(bounds.adjusted(-HALO, -HALO, HALO, HALO)))
        return [(self._shown[place], _box(row)) for place, row in zip(places, screen[places].tolist(), strict=True)]

    def _colour(self, box: ShownBox) -> str:
        return self._document.class_of(box.class_id).colour

    def _paint_fills(self, painter: QPainter, seen: Sequence[tuple[ShownBox, Box]]) -> None:
        for box, rect in seen:
            painter.fillRect(_rect(rect), faint(self._colour(box), FILL))

    def _paint_outlines(self, painter: QPainter, seen: Sequence[tuple[ShownBox, Box]]) -> None:
        """All halos first, then the lines, in as few calls as there are colours; ignore regions are hatched. Those of a
        crowd are thin and have no halos.
        """
        is_crowd = len(seen) >= THIN_FROM
        groups: defaultdict[tuple[int, bool], list[Box]] = defaultdict(list)
        for box, rect in seen:
            groups[box.class_id, box.is_proposal].append(rect)
            if box.iscrowd:
                painter.fillRect(_rect(rect), QBrush(faint(self._colour(box), HATCH), Qt.BrushStyle.BDiagPattern))
        looks = [(self._document.class_of(of).colour, dashed, rects) for (of, dashed), rects in groups.items()]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        shapes = [[_rect(rect) for rect in rects] for _, _, rects in looks]
        for (colour, _, _), shape in zip(looks, shapes, strict=True) if not is_crowd else ():
            painter.setPen(pen(halo_of(colour), HALO))
            painter.drawRects(shape)
        for (colour, dashed, rects), shape in zip(looks, shapes, strict=True):
            line = pen(colour, 1 if is_crowd else LINE)
            if dashed:
                line.setDashPattern(DASHES)
                line.setCapStyle(Qt.PenCapStyle.FlatCap)
                painter.setPen(line)
                painter.drawLines([line for rect in rects for line in _edges(rect)])
            else:
                painter.setPen(line)
                painter.drawRects(shape)

    def _chips(self, candidates: Sequence[tuple[ShownBox, Box]]) -> list[Chip]:
        """The labels to show, those that matter most first: hovered, selected, then large boxes."""
        chosen = self._chosen
        few = chosen if len(chosen) == 1 or self.all_labelled else frozenset()
        pointed = few | {self.hovered}
        offered = self._offered()
        wanted = [pair for pair in candidates if self.all_labelled or pair[0].key in pointed or pair[0].key in offered]

        def rank(pair: tuple[ShownBox, Box]) -> tuple[bool, bool, float]:
            key, (x1, y1, x2, y2) = pair[0].key, pair[1]
            return key != self.hovered, key not in few, -(x2 - x1) * (y2 - y1)

        chips: list[Chip] = []
        for box, rect in sorted(wanted, key=rank)[:MOST]:
            chip = self._chip(box, rect, box.key in few)
            is_offered = box.key in offered and box.key not in pointed
            chips.append(replace(chip, avoid=_insides(candidates, but=box.key)) if is_offered else chip)
        return chips

    def _offered(self) -> frozenset[int]:
        """Proposals that are labelled though nobody points at them, so that their scores can be compared: as long as
        they are few, and no gesture is under way.
        """
        if self.all_labelled or self.live or self.draft is not None or len(self._shown) > CROWD:
            return frozenset()
        proposals = [box.key for box in self._shown if box.is_proposal]
        return frozenset(proposals if len(proposals) <= FEW else ())

    def _chip(self, box: ShownBox, rect: Box, must: bool) -> Chip:
        item = self._document.class_of(box.class_id)
        left, top, right, bottom = grip_frame(rect) if box.key == self._handled() else rect
        off = HANDLE / 2 if box.key == self._handled() else LINE
        around = (left - off / 2, top - off, right + off / 2, bottom + off)
        return Chip(around, item.name, self._detail(box, must), item.colour, must or box.key == self.hovered)

    def _detail(self, box: ShownBox, is_single: bool) -> str:
        """What follows the class's name: the size of a box that is being resized, where one that is pointed at is from,
        and the score of a proposal.
        """
        if self.measured and box.key in self.live:
            return size_text(self.live[box.key])
        if box.key == self.hovered or (is_single and not self.all_labelled):
            return provenance(box)
        return f"{box.score:.2f}" if box.is_proposal and box.score is not None else ""

    def _paint_handles(self, painter: QPainter, seen: Sequence[tuple[ShownBox, Box]]) -> None:
        key = self._handled()
        for box, rect in seen:
            if box.key == key:
                painter.setPen(pen(self._colour(box), LINE))
                painter.setBrush(QColor("#FFFFFF"))
                size = SMALL_HANDLE if min(rect[2] - rect[0], rect[3] - rect[1]) < SMALL_BOX else HANDLE
                for x, y in handle_points(rect).values():
                    painter.drawRect(QRectF(x - size / 2, y - size / 2, size, size))

    def _paint_draft(self, painter: QPainter, draft: Draft, to_screen: QTransform, bounds: QRect) -> None:
        screen = _box(_rectangles(np.array([draft.xyxy]), to_screen)[0].tolist())
        painter.fillRect(_rect(screen), faint(draft.colour, FILL))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        thinner = 0 if draft.measured else 1
        for colour, width in ((halo_of(draft.colour), HALO), (draft.colour, LINE)):
            painter.setPen(pen(colour, width - thinner))
            painter.drawRect(_rect(screen))
        if draft.measured:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            size = Chip(screen, size_text(draft.xyxy), "", theme.current().overlay, must=True)
            paint_chips(painter, [size], _bounds(bounds))


def size_text(box: Box) -> str:
    """Width and height of a rectangle in image pixels: "64 × 48 px"."""
    return f"{box[2] - box[0]:.0f} × {box[3] - box[1]:.0f} px"


def _insides(seen: Sequence[tuple[ShownBox, Box]], *, but: int) -> tuple[Box, ...]:
    """Where the objects of other boxes are, which a label must not hide; it may cover the rims."""
    others = (rect for box, rect in seen if box.key != but)
    return tuple((x1 + RIM, y1 + RIM, x2 - RIM, y2 - RIM) for x1, y1, x2, y2 in others)


def _rectangles(boxes: Boxes, to_screen: QTransform) -> Boxes:
    offset = (to_screen.dx(), to_screen.dy()) * 2
    return np.round(boxes * to_screen.m11() + offset)


def _box(row: list[float]) -> Box:
    return row[0], row[1], row[2], row[3]


def _bounds(rect: QRect) -> Box:
    return rect.left(), rect.top(), rect.left() + rect.width(), rect.top() + rect.height()


def _rect(box: Box) -> QRectF:
    return QRectF(box[0], box[1], box[2] - box[0], box[3] - box[1])


def _edges(box: Box) -> tuple[QLineF, QLineF, QLineF, QLineF]:
    """The sides, each from its upper or left end, so that dashes do not wander when the box is resized below."""
    x1, y1, x2, y2 = box
    return QLineF(x1, y1, x2, y1), QLineF(x2, y1, x2, y2), QLineF(x1, y2, x2, y2), QLineF(x1, y1, x1, y2)
