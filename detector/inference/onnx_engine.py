"""The engine that runs ONNX Runtime on the CPU, from a graph of `onnx_export`; it needs no torch."""

from collections.abc import Sequence
from copy import copy
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime import InferenceSession, RunOptions  # pyright: ignore[reportAttributeAccessIssue]

from detector.boxes import Detections, Float32, Int64
from detector.device import cores
from detector.errors import CheckpointError
from detector.inference.engines import FLOOR
from detector.inference.preprocess import Prepared
from detector.model.info import METADATA_KEY, ModelInfo, parse_info

LANES = 8  # each takes the memory of a forward pass
OUTPUTS = ("boxes", "scores", "classes", "anchors")


class OnnxEngine:
    """See `Engine`. It looks for the channels that its graph was made for. leave_free: cores that others shall have.

    One thread for each picture, and as many pictures at a time as there are cores: no thread waits for another one's
    share of a small map. Threads wait asleep, not spinning.
    """

    exact = False
    batch = 1

    def __init__(self, graph: Path, *, floor: float = FLOOR, leave_free: int = 0) -> None:
        usable = max(1, cores() - leave_free)
        self.lanes = min(usable, LANES)
        self.device = f"CPU: {usable} thread{'s' * (usable != 1)}, ONNX Runtime"
        self._session = open_session(graph, threads=usable // self.lanes)
        self.info = _graph_info(self._session, graph)
        self._floor = np.array(floor, np.float32)
        self._under_way: set[RunOptions] = set()

    def interrupt(self) -> None:
        """See `Engine`. ONNX Runtime ends after the operator that it is at."""
        for run in tuple(self._under_way):
            run.terminate = True

    def with_floor(self, floor: float) -> "OnnxEngine":
        """See `Engine`."""
        other = copy(self)
        other._floor = np.array(floor, np.float32)
        return other

    def detect(self, images: Sequence[Prepared]) -> list[Detections]:
        """See `Engine`."""
        limits = [[image.width / image.scale, image.height / image.scale] * 2 for image in images]
        given = {
            "images": np.stack([image.pixels for image in images]),
            "limits": np.array(limits, np.float32)[:, None],
            "floor": self._floor,
        }
        run = RunOptions()
        self._under_way.add(run)
        try:
            outputs = [np.asarray(output) for output in self._session.run(list(OUTPUTS), given, run)]
        finally:
            self._under_way.discard(run)
        return [_found(*rows, image=image) for image, *rows in zip(images, *outputs, strict=True)]


def open_session(graph: bytes | Path, *, threads: int = 0) -> InferenceSession:
    """A graph on the CPU, quiet; threads for one call, 0 for as many as there are cores. Raises CheckpointError where
    the file is damaged.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = str(graph) if isinstance(graph, Path) else graph
    try:
        return InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many kinds, all of the runtime's own
        raise CheckpointError(
            f"{graph if isinstance(graph, Path) else 'The graph'} cannot be opened ({error})."
        ) from error


def _graph_info(session: InferenceSession, path: Path) -> ModelInfo:
    metadata = session.get_modelmeta().custom_metadata_map
    if METADATA_KEY not in metadata:
        raise CheckpointError(f"{path} is no model that this program exported with its decoding.")
    return parse_info(metadata[METADATA_KEY], path)


def _found(boxes: Float32, scores: Float32, channels: Int64, anchors: Int64, *, image: Prepared) -> Detections:
    kept = scores > 0
    return Detections(boxes[kept] * np.float32(image.scale), scores[kept], channels[kept], anchors[kept])
