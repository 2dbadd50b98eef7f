import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from detector.model.complexity import Kind, by_stage, count_classifier, count_detector, total
from detector.model.efficientdet import build
from detector.model.variants import BACKBONES, VARIANTS, find_variant

# Parameters with COCO's 90 outputs, and 10⁹ multiply-adds of the convolutions; measured on effdet.
DETECTORS = {
    "d0": (3_880_067, 2.49),
    "d1": (6_625_898, 6.00),
    "d2": (8_097_039, 10.8),
    "d3": (12_032_296, 24.6),
    "d4": (20_723_675, 54.6),
    "d5": (33_653_315, 134.1),
    "d6": (51_871_782, 224.1),
    "d7": (51_871_782, 322.7),
    "d7x": (77_147_166, 407.6),
}


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_have_the_parameters_and_operations_of_the_reference(name: str) -> None:
    sums = total(count_detector(VARIANTS[name]))
    parameters, billions = DETECTORS[name]
    assert sums.parameters == parameters
    assert sums.macs / 1e9 == pytest.approx(billions, rel=0.005)
    assert sums.macs / 1e9 == pytest.approx(VARIANTS[name].gigamacs, rel=0.02)


@pytest.mark.parametrize("name", BACKBONES)
def test_classifiers_have_timm_s_parameters(name: str) -> None:
    with torch.device("meta"):
        reference = timm.create_model(f"tf_efficientnet_{name}")
    parameters = sum(parameter.numel() for parameter in reference.parameters())
    assert total(count_classifier(BACKBONES[name])).parameters == parameters


@pytest.mark.parametrize(("name", "size"), [("d0", 256), ("d6", 128), ("phi-1+fpn+softmax", 384)])
def test_operations_are_those_that_pytorch_counts(name: str, size: int) -> None:
    variant = find_variant(name)
    with torch.device("meta"):
        network = build(variant, 7).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, size, size))
    counted = total(count_detector(variant, classes=7, image_size=size))
    assert 2 * counted.macs == counter.get_total_flops()
    assert counted.parameters == sum(parameter.numel() for parameter in network.parameters())


def test_classifier_operations_are_those_that_pytorch_counts() -> None:
    backbone = BACKBONES["b1"]
    with torch.device("meta"):
        reference = timm.create_model("tf_efficientnet_b1").eval()
        with FlopCounterMode(display=False) as counter:
            reference(torch.empty(1, 3, backbone.resolution, backbone.resolution))
    assert 2 * total(count_classifier(backbone)).macs == counter.get_total_flops()


def test_a_layer_is_told_with_all_that_its_operations_come_from() -> None:
    layers = count_detector(VARIANTS["d0"])
    stem = layers[0]
    assert (stem.name, stem.stage, stem.kind) == ("backbone.conv_stem", "stem", Kind.CONVOLUTION)
    assert (stem.kernel, stem.inputs, stem.outputs, stem.height, stem.width) == (3, 3, 32, 256, 256)
    assert (stem.parameters, stem.macs) == (3 * 3 * 3 * 32, 3 * 3 * 3 * 32 * 256 * 256)
    depthwise = next(layer for layer in layers if layer.kind is Kind.DEPTHWISE)
    assert depthwise.macs == 3 * 3 * 32 * 256 * 256
    assert all(layer.macs == 0 for layer in layers if layer.kind in (Kind.NORM, Kind.FUSION))
    assert sum(layer.kind in (Kind.CONVOLUTION, Kind.DEPTHWISE) for layer in layers) == 214
    assert sum(layer.parameters for layer in layers if layer.kind is Kind.FUSION) == 57


def test_a_head_runs_on_every_level_with_the_same_parameters() -> None:
    uses = [layer for layer in count_detector(VARIANTS["d0"]) if layer.name == "class_net.predict.conv_pw"]
    assert [(layer.height, layer.width) for layer in uses] == [(64 >> level, 64 >> level) for level in range(5)]
    assert [layer.parameters for layer in uses] == [64 * 810 + 810, 0, 0, 0, 0]
    assert [layer.macs for layer in uses] == [64 * 810 * (64 >> level) ** 2 for level in range(5)]


def test_stages_add_up_and_d0_spends_its_operations_where_it_is_known() -> None:
    layers = count_detector(VARIANTS["d0"])
    stages, everything = by_stage(layers), total(layers)
    assert list(stages) == ["stem", *(f"stage {n}" for n in range(1, 8)), "FPN", "class head", "box head"]
    assert sum(stage.macs for stage in stages.values()) == everything.macs
    assert sum(stage.parameters for stage in stages.values()) == everything.parameters
    share = {name: stage.macs / everything.macs for name, stage in stages.items()}
    assert share["class head"] + share["box head"] == pytest.approx(0.18, abs=0.005)
    assert share["FPN"] == pytest.approx(0.055, abs=0.001)


def test_a_classifier_ends_with_a_stage_of_its_own() -> None:
    layers = count_classifier(BACKBONES["b0"])
    assert [layer.name for layer in layers[-3:]] == ["conv_head", "bn2", "classifier"]
    last = by_stage(layers)["classifier"]
    assert last.parameters == 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert last.macs == 320 * 1280 * 7 * 7 + 1280 * 1000


def test_counting_leaves_no_layer_out() -> None:
    with torch.device("meta"):
        modules = build(VARIANTS["d0"], 90).named_modules()
    named = {name for name, module in modules if isinstance(module, nn.Conv2d | nn.BatchNorm2d)}
    assert named <= {layer.name for layer in count_detector(VARIANTS["d0"])}
