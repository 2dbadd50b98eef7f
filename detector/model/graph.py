"""The graph of one BiFPN cell (EfficientDet paper, section 3.2), of which networks and pictures of them are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Direction = Literal["same", "up", "down"]


@dataclass(frozen=True)
class Node:
    """One fusion of a cell: the level it makes, its role ("td" on the way down, "out"), and the ids of what it fuses.

    Ids 0 … L−1 are the cell's inputs from P3 up; node k has id L + k.
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
