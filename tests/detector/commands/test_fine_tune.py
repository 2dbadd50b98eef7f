"""What a run can start from, besides a model: any variant with random weights, or with an ImageNet backbone."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from detector.cli import command_line
from detector.errors import CheckpointError, OptionsError
from detector.model.checkpoint import load
from detector.model.classifier import build_classifier, timm_name
from detector.model.info import ADVPROP
from detector.model.variants import BACKBONES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A COCO file of two pictures, each with a box."""
    rng = np.random.default_rng(0)
    for name in ("1.png", "2.png"):
        Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(tmp_path / name)
    images = [{"id": id, "file_name": f"{id}.png", "width": 128, "height": 96} for id in (1, 2)]
    boxes = [{"id": id, "image_id": id, "category_id": 1, "bbox": [20, 20, 60, 50], "area": 3000} for id in (1, 2)]
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "bolt"}]}))
    return path


def fine_tune(data: Path, *arguments: str) -> Path:
    """The last checkpoint of a run of one step."""
    out = data.parent / "run"
    common = ("--out", str(out), "--steps", "1", "--batch", "1", "--image-size", "128", "--device", "cpu")
    ended = CliRunner().invoke(command_line(), ["fine-tune", str(data), *common, *arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code == 0
    return out / "last.safetensors"


def test_a_variant_by_formula_is_trained_saved_and_looked_into(data: Path) -> None:
    path = fine_tune(data, "--model", "phi-1+fpn+softmax", "--from-scratch")
    model = load(path)
    assert model.info.variant == model.network.variant.name == "phi-1+fpn+softmax"
    shown = CliRunner().invoke(command_line(), ["fusion", str(path), "--json"])
    document = json.loads(shown.stdout)
    assert (document["fusion"], len(document["cells"])) == ("softmax", 2)
    sums = [node["sum"] for cell in document["cells"] for node in cell["nodes"].values()]
    assert sums == pytest.approx([1] * 10, abs=1e-3)
    table = CliRunner().invoke(command_line(), ["fusion", str(path)])
    assert table.stdout.startswith("PHI-1+FPN+SOFTMAX: weights normalised per node")


def test_a_run_begins_with_an_imagenet_backbone(data: Path) -> None:
    torch.manual_seed(0)
    tensors = {timm_name(name): t for name, t in build_classifier(BACKBONES["b0"], 3).state_dict().items()}
    weights = data.parent / "tf_efficientnet_b0_ap.pth"
    torch.save(tensors, weights)
    start = ("--model", "d0", "--from-scratch", "--backbone", str(weights))
    model = load(fine_tune(data, *start, "--freeze", "backbone"))
    assert model.info.normalisation == ADVPROP
    assert all(torch.equal(t, tensors[name]) for name, t in model.network.backbone.named_parameters())
    with pytest.raises(CheckpointError, match="EfficientNet-B0, but the backbone of D1 is B1"):
        fine_tune(data.rename(data.parent / "again.json"), "--model", "d1", *start[2:], "--out", str(data.parent / "b"))


def test_old_images_are_replayed_frozen_and_asked_for_again(data: Path, tmp_path_factory) -> None:
    old = tmp_path_factory.mktemp("old")
    Image.fromarray(np.full((96, 128, 3), 9, np.uint8)).save(old / "7.png")
    image = {"id": 7, "file_name": "7.png", "width": 128, "height": 96}
    box = {"id": 1, "image_id": 7, "category_id": 4, "bbox": [9, 9, 40, 40], "area": 1600}
    document = {"images": [image], "annotations": [box], "categories": [{"id": 4, "name": "Bolt"}]}
    (old / "old.json").write_text(json.dumps(document))
    replay = ("--replay", str(old / "old.json"), "--replay-share", "0.5")
    out = fine_tune(data, "--model", "d0", "--from-scratch", *replay).parent
    assert json.loads((out / "frozen-replay.json").read_text())["images"][0]["file_name"] == "7.png"
    with pytest.raises(OptionsError, match="old images that it began with"):
        fine_tune(data, "--model", "d0", "--from-scratch", "--replay-share", "0.5", "--resume")
    fine_tune(data, "--model", "d0", "--from-scratch", *replay, "--resume")


def test_a_backbone_is_for_new_weights(data: Path) -> None:
    with pytest.raises(OptionsError, match="add --from-scratch, or leave --backbone out"):
        fine_tune(data, "--model", "d0", "--backbone", "tf_efficientnet_b0.pth")


def test_random_layers_are_not_kept_as_they_are(data: Path) -> None:
    with pytest.raises(OptionsError, match="--quick keeps the first layers"):
        fine_tune(data, "--model", "d0", "--from-scratch", "--quick")
