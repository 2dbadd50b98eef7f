"""The convolutions that backbone, pyramid and heads share."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BN_EPS = 1e-3
BN_MOMENTUM = 0.01  # in PyTorch's sense: the weight of the new batch


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: the output is ⌈size / stride⌉, an odd rest goes to the right and
    the bottom.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, bias: bool = False
    ) -> None:
        # With stride 1 and an odd kernel SAME is symmetric, which the convolution does by itself.
        super().__init__(
            inputs, outputs, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.convolve(input, self.weight, self.bias)

    def convolve(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What `forward` does, with another kernel and bias."""
        if self.stride[0] != 1:
            top, bottom = self._same(input.shape[-2])
            left, right = self._same(input.shape[-1])
            input = F.pad(input, (left, right, top, bottom))
        if self._is_slow_in_half and torch.is_autocast_enabled("cpu") and torch.is_grad_enabled():
            with torch.autocast("cpu", enabled=False):
                convolved = self._conv_forward(input.float(), weight.float(), None if bias is None else bias.float())
            return convolved.to(torch.get_autocast_dtype("cpu"))
        return self._conv_forward(input, weight, bias)

    @property
    def _is_slow_in_half(self) -> bool:
        """Whether PyTorch's gradients on the CPU take many times as long in 16 bits as in 32: of depthwise
        convolutions, but for the plain 3×3.
        """
        return self.groups > 1 and (self.kernel_size[0] > 3 or self.stride[0] > 1)

    def _same(self, size: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


class SeparableConv2d(nn.Module):
    """Depthwise 3×3 without bias, then pointwise 1×1 with bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_dw = SameConv2d(inputs, inputs, 3, groups=inputs)
        self.conv_pw = SameConv2d(inputs, outputs, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_pw(self.conv_dw(x))


class Projection(nn.Module):
    """1×1 convolution with bias, then batch norm, no activation: brings a backbone level to the pyramid's width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = SameConv2d(inputs, outputs, 1, bias=True)
        self.bn = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return conv_bn(self.conv, self.bn, x)


def conv_bn(conv: SameConv2d, bn: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """bn(conv(x)). Where a batch norm with fixed statistics learns, it is folded into the convolution, w·γ/σ and
    β − μγ/σ: same outputs and gradients, half of the maps to write, read and keep.
    """
    if bn.training or not torch.is_grad_enabled():
        return bn(conv(x))
    assert bn.running_mean is not None
    assert bn.running_var is not None
    scale = bn.weight * torch.rsqrt(bn.running_var + bn.eps)
    shift = bn.running_mean if conv.bias is None else bn.running_mean - conv.bias
    weight, bias = conv.weight * scale.view(-1, 1, 1, 1), bn.bias - shift * scale
    if conv.groups > 1 and conv.kernel_size[0] > 3:
        # oneDNN has no kernel of its own for the gradients of these, and takes twice as long with a bias among them.
        return conv.convolve(x, weight, None).add_(bias.view(-1, 1, 1))
    return conv.convolve(x, weight, bias)


def conv_bn_swish(conv: SameConv2d, bn: nn.BatchNorm2d, act: nn.SiLU, x: Tensor) -> Tensor:
    """act(bn(conv(x))). A batch norm that learns its statistics on a CPU keeps one map for the gradients, not two."""
    if not bn.training or not torch.is_grad_enabled() or x.device.type != "cpu":
        return act(conv_bn(conv, bn, x))
    assert bn.num_batches_tracked is not None
    bn.num_batches_tracked.add_(1)
    statistics = bn.running_mean, bn.running_var, bn.momentum, bn.eps
    return _NormSwish.apply(conv(x), bn.weight, bn.bias, *statistics)


class _NormSwish(torch.autograd.Function):
    """swish(bn(x)); the batch norm's output is computed once more for the gradients."""

    @staticmethod
    def forward(  # type: ignore[override]
        context: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        momentum: float,
        eps: float,
    ) -> Tensor:
        y, mean, inverse = torch.native_batch_norm(x, weight, bias, running_mean, running_var, True, momentum, eps)
        context.save_for_backward(x, weight, bias, mean, inverse)
        context.eps = eps
        return F.silu(y, inplace=True)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight, bias, mean, inverse = context.saved_tensors
        variance = inverse**-2 - context.eps
        y, *_ = torch.native_batch_norm(x, weight, bias, mean, variance, False, 0.0, context.eps)
        before = torch.ops.aten.silu_backward(gradient, y)
        gradients = torch.ops.aten.native_batch_norm_backward(
            before, x, weight, None, None, mean, inverse, True, context.eps, [True, True, True]
        )
        return (*gradients, None, None, None, None)


def spatial_mean(x: Tensor) -> Tensor:
    """The mean of each map, B×C×H×W → B×C×1×1."""
    return _SpatialMean.apply(x) if torch.is_grad_enabled() else x.mean((2, 3), keepdim=True)


class _SpatialMean(torch.autograd.Function):
    """PyTorch's own gradient is a whole map of equal numbers, channels first; what it is added to then is channels
    first, too, and all before it goes back through mixed layouts, many times slower on a CPU. This one has no layout.
    """

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        context.shape = x.shape
        return x.mean((2, 3), keepdim=True)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        height, width = context.shape[2:]
        return (gradient / (height * width)).expand(context.shape)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm as EfficientDet has it everywhere: eps 1e-3, momentum 0.01."""
    return nn.BatchNorm2d(channels, eps=BN_EPS, momentum=BN_MOMENTUM)


def downsample(x: Tensor) -> Tensor:
    """Half the size of an even map by a 3×3 max-pool of stride 2; SAME padding with −∞."""
    return F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)


def upsample(x: Tensor) -> Tensor:
    """Twice the size, nearest neighbour."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


@torch.no_grad()
def glorot_uniform(conv: nn.Conv2d) -> None:
    """Glorot's uniform initialisation, with fan-out divided by the groups; biases 0."""
    receptive = conv.kernel_size[0] * conv.kernel_size[1]
    fan_in, fan_out = conv.weight.shape[1] * receptive, conv.out_channels * receptive // conv.groups
    limit = (6 / (fan_in + fan_out)) ** 0.5
    conv.weight.uniform_(-limit, limit)
    if conv.bias is not None:
        conv.bias.zero_()


@torch.no_grad()
def lecun_normal(conv: nn.Conv2d) -> None:
    """N(0, 1 / fan-in); biases 0."""
    fan_in = conv.weight.shape[1] * conv.kernel_size[0] * conv.kernel_size[1]
    conv.weight.normal_(0, fan_in**-0.5)
    if conv.bias is not None:
        conv.bias.zero_()
