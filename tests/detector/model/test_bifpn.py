import pytest
import torch
from torch import Tensor

from detector.model import graph
from detector.model.bifpn import Cell, FeaturePyramid, FusionNode, normalised_weights
from detector.model.graph import Neck, Node, neck_nodes, node_edges, output_ids
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


def make_fpn(fusion: Fusion = Fusion.FAST, levels: range = range(3, 8), *, neck: Neck = Neck.BIFPN) -> FeaturePyramid:
    torch.manual_seed(0)
    return FeaturePyramid(BACKBONE, levels=levels, channels=8, cells=2, neck=neck, fusion=fusion).eval()


def fusion_nodes(fpn: FeaturePyramid) -> list[FusionNode]:
    return [module for module in fpn.modules() if isinstance(module, FusionNode)]


def make_features() -> list[Tensor]:
    return [torch.randn(1, channels, 32 >> level, 48 >> level) for level, channels in enumerate(BACKBONE)]


@pytest.mark.parametrize(("levels", "table"), [(range(3, 8), P3_TO_P7), (range(3, 9), P3_TO_P8)])
def test_nodes_are_the_published_graph(levels: range, table: list[tuple[int, tuple[int, ...]]]) -> None:
    nodes = neck_nodes(Neck.BIFPN, levels)
    assert [(node.level, node.inputs) for node in nodes] == table
    assert output_ids(nodes, levels) == tuple(range(2 * len(levels) - 2, 3 * len(levels) - 2))
    down = len(levels) - 2  # the levels between the lowest and the highest have a node on the way down
    assert [node.role for node in nodes] == ["td"] * down + ["out"] * len(levels)


def test_edges_are_named_by_their_source() -> None:
    levels = range(3, 8)
    edges = node_edges(neck_nodes(Neck.BIFPN, levels), levels)
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


@pytest.mark.parametrize("neck", Neck)
@pytest.mark.parametrize("fusion", [Fusion.FAST, Fusion.SOFTMAX])
@torch.no_grad()
def test_learned_weights_sum_to_one_in_every_node(fusion: Fusion, neck: Neck) -> None:
    nodes = [node for node in fusion_nodes(make_fpn(fusion, neck=neck)) if len(node.edges) > 1]
    assert nodes
    for node in nodes:
        assert node.edge_weights is not None
        node.edge_weights.uniform_(0.2, 1.5)
        weights = node.fusion_weights()
        assert weights is not None
        assert len(weights) == len(node.node.inputs)
        assert weights.sum().item() == pytest.approx(1, abs=1e-3)
        assert weights.argsort().tolist() == node.edge_weights.argsort().tolist()


def test_normalised_weights_follow_the_formulas() -> None:
    raw = torch.tensor([0.5, -2.0, 1.5])
    fast = normalised_weights(raw, Fusion.FAST)
    torch.testing.assert_close(fast, torch.tensor([0.5, 0.0, 1.5]) / 2.0001, rtol=1e-6, atol=0)
    softmax = normalised_weights(raw, Fusion.SOFTMAX)
    exponentials = torch.tensor([1.6487213, 0.1353353, 4.4816891])
    torch.testing.assert_close(softmax, exponentials / exponentials.sum(), rtol=1e-6, atol=0)
    assert normalised_weights(raw, Fusion.SUM).tolist() == [1, 1, 1]
    assert normalised_weights(torch.tensor([-1.0, 0.0]), Fusion.FAST).tolist() == [0, 0]
    assert all(normalised_weights(raw.half(), fusion).dtype == torch.float32 for fusion in Fusion)


@pytest.mark.parametrize("neck", Neck)
@pytest.mark.parametrize("fusion", Fusion)
def test_gradients_reach_every_parameter(fusion: Fusion, neck: Neck) -> None:
    fpn = make_fpn(fusion, neck=neck).train()
    torch.manual_seed(1)
    features = [torch.randn(2, channels, 64 >> level, 64 >> level) for level, channels in enumerate(BACKBONE)]
    sum(((x - torch.randn_like(x)) ** 2).mean() for x in fpn(features)).backward()  # type: ignore[union-attr]
    # A bias before a batch norm of batch statistics has no effect.
    moved = {
        name: parameter.grad is not None and bool(parameter.grad.abs().max() > 0)
        for name, parameter in fpn.named_parameters()
        if not name.endswith(("conv.bias", "conv_pw.bias"))
    }
    assert all(moved.values()), [name for name, moves in moved.items() if not moves]
    assert any("edge_weights" in name for name in moved) == fusion.learned


