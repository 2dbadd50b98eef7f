"""EfficientNet as a feature pyramid's backbone (Tan & Le 2019, table 1): its strides 8, 16 and 32."""

import torch
from torch import Tensor, nn

from detector.model.layers import SameConv2d, batch_norm
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
        squeezed = x.mean((2, 3), keepdim=True)
        return x * self.conv_expand(self.act(self.conv_reduce(squeezed))).sigmoid()


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
        y = self.act(self.bn1(self.conv_pw(x)))
        y = self.se(self.act(self.bn2(self.conv_dw(y))))
        y = self.bn3(self.conv_pwl(y))
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
        y = self.se(self.act(self.bn1(self.conv_dw(x))))
        y = self.bn2(self.conv_pw(y))
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
        x, taps = self.act(self.bn1(self.conv_stem(images))), []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
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
