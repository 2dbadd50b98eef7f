"""EfficientDet's forward pass as ONNX operators, with the batch norms folded into the convolutions.

Written from the modules themselves rather than traced: so any size stays dynamic, whatever the exporter of a PyTorch
version makes of padding and resizing. `onnx_export` checks that both compute the same.
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from detector.boxes import Float32
from detector.model.bifpn import Cell, FeaturePyramid, FusionNode
from detector.model.efficientdet import EfficientDet
from detector.model.efficientnet import TAPS, EfficientNet, MBConv, SeparableBlock, SqueezeExcite
from detector.model.heads import Head
from detector.model.layers import Projection, SeparableConv2d
from detector.model.onnx_ops import GraphOps


def add_network(ops: GraphOps, network: EfficientDet, images: str) -> tuple[str, str]:
    """The network on normalised images B×3×H×W, H and W multiples of its stride: class logits B×N×C and regressions
    B×N×4, as `EfficientDet.forward` gives them.
    """
    maps = _pyramid(ops, network.fpn, _backbone(ops, network.backbone, images))
    return _head(ops, network.class_net, maps), _head(ops, network.box_net, maps)


def _backbone(ops: GraphOps, net: EfficientNet, images: str) -> list[str]:
    x, taps = ops.swish(_conv(ops, images, net.conv_stem, net.bn1)), []
    for index, stage in enumerate(net.blocks):
        for block in stage:  # type: ignore[union-attr]
            x = _mbconv(ops, block, x) if isinstance(block, MBConv) else _separable_block(ops, block, x)
        if index in TAPS:
            taps.append(x)
    return taps


def _mbconv(ops: GraphOps, block: MBConv, x: str) -> str:
    y = ops.swish(_conv(ops, x, block.conv_pw, block.bn1))
    y = _excite(ops, block.se, ops.swish(_conv(ops, y, block.conv_dw, block.bn2)))
    y = _conv(ops, y, block.conv_pwl, block.bn3)
    return ops.op("Add", x, y) if block.residual else y


def _separable_block(ops: GraphOps, block: SeparableBlock, x: str) -> str:
    y = _excite(ops, block.se, ops.swish(_conv(ops, x, block.conv_dw, block.bn1)))
    y = _conv(ops, y, block.conv_pw, block.bn2)
    return ops.op("Add", x, y) if block.residual else y


def _excite(ops: GraphOps, se: SqueezeExcite, x: str) -> str:
    y = ops.swish(_conv(ops, ops.op("GlobalAveragePool", x), se.conv_reduce))
    return ops.op("Mul", x, ops.op("Sigmoid", _conv(ops, y, se.conv_expand)))


def _pyramid(ops: GraphOps, fpn: FeaturePyramid, features: list[str]) -> list[str]:
    maps = [*features, _downsample(ops, _projection(ops, fpn.p6, features[-1]))]
    while len(maps) < len(fpn.levels):
        maps.append(_downsample(ops, maps[-1]))
    for cell in fpn.cells:
        assert isinstance(cell, Cell)
        known = list(maps)
        for node in cell.nodes:
            known.append(_fusion(ops, node, known))  # type: ignore[arg-type]
        maps = [known[id] for id in cell.outputs]
    return maps


def _fusion(ops: GraphOps, node: FusionNode, known: Sequence[str]) -> str:
    maps = []
    for id, edge in zip(node.node.inputs, node.edges, strict=True):
        x = known[id]
        if str(id) in node.projections:
            x = _projection(ops, node.projections[str(id)], x)  # type: ignore[arg-type]
        if edge.direction != "same":
            x = _downsample(ops, x) if edge.direction == "up" else _upsample(ops, x)
        maps.append(x)
    weights = node.fusion_weights()
    if weights is not None:
        maps = [ops.op("Mul", x, ops.constant(weight)) for x, weight in zip(maps, weights.tolist(), strict=True)]
    fused = maps[0]
    for x in maps[1:]:
        fused = ops.op("Add", fused, x)
    return _separable(ops, ops.swish(fused), node.conv, node.bn)


def _head(ops: GraphOps, head: Head, maps: Sequence[str]) -> str:
    """All levels together go through the last 1×1 convolution, which they share: one product of matrices, whose rows
    are in the outputs' order. Its biases are a row of the matrix, since adding them would be another pass.
    """
    cells = []
    for level, x in enumerate(maps):
        for conv, bns in zip(head.convs, head.bns, strict=True):
            x = ops.swish(_separable(ops, x, conv, bns[level]))  # type: ignore[arg-type, index]
        x = ops.op("Transpose", _conv(ops, x, head.predict.conv_dw), perm=[0, 2, 3, 1])
        cells.append(ops.op("Reshape", x, ops.constant([0, -1, head.predict.conv_dw.out_channels])))
    together = ops.op("Concat", *cells, axis=1)  # (B, cells, channels)
    weight, bias = _folded(head.predict.conv_pw, None)
    assert bias is not None
    matrix = np.concatenate([weight[:, :, 0, 0].T, bias[None]])
    flat = ops.op("Reshape", together, ops.constant([-1, weight.shape[1]]))
    with_one = ops.op("Pad", flat, ops.constant([0, 0, 0, 1]), ops.constant(1.0))
    outputs = ops.op("MatMul", with_one, ops.constant(matrix))
    batch = ops.op("Shape", together, start=0, end=1)
    return ops.op("Reshape", outputs, ops.op("Concat", batch, ops.constant([-1, head.outputs]), axis=0))


def _projection(ops: GraphOps, projection: Projection, x: str) -> str:
    return _conv(ops, x, projection.conv, projection.bn)


def _separable(ops: GraphOps, x: str, conv: SeparableConv2d, bn: nn.BatchNorm2d | None = None) -> str:
    return _conv(ops, _conv(ops, x, conv.conv_dw), conv.conv_pw, bn)


def _conv(ops: GraphOps, x: str, conv: nn.Conv2d, bn: nn.BatchNorm2d | None = None) -> str:
    """A convolution with SAME padding, of even inputs where its stride is 2."""
    weight, bias = _folded(conv, bn)
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    before, after = ((kernel - stride) // 2, (kernel - stride + 1) // 2)
    inputs = [x, ops.constant(weight), *([] if bias is None else [ops.constant(bias)])]
    return ops.op(
        "Conv",
        *inputs,
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
        pads=[before, before, after, after],
        group=conv.groups,
    )


def _folded(conv: nn.Conv2d, bn: nn.BatchNorm2d | None) -> tuple[Float32, Float32 | None]:
    """Weight and bias of a convolution that does what it and the batch norm behind it do in evaluation.

    Folded in float64, for the result to be rounded once.
    """
    if bn is None:
        return _numbers(conv.weight), None if conv.bias is None else _numbers(conv.bias)
    assert bn.running_var is not None
    assert bn.running_mean is not None
    scale = bn.weight.double() / (bn.running_var.double() + bn.eps).sqrt()
    bias = bn.bias.double() - bn.running_mean.double() * scale
    if conv.bias is not None:
        bias = bias + conv.bias.double() * scale
    return _numbers(conv.weight.double() * scale.view(-1, 1, 1, 1)), _numbers(bias)


def _numbers(tensor: Tensor) -> Float32:
    return tensor.detach().cpu().float().numpy()


def _downsample(ops: GraphOps, x: str) -> str:
    return ops.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])


def _upsample(ops: GraphOps, x: str) -> str:
    scales = ops.constant(np.array([1, 1, 2, 2], np.float32))
    return ops.op(
        "Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
