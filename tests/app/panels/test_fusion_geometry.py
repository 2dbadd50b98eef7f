"""Where the fusion graph lies, without a screen."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.panels.fusion_geometry import (
    BOTTOM,
    EDGE_REACH,
    LEFT,
    NODE_REACH,
    RIGHT,
    THICKEST,
    THINNEST,
    TOP,
    Frame,
    beside,
    edge_at,
    least_size,
    middle,
    node_at,
    sampled,
    thickness,
)
from detector.model.fusion import FusionEdge, assemble
from detector.model.variants import VARIANTS

D0 = Frame(900, 260, 3, range(3, 8))


def edges(variant: str) -> tuple[FusionEdge, ...]:
    """The edges of a variant with weights that do not matter here."""
    found = VARIANTS[variant]
    count = found.cells * (2 * (len(found.levels) - 1) + 3 * (len(found.levels) - 2) + 2)
    return assemble(found, [1.0] * count, [0.5] * count).edges


NODES = D0.nodes(edges("d0"))


def test_levels_are_rows_and_cells_columns() -> None:
    assert D0.at(0, 7) == (LEFT, TOP)
    assert D0.at(3, 3) == (900 - RIGHT, 260 - BOTTOM)
    assert D0.place(2, "P5 in") == D0.place(1, "P5 out")
    left, between, right = (D0.place(2, f"P5 {role}")[0] for role in ("in", "td", "out"))
    assert between == pytest.approx((left + right) / 2)


def test_every_node_has_a_place_of_its_own() -> None:
    nodes = D0.nodes(edges("d0"))
    assert len(nodes) == 5 + 3 * 8
    assert len(set(nodes.values())) == len(nodes)
    assert all(0 < x < 900 and 0 < y < 260 for x, y in nodes.values())


@pytest.mark.parametrize(("variant", "count"), [("d0", 57), ("d7x", 8 * 24)])
def test_no_two_edges_lie_on_each_other(variant: str, count: int) -> None:
    found = VARIANTS[variant]
    width, height = least_size(found.cells, found.levels)
    frame = Frame(width, height, found.cells, found.levels)
    nodes = frame.nodes(edges(variant))
    curves = [frame.curve(edge, nodes) for edge in edges(variant)]
    assert len(curves) == count
    for index, (x, y) in enumerate(sampled(curves, 10)[:, 3]):
        assert edge_at(curves, (x, y)) == index


def test_an_edge_runs_from_its_source_to_its_node() -> None:
    for edge in edges("d0"):
        curve = D0.curve(edge, NODES)
        assert curve[0] == D0.place(edge.cell, edge.source)
        assert curve[3] == D0.place(edge.cell, edge.node)


def test_an_edge_passes_over_the_node_between() -> None:
    (over,) = (e for e in edges("d0") if (e.cell, e.source, e.node) == (1, "P5 in", "P5 out"))
    between = D0.place(1, "P5 td")
    assert middle(D0.curve(over, NODES))[1] < between[1] - NODE_REACH
    (straight,) = (e for e in edges("d0") if (e.cell, e.source, e.node) == (1, "P3 in", "P3 out"))
    assert {y for _, y in D0.curve(straight, NODES)} == {D0.at(0, 3)[1]}
    assert {y for _, y in D0.curve(over, set())} == {between[1]}  # a neck without that node


def test_the_pointer_finds_nodes_and_edges_that_are_near() -> None:
    nodes = NODES
    x, y = nodes[(2, "P5 td")]
    assert node_at(nodes, (x + 0.9 * NODE_REACH, y)) == (2, "P5 td")
    assert node_at(nodes, (x + 20, y)) is None
    curves = [D0.curve(edge, NODES) for edge in edges("d0")]
    assert edge_at(curves, (2, 2)) is None
    assert edge_at([], (x, y)) is None
    start, *_, end = curves[0]
    off = ((start[0] + end[0]) / 2, start[1] - 0.9 * EDGE_REACH)
    assert edge_at(curves[:1], off) == 0


def test_curves_are_sampled_from_end_to_end() -> None:
    curve = D0.curve(edges("d0")[1], NODES)
    points = sampled([curve], 10)
    assert points.shape == (1, 11, 2)
    assert tuple(points[0, 0]) == pytest.approx(curve[0])
    assert tuple(points[0, -1]) == pytest.approx(curve[3])


def test_thickness_grows_with_the_share() -> None:
    assert (thickness(0), thickness(1), thickness(3), thickness(-1)) == (THINNEST, THICKEST, THICKEST, THINNEST)
    assert thickness(0.5) == pytest.approx((THINNEST + THICKEST) / 2)


PLACES = st.tuples(st.floats(0, 400), st.floats(0, 300))


@given(PLACES, st.tuples(st.floats(10, 399), st.floats(10, 299)))
def test_a_card_stays_inside(point: tuple[float, float], size: tuple[float, float]) -> None:
    left, top = beside(point, size, (400, 300))
    assert left >= 0
    assert top >= 0
    assert left + size[0] <= 400 + 1e-6
    assert top + size[1] <= 300 + 1e-6


def test_a_card_leaves_the_pointer_free() -> None:
    for point in ((10, 10), (390, 10), (10, 290), (390, 290)):
        left, top = beside(point, (100, 60), (400, 300))
        assert not (left <= point[0] <= left + 100 and top <= point[1] <= top + 60)
    assert math.dist(beside((10, 10), (100, 60), (400, 300)), (10, 10)) < 25
