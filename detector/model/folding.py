"""Batch norms folded into the convolutions before them, fusion weights as numbers: the same network for evaluation,
with fewer maps to write.
"""

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from detector.model.bifpn import FusionNode
from detector.model.efficientdet import EfficientDet
from detector.model.efficientnet import EfficientNet, MBConv, SeparableBlock
from detector.model.layers import Projection

# Where a batch norm stands behind a convolution of its own. Those of the heads share theirs with other levels.
PAIRS = {
    EfficientNet: (("conv_stem", "bn1"),),
    MBConv: (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")),
    SeparableBlock: (("conv_dw", "bn1"), ("conv_pw", "bn2")),
    Projection: (("conv", "bn"),),
    FusionNode: (("conv.conv_pw", "bn"),),
}


@torch.no_grad()
def fold(network: EfficientDet) -> None:
    """Change a network in evaluation mode so that it computes the same without the batch norms of backbone and pyramid,
    with fixed fusion weights and activations that overwrite what they are given; it cannot be trained from then on.
    """
    for module in network.modules():
        if isinstance(module, nn.SiLU):
            module.inplace = True
    for module in network.modules():
        for conv_name, bn_name in PAIRS.get(type(module), ()):
            conv, bn = module.get_submodule(conv_name), module.get_submodule(bn_name)
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(bn, nn.BatchNorm2d)
            assert bn.running_mean is not None
            assert bn.running_var is not None
            statistics = bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
            conv.weight, conv.bias = fuse_conv_bn_weights(conv.weight, conv.bias, *statistics)
            module.set_submodule(bn_name, nn.Identity())
        if isinstance(module, FusionNode):
            module.fix_weights()
            module.act.inplace = len(module.edges) > 1  # else what it is given may be another node's map
