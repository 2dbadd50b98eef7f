"""EfficientNet as a feature pyramid's backbone (Tan & Le 2019, table 1): its strides 8, 16 and 32."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from detector.model.layers import SameConv2d, batch_norm, conv_bn, conv_bn_swish, spatial_mean
from detector.model.variants import STAGES, STEM_CHANNELS, Backbone

TAPS = (2, 4, 6)  # stages whose ends are P3, P4, P5


class SqueezeExcite(nn.Module):
    """Channel attention: global mean, reduce, swish, expand, sigmoid."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, channels, 1)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv_expand(self.act(self.conv_reduce(spatial_mean(x)))).sigmoid()


class MBConv(nn.Module):
    """Mobile inverted bottleneck: expand 1×1, depthwise k×k, squeeze-excite, project 1×1; a residual where shapes
    agree.

    The squeeze-excite reduces to a quarter of the block's *input* channels.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        middle = inputs * expand
        self.residual = stride == 1 and inputs == outputs
        self.act = nn.SiLU()
        self.conv_pw = SameConv2d(inputs, middle, 1)
        self.bn1 = batch_norm(middle)
        self.conv_dw = SameConv2d(middle, middle, kernel, stride=stride, groups=middle)
        self.bn2 = batch_norm(middle)
        self.se = SqueezeExcite(middle, max(1, inputs // 4))
        self.conv_pwl = SameConv2d(middle, outputs, 1)
        self.bn3 = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = conv_bn_swish(self.conv_pw, self.bn1, self.act, x)
        y = self.se(conv_bn_swish(self.conv_dw, self.bn2, self.act, y))
        y = conv_bn(self.conv_pwl, self.bn3, y)
        return x + y if self.residual else y


class SeparableBlock(nn.Module):
    """The first stage's block, which does not expand: depthwise k×k, squeeze-excite, project 1×1."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int) -> None:
        super().__init__()
        self.residual = inputs == outputs
        self.act = nn.SiLU()
        self.conv_dw = SameConv2d(inputs, inputs, kernel, groups=inputs)
        self.bn1 = batch_norm(inputs)
        self.se = SqueezeExcite(inputs, max(1, inputs // 4))
        self.conv_pw = SameConv2d(inputs, outputs, 1)
        self.bn2 = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.se(conv_bn_swish(self.conv_dw, self.bn1, self.act, x))
        y = conv_bn(self.conv_pw, self.bn2, y)
        return x + y if self.residual else y


class EfficientNet(nn.Module):
    """The convolutional part of an EfficientNet. Parameter names are timm's, so that its checkpoints load."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.row = backbone
        channels = backbone.channels(STEM_CHANNELS)
        self.conv_stem = SameConv2d(3, channels, 3, stride=2)
        self.bn1 = batch_norm(channels)
        self.act = nn.SiLU()
        stages = []
        for stage in STAGES:
            outputs = backbone.channels(stage.channels)
            blocks: list[nn.Module] = []
            for repeat in range(backbone.repeats(stage.repeats)):
                if stage.expand == 1:
                    blocks.append(SeparableBlock(channels, outputs, kernel=stage.kernel))
                else:
                    stride = stage.stride if repeat == 0 else 1
                    blocks.append(MBConv(channels, outputs, kernel=stage.kernel, stride=stride, expand=stage.expand))
                channels = outputs
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.apply(initialise)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images B×3×H×W → P3, P4, P5: B×C×H/8×W/8, /16, /32, bottleneck outputs."""
        return self.features(images, len(TAPS))

    def features(self, images: Tensor, count: int) -> list[Tensor]:
        """The first `count` of what `forward` gives, and no more computed than these need."""
        return self._walk(conv_bn_swish(self.conv_stem, self.bn1, self.act, images), 0, TAPS[count - 1] + 1)

    def complete(self, features: Sequence[Tensor]) -> list[Tensor]:
        """All that `forward` gives, where the first of it, at least P3, is there already."""
        return [*features, *self._walk(features[-1], TAPS[len(features) - 1] + 1, len(self.blocks))]

    def parts_before(self, count: int) -> list[nn.Module]:
        """What `features` computes with for this count."""
        return [self.conv_stem, self.bn1, *self.blocks[: TAPS[count - 1] + 1]] if count else []

    def _walk(self, x: Tensor, first: int, end: int) -> list[Tensor]:
        taps = []
        for index in range(first, end):
            x = self.blocks[index](x)
            if index in TAPS:
                taps.append(x)
        return taps


def pyramid_channels(backbone: Backbone) -> list[int]:
    """Channels of P3, P4 and P5."""
    return [backbone.channels(STAGES[tap].channels) for tap in TAPS]


@torch.no_grad()
def initialise(module: nn.Module) -> None:
    """A convolution's first weights: N(0, 2 / fan-out), biases 0; other modules stay as they are."""
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        module.weight.normal_(0, (2 / fan_out) ** 0.5)
        if module.bias is not None:
            module.bias.zero_()
