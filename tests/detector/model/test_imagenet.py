"""Files of timm's classifiers: what they are by their names, and what is refused."""

import pickle
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from detector.errors import CheckpointError
from detector.model.checkpoint import checkpoint_tensors
from detector.model.classifier import build_classifier, timm_name
from detector.model.imagenet import FILE_NAME, load_classifier
from detector.model.info import ADVPROP, IMAGENET
from detector.model.variants import BACKBONES


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    """A random B0 of three classes under timm's names."""
    torch.manual_seed(0)
    return {timm_name(name): t for name, t in build_classifier(BACKBONES["b0"], 3).state_dict().items()}


@pytest.mark.parametrize(
    ("name", "normalisation"),
    [
        ("tf_efficientnet_b0.pth", IMAGENET),
        ("tf_efficientnet_b0_ns-c0e6a31c.pth", IMAGENET),
        ("tf_efficientnet_b0_aa-827b6e33.pth", IMAGENET),
        ("tf_efficientnet_b0_ap-f262efe1.pth", ADVPROP),
        ("tf_efficientnet_b0.ap_in1k.safetensors", ADVPROP),
    ],
)
def test_a_whole_classifier_is_loaded(name: str, normalisation: object, tensors: dict[str, Tensor], tmp_path: Path):
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    loaded = load_classifier(path)
    assert loaded.normalisation == normalisation
    assert (loaded.path, loaded.network.title) == (path, "EfficientNet-B0")
    assert not loaded.network.training
    own = checkpoint_tensors(loaded.network)
    assert all(torch.equal(tensor, tensors[timm_name(key)]) for key, tensor in own.items())


def test_timm_s_names_say_their_normalisation() -> None:
    names = timm.list_pretrained("tf_efficientnet_b[0-7]*")
    assert len(names) > 30
    for name in names:
        config = timm.get_pretrained_cfg(name)
        assert config is not None
        files = [f"{name}.pth", f"{name}.safetensors"]
        files += [Path(config.url).name] if config.url else []
        for file in files:
            named = FILE_NAME.match(file)
            assert named is not None, file
            assert named[1] == name.split("_")[2].split(".")[0]
            assert config.mean == (ADVPROP if named[2] else IMAGENET).mean, file


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_b0_ra-3dd342df.pth",
        "tf_efficientnet_b8.pth",
        "tf_efficientnetv2_b0.pth",
        "tf_efficientnet_lite0.pth",
        "model.safetensors",
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_refused(name: str, tensors: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(tensors, tmp_path / name)
    with pytest.raises(CheckpointError, match=r"give it timm's name, such as tf_efficientnet_b0"):
        load_classifier(tmp_path / name)


def test_a_file_of_another_size_is_refused_with_what_differs(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "tf_efficientnet_b1.pth"
    torch.save(tensors, path)
    with pytest.raises(CheckpointError, match=r"b1\.pth does not fit EfficientNet-B1: blocks\.0\.1.* is missing"):
        load_classifier(path)
    torch.save({name: tensor for name, tensor in tensors.items() if "classifier" not in name}, path)
    with pytest.raises(CheckpointError, match=r"has no classifier\.weight"):
        load_classifier(path)


class Malicious:
    def __reduce__(self) -> tuple:
        return print, ("code ran",)


def test_no_code_in_a_file_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tf_efficientnet_b0.pth"
    path.write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(CheckpointError):
        load_classifier(path)
    torch.save({"classifier.weight": Malicious()}, path)
    with pytest.raises(CheckpointError, match="could run code"):
        load_classifier(path)
    assert "code ran" not in capsys.readouterr().out


def test_a_torn_safetensors_is_refused(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "tf_efficientnet_b0.safetensors"
    save_file(tensors, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="is it complete"):
        load_classifier(path)
