"""The feature pyramid network with weighted fusion (EfficientDet paper, section 3): it walks the graph of a neck, of
the BiFPN as published.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from detector.model.graph import Direction, Edge, Neck, Node, neck_nodes, node_edges, output_ids
from detector.model.layers import (
    Projection,
    SeparableConv2d,
    batch_norm,
    conv_bn,
    downsample,
    glorot_uniform,
    upsample,
)
from detector.model.variants import Fusion

FUSION_EPS = 1e-4


def normalised_weights(raw: Tensor, fusion: Fusion) -> Tensor:
    """The factors of a node's inputs from its parameters, in fp32 (paper, section 3.3). (n,) → (n,).

    Fast: relu(w) / (Σ relu(w) + 1e-4), which sums to just under 1; softmax: exp(w) / Σ exp(w); sum: 1, unnormalised.
    """
    match fusion:
        case Fusion.FAST:
            positive = torch.relu(raw.float())
            return positive / (positive.sum() + FUSION_EPS)
        case Fusion.SOFTMAX:
            return torch.softmax(raw.float(), dim=0)
        case Fusion.SUM:
            return torch.ones_like(raw, dtype=torch.float32)


class FusionNode(nn.Module):
    """Weighted sum of the inputs, swish, separable 3×3 convolution, batch norm. No activation at the end.

    `raw` gives the channels of those input ids that are backbone levels: the node projects them itself, with weights
    of its own. A node of one input has nothing to weigh.
    """

    def __init__(
        self, node: Node, edges: Sequence[Edge], channels: int, *, fusion: Fusion, raw: Mapping[int, int]
    ) -> None:
        super().__init__()
        self.node = node
        self.edges = tuple(edges)
        self.fusion = fusion
        self.edge_weights = nn.Parameter(torch.ones(len(edges))) if fusion.learned and len(edges) > 1 else None
        self.fixed_weights: tuple[float, ...] | None = None
        self.projections = nn.ModuleDict({str(id): Projection(raw[id], channels) for id in node.inputs if id in raw})
        self.act = nn.SiLU()
        self.conv = SeparableConv2d(channels, channels)
        self.bn = batch_norm(channels)

    def forward(self, known: Sequence[Tensor]) -> Tensor:
        """All maps of the cell so far, by id → this node's map B×channels×H×W."""
        maps = [
            self._bring(id, known[id], edge.direction) for id, edge in zip(self.node.inputs, self.edges, strict=True)
        ]
        return conv_bn(self.conv.conv_pw, self.bn, self.conv.conv_dw(self.act(self._weighted_sum(maps))))

    def fix_weights(self) -> None:
        """Go on with the weights as they are now, as plain numbers: no operators compute them then, and one adds and
        multiplies. For a network that learns no more.
        """
        weights = self.fusion_weights()
        self.fixed_weights = None if weights is None else tuple(weights.tolist())

    def _weighted_sum(self, maps: Sequence[Tensor]) -> Tensor:
        if self.fixed_weights is not None:
            total = maps[0] * self.fixed_weights[0]
            for x, weight in zip(maps[1:], self.fixed_weights[1:], strict=True):
                total.add_(x, alpha=weight)
            return total
        weights = self.fusion_weights()
        if weights is not None:
            maps = [x * weight for x, weight in zip(maps, weights.to(maps[0].dtype).unbind(), strict=True)]
        return sum(maps[1:], maps[0])

    def fusion_weights(self) -> Tensor | None:
        """The normalised weights (n,) that `forward` multiplies its inputs with; None where they are fixed at 1,
        unnormalised.
        """
        return None if self.edge_weights is None else normalised_weights(self.edge_weights, self.fusion)

    def _bring(self, id: int, x: Tensor, direction: Direction) -> Tensor:
        if str(id) in self.projections:
            x = self.projections[str(id)](x)
        if direction == "same":
            return x
        return downsample(x) if direction == "up" else upsample(x)


class Cell(nn.Module):
    """One layer of the neck: every node once. The first cell reads raw backbone levels, whose channels `raw` gives by
    input id.
    """

    def __init__(self, levels: range, channels: int, *, neck: Neck, fusion: Fusion, raw: Mapping[int, int]) -> None:
        super().__init__()
        graph = neck_nodes(neck, levels)
        self.outputs = output_ids(graph, levels)
        self.nodes = nn.ModuleList(
            FusionNode(node, edges, channels, fusion=fusion, raw=raw)
            for node, edges in zip(graph, node_edges(graph, levels), strict=True)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        known = list(maps)
        for node in self.nodes:
            known.append(node(known))
        return [known[id] for id in self.outputs]


class FeaturePyramid(nn.Module):
    """Repeated cells of a neck over P3 … P7 (P8), fed with the backbone's P3, P4, P5.

    P6 is the projected and pooled P5; higher levels are pooled from the one below.
    """

    def __init__(
        self, backbone_channels: Sequence[int], *, levels: range, channels: int, cells: int, neck: Neck, fusion: Fusion
    ) -> None:
        super().__init__()
        self.levels = levels
        self.p6 = Projection(backbone_channels[-1], channels)
        raw = dict(enumerate(backbone_channels))
        self.cells = nn.ModuleList(
            Cell(levels, channels, neck=neck, fusion=fusion, raw=raw if index == 0 else {}) for index in range(cells)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                glorot_uniform(module)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """P3, P4, P5 of the backbone, B×Cᵢ×Hᵢ×Wᵢ → one B×channels×Hᵢ×Wᵢ map per level, P3 first."""
        maps = [*features, downsample(self.p6(features[-1]))]
        while len(maps) < len(self.levels):
            maps.append(downsample(maps[-1]))
        for cell in self.cells:
            maps = cell(maps)
        return maps
