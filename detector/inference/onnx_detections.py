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

LOWEST = float(np.finfo(np.float32).min)


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


def add_detections(ops: GraphOps, outputs: tuple[str, str], *, limits: str, anchors: str, floor: str) -> FoundRows:
    """Detections from logits (B, N, C) and regressions (B, N, 4), scores from `floor` () on.

    limits: (B or 1, 1, 4), to which boxes xyxy are clipped: width, height, width, height. anchors: (N, 4) xyxy.
    """
    logits, regression = outputs
    odds = ops.op("Div", floor, ops.op("Sub", ops.constant(1.0), floor))
    at_least = ops.op("Max", ops.op("Log", odds), ops.constant(LOWEST))  # of 0: no −∞
    rows = _rows(ops, logits, at_least)
    boxes = _decoded(ops, regression, anchors, rows)
    boxes = ops.op("Min", ops.op("Max", boxes, ops.constant(0.0)), limits)
    values = _chosen_rows(ops, logits, rows)
    usable = ops.op("Unsqueeze", _has_area(ops, boxes), ops.constant([2]))
    usable = ops.op("And", ops.op("GreaterOrEqual", values, _threshold(ops, values, at_least)), usable)
    by_class = ops.op("Transpose", ops.op("Where", usable, values, ops.constant(-np.inf)), perm=[0, 2, 1])
    chosen = ops.op(  # (M, 3): image, class, box
        "NonMaxSuppression",
        boxes,
        by_class,
        ops.constant([DETECTIONS]),
        ops.constant(np.array([IOU], np.float32)),
        ops.constant(np.array([LOWEST], np.float32)),
    )
    scores = ops.op("Sigmoid", ops.op("GatherND", by_class, chosen))
    return _best(ops, chosen, scores, boxes=boxes, rows=rows)


def _rows(ops: GraphOps, logits: str, at_least: str) -> str:
    """The anchors (B, K) with the highest logits, as many as reach `at_least` in the fullest image, at most 5,000: no
    more of them need a look than pairs are sought.
    """
    best = ops.op("ReduceMax", logits, axes=[2], keepdims=0)
    most = ops.op("ReduceMax", _count(ops, best, at_least), axes=[0], keepdims=1)
    count = ops.op("Min", ops.op("Max", most, ops.constant([1])), ops.constant([CANDIDATES]))
    return ops.op("TopK", best, count, outputs=2) + ".1"


def _threshold(ops: GraphOps, values: str, at_least: str) -> str:
    """(B, 1, 1): the lowest of values (B, K, C) to look at: `at_least`, or the 5,000th where more reach that.

    That one is sought only where it is needed: among hundreds of thousands it takes longer than all else here.
    """
    flat = ops.op("Reshape", values, ops.constant([0, -1]))
    most = ops.op("ReduceMax", _count(ops, flat, at_least), axes=[0], keepdims=1)
    too_many = ops.op("Greater", most, ops.constant([CANDIDATES]))
    count = ops.op("Where", too_many, ops.constant([CANDIDATES]), ops.constant([1]))
    last = ops.op("Slice", ops.op("TopK", flat, count, outputs=2), *(ops.constant([v]) for v in (-1, 2**31, 1)))
    lowest = ops.op("Where", too_many, ops.op("Max", last, at_least), at_least)
    return ops.op("Reshape", lowest, ops.constant([-1, 1, 1]))


def _count(ops: GraphOps, values: str, at_least: str) -> str:
    """(B,): how many of values (B, N) there are from `at_least` on."""
    good = ops.floats(ops.op("GreaterOrEqual", values, at_least))
    return ops.cast(ops.op("ReduceSum", good, ops.constant([1]), keepdims=0), TensorProto.INT64)


def _best(ops: GraphOps, chosen: str, scores: str, *, boxes: str, rows: str) -> FoundRows:
    """The best 100 in each image of `chosen` (M, 3), image, channel and box, with their scores (M,)."""
    images = _range(ops, ops.op("Squeeze", ops.op("Shape", rows, start=0, end=1)))
    own = ops.op("Equal", ops.op("Unsqueeze", images, ops.constant([1])), _columns(ops, chosen, 0))
    count = ops.op("Min", ops.op("Shape", scores), ops.constant([DETECTIONS]))
    best = ops.op("TopK", ops.op("Where", own, scores, ops.constant(0.0)), count, outputs=2)
    kept = ops.op("Gather", chosen, f"{best}.1", axis=0)  # (B, D, 3)
    places = _columns(ops, kept, [0, 2])
    return FoundRows(
        boxes=ops.op("GatherND", boxes, places),
        scores=best,
        channels=_columns(ops, kept, 1),
        anchors=ops.op("GatherND", rows, places),
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
    return ops.op("Mul", ops.op("Add", ops.floats(_range(ops, cells)), ops.constant(0.5)), ops.constant(float(stride)))


def _range(ops: GraphOps, count: str) -> str:
    """0, 1 … up to a number ()."""
    return ops.op("Range", ops.constant(0), count, ops.constant(1))


def _chosen_rows(ops: GraphOps, table: str, rows: str) -> str:
    """Of a table (B, N, C) the rows (B, K) of each image: (B, K, C)."""
    return ops.op("GatherND", table, ops.op("Unsqueeze", rows, ops.constant([2])), batch_dims=1)


def _decoded(ops: GraphOps, regression: str, anchors: str, rows: str) -> str:
    """Boxes (B, K, 4) xyxy of the chosen rows; see `anchors.decode`."""
    coded = _chosen_rows(ops, regression, rows)
    own = ops.op("Gather", anchors, rows, axis=0)
    lower, upper = _columns(ops, own, [0, 1]), _columns(ops, own, [2, 3])
    size = ops.op("Sub", upper, lower)
    half = ops.constant(0.5)
    middle = ops.op("Mul", ops.op("Add", lower, upper), half)
    shift, stretch = _columns(ops, coded, [1, 0]), _columns(ops, coded, [3, 2])
    centre = ops.op("Add", ops.op("Mul", shift, size), middle)
    reach = ops.op("Mul", ops.op("Mul", ops.op("Exp", stretch), size), half)
    return ops.op("Concat", ops.op("Sub", centre, reach), ops.op("Add", centre, reach), axis=2)


def _columns(ops: GraphOps, table: str, which: int | list[int]) -> str:
    """Columns of a table (…, C); a single one without its axis."""
    return ops.op("Gather", table, ops.constant(which), axis=-1)


def _has_area(ops: GraphOps, boxes: str) -> str:
    """(B, K): whether a box is wider and higher than 0; one that is no number is not."""
    wide = ops.op("Greater", _columns(ops, boxes, [2, 3]), _columns(ops, boxes, [0, 1]))
    both = ops.op("ReduceMin", ops.cast(wide, TensorProto.INT64), axes=[2], keepdims=0)
    return ops.cast(both, TensorProto.BOOL)
