"""The necks, each a table of the nodes of one cell (EfficientDet paper, section 3.2, figure 2).

Networks, pictures of them and counts of their operations are all made of these tables. A new neck is one more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Direction = Literal["same", "up", "down"]


class Neck(StrEnum):
    """How the levels of the pyramid reach each other: down and up again, or only down."""

    BIFPN = "bifpn"
    FPN = "fpn"


@dataclass(frozen=True)
class Node:
    """One fusion of a cell: the level it makes, its role ("td" on the way down, "out"), and the ids of what it fuses.

    Ids 0 … L−1 are the cell's inputs from P3 up; node k has id L + k. A level's last node is the cell's output.
    """

    level: int
    role: Literal["td", "out"]
    inputs: tuple[int, ...]


def bifpn_nodes(levels: range) -> tuple[Node, ...]:
    """The nodes of one BiFPN cell in order of computation: top-down from the second-highest level, then bottom-up
    (paper, figure 2d).
    """
    count, top = len(levels), len(levels) - 1
    nodes: list[Node] = []
    newest = list(range(count))  # id of each level's newest map

    def add(index: int, role: Literal["td", "out"], inputs: tuple[int, ...]) -> None:
        nodes.append(Node(levels[index], role, inputs))
        newest[index] = count + len(nodes) - 1

    for index in range(top - 1, -1, -1):
        add(index, "td" if index else "out", (index, newest[index + 1]))
    for index in range(1, count):
        own = (index, newest[index]) if index < top else (index,)
        add(index, "out", (*own, newest[index - 1]))
    return tuple(nodes)


def fpn_nodes(levels: range) -> tuple[Node, ...]:
    """The nodes of one plain top-down cell in order of computation, from the highest level down (Lin et al. 2017;
    paper, figure 2a). As there, each output has a convolution of its own, the highest's over its input alone.
    """
    count, top = len(levels), len(levels) - 1
    inputs = [(top,), *((index, count + top - index - 1) for index in range(top - 1, -1, -1))]
    return tuple(Node(level, "out", ids) for level, ids in zip(reversed(levels), inputs, strict=True))


NODE_TABLES: Mapping[Neck, Callable[[range], tuple[Node, ...]]] = {Neck.BIFPN: bifpn_nodes, Neck.FPN: fpn_nodes}


def neck_nodes(neck: Neck, levels: range) -> tuple[Node, ...]:
    """The nodes of one cell of a neck over `levels`, in order of computation."""
    return NODE_TABLES[neck](levels)


def output_ids(nodes: Sequence[Node], levels: range) -> tuple[int, ...]:
    """The ids of a cell's outputs, the lowest level's first: of each level the last node."""
    last = {node.level: id for id, node in enumerate(nodes, start=len(levels))}
    return tuple(last[level] for level in levels)


@dataclass(frozen=True)
class Edge:
    """One input of a node: where it comes from ("P5 in", "P4 td", "P3 out"), and how it gets to the node's level."""

    source: str
    source_level: int
    direction: Direction


def node_edges(nodes: Sequence[Node], levels: range) -> list[tuple[Edge, ...]]:
    """The edges of every node, in the order of its weights. "up" is a finer map pooled up the pyramid, "down" a
    coarser one enlarged.
    """
    names = [(level, "in") for level in levels] + [(node.level, node.role) for node in nodes]

    def edge(node: Node, source: int) -> Edge:
        level, role = names[source]
        direction: Direction = "same" if level == node.level else "up" if level < node.level else "down"
        return Edge(f"P{level} {role}", level, direction)

    return [tuple(edge(node, source) for source in node.inputs) for node in nodes]
