"""Where the fusion graph's nodes and edges lie: pixels of the widget, no Qt."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.model.fusion import FusionEdge

LEFT, RIGHT, TOP, BOTTOM = 40.0, 24.0, 16.0, 28.0  # px around the graph, with its labels
LEAST_CELL, LEAST_ROW = 96, 26  # px between columns and rows, below which it cannot be read
THINNEST, THICKEST = 1.0, 7.0  # px
NODE_REACH, EDGE_REACH = 9.0, 7.0  # px from which the pointer is on a node or an edge
ARC = 0.5  # of a row: how high the control points lie of an edge that passes over a node

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]  # a cubic Bézier
NodeName = tuple[int, str]  # the cell, from 1, and the name in it, such as "P5 td"


@dataclass(frozen=True)
class Frame:
    """A drawing of `cells` cells over `levels` in a widget of width × height px: columns are cells, rows levels.

    A cell's outputs are the next one's inputs, and share a place; nodes on the way to them lie half-way between.
    """

    width: float
    height: float
    cells: int
    levels: range

    def at(self, column: float, level: int) -> Point:
        """The place of a column, 0 … cells, and a level; the highest is the top row."""
        across = (self.width - LEFT - RIGHT) / self.cells
        down = (self.height - TOP - BOTTOM) / (len(self.levels) - 1)
        return LEFT + column * across, TOP + (self.levels[-1] - level) * down

    def place(self, cell: int, name: str) -> Point:
        """The place of a node or an input of a cell by its name, such as "P5 td"."""
        level, role = name[1:].split()
        return self.at(cell - {"in": 1.0, "td": 0.5, "out": 0.0}[role], int(level))

    def nodes(self, edges: Sequence[FusionEdge]) -> dict[NodeName, Point]:
        """The first cell's inputs and every node that the edges lead to, by name."""
        names = [(1, f"P{level} in") for level in self.levels] + [(edge.cell, edge.node) for edge in edges]
        return {name: self.place(*name) for name in names}

    def curve(self, edge: FusionEdge, nodes: Container[NodeName]) -> Curve:
        """The way of an edge: straight along rows and columns, in an arc over a node, in a bend between rows."""
        start, end = self.place(edge.cell, edge.source), self.place(edge.cell, edge.node)
        (x0, y0), (x1, y1) = start, end
        if edge.level != edge.source_level:
            middle = (x0 + x1) / 2
            return start, (middle, y0), (middle, y1), end
        whole = edge.source.endswith("in") and edge.node.endswith("out")
        passes_over = whole and (edge.cell, f"P{edge.level} td") in nodes
        lift = ARC * (self.at(0, self.levels[0])[1] - self.at(0, self.levels[1])[1]) if passes_over else 0.0
        third = (x1 - x0) / 3
        return start, (x0 + third, y0 - lift), (x1 - third, y1 - lift), end


def least_size(cells: int, levels: range) -> tuple[int, int]:
    """The width and height in px below which the graph cannot be read."""
    return round(LEFT + RIGHT) + LEAST_CELL * cells, round(TOP + BOTTOM) + LEAST_ROW * (len(levels) - 1)


def thickness(share: float) -> float:
    """The width in px of an edge with a share of 0 … 1 of the most there can be."""
    return THINNEST + (THICKEST - THINNEST) * min(max(share, 0.0), 1.0)


def node_at(nodes: dict[NodeName, Point], point: Point) -> NodeName | None:
    """The node under the pointer."""
    name = min(nodes, key=lambda name: _distance(nodes[name], point), default=None)
    return name if name is not None and _distance(nodes[name], point) <= NODE_REACH else None


def edge_at(curves: Sequence[Curve], point: Point) -> int | None:
    """The place in `curves` of the edge nearest to the pointer, where one is near."""
    if not curves:
        return None
    lines = sampled(curves)
    starts, ways = lines[:, :-1], np.diff(lines, axis=1)
    towards = np.asarray(point) - starts
    lengths = np.maximum((ways**2).sum(axis=2), 1e-9)
    along = np.clip((towards * ways).sum(axis=2) / lengths, 0, 1)[:, :, None]
    distances = np.linalg.norm(towards - along * ways, axis=2).min(axis=1)
    nearest = int(distances.argmin())
    return nearest if distances[nearest] <= EDGE_REACH else None


def sampled(curves: Sequence[Curve], pieces: int = 24) -> NDArray[np.float64]:
    """Points (N, pieces + 1, 2) along N curves, from start to end."""
    t = np.linspace(0, 1, pieces + 1)
    shares = np.stack([(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3], axis=1)
    return np.einsum("tc,ncd->ntd", shares, np.asarray(curves, np.float64))


def middle(curve: Curve) -> Point:
    """The point half-way along a curve."""
    x, y = sampled([curve], 2)[0, 1]
    return float(x), float(y)


def beside(point: Point, size: Point, bounds: Point) -> Point:
    """The corner of a card of a size that lies beside the pointer and within bounds of width × height."""
    gap = 14.0
    (x, y), (width, height) = point, size
    left = x + gap if x + gap + width <= bounds[0] else x - gap - width
    top = y + gap if y + gap + height <= bounds[1] else y - gap - height
    return max(0.0, min(left, bounds[0] - width)), max(0.0, min(top, bounds[1] - height))


def _distance(a: Point, b: Point) -> float:
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))
