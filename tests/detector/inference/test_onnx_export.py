"""The exported graphs compute what the network and the choice of detections do, for any batch and size."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from detector.boxes import Detections
from detector.errors import CheckpointError
from detector.inference import onnx_export
from detector.inference.onnx_engine import OUTPUTS, OnnxEngine, open_session
from detector.inference.onnx_export import detection_graph, export, raw_graph
from detector.inference.postprocess import detections
from detector.inference.predictor import Prediction, Predictor
from detector.inference.preprocess import Prepared
from detector.inference.torch_engine import TorchEngine
from detector.model.anchors import anchor_boxes
from detector.model.checkpoint import Model
from detector.model.efficientdet import build
from detector.model.info import METADATA_KEY
from detector.model.published import open_model
from detector.model.variants import find_variant

Pixels = NDArray[np.uint8]
FLOOR = 0.05
CPU = torch.device("cpu")


def expected(model: Model, pictures: Pixels, floor: float = FLOOR) -> list[Detections]:
    """What PyTorch finds in pictures (B, H, W, 3) that need no padding."""
    height, width = pictures.shape[1:3]
    outputs = TorchEngine(model, CPU).outputs(pictures)
    anchors = anchor_boxes(find_variant(model.info.variant), height, width)
    channels = [c for c, name in enumerate(model.info.classes) if name is not None]
    prepared = [Prepared(pixels, 1.0, width, height) for pixels in pictures]
    return detections(outputs, anchors, prepared, channels=channels, floor=floor, exact=False)


def found(session: onnxruntime.InferenceSession, pictures: Pixels, floor: float = FLOOR) -> list[Detections]:
    given = {"images": pictures, "floor": np.array(floor, np.float32)}
    boxes, scores, classes, anchors = session.run(list(OUTPUTS), given)
    there = scores > 0
    return [
        Detections(boxes[i][kept], scores[i][kept], classes[i][kept], anchors[i][kept]) for i, kept in enumerate(there)
    ]


def assert_same(ours: Detections, theirs: Detections) -> None:
    """The same detections; equal scores may stand in another order."""
    first, second = (np.lexsort((item.channels, item.anchors)) for item in (ours, theirs))
    ours, theirs = ours.select(first), theirs.select(second)
    np.testing.assert_array_equal(ours.anchors, theirs.anchors)
    np.testing.assert_array_equal(ours.channels, theirs.channels)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-3)
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=0.1)


@pytest.fixture(scope="module")
def session(model: Model) -> onnxruntime.InferenceSession:
    return open_session(detection_graph(model).SerializeToString())


@pytest.mark.parametrize(("count", "height", "width"), [(1, 128, 128), (2, 256, 128), (3, 128, 384)])
def test_detections_are_those_of_pytorch_at_any_batch_and_size(
    model: Model, session: onnxruntime.InferenceSession, count: int, height: int, width: int
) -> None:
    pictures = np.random.default_rng(width).integers(0, 256, (count, height, width, 3), np.uint8)
    wanted = expected(model, pictures)
    assert any(len(item) for item in wanted)
    for ours, theirs in zip(found(session, pictures), wanted, strict=True):
        assert_same(ours, theirs)


def test_no_more_pairs_are_looked_at_than_the_reference_looks_at(
    model: Model, session: onnxruntime.InferenceSession
) -> None:
    """More than 5,000 of anchor and channel pass the floor in the one picture, fewer in the other."""
    pictures = np.random.default_rng(5).integers(0, 256, (2, 256, 256, 3), np.uint8)
    pictures[1] = pictures[1] // 4 + 90
    logits = TorchEngine(model, CPU).outputs(pictures)[0][..., [0, 2]]
    floor = 0.13
    many, few = (logits.sigmoid() > floor).sum((1, 2)).tolist()
    assert many > 5000 > few > 0
    for ours, theirs in zip(found(session, pictures, floor), expected(model, pictures, floor), strict=True):
        assert_same(ours, theirs)


@pytest.mark.parametrize("name", ["starter", "stand-in"])
def test_the_engine_finds_in_photographs_what_pytorch_does(name: str, shared_data: Path, tmp_path: Path) -> None:
    paths = sorted((shared_data / "coco-person" / "val").glob("*.jpg"))[:24:3]
    stand_in = str(shared_data / "tf_efficientdet_d0-standin.pth")
    model = open_model(stand_in, variant="d0") if name == "stand-in" else open_model("starter")
    export(model, tmp_path / "graph.onnx", raw=False)
    wanted = list(Predictor(TorchEngine(model, CPU)).run(paths))
    ours = list(Predictor(OnnxEngine(tmp_path / "graph.onnx")).run(paths))
    assert len({(item.width > item.height) for item in wanted if isinstance(item, Prediction)}) == 2
    for one, other in zip(ours, wanted, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert (one.source, one.width, one.height) == (other.source, other.width, other.height)
        assert len(other.detections)
        assert_same(one.detections, other.detections)


@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_the_engine_has_the_floor_that_was_asked_for(model: Model, tmp_path: Path, floor: float) -> None:
    export(model, tmp_path / "graph.onnx", raw=False)
    picture = np.random.default_rng(3).integers(0, 256, (100, 190, 3), np.uint8)
    (wanted,) = Predictor(TorchEngine(model, CPU, floor=floor)).run([picture])
    (ours,) = Predictor(OnnxEngine(tmp_path / "graph.onnx", floor=floor)).run([picture])
    assert isinstance(wanted, Prediction)
    assert isinstance(ours, Prediction)
    assert_same(ours.detections, wanted.detections)


def test_a_picture_with_nothing_on_it_gives_nothing(model: Model) -> None:
    quiet = Model(build(find_variant("d0"), 3).eval(), model.info)
    with torch.no_grad():
        quiet.network.class_net.predict.conv_pw.bias.fill_(-20)
    (ours,) = found(open_session(detection_graph(quiet).SerializeToString()), np.zeros((1, 128, 128, 3), np.uint8))
    assert len(ours) == 0


def test_only_the_channels_asked_for_come_out(model: Model) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (1, 128, 128, 3), np.uint8)
    (both,) = expected(model, pictures)
    (ours,) = found(open_session(detection_graph(model, channels=[2]).SerializeToString()), pictures)
    assert set(both.channels) == {0, 2}
    assert set(ours.channels) == {2}


@pytest.mark.parametrize("name", ["phi-0.5", "d0+softmax", "d0+sum", "d0+fpn"])
def test_other_necks_and_sizes_are_exported_too(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = open_model("starter")
    network = build(find_variant(name), 3).eval()
    info = replace(model.info, variant=name, classes=("a", "b", "c"), category_ids=(1, 2, 3), thresholds={})
    export(Model(network, info), tmp_path / "small.onnx", raw=True)  # which compares the two
    assert (tmp_path / "small.onnx").is_file()


def test_the_file_says_what_it_is(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    lines = export(model, path, raw=False)
    loaded = onnx.load(path)
    onnx.checker.check_model(loaded, full_check=True)
    said = {item.key: item.value for item in loaded.metadata_props}
    assert json.loads(said["classes"]) == ["bolt", None, "nut"]
    assert json.loads(said["fill"]) == [124, 116, 104]
    assert said["stride"] == "128"
    assert json.loads(said[METADATA_KEY])["variant"] == "d0"
    assert lines[1] == "  in  images uint8 (batch, height, width, 3)"


def test_the_raw_graph_has_the_networks_own_outputs(model: Model, tmp_path: Path) -> None:
    images = torch.randn(2, 3, 128, 256, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        wanted = model.network(images)
    session = open_session(raw_graph(model).SerializeToString())
    assert [item.name for item in session.get_outputs()] == ["logits", "regression"]
    for ours, theirs in zip(session.run(None, {"images": images.numpy()}), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_a_graph_that_computes_something_else_is_not_written(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Model(build(find_variant("d0"), 3).eval(), model.info)
    monkeypatch.setattr(onnx_export, "raw_graph", lambda _: raw_graph(other))
    with pytest.raises(CheckpointError, match="something else"):
        export(model, tmp_path / "wrong.onnx", raw=True)
    assert list(tmp_path.iterdir()) == []
