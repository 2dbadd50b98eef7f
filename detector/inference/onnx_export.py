"""A model as an .onnx file for other programs: the network alone, or with all from the picture to its boxes."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto

from detector.errors import CheckpointError
from detector.files import replacing
from detector.inference.engines import FLOOR, wanted_channels
from detector.inference.onnx_detections import add_anchors, add_detections, add_normalised, only_channels
from detector.inference.onnx_engine import open_session
from detector.model.checkpoint import Model
from detector.model.info import METADATA_KEY, ModelInfo
from detector.model.onnx_network import add_network
from detector.model.onnx_ops import GraphOps
from detector.model.variants import find_variant

AGREEMENT = 1e-3  # of the largest output: far more than rounding makes, far less than any mistake


def raw_graph(model: Model) -> onnx.ModelProto:
    """The network alone. images: (batch, 3, height, width) float32 RGB, normalised; logits: (batch, anchors, classes);
    regression: (batch, anchors, 4), ty, tx, th, tw. Anchors in the order level → y → x → octave → aspect.
    """
    ops = GraphOps(precise=True)
    logits, regression = add_network(ops, model.network, "images")
    ops.alias(logits, "logits")
    ops.alias(regression, "regression")
    return ops.model(
        {"images": (TensorProto.FLOAT, ("batch", 3, "height", "width"))},
        {
            "logits": (TensorProto.FLOAT, ("batch", "anchors", len(model.info.classes))),
            "regression": (TensorProto.FLOAT, ("batch", "anchors", 4)),
        },
        metadata=_metadata(model.info),
    )


def detection_graph(model: Model, *, channels: Sequence[int] | None = None) -> onnx.ModelProto:
    """From pictures to boxes. images: (batch, height, width, 3) uint8 RGB, padded with the metadata's `fill`.

    boxes: (batch, detections, 4) float32 xyxy in pixels of the input; scores: (batch, detections), best first, 0 where
    there is no detection; classes, anchors: (batch, detections) int64, places in the metadata's `classes` and among the
    anchors. At most 100 detections of `channels`, all that have a name by default.

    Two inputs need not be given: floor, the lowest score that comes out, 0.05; limits: (batch, 1, 4), width, height,
    width, height of each picture without its padding, to which boxes are clipped.
    """
    chosen = wanted_channels(model.info, channels)
    network, variant = only_channels(model.network, chosen), find_variant(model.info.variant)
    ops = GraphOps(precise=False)
    outputs = add_network(ops, network, add_normalised(ops, "images", model.info.normalisation))
    height, width = (ops.op("Shape", "images", start=axis, end=axis + 1) for axis in (1, 2))
    found = add_detections(
        ops,
        outputs,
        limits=ops.op(
            "Min",
            ops.default("limits", np.full((1, 1, 4), np.inf, np.float32)),
            ops.floats(ops.op("Concat", width, height, width, height, axis=0)),
        ),
        anchors=add_anchors(ops, variant, height, width),
        floor=ops.default("floor", FLOOR),
    )
    ops.alias(found.boxes, "boxes")
    ops.alias(found.scores, "scores")
    ops.alias(ops.op("Gather", ops.constant(chosen), found.channels), "classes")
    ops.alias(found.anchors, "anchors")
    rows = ("batch", "detections")
    return ops.model(
        {
            "images": (TensorProto.UINT8, ("batch", "height", "width", 3)),
            "limits": (TensorProto.FLOAT, ("pictures", 1, 4)),
            "floor": (TensorProto.FLOAT, ()),
        },
        {
            "boxes": (TensorProto.FLOAT, (*rows, 4)),
            "scores": (TensorProto.FLOAT, rows),
            "classes": (TensorProto.INT64, rows),
            "anchors": (TensorProto.INT64, rows),
        },
        metadata=_metadata(model.info),
    )


def export(model: Model, path: Path, *, raw: bool, channels: Sequence[int] | None = None) -> list[str]:
    """Write a model as .onnx, at once or not at all, after a look whether ONNX Runtime computes what PyTorch does;
    of `channels` alone, but for the raw graph.

    Gives the file's inputs and outputs, a line each. Raises CheckpointError where the two do not agree, OSError where
    `path` cannot be written to.
    """
    check(model)
    graph = raw_graph(model) if raw else detection_graph(model, channels=channels)
    with replacing(path) as temporary:
        temporary.write_bytes(graph.SerializeToString())
    sides = ("in ", graph.graph.input), ("out", graph.graph.output)
    stride = find_variant(model.info.variant).stride
    head = f"{path}: {model.network.title}, height and width multiples of {stride}, trained at {model.info.image_size}"
    return [head, *(f"  {side} {_signature(value)}" for side, values in sides for value in values)]


@torch.inference_mode()
def check(model: Model) -> None:
    """Compare the graph with the network, on noise, one image high and two of another shape. Raises CheckpointError."""
    stride = find_variant(model.info.variant).stride
    session = open_session(raw_graph(model).SerializeToString())
    generator = torch.Generator().manual_seed(0)
    for shape in ((1, 3, 2 * stride, stride), (2, 3, stride, stride)):
        images = torch.randn(shape, generator=generator)
        theirs = session.run(None, {"images": images.numpy()})
        for ours, found in zip(model.network(images), theirs, strict=True):
            if not _agree(ours.numpy(), np.asarray(found)):
                raise CheckpointError(
                    f"ONNX Runtime {onnxruntime.__version__} computes something else than PyTorch from this model; "
                    "nothing was written. Another version of onnxruntime may help."
                )


def _agree(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> bool:
    finite = np.isfinite(ours)
    if ours.shape != theirs.shape or (finite != np.isfinite(theirs)).any():
        return False
    largest = np.abs(ours[finite]).max(initial=1.0)
    return bool((np.abs(ours - theirs)[finite] <= AGREEMENT * largest).all())


def _signature(value: onnx.ValueInfoProto) -> str:
    """A name, its type and shape: "images float32 (batch, 3, height, width)"."""
    tensor = value.type.tensor_type
    shape = ", ".join(dim.dim_param or str(dim.dim_value) for dim in tensor.shape.dim)
    return f"{value.name} {np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name} ({shape})"


def _metadata(info: ModelInfo) -> dict[str, str]:
    """What a program has to know to use the file, each as text or JSON; and all that a checkpoint says."""
    return {
        "classes": json.dumps(info.classes),
        "category_ids": json.dumps(info.category_ids),
        "variant": info.variant,
        "image_size": str(info.image_size),
        "stride": str(find_variant(info.variant).stride),
        "mean": json.dumps(info.normalisation.mean),
        "std": json.dumps(info.normalisation.std),
        "fill": json.dumps(info.normalisation.fill),
        METADATA_KEY: json.dumps(asdict(info)),
    }
