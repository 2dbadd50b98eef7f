import csv
import io
import json

import pytest
import torch

from detector.model.bifpn import FusionNode
from detector.model.efficientdet import EfficientDet, build
from detector.model.fusion import FusionEdge, FusionSnapshot, assemble, snapshot, to_csv, to_document
from detector.model.variants import VARIANTS, find_variant


@pytest.fixture
def d0() -> EfficientDet:
    """A D0 whose fusion weights all differ and one of which, P4 td into P4 out of the second cell, is −1."""
    with torch.device("meta"):
        network = build(VARIANTS["d0"], 1)
    generator = torch.Generator().manual_seed(0)
    for node in (module for module in network.modules() if isinstance(module, FusionNode)):
        node.edge_weights = torch.nn.Parameter(torch.rand(len(node.edges), generator=generator) + 0.2)
    weights = find_node(network, cell=2, index=4).edge_weights
    assert weights is not None
    weights.data[1] = -1
    return network


@pytest.fixture
def d6() -> EfficientDet:
    with torch.device("meta"):
        return build(VARIANTS["d6"], 1)


def find_node(network: EfficientDet, *, cell: int, index: int) -> FusionNode:
    node = network.fpn.cells[cell - 1].get_submodule(f"nodes.{index}")
    assert isinstance(node, FusionNode)
    return node


def inputs_of(taken: FusionSnapshot, cell: int, node: str) -> list[FusionEdge]:
    return [edge for edge in taken.edges if (edge.cell, edge.node) == (cell, node)]


def test_every_edge_is_named(d0: EfficientDet) -> None:
    taken = snapshot(d0)
    assert (taken.variant, taken.fusion, taken.normalised) == ("d0", "fast", True)
    assert len(taken.edges) == 57
    assert len({(edge.cell, edge.node, edge.source) for edge in taken.edges}) == 57
    edges = [(edge.source, edge.source_level, edge.direction) for edge in inputs_of(taken, 3, "P5 out")]
    assert edges == [("P5 in", 5, "same"), ("P5 td", 5, "same"), ("P4 out", 4, "up")]


@pytest.mark.parametrize("name", ["d0", "d6", "d7x", "d0+fpn"])
def test_edges_are_named_as_in_the_network(name: str) -> None:
    with torch.device("meta"):
        network = build(find_variant(name), 1)
    inputs = [
        (cell, node.node.level, edge.source, edge.source_level, edge.direction)
        for cell, layer in enumerate(network.fpn.cells, start=1)
        for node in layer.modules()
        if isinstance(node, FusionNode)
        for edge in node.edges
    ]
    values = [float(number) for number in range(len(inputs))]
    taken = assemble(find_variant(name), values, values)
    named = [(edge.cell, edge.level, edge.source, edge.source_level, edge.direction) for edge in taken.edges]
    assert named == inputs
    assert [edge.weight for edge in taken.edges] == [edge.raw for edge in taken.edges] == values
    with pytest.raises(ValueError, match="argument"):
        assemble(find_variant(name), values, values[1:])


def test_weights_are_those_the_network_uses(d0: EfficientDet, monkeypatch: pytest.MonkeyPatch) -> None:
    node = find_node(d0, cell=1, index=6)
    weights, raw = node.fusion_weights(), node.edge_weights
    assert weights is not None
    assert raw is not None
    edges = inputs_of(snapshot(d0), 1, "P6 out")
    assert [edge.weight for edge in edges] == weights.tolist()
    assert [edge.raw for edge in edges] == raw.tolist()
    monkeypatch.setattr(node, "fusion_weights", lambda: torch.tensor([0.0, 0.25, 0.75]))
    assert [edge.weight for edge in inputs_of(snapshot(d0), 1, "P6 out")] == [0, 0.25, 0.75]


def test_an_edge_at_minus_one_is_dead(d0: EfficientDet) -> None:
    taken = snapshot(d0)
    dead = [edge for edge in taken.edges if edge.dead]
    assert [(edge.cell, edge.node, edge.source, edge.raw, edge.weight) for edge in dead] == [
        (2, "P4 out", "P4 td", -1, 0)
    ]
    node = to_document(taken)["cells"][1]["nodes"]["P4 out"]
    assert [edge["dead"] for edge in node["edges"].values()] == [False, True, False]


def test_an_edge_at_zero_is_dead_too(d0: EfficientDet) -> None:
    weights = find_node(d0, cell=1, index=0).edge_weights
    assert weights is not None
    weights.data[0] = 0
    assert [edge.dead for edge in inputs_of(snapshot(d0), 1, "P6 td")] == [True, False]


