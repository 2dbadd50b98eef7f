"""The fusion weights of a network's neck, edge by edge, as `forward` uses them (EfficientDet paper, section 3.3).

Only `snapshot` needs torch, which is there where a network is.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from detector.model.graph import Direction, neck_nodes, node_edges
from detector.model.variants import Fusion, Variant

if TYPE_CHECKING:
    from detector.model.efficientdet import EfficientDet

FORMULAS = {
    Fusion.FAST: "relu(raw) / (sum of relu(raw) + 0.0001) per node",
    Fusion.SOFTMAX: "exp(raw) / sum of exp(raw) per node",
    Fusion.SUM: "fixed 1, unnormalised",
}


@dataclass(frozen=True)
class FusionEdge:
    """One input of one node. Only ratios within a node mean anything: its inputs come through batch norms of their own.

    cell: counted from 1. node, source: names such as "P6 td" and "P7 in". direction: a finer map goes "up" the pyramid,
    pooled; a coarser one "down", enlarged. raw: the learned parameter, None where there is none. weight: the factor
    that `forward` gives the input.
    """

    cell: int
    node: str
    level: int
    source: str
    source_level: int
    direction: Direction
    raw: float | None
    weight: float

    @property
    def dead(self) -> bool:
        """Shut by its parameter, ≤ 0 in fast fusion, which gets no gradient either: training does not open it again."""
        return self.raw is not None and self.weight == 0


@dataclass(frozen=True)
class FusionSnapshot:
    """All edges in order of computation. Where they are not `normalised` (sum fusion: D6 and up), every weight is fixed
    at 1; a node's only input has a weight of 1 and no parameter anyway.
    """

    variant: str
    fusion: Fusion
    normalised: bool
    edges: tuple[FusionEdge, ...]


def snapshot(network: "EfficientDet") -> FusionSnapshot:
    """The network's fusion weights as they are now."""
    from detector.model.bifpn import FusionNode

    raw: list[float | None] = []
    weights: list[float] = []
    for node in (module for module in network.fpn.modules() if isinstance(module, FusionNode)):
        used, count = node.fusion_weights(), len(node.edges)
        weights += [1.0] * count if used is None else used.tolist()
        raw += [None] * count if node.edge_weights is None else node.edge_weights.tolist()
    return assemble(network.variant, raw, weights)


def assemble(variant: Variant, raw: Sequence[float | None], weights: Sequence[float]) -> FusionSnapshot:
    """The snapshot of parameters and weights, given an entry per edge in order of computation. Raises ValueError where
    there are more or fewer of them than the variant has edges.
    """
    graph = neck_nodes(variant.neck, variant.levels)
    places = [
        (cell, node, edge)
        for cell in range(1, variant.cells + 1)
        for node, inputs in zip(graph, node_edges(graph, variant.levels), strict=True)
        for edge in inputs
    ]
    edges = tuple(
        FusionEdge(cell, f"P{node.level} {node.role}", node.level, edge.source, edge.source_level, edge.direction, r, w)
        for (cell, node, edge), r, w in zip(places, raw, weights, strict=True)
    )
    return FusionSnapshot(variant.name, variant.fusion, variant.fusion.learned, edges)


def to_csv(snapshot: FusionSnapshot) -> str:
    """One row per edge under the names of FusionEdge's fields; an empty `raw` where the weight is fixed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(FusionEdge))
    writer.writerows(astuple(edge) for edge in snapshot.edges)
    return text.getvalue()


def to_document(snapshot: FusionSnapshot) -> dict[str, Any]:
    """The snapshot as JSON values: cells → nodes by name → their sum, and edges by source name, dead ones marked."""
    cells = [
        {"cell": cell, "nodes": {name: _node(list(inputs)) for name, inputs in groupby(edges, attrgetter("node"))}}
        for cell, edges in groupby(snapshot.edges, attrgetter("cell"))
    ]
    formula = FORMULAS[snapshot.fusion]
    return {"variant": snapshot.variant, "fusion": str(snapshot.fusion), "weights": formula, "cells": cells}


def _node(edges: list[FusionEdge]) -> dict[str, Any]:
    return {
        "level": edges[0].level,
        "sum": sum(edge.weight for edge in edges),
        "edges": {
            edge.source: {"direction": edge.direction, "raw": edge.raw, "weight": edge.weight, "dead": edge.dead}
            for edge in edges
        },
    }
