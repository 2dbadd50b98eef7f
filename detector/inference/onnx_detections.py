"""From pictures to the network's input, and from its outputs to detections, as ONNX operators.

The same choice as `postprocess` makes: the best 5,000 pairs of anchor and channel, decoded, clipped, suppressed class
by class, the best 100. Only pairs from a score on are looked at, so that a picture with little on it costs little.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from onnx import TensorProto

from detector.inference.postprocess import CANDIDATES, DETECTIONS, IOU
from detector.model.anchors import ANCHORS_PER_CELL, anchor_boxes
from detector.model.efficientdet import EfficientDet
from detector.model.info import Normalisation
from detector.model.layers import SameConv2d
from detector.model.onnx_ops import GraphOps
from detector.model.variants import Variant


@dataclass(frozen=True)
class FoundRows:
    """Names of what is found, best first: boxes (B, D, 4) xyxy in input pixels, scores (B, D), which are 0 in rows
    without a detection, channels (B, D) and anchors (B, D).
    """

    boxes: str
    scores: str
    channels: str
    anchors: str


def add_normalised(ops: GraphOps, images: str, normalisation: Normalisation) -> str:
    """Pictures (B, H, W, 3) RGB uint8 → the network's input (B, 3, H, W)."""
    mean, std = (np.array(v, np.float32).reshape(3, 1, 1) * 255 for v in (normalisation.mean, normalisation.std))
    pixels = ops.floats(ops.op("Transpose", images, perm=[0, 3, 1, 2]))
    return ops.op("Div", ops.op("Sub", pixels, ops.constant(mean)), ops.constant(std))


@torch.no_grad()
def only_channels(network: EfficientDet, channels: Sequence[int]) -> EfficientDet:
    """A copy of the network that computes these channels alone, in their order."""
    chosen = deepcopy(network)
    head, before = chosen.class_net, network.class_net.predict.conv_pw
    rows = [anchor * head.outputs + channel for anchor in range(ANCHORS_PER_CELL) for channel in channels]
    after = head.predict.conv_pw = SameConv2d(before.in_channels, len(rows), 1, bias=True)
    after.weight.copy_(before.weight[rows])
    assert before.bias is not None
    assert after.bias is not None
    after.bias.copy_(before.bias[rows])
    head.outputs = len(channels)
    return chosen


def add_detections(
    ops: GraphOps, outputs: tuple[str, str], *, limits: str, anchors: str, floor: str, channels: int
) -> FoundRows:
    """Detections from logits (B, N, channels) and regressions (B, N, 4), scores from `floor` () on.

    limits: (B or 1, 1, 4), to which boxes xyxy are clipped: width, height, width, height. anchors: (N, 4) xyxy.
    """
    logits, regression = outputs
    odds = ops.op("Div", floor, ops.op("Sub", ops.constant(1.0), floor))
    at_least = ops.op("Max", ops.op("Log", odds), ops.constant(float(np.finfo(np.float32).min)))  # of 0: no −∞
    best = ops.op("ReduceMax", logits, axes=[2], keepdims=0)
    rows = _top(ops, best, at_least)[1]
    pairs = ops.op("GatherElements", logits, _expand(ops, rows, channels), axis=1)
    flat = ops.op("Reshape", pairs, ops.constant([0, -1]))
    values, places = _top(ops, flat, at_least)
    count = ops.constant(channels)
    rows = ops.op("GatherElements", rows, ops.op("Div", places, count), axis=1)
    classes = ops.op("Mod", places, count)
    boxes = _decoded(ops, regression, anchors, rows)
    boxes = ops.op("Min", ops.op("Max", boxes, ops.constant(0.0)), limits)
    usable = ops.op("And", ops.op("GreaterOrEqual", values, at_least), _has_area(ops, boxes))
    scores = ops.op("Where", usable, ops.op("Sigmoid", values), ops.constant(0.0))
    kept = _suppressed(ops, boxes, scores, classes, channels=channels)
    order = ops.op("TopK", kept, _at_most(ops, DETECTIONS, ops.op("Shape", kept, start=1, end=2)), outputs=2)
    first = f"{order}.1"
    return FoundRows(
        boxes=ops.op("GatherElements", boxes, _expand(ops, first, 4), axis=1),
        scores=order,
        channels=ops.op("GatherElements", classes, first, axis=1),
        anchors=ops.op("GatherElements", rows, first, axis=1),
    )


