"""A batch norm with fixed statistics, folded into its convolution while it learns."""

import pytest
import torch

from detector.model.layers import SameConv2d, batch_norm, conv_bn, spatial_mean
from detector.model.variants import VARIANTS
from detector.training.transfer import random_model


@pytest.mark.parametrize(("stride", "groups", "bias"), [(1, 1, True), (2, 1, False), (2, 6, False)])
def test_folded_it_gives_the_same_outputs_and_gradients(stride: int, groups: int, bias: bool) -> None:
    torch.manual_seed(0)
    conv, bn = SameConv2d(6, 12, 3, stride=stride, groups=groups, bias=bias).double(), batch_norm(12).double().eval()
    with torch.no_grad():
        for tensor in (bn.weight, bn.running_var):
            assert tensor is not None
            tensor.uniform_(0.5, 2)
        for tensor in (bn.bias, bn.running_mean):
            assert tensor is not None
            tensor.normal_()
    x = torch.randn(2, 6, 9, 8, dtype=torch.float64, requires_grad=True)
    inputs = [x, *conv.parameters(), *bn.parameters()]
    pull = torch.randn_like(conv(x))
    whole, folded = bn(conv(x)), conv_bn(conv, bn, x)
    torch.testing.assert_close(folded, whole)
    expected, found = (torch.autograd.grad((y * pull).sum(), inputs) for y in (whole, folded))
    torch.testing.assert_close(found, expected)
    assert folded.grad_fn is not None
    assert "Convolution" in folded.grad_fn.name()


def test_where_nothing_learns_or_statistics_do_it_stays_a_layer_of_its_own() -> None:
    conv, bn, x = SameConv2d(3, 4, 1), batch_norm(4), torch.randn(2, 3, 4, 4)
    before = bn.running_mean.clone() if bn.running_mean is not None else None
    trained = conv_bn(conv, bn, x)
    assert trained.grad_fn is not None
    assert "BatchNorm" in trained.grad_fn.name()
    assert not torch.equal(before, bn.running_mean)
    with torch.no_grad():
        assert torch.equal(conv_bn(conv, bn.eval(), x), bn(conv(x)))


@pytest.mark.parametrize(("kernel", "stride", "is_slow"), [(3, 1, False), (5, 1, True), (3, 2, True)])
def test_depthwise_convolutions_slow_in_16_bits_learn_in_32(kernel: int, stride: int, is_slow: bool) -> None:
    torch.manual_seed(0)
    conv, x = SameConv2d(8, 8, kernel, stride=stride, groups=8), torch.randn(2, 8, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found = conv(x)
    assert found.dtype == torch.bfloat16
    exact = conv(x)
    assert torch.equal(found, exact.bfloat16()) is is_slow, "rounded once, at the end"
    found.float().sum().backward()
    assert conv.weight.grad is not None
    assert conv.weight.grad.dtype == torch.float32


def test_the_mean_of_a_map_has_the_gradient_of_pytorch_s() -> None:
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64).to(memory_format=torch.channels_last).requires_grad_()
    gradients = []
    for mean in (spatial_mean, lambda maps: maps.mean((2, 3), keepdim=True)):
        gradients += torch.autograd.grad((x * mean(x).sigmoid()).square().sum(), x)
    torch.testing.assert_close(*gradients)


def test_a_backbone_can_be_left_at_any_level_and_entered_there_again() -> None:
    backbone = random_model(VARIANTS["d0"], ["a"], [1]).network.backbone.eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        whole = backbone(x)
        for count in (1, 2, 3):
            first = backbone.features(x, count)
            assert len(first) == count
            assert all(torch.equal(a, b) for a, b in zip(backbone.complete(first), whole, strict=True))
    names = {id(p): name for name, p in backbone.named_parameters()}
    frozen = {names[id(p)] for part in backbone.parts_before(2) for p in part.parameters()}
    assert "conv_stem.weight" in frozen
    assert {name.split(".")[1] for name in frozen if name.startswith("blocks")} == set("01234")
    assert backbone.parts_before(0) == []
