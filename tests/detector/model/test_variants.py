import effdet
import pytest
import torch

from detector.errors import OptionsError
from detector.model.efficientdet import build
from detector.model.efficientnet import EfficientNet
from detector.model.graph import Neck
from detector.model.variants import BACKBONES, VARIANTS, Fusion, find_variant, scaled_variant

# Parameters with COCO's 90 outputs, and tensors of the state dict; measured on effdet.
SIZES = {
    "d0": (3_880_067, 784),
    "d1": (6_625_898, 1004),
    "d2": (8_097_039, 1076),
    "d3": (12_032_296, 1270),
    "d4": (20_723_675, 1474),
    "d5": (33_653_315, 1622),
    "d6": (51_871_782, 1818),
    "d7": (51_871_782, 1818),
    "d7x": (77_147_166, 2210),
}
BLOCKS = {
    "b0": [1, 2, 2, 3, 3, 4, 1],
    "b1": [2, 3, 3, 4, 4, 5, 2],
    "b2": [2, 3, 3, 4, 4, 5, 2],
    "b3": [2, 3, 3, 5, 5, 6, 2],
    "b4": [2, 4, 4, 6, 6, 8, 2],
    "b5": [3, 5, 5, 7, 7, 9, 3],
    "b6": [3, 6, 6, 8, 8, 11, 3],
    "b7": [4, 7, 7, 10, 10, 13, 4],
}


@pytest.mark.parametrize("name", VARIANTS)
def test_parameters_and_keys_are_as_many_as_published(name: str) -> None:
    with torch.device("meta"):
        network = build(VARIANTS[name], 90)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert (parameters, len(network.state_dict())) == SIZES[name]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_row_of_the_table_is_the_reference_s_configuration(name: str) -> None:
    variant, config = VARIANTS[name], effdet.get_efficientdet_config(f"tf_efficientdet_{name}")
    assert config.backbone_name == f"tf_efficientnet_{variant.backbone.name}"
    assert tuple(config.image_size) == (variant.image_size, variant.image_size)
    assert config.fpn_channels == variant.channels
    assert config.fpn_cell_repeats == variant.cells
    assert config.box_class_repeats == variant.head_depth
    assert config.anchor_scale == variant.anchor_scale
    assert range(config.min_level, config.max_level + 1) == variant.levels
    assert ("sum" in (config.fpn_name or "")) == (variant.fusion is Fusion.SUM)


def test_average_precision_is_the_published_one() -> None:
    published = [34.3, 40.2, 43.5, 46.8, 49.3, 51.2, 52.1, 53.4, 54.4]
    assert [variant.coco_ap for variant in VARIANTS.values()] == published


@pytest.mark.parametrize("name", VARIANTS)
def test_backbone_has_the_published_blocks(name: str) -> None:
    backbone = VARIANTS[name].backbone
    with torch.device("meta"):
        stages = EfficientNet(backbone).blocks
    assert [len(list(stage.children())) for stage in stages] == BLOCKS[backbone.name]


@pytest.mark.parametrize("name", VARIANTS)
def test_native_size_fits_its_own_variant(name: str) -> None:
    variant = VARIANTS[name]
    assert variant.check_image_size(variant.image_size) == variant.image_size


@pytest.mark.parametrize(
    ("name", "size", "advice"),
    [
        ("d0", 500, "such as 512"),
        ("d0", 576 + 1, "such as 640"),
        ("d0", 0, "such as 128"),
        ("d0", -128, "such as 128"),
        ("d7", 1400, "such as 1408"),
        ("d7x", 384, "multiple of 256"),
        ("d7x", 128, "such as 256"),
    ],
)
def test_other_sizes_are_refused_with_one_that_fits(name: str, size: int, advice: str) -> None:
    with pytest.raises(OptionsError, match=advice):
        VARIANTS[name].check_image_size(size)


def test_a_variant_is_found_in_any_case_and_an_unknown_one_is_told_the_names() -> None:
    assert find_variant("D7X") is VARIANTS["d7x"]
    with pytest.raises(OptionsError, match=r"“d8”; there are d0, d1, .*d7x"):
        find_variant("d8")


