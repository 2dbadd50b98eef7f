"""The fusion weights of a network's BiFPN, edge by edge, as `forward` uses them (EfficientDet paper, section 3.3)."""

import csv
import io
from dataclasses import astuple, dataclass, fields
from itertools import groupby
from operator import attrgetter
from typing import Any

from detector.model.bifpn import Direction, FusionNode
from detector.model.efficientdet import EfficientDet
from detector.model.variants import Fusion


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
        """Shut by a parameter ≤ 0, which gets no gradient either: training does not open it again."""
        return self.raw is not None and self.raw <= 0


@dataclass(frozen=True)
class FusionSnapshot:
    """All edges in order of computation. Where they are not `normalised` (D6 and up), every weight is fixed at 1."""

    variant: str
    fusion: Fusion
    normalised: bool
    edges: tuple[FusionEdge, ...]


def snapshot(network: EfficientDet) -> FusionSnapshot:
    """The network's fusion weights as they are now."""
    edges = [
        edge
        for cell, layer in enumerate(network.fpn.cells, start=1)
        for node in layer.modules()
        if isinstance(node, FusionNode)
        for edge in _node_edges(cell, node)
    ]
    fusion = network.variant.fusion
    return FusionSnapshot(network.variant.name, fusion, fusion is Fusion.FAST, tuple(edges))


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
    weights = "relu(raw) / (sum of relu(raw) + 0.0001) per node" if snapshot.normalised else "fixed 1, unnormalised"
    return {"variant": snapshot.variant, "fusion": str(snapshot.fusion), "weights": weights, "cells": cells}


def _node_edges(cell: int, node: FusionNode) -> list[FusionEdge]:
    count = len(node.edges)
    weights = node.fusion_weights()
    raws = [None] * count if node.edge_weights is None else node.edge_weights.tolist()
    used = [1.0] * count if weights is None else weights.tolist()
    level, name = node.node.level, f"P{node.node.level} {node.node.role}"
    return [
        FusionEdge(cell, name, level, edge.source, edge.source_level, edge.direction, raw, weight)
        for edge, raw, weight in zip(node.edges, raws, used, strict=True)
    ]


def _node(edges: list[FusionEdge]) -> dict[str, Any]:
    return {
        "level": edges[0].level,
        "sum": sum(edge.weight for edge in edges),
        "edges": {
            edge.source: {"direction": edge.direction, "raw": edge.raw, "weight": edge.weight, "dead": edge.dead}
            for edge in edges
        },
    }