# Of the plain pyramid: every level once, from the top, each of its input and of the level above.
PLAIN = [(7, (4,)), (6, (3, 5)), (5, (2, 6)), (4, (1, 7)), (3, (0, 8))]


def test_the_plain_pyramid_only_goes_down() -> None:
    levels = range(3, 8)
    nodes = neck_nodes(Neck.FPN, levels)
    assert [(node.level, node.inputs) for node in nodes] == PLAIN
    assert output_ids(nodes, levels) == (9, 8, 7, 6, 5)
    named = [[(edge.source, edge.direction) for edge in inputs] for inputs in node_edges(nodes, levels)]
    assert named[0] == [("P7 in", "same")]
    assert named[4] == [("P3 in", "same"), ("P4 out", "down")]
    fpn = make_fpn(neck=Neck.FPN)
    features = [torch.randn(1, channels, 64 >> level, 32 >> level) for level, channels in enumerate(BACKBONE)]
    before = fpn(features)
    assert [tuple(x.shape[2:]) for x in before] == [(64 >> level, 32 >> level) for level in range(5)]
    finest = fpn([features[0] + 1, *features[1:]])
    assert [torch.equal(a, b) for a, b in zip(before, finest, strict=True)] == [False, True, True, True, True]


def test_a_node_of_one_input_hands_it_on_whole() -> None:
    top, *others = fusion_nodes(make_fpn(neck=Neck.FPN))[:5]
    assert top.edge_weights is None
    assert all(node.edge_weights is not None for node in others)


def panet_nodes(levels: range) -> tuple[Node, ...]:
    """Down as in an FPN, then up again, each node of two inputs (Liu et al. 2018)."""
    count = len(levels)
    down = [Node(levels[-2 - k], "td", (count - 2 - k, count - 1 + k)) for k in range(count - 1)]
    lowest = 2 * count - 2
    out = [Node(levels[0], "out", (lowest,))]
    for k in range(1, count):
        own = lowest - k if k < count - 1 else count - 1
        out.append(Node(levels[k], "out", (own, lowest + k)))
    return (*down, *out)


def test_a_new_neck_is_one_table_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(graph.NODE_TABLES, Neck.FPN, panet_nodes)  # type: ignore[arg-type]
    fpn = make_fpn(neck=Neck.FPN)
    maps = fpn([torch.randn(1, channels, 64 >> level, 64 >> level) for level, channels in enumerate(BACKBONE)])
    assert [tuple(x.shape) for x in maps] == [(1, 8, 64 >> level, 64 >> level) for level in range(5)]
    assert [node.node for node in fusion_nodes(fpn)[:9]] == list(panet_nodes(range(3, 8)))


def test_sum_fusion_has_no_weights() -> None:
    nodes = fusion_nodes(make_fpn(Fusion.SUM))
    assert all(node.fusion_weights() is None and node.edge_weights is None for node in nodes)


def make_node(fusion: Fusion) -> FusionNode:
    torch.manual_seed(0)
    node = Node(4, "out", (0, 1, 2))
    return FusionNode(node, node_edges([node], range(4, 7))[0][:1] * 3, 8, fusion=fusion, raw={}).eval()


@pytest.mark.parametrize("fusion", [Fusion.FAST, Fusion.SOFTMAX])
@torch.no_grad()
def test_forward_multiplies_by_the_fusion_weights(fusion: Fusion) -> None:
    learned, plain = make_node(fusion), make_node(Fusion.SUM)
    assert learned.edge_weights is not None
    learned.edge_weights.copy_(torch.tensor([0.3, 1.1, 0.6]))
    maps = list(torch.randn(3, 1, 8, 4, 4))
    weights = learned.fusion_weights()
    assert weights is not None
    weighted = [x * weight for x, weight in zip(maps, weights, strict=True)]
    torch.testing.assert_close(learned(maps), plain(weighted))


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


@pytest.mark.parametrize("fusion", list(Fusion))
def test_fixed_weights_give_the_same_maps(fusion: Fusion) -> None:
    fpn, features = make_fpn(fusion), make_features()
    learned = [node for node in fusion_nodes(fpn) if node.edge_weights is not None]
    with torch.inference_mode():
        for node in learned:
            assert node.edge_weights is not None
            node.edge_weights.uniform_(-0.3, 2)  # some are shut
        given, expected = [map.clone() for map in features], fpn(features)
        for node in fusion_nodes(fpn):
            node.fix_weights()
        for node in learned:
            assert node.edge_weights is not None
            node.edge_weights.fill_(torch.nan)  # nobody looks at them any more
        for found, wanted in zip(fpn(features), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
    assert all(torch.equal(before, after) for before, after in zip(given, features, strict=True))
