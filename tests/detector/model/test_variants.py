import effdet
import pytest
import torch

from detector.errors import OptionsError
from detector.model.efficientdet import build
from detector.model.efficientnet import EfficientNet
from detector.model.variants import VARIANTS, Fusion, find_variant

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