def test_a_node_sums_to_just_under_one(d0: EfficientDet) -> None:
    document = to_document(snapshot(d0))
    assert [cell["cell"] for cell in document["cells"]] == [1, 2, 3]
    for cell in document["cells"]:
        assert list(cell["nodes"]) == ["P6 td", "P5 td", "P4 td", "P3 out", "P4 out", "P5 out", "P6 out", "P7 out"]
        for node in cell["nodes"].values():
            total = sum(max(edge["raw"], 0) for edge in node["edges"].values())
            assert node["sum"] == pytest.approx(total / (total + 1e-4), abs=1e-6)
            assert 0.9995 < node["sum"] < 1


@pytest.fixture(params=["phi-1+softmax", "phi-1+fpn+softmax"])
def softmax(request: pytest.FixtureRequest) -> EfficientDet:
    """Networks of random softmax fusion weights, some of them negative."""
    network = build(find_variant(request.param), 1)
    torch.manual_seed(0)
    for name, parameter in network.named_parameters():
        if name.endswith("edge_weights"):
            torch.nn.init.normal_(parameter)
    return network


def test_softmax_weights_sum_to_one_and_none_is_dead(softmax: EfficientDet) -> None:
    document = to_document(snapshot(softmax))
    assert document["fusion"] == "softmax"
    assert document["weights"] == "exp(raw) / sum of exp(raw) per node"
    nodes = [node for cell in document["cells"] for node in cell["nodes"].values()]
    assert all(node["sum"] == pytest.approx(1, abs=1e-3) for node in nodes)
    edges = [edge for node in nodes for edge in node["edges"].values()]
    assert any(edge["raw"] is not None and edge["raw"] < 0 for edge in edges)
    assert not any(edge["dead"] for edge in edges)


def test_the_only_input_of_a_node_weighs_all(softmax: EfficientDet) -> None:
    alone = [edge for edge in snapshot(softmax).edges if edge.raw is None]
    assert {(edge.node, edge.source, edge.weight) for edge in alone} <= {("P7 out", "P7 in", 1.0)}
    assert bool(alone) == ("fpn" in softmax.variant.name)


def test_fixed_weights_are_told_as_what_they_are(d6: EfficientDet) -> None:
    taken = snapshot(d6)
    assert (taken.fusion, taken.normalised) == ("sum", False)
    assert {(edge.raw, edge.weight, edge.dead) for edge in taken.edges} == {(None, 1, False)}
    document = to_document(taken)
    assert document["weights"] == "fixed 1, unnormalised"
    assert document["cells"][7]["nodes"]["P4 out"]["sum"] == 3


def test_the_document_is_json(d0: EfficientDet) -> None:
    document = to_document(snapshot(d0))
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_csv_holds_every_edge_in_order(d0: EfficientDet, d6: EfficientDet) -> None:
    taken = snapshot(d0)
    rows = list(csv.DictReader(io.StringIO(to_csv(taken))))
    assert [(row["cell"], row["node"], row["source"]) for row in rows] == [
        (str(edge.cell), edge.node, edge.source) for edge in taken.edges
    ]
    assert [(float(row["raw"]), float(row["weight"])) for row in rows] == [
        (edge.raw, edge.weight) for edge in taken.edges
    ]
    assert {row["raw"] for row in csv.DictReader(io.StringIO(to_csv(snapshot(d6))))} == {""}


@torch.no_grad()
def test_logits_move_as_the_shown_weights_say() -> None:
    torch.manual_seed(0)
    network = build(find_variant("phi-1"), 3).eval()
    # With the start's class bias of −4.6 alone, a change would hide behind it.
    images, bias = torch.randn(1, 3, 128, 128), network.class_net.predict.conv_pw.bias
    assert bias is not None
    bias.zero_()
    before = network(images)[0]
    weights = find_node(network, cell=2, index=4).edge_weights
    assert weights is not None
    weights[1] = 0
    shown = {edge.source: edge.weight for edge in inputs_of(snapshot(network), 2, "P4 out")}
    assert shown["P4 td"] == 0
    assert shown["P4 in"] == shown["P3 out"] == pytest.approx(0.5, abs=1e-4)
    moved = network(images)[0]
    assert (moved - before).abs().max() > 0.01 * before.abs().max()
    weights[:] = torch.tensor([3.0, -1.0, 3.0])  # the same ratios
    torch.testing.assert_close(network(images)[0], moved, rtol=1e-3, atol=1e-4)
