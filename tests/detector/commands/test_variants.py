"""The command that lists the variants and what they cost."""

import json
from collections.abc import Iterator
from functools import cache

import pytest
from typer.testing import CliRunner, Result

from detector.cli import command_line
from detector.errors import OptionsError
from detector.model import complexity
from detector.model.variants import BACKBONES, VARIANTS


@pytest.fixture(autouse=True, scope="module")
def counted_once() -> Iterator[None]:
    """All that is listed is counted in some ten seconds, which one listing is enough for."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("count_detector", "count_classifier"):
            patch.setattr(complexity, name, cache(getattr(complexity, name)))
        yield


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command_line(), ["variants", *arguments])


def lines_of(*arguments: str) -> list[list[str]]:
    shown = call(*arguments)
    assert shown.exit_code == 0
    return [line.split() for line in shown.stdout.splitlines()]


def test_json_tells_every_published_model() -> None:
    document = json.loads(call("--json").stdout)
    detectors = {row["name"]: row for row in document["variants"]}
    assert list(detectors) == list(VARIANTS)
    d5 = detectors["d5"]
    assert (d5["parameters"], d5["anchors"], d5["image_size"], d5["coco_ap"]) == (33_653_315, 306_900, 1280, 51.2)
    assert d5["macs"] == pytest.approx(134.1e9, rel=0.005)
    assert d5["deviations"] == [
        {"quantity": "image size", "published": 1280, "formula": 1152},
        {"quantity": "cells", "published": 7, "formula": 8},
    ]
    assert sum(stage["share"] for stage in d5["stages"]) == pytest.approx(1)
    assert (detectors["d7x"]["anchors"], detectors["d7x"]["levels"]) == (442_260, [3, 4, 5, 6, 7, 8])
    classifiers = {row["name"]: row for row in document["efficientnets"]}
    assert list(classifiers) == list(BACKBONES)
    assert (classifiers["b0"]["parameters"], classifiers["b7"]["parameters"]) == (5_288_548, 66_347_960)
    for row in (*detectors.values(), *classifiers.values()):
        for deviation in row["deviations"]:
            formulas = document["formulas"]["efficientdet" if row in detectors.values() else "efficientnet"]
            assert deviation["quantity"] in {*formulas, "backbone", "fusion", "anchor scale", "highest level"}


def test_a_phi_gives_one_model_of_the_formulas() -> None:
    document = json.loads(call("--json", "--phi", "-1").stdout)
    (row,) = document["variants"]
    assert (row["name"], row["image_size"], row["channels"], row["cells"]) == ("phi-1", 384, 48, 2)
    assert (row["coco_ap"], row["deviations"]) == (None, [])
    assert [backbone["name"] for backbone in document["efficientnets"]] == ["phi-1"]
    assert row["parameters"] < 3_880_067
    table = lines_of("--phi", "1.5")
    assert table[2][:4] == ["phi1.5", "phi1.5", "768", "104"]
    assert table[2][-1] == "–"


def test_layers_tell_where_the_operations_go() -> None:
    document = json.loads(call("--json", "--layers", "phi-1+fpn").stdout)
    assert document["macs"] == sum(layer["macs"] for layer in document["layers"])
    assert document["parameters"] == sum(stage["parameters"] for stage in document["stages"])
    table = lines_of("--layers", "d0")
    assert table[0] == ["layer", "kind", "K", "C1", "C2", "H", "W", "parameters", "MACs"]
    assert table[1] == ["backbone.conv_stem", "conv", "3", "3", "32", "256", "256", "864", "56,623,104"]
    assert table[-1] == ["all", "3,880,067", "2,492,331,520", "100.0%"]
    assert ["FPN", "196,281", "136,203,264", "5.5%"] in table
    assert lines_of("--layers", "B0")[-1][1] == "5,288,548"


def test_the_table_tells_formulas_and_what_deviates() -> None:
    shown = call().stdout
    assert "channels 64 · 1.35^ϕ" in shown
    assert "d7   backbone b6 (b7), image size 1536 (1408), channels 384 (520), cells 8 (10), fusion sum (fast)" in shown
    assert "b1   width 1.0 (1.1), depth 1.1 (1.2), resolution 240 (258)" in shown


def test_what_there_is_not_is_refused() -> None:
    assert isinstance(call("--phi", "8").exception, OptionsError)
    assert isinstance(call("--layers", "d9").exception, OptionsError)
    both = call("--phi", "1", "--layers", "d0")
    assert both.exit_code == 2
