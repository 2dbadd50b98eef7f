"""The neck drawn as the graph it is: each edge as thick as its weight."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.panels import fusion_geometry as geometry
from app.panels.fusion_geometry import Curve, Frame, NodeName
from detector.model.fusion import FusionEdge, FusionSnapshot

NODE = 4.5  # px, a node's radius
FAINT = 0.22  # opacity of what the pointer is not on
WAYS = {"same": "", "up": "pooled", "down": "enlarged"}
BACKBONE_TOP = 5  # the highest level that the backbone has itself
ROW, PADDING, BAR = 18, 10, 64  # px of the card


@dataclass(frozen=True)
class CardRow:
    """One input of a node in words: its name, share of the bar 0 … 1, number, the raw parameter, whether it is the one
    pointed at.
    """

    name: str
    share: float
    number: str
    raw: str
    marked: bool


class FusionView(QWidget):
    """Draws a snapshot, or its difference to another one; tells on a card what the pointer is on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self._snapshot: FusionSnapshot | None = None
        self._start: FusionSnapshot | None = None
        self._most = 0.0  # the largest change from the start
        self._curves: list[Curve] = []
        self._nodes: dict[NodeName, tuple[float, float]] = {}
        self._edge: int | None = None
        self._node: NodeName | None = None
        self._pointer = (0.0, 0.0)

    def show_weights(self, snapshot: FusionSnapshot | None, *, start: FusionSnapshot | None = None) -> None:
        """Draw a snapshot, or what it has more and less than `start`."""
        self._snapshot, self._start = snapshot, start
        self._most = largest_change(snapshot, start) if snapshot and start else 0.0
        if snapshot is not None:
            self.setMinimumSize(QSize(*geometry.least_size(*_extent(snapshot))))
        self._lay_out()
        self.update()

    def card(self) -> tuple[str, list[CardRow]] | None:
        """What the card says: the title, and an entry per input; None where the pointer is on nothing."""
        if self._snapshot is None:
            return None
        if self._edge is not None:
            edge = self._snapshot.edges[self._edge]
            return _title(edge.cell, edge.node), self._rows(edge.cell, edge.node)
        if self._node is None:
            return None
        cell, name = self._node
        if name.endswith(" in"):
            origin = "from the backbone" if int(name[1]) <= BACKBONE_TOP else "pooled from the level below"
            return f"{name} · {origin}", []
        return _title(cell, name), self._rows(cell, name)

    def forget_pointer(self) -> None:
        """Draw as if the pointer were on nothing."""
        self._node = self._edge = None
        self.update()

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._lay_out()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position().x(), event.position().y()
        node = geometry.node_at(self._nodes, self._pointer)
        edge = None if node else geometry.edge_at(self._curves, self._pointer)
        if (node, edge) != (self._node, self._edge) or node or edge is not None:
            self._node, self._edge = node, edge
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.forget_pointer()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.draw(painter)
        if (told := self.card()) is not None:
            self._draw_card(painter, *told)

    # Drawing

    def draw(self, painter: QPainter) -> None:
        """Draw the graph without the card."""
        if self._snapshot is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(graph_font())
        self._draw_labels(painter)
        order = sorted(range(len(self._curves)), key=self._share)
        if self._edge is not None:
            order.append(self._edge)  # once more, above all others
        for index in order:
            self._draw_edge(painter, index)
        self._draw_nodes(painter)

    def _lay_out(self) -> None:
        self._curves, self._nodes = [], {}
        if self._snapshot is not None:
            frame = Frame(self.width(), self.height(), *_extent(self._snapshot))
            self._nodes = frame.nodes(self._snapshot.edges)
            self._curves = [frame.curve(edge, self._nodes) for edge in self._snapshot.edges]

    def _draw_labels(self, painter: QPainter) -> None:
        assert self._snapshot is not None
        cells, levels = _extent(self._snapshot)
        frame = Frame(self.width(), self.height(), cells, levels)
        painter.setPen(QColor(theme.current().muted))
        for level in levels:
            _, y = frame.at(0, level)
            place = QRectF(0, y - 8, geometry.LEFT - 14, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"P{level}")
        for cell in range(1, cells + 1):
            x, y = frame.at(cell - 0.5, levels[0])
            painter.drawText(QRectF(x - 48, y + 10, 96, 16), Qt.AlignmentFlag.AlignCenter, f"cell {cell}")

    def _draw_edge(self, painter: QPainter, index: int) -> None:
        assert self._snapshot is not None
        edge, curve, colours = self._snapshot.edges[index], self._curves[index], theme.current()
        share = self._share(index)
        pen = QPen(QColor(colours.accent if self._change(index) >= 0 else colours.warning), geometry.thickness(share))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setOpacity((0.5 + 0.5 * share if self._snapshot.normalised else 1.0) * self._prominence(index))
        if edge.dead and self._start is None:
            pen = QPen(QColor(colours.warning), 1.25, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(_path(curve))
        if edge.dead:
            x, y = geometry.middle(curve)
            painter.setPen(QPen(QColor(colours.warning), 1.5))
            painter.drawLine(QPointF(x - 3.5, y - 3.5), QPointF(x + 3.5, y + 3.5))
            painter.drawLine(QPointF(x - 3.5, y + 3.5), QPointF(x + 3.5, y - 3.5))
        painter.setOpacity(1.0)

    def _draw_nodes(self, painter: QPainter) -> None:
        colours = theme.current()
        for name, (x, y) in self._nodes.items():
            painter.setBrush(QColor(colours.accent if name == self._node else colours.panel))
            painter.setPen(QPen(QColor(colours.accent if name == self._node else colours.text), 1.25))
            painter.drawEllipse(QPointF(x, y), NODE, NODE)

    def _draw_card(self, painter: QPainter, title: str, rows: Sequence[CardRow]) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plain, strong = graph_font(), graph_font(strong=True)
        painter.setFont(strong)
        metrics = painter.fontMetrics()
        names = max((metrics.horizontalAdvance(row.name) for row in rows), default=0)
        numbers = max((metrics.horizontalAdvance(row.number) for row in rows), default=0)
        raws = max((metrics.horizontalAdvance(row.raw) for row in rows), default=0)
        inner = max(names + BAR + numbers + raws + 36 if rows else 0, metrics.horizontalAdvance(title))
        size = inner + 2 * PADDING, ROW * (1 + len(rows)) + 2 * PADDING - 4
        left, top = geometry.beside(self._pointer, size, (self.width(), self.height()))
        colours = theme.current()
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.overlay))
        painter.drawRoundedRect(QRectF(left, top, *size), theme.RADIUS, theme.RADIUS)
        x, y = left + PADDING, top + PADDING - 2
        _write(painter, QRectF(x, y, inner, ROW), title, colours.on_overlay)
        for row in rows:
            y += ROW
            painter.setFont(strong if row.marked else plain)
            _write(painter, QRectF(x, y, names, ROW), row.name, colours.on_overlay)
            self._draw_bar(painter, QRectF(x + names + 12, y + ROW / 2 - 3, BAR, 6), row.share, 1 / len(rows))
            numbers_at = QRectF(x + names + BAR + 24, y, numbers, ROW)
            _write(painter, numbers_at, row.number, colours.on_overlay, right=True)
            _write(painter, QRectF(numbers_at.right() + 12, y, raws, ROW), row.raw, colours.on_overlay)

    def _draw_bar(self, painter: QPainter, place: QRectF, share: float, equal: float) -> None:
        """A bar, with a tick where all inputs would weigh the same."""
        assert self._snapshot is not None
        ground, ink = QColor(theme.current().on_overlay), QColor(theme.DARK.accent)  # overlays are dark in both themes
        ground.setAlphaF(0.18)
        painter.fillRect(place, ground)
        painter.fillRect(QRectF(place.x(), place.y(), place.width() * min(share, 1.0), place.height()), ink)
        if self._snapshot.normalised:
            painter.setPen(QPen(QColor(theme.current().on_overlay), 1.25))
            x = place.x() + place.width() * equal
            painter.drawLine(QPointF(x, place.y() - 3), QPointF(x, place.bottom() + 3))

    # What is drawn

    def _rows(self, cell: int, node: str) -> list[CardRow]:
        assert self._snapshot is not None
        return [
            CardRow(
                f"{edge.source} {WAYS[edge.direction]}".strip(),
                edge.weight,
                self._number(index, edge),
                self._raw(edge),
                index == self._edge,
            )
            for index, edge in enumerate(self._snapshot.edges)
            if (edge.cell, edge.node) == (cell, node)
        ]

    def _number(self, index: int, edge: FusionEdge) -> str:
        if self._snapshot is not None and not self._snapshot.normalised:
            return "1"
        change = "" if self._start is None else f" ({self._change(index):+.4f})".replace("-", "−")
        return f"{edge.weight:.3f}{change}"

    def _raw(self, edge: FusionEdge) -> str:
        if edge.raw is None:
            return "the only input" if self._snapshot and self._snapshot.normalised else "fixed 1, unnormalised"
        return f"raw {edge.raw:.4f}" + (" · dead" if edge.dead else "")

    def _change(self, index: int) -> float:
        """How much more an edge weighs than at the start; 0 where there is no start."""
        if self._snapshot is None or self._start is None:
            return 0.0
        return self._snapshot.edges[index].weight - self._start.edges[index].weight

    def _share(self, index: int) -> float:
        """How thick an edge is drawn, 0 … 1; fixed weights are all thin."""
        if self._snapshot is None or not self._snapshot.normalised:
            return 0.1
        if self._start is None:
            return self._snapshot.edges[index].weight
        return abs(self._change(index)) / self._most if self._most else 0.0

    def _prominence(self, index: int) -> float:
        """1, or less for edges other than those that the pointer is on."""
        if self._snapshot is None or (self._edge is None and self._node is None):
            return 1.0
        edge = self._snapshot.edges[index]
        return 1.0 if index == self._edge or (edge.cell, edge.node) == self._node else FAINT


def largest_change(now: FusionSnapshot, start: FusionSnapshot) -> float:
    """The largest difference of an edge's weight."""
    pairs = zip(now.edges, start.edges, strict=True)
    return max((abs(edge.weight - before.weight) for edge, before in pairs), default=0.0)


def _extent(snapshot: FusionSnapshot) -> tuple[int, range]:
    levels = [edge.level for edge in snapshot.edges]
    return snapshot.edges[-1].cell, range(min(levels), max(levels) + 1)


def _title(cell: int, node: str) -> str:
    return f"Cell {cell} · {node}" + (" (top-down)" if node.endswith("td") else "")


def _path(curve: Curve) -> QPainterPath:
    start, *others = (QPointF(*point) for point in curve)
    path = QPainterPath(start)
    path.cubicTo(*others)
    return path


def graph_font(*, strong: bool = False) -> QFont:
    """The font of all text that belongs to the graph."""
    font = QFont()
    font.setPixelSize(theme.SMALL)
    font.setBold(strong)
    return font


def _write(painter: QPainter, place: QRectF, text: str, colour: str, *, right: bool = False) -> None:
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    painter.setPen(QColor(colour))
    painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, text)
