import pytest
import torch
from torch import Tensor

from detector.model.bifpn import BiFPN, Cell, FusionNode, normalised_weights
from detector.model.graph import Node, bifpn_nodes, node_edges
from detector.model.variants import Fusion

# (level, inputs) of the published graphs; ids 0 … are the inputs from P3 up, nodes follow.
P3_TO_P7 = [
    (6, (3, 4)),
    (5, (2, 5)),
    (4, (1, 6)),
    (3, (0, 7)),
    (4, (1, 7, 8)),
    (5, (2, 6, 9)),
    (6, (3, 5, 10)),
    (7, (4, 11)),
]
P3_TO_P8 = [
    (7, (4, 5)),
    (6, (3, 6)),
    (5, (2, 7)),
    (4, (1, 8)),
    (3, (0, 9)),
    (4, (1, 9, 10)),
    (5, (2, 8, 11)),
    (6, (3, 7, 12)),
    (7, (4, 6, 13)),
    (8, (5, 14)),
]
BACKBONE = [40, 112, 320]


def make_fpn(fusion: Fusion = Fusion.FAST, levels: range = range(3, 8)) -> BiFPN:
    torch.manual_seed(0)
    return BiFPN(BACKBONE, levels=levels, channels=8, cells=2, fusion=fusion).eval()


def fusion_nodes(fpn: BiFPN) -> list[FusionNode]:
    return [module for module in fpn.modules() if isinstance(module, FusionNode)]


def make_features() -> list[Tensor]:
    return [torch.randn(1, channels, 32 >> level, 48 >> level) for level, channels in enumerate(BACKBONE)]


@pytest.mark.parametrize(("levels", "table"), [(range(3, 8), P3_TO_P7), (range(3, 9), P3_TO_P8)])
def test_nodes_are_the_published_graph(levels: range, table: list[tuple[int, tuple[int, ...]]]) -> None:
    nodes = bifpn_nodes(levels)
    assert [(node.level, node.inputs) for node in nodes] == table
    down = len(levels) - 2  # the levels between the lowest and the highest have a node on the way down
    assert [node.role for node in nodes] == ["td"] * down + ["out"] * len(levels)


def test_edges_are_named_by_their_source() -> None:
    levels = range(3, 8)
    edges = node_edges(bifpn_nodes(levels), levels)
    named = [[(edge.source, edge.direction) for edge in inputs] for inputs in edges]
    assert named[0] == [("P6 in", "same"), ("P7 in", "down")]
    assert named[3] == [("P3 in", "same"), ("P4 td", "down")]
    assert named[4] == [("P4 in", "same"), ("P4 td", "same"), ("P3 out", "up")]
    assert named[7] == [("P7 in", "same"), ("P6 out", "up")]
    assert all(edge.source.startswith(f"P{edge.source_level} ") for inputs in edges for edge in inputs)


def test_only_the_first_cell_projects_and_p4_and_p5_twice() -> None:
    first, second = (cell for cell in make_fpn().modules() if isinstance(cell, Cell))
    projecting = [sorted(node.projections) for node in first.nodes if isinstance(node, FusionNode)]
    assert projecting == [[], ["2"], ["1"], ["0"], ["1"], ["2"], [], []]
    assert not any(node.projections for node in second.nodes if isinstance(node, FusionNode))


def test_levels_above_p5_are_pooled_and_every_level_is_half_the_one_below() -> None:
    fpn = make_fpn(levels=range(3, 9))
    features = [torch.randn(1, channels, 64 >> level, 32 >> level) for level, channels in enumerate(BACKBONE)]
    assert [tuple(x.shape) for x in fpn(features)] == [(1, 8, 64 >> level, 32 >> level) for level in range(6)]


def test_fast_fusion_weights_sum_to_just_under_one() -> None:
    for node in fusion_nodes(make_fpn()):
        weights = node.fusion_weights()
        assert weights is not None
        assert len(weights) == len(node.node.inputs)
        assert weights.sum().item() == pytest.approx(len(weights) / (len(weights) + 1e-4), abs=1e-6)


def test_normalised_weights_follow_the_formula() -> None:
    weights = normalised_weights(torch.tensor([0.5, -2.0, 1.5]))
    torch.testing.assert_close(weights, torch.tensor([0.5, 0.0, 1.5]) / 2.0001, rtol=1e-6, atol=0)
    assert normalised_weights(torch.tensor([-1.0, 0.0])).tolist() == [0, 0]
    assert normalised_weights(torch.ones(2, dtype=torch.float16)).dtype == torch.float32


def test_sum_fusion_has_no_weights() -> None:
    nodes = fusion_nodes(make_fpn(Fusion.SUM))
    assert all(node.fusion_weights() is None and node.edge_weights is None for node in nodes)


def make_node(fusion: Fusion) -> FusionNode:
    torch.manual_seed(0)
    node = Node(4, "out", (0, 1, 2))
    return FusionNode(node, node_edges([node], range(4, 7))[0][:1] * 3, 8, fusion=fusion, raw={}).eval()


@torch.no_grad()
def test_forward_multiplies_by_the_fusion_weights() -> None:
    fast, plain = make_node(Fusion.FAST), make_node(Fusion.SUM)
    assert fast.edge_weights is not None
    fast.edge_weights.copy_(torch.tensor([0.3, 1.1, 0.6]))
    maps = list(torch.randn(3, 1, 8, 4, 4))
    weights = fast.fusion_weights()
    assert weights is not None
    weighted = [x * weight for x, weight in zip(maps, weights, strict=True)]
    torch.testing.assert_close(fast(maps), plain(weighted))


@pytest.mark.parametrize("raw", [0.0, -1.0])
@torch.no_grad()
def test_an_edge_shut_by_its_weight_carries_nothing(raw: float) -> None:
    node = make_node(Fusion.FAST)
    assert node.edge_weights is not None
    maps = list(torch.randn(3, 1, 8, 4, 4))
    changed = [maps[0], maps[1] + 1, maps[2]]
    assert not torch.equal(node(maps), node(changed))
    node.edge_weights[1] = raw
    assert torch.equal(node(maps), node(changed))