def test_every_published_size_of_efficientnet_is_in_the_table() -> None:
    published = [
        ("b0", 1.0, 1.0, 224, 0.2),
        ("b1", 1.0, 1.1, 240, 0.2),
        ("b2", 1.1, 1.2, 260, 0.3),
        ("b3", 1.2, 1.4, 300, 0.3),
        ("b4", 1.4, 1.8, 380, 0.4),
        ("b5", 1.6, 2.2, 456, 0.4),
        ("b6", 1.8, 2.6, 528, 0.5),
        ("b7", 2.0, 3.1, 600, 0.5),
    ]
    assert [(b.name, b.width, b.depth, b.resolution, b.dropout) for b in BACKBONES.values()] == published


@pytest.mark.parametrize(
    ("phi", "size", "channels", "cells", "head_depth"),
    [
        (-1, 384, 48, 2, 2),  # 64 / 1.35 = 47.4
        (0, 512, 64, 3, 3),
        (1.5, 768, 104, 5, 3),  # 704 px and 4.5 cells are rounded up; 64 · 1.35^1.5 = 100.4
        (2.99, 896, 160, 6, 3),
        (3, 896, 160, 6, 4),
        (7, 1408, 520, 10, 5),
    ],
)
def test_a_variant_of_any_phi_follows_the_formulas(
    phi: float, size: int, channels: int, cells: int, head_depth: int
) -> None:
    variant = scaled_variant(phi)
    assert (variant.image_size, variant.channels) == (size, channels)
    assert (variant.cells, variant.head_depth) == (cells, head_depth)
    assert (variant.backbone.width, variant.backbone.depth) == pytest.approx((1.1**phi, 1.2**phi))
    assert variant.check_image_size(size) == size
    assert find_variant(variant.name) == variant


def test_phi_zero_is_d0_by_another_name() -> None:
    d0, phi0 = VARIANTS["d0"], scaled_variant(0)
    with torch.device("meta"):
        shapes = [{name: t.shape for name, t in build(variant, 3).state_dict().items()} for variant in (d0, phi0)]
    assert shapes[0] == shapes[1]
    assert (d0.image_size, d0.anchor_scale, d0.levels) == (phi0.image_size, phi0.anchor_scale, phi0.levels)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("PHI1.50", "phi1.5"),
        ("phi-0", "phi0"),
        ("phi-0.25", "phi-0.25"),
        ("d0+fast", "d0"),
        ("D0+Softmax", "d0+softmax"),
        ("d0+sum+fpn", "d0+fpn+sum"),
        ("d6+fast", "d6+fast"),
        ("phi-1+fpn", "phi-1+fpn"),
    ],
)
def test_a_name_says_all_of_an_architecture(written: str, name: str) -> None:
    variant = find_variant(written)
    assert variant.name == name
    assert find_variant(name) == variant
    assert (variant.neck is Neck.FPN) == ("fpn" in name)
    if "+" in name:
        assert variant.coco_ap is None
    if "softmax" in name:
        assert variant.fusion is Fusion.SOFTMAX


@pytest.mark.parametrize(
    "name", ["phi", "phi7.001", "phi-1.1", "phi1.2345", "phi１", "phinan", "d0+pan", "d0+", "+fpn"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(OptionsError, match=r"There is no variant|choose one from -1 to 7"):
        find_variant(name)


@pytest.mark.parametrize("phi", [float("nan"), float("inf"), 7.01, -1.01])
def test_a_phi_out_of_range_is_refused(phi: float) -> None:
    with pytest.raises(OptionsError, match="choose one from -1 to 7"):
        scaled_variant(phi)


@pytest.mark.parametrize("name", ["phi-1", "phi0.5", "phi7", "d0+fpn", "d7x+fpn+fast"])
def test_any_variant_can_be_built(name: str) -> None:
    variant = find_variant(name)
    with torch.device("meta"):
        network = build(variant, 2).eval()
        size = variant.stride
        logits, boxes = network(torch.empty(1, 3, size, 2 * size))
    cells = sum((size >> level) * (2 * size >> level) for level in variant.levels)
    assert (logits.shape, boxes.shape) == ((1, 9 * cells, 2), (1, 9 * cells, 4))
