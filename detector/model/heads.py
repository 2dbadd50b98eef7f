"""The class and box heads, shared over the levels except for their batch norms (EfficientDet paper, section 4.2)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from detector.model.layers import SeparableConv2d, batch_norm, conv_bn_swish, lecun_normal

# Every class starts with this probability, so that background does not drown the first steps (focal loss, section 3.3).
PRIOR = 0.01


class Head(nn.Module):
    """A tower of `depth` separable convolutions and a separable prediction.

    Every convolution of the tower is followed by a batch norm of the level's own and swish. There are `outputs` values
    per anchor; channel = anchor · outputs + value.
    """

    def __init__(self, channels: int, outputs: int, *, depth: int, levels: int, anchors: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.act = nn.SiLU()
        self.convs = nn.ModuleList(SeparableConv2d(channels, channels) for _ in range(depth))
        self.bns = nn.ModuleList(nn.ModuleList(batch_norm(channels) for _ in range(levels)) for _ in range(depth))
        self.predict = SeparableConv2d(channels, anchors * outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                lecun_normal(module)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """One B×channels×Hᵢ×Wᵢ map per level → B×N×outputs, in the anchors' order: level → y → x → anchor."""
        return torch.cat([self._level(level, x) for level, x in enumerate(maps)], dim=1)

    def _level(self, level: int, x: Tensor) -> Tensor:
        for conv, bns in zip(self.convs, self.bns, strict=True):
            x = conv_bn_swish(conv.conv_pw, bns[level], self.act, conv.conv_dw(x))  # type: ignore[index, union-attr, arg-type]
        return self._predicted(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, self.outputs)

    def _predicted(self, x: Tensor) -> Tensor:
        """What `predict` gives; in mixed precision its bias is added in 32 bits, since in bfloat16 logits near that of
        the prior, −4.6, lie 0.03 apart.
        """
        last = self.predict.conv_pw
        assert last.bias is not None
        if x.dtype is last.weight.dtype:
            return self.predict(x)
        return last.convolve(self.predict.conv_dw(x), last.weight, None).float() + last.bias.view(1, -1, 1, 1)


def class_head(channels: int, classes: int, *, depth: int, levels: int, anchors: int) -> Head:
    """A head of one logit per class and anchor, every class at a prior of 0.01."""
    head = Head(channels, classes, depth=depth, levels=levels, anchors=anchors)
    bias = head.predict.conv_pw.bias
    assert bias is not None
    nn.init.constant_(bias, -math.log((1 - PRIOR) / PRIOR))
    return head


def box_head(channels: int, *, depth: int, levels: int, anchors: int) -> Head:
    """A head of four regressions per anchor: ty, tx, th, tw."""
    return Head(channels, 4, depth=depth, levels=levels, anchors=anchors)