def add_anchors(ops: GraphOps, variant: Variant, height: str, width: str) -> str:
    """The anchors (N, 4) xyxy float32 of an input, whose height and width are (1,) int64."""
    levels = []
    for level in variant.levels:
        stride = 2**level
        shapes = anchor_boxes(variant, variant.stride, variant.stride)  # those of a level's first cell, for all cells
        before = sum(ANCHORS_PER_CELL * (variant.stride >> lower) ** 2 for lower in variant.levels if lower < level)
        first = shapes[before : before + ANCHORS_PER_CELL].numpy() - np.float32(stride / 2)
        ys, xs = _centres(ops, height, stride), _centres(ops, width, stride)
        ys = ops.op("Reshape", ys, ops.constant([-1, 1, 1]))
        xs = ops.op("Reshape", xs, ops.constant([1, -1, 1]))
        grid = ops.op(  # (h, w, 2): an outer sum in each of its two columns
            "Concat",
            ops.op("Add", xs, ops.op("Mul", ys, ops.constant(0.0))),
            ops.op("Add", ys, ops.op("Mul", xs, ops.constant(0.0))),
            axis=2,
        )
        centres = ops.op("Reshape", ops.op("Concat", grid, grid, axis=2), ops.constant([-1, 1, 4]))
        boxes = ops.op("Add", centres, ops.constant(first.reshape(1, ANCHORS_PER_CELL, 4)))
        levels.append(ops.op("Reshape", boxes, ops.constant([-1, 4])))
    return ops.op("Concat", *levels, axis=0)


def _centres(ops: GraphOps, size: str, stride: int) -> str:
    """Where the cells of a row or column have their middle, in pixels."""
    cells = ops.op("Squeeze", ops.op("Div", size, ops.constant(stride)))
    indices = ops.floats(ops.op("Range", ops.constant(0), cells, ops.constant(1)))
    return ops.op("Mul", ops.op("Add", indices, ops.constant(0.5)), ops.constant(float(stride)))


def _top(ops: GraphOps, values: str, at_least: str) -> tuple[str, str]:
    """The highest of values (B, N), as many as are from `at_least` on in the fullest row, and their indices."""
    good = ops.cast(ops.op("GreaterOrEqual", values, at_least), TensorProto.INT64)
    most = ops.op("ReduceMax", ops.op("ReduceSum", good, ops.constant([1]), keepdims=0), axes=[0], keepdims=1)
    top = ops.op("TopK", values, _at_most(ops, CANDIDATES, ops.op("Max", most, ops.constant([1]))), outputs=2)
    return top, f"{top}.1"


def _at_most(ops: GraphOps, limit: int, count: str) -> str:
    return ops.op("Min", count, ops.constant([limit]))


def _expand(ops: GraphOps, indices: str, times: int) -> str:
    """Indices (B, K) → (B, K, times)."""
    return ops.op(
        "Expand", ops.op("Unsqueeze", indices, ops.constant([2])), ops.constant(np.array([1, 1, times], np.int64))
    )


def _decoded(ops: GraphOps, regression: str, anchors: str, rows: str) -> str:
    """Boxes (B, K, 4) xyxy of the chosen rows; see `anchors.decode`."""
    coded = ops.op("GatherElements", regression, _expand(ops, rows, 4), axis=1)
    own = ops.op("Gather", anchors, rows, axis=0)
    lower, upper = _columns(ops, own, 0), _columns(ops, own, 2)
    size = ops.op("Sub", upper, lower)
    half = ops.constant(0.5)
    middle = ops.op("Mul", ops.op("Add", lower, upper), half)
    shift = ops.op("Gather", coded, ops.constant([1, 0]), axis=2)
    stretch = ops.op("Gather", coded, ops.constant([3, 2]), axis=2)
    centre = ops.op("Add", ops.op("Mul", shift, size), middle)
    reach = ops.op("Mul", ops.op("Mul", ops.op("Exp", stretch), size), half)
    return ops.op("Concat", ops.op("Sub", centre, reach), ops.op("Add", centre, reach), axis=2)


def _columns(ops: GraphOps, boxes: str, first: int) -> str:
    """Two columns of boxes (…, 4)."""
    return ops.op("Gather", boxes, ops.constant([first, first + 1]), axis=2)


def _has_area(ops: GraphOps, boxes: str) -> str:
    """(B, K): whether a box is wider and higher than 0; one that is no number is not."""
    wide = ops.op("Greater", _columns(ops, boxes, 2), _columns(ops, boxes, 0))
    both = ops.op("ReduceMin", ops.cast(wide, TensorProto.INT64), axes=[2], keepdims=0)
    return ops.cast(both, TensorProto.BOOL)


def _suppressed(ops: GraphOps, boxes: str, scores: str, classes: str, *, channels: int) -> str:
    """Scores (B, K) with 0 for boxes that a better one of their class overlaps."""
    rows = ops.op("Unsqueeze", scores, ops.constant([1]))
    own = ops.op(
        "Equal",
        ops.op("Unsqueeze", classes, ops.constant([1])),
        ops.constant(np.arange(channels).reshape(1, channels, 1)),
    )
    by_class = ops.op("Where", own, rows, ops.constant(0.0))
    chosen = ops.op(  # (M, 3): image, class, box
        "NonMaxSuppression",
        boxes,
        by_class,
        ops.constant([DETECTIONS]),
        ops.constant(np.array([IOU], np.float32)),
        ops.constant(np.array([0.0], np.float32)),
    )
    places = ops.op("Gather", chosen, ops.constant([0, 2]), axis=1)
    zeros = ops.op("Mul", scores, ops.constant(0.0))
    return ops.op("ScatterND", zeros, places, ops.op("GatherND", scores, places))
