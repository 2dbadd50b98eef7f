import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import effdet
import pytest
import torch
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from detector.errors import CheckpointError, OptionsError
from detector.model import weights as weights_module
from detector.model.checkpoint import Model, load, save
from detector.model.coco_names import coco_classes
from detector.model.efficientdet import build
from detector.model.info import ADVPROP, IMAGENET, ModelInfo
from detector.model.published import open_model
from detector.model.variants import VARIANTS
from detector.model.weights import PUBLISHED, weights_folder

BIAS = "class_net.predict.conv_pw.bias"
State = dict[str, torch.Tensor]


def make_state(classes: int) -> State:
    torch.manual_seed(0)
    model = effdet.create_model(
        "tf_efficientdet_d0", bench_task="", num_classes=classes, pretrained=False, pretrained_backbone=False
    )
    return model.state_dict()


@pytest.fixture(scope="module")
def state() -> State:
    """A D0 in effdet's format with COCO's 90 outputs."""
    return make_state(90)


@pytest.fixture(scope="module")
def small_state() -> State:
    """A D0 in effdet's format with two outputs."""
    return make_state(2)


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for published weights, so that no test finds those of the person who runs it."""
    monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def write(content: object, path: Path) -> str:
    path.parent.mkdir(exist_ok=True)
    torch.save(content, path)
    return str(path)


def test_coco_names_stand_at_their_channels() -> None:
    classes = coco_classes()
    categories = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    assert [name or "N/A" for name in classes] == categories[1:]
    assert (classes[0], classes[11], classes[12], classes[89]) == ("person", None, "stop sign", "toothbrush")
    assert len({name for name in classes if name}) == 80


def test_published_files_are_those_of_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    configs = {name: effdet.get_efficientdet_config(f"tf_efficientdet_{name}") for name in PUBLISHED}
    monkeypatch.delenv("EFFICIENTDET_STUDIO_WEIGHTS")
    assert {name: config.url for name, config in configs.items()} == {n: w.url for n, w in PUBLISHED.items()}
    assert {name for name, config in configs.items() if config.get("mean") == ADVPROP.mean} == {
        name for name, weights in PUBLISHED.items() if weights.is_advprop
    }
    for weights in PUBLISHED.values():
        assert f"-{weights.hash_start}.pth" in weights.file
        assert weights.is_advprop or weights.coco_ap == weights.variant.coco_ap


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_size_that_is_told_is_that_of_the_tensors(name: str) -> None:
    with torch.device("meta"):
        tensors = build(PUBLISHED[name].variant, 90).state_dict().values()
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6
    assert 0 <= PUBLISHED[name].megabytes - size < 1


def test_ninety_outputs_are_coco_s(state: State, tmp_path: Path) -> None:
    model = open_model(write(state, tmp_path / "tf_efficientdet_d0_34-f153e0cf.pth"))
    assert model.info.classes == coco_classes()
    assert model.info.category_ids == tuple(range(1, 91))
    assert (model.info.variant, model.info.image_size, model.info.normalisation) == ("d0", 512, IMAGENET)
    assert model.info.parent == "tf_efficientdet_d0_34-f153e0cf.pth"
    assert model.network.num_classes == 90
    assert not model.network.training


@pytest.mark.parametrize(
    "wrap", [lambda s: {"state_dict": s, "epoch": 3}, lambda s: {f"model.{k}": v for k, v in s.items()}]
)
def test_wrapped_tables_of_tensors_are_read(
    wrap: Callable[[State], object], small_state: State, tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_text("bolt\nnut\n")
    model = open_model(write(wrap(small_state), tmp_path / "tf_efficientdet_d0.pth"), classes=tmp_path / "names.txt")
    assert torch.equal(model.network.state_dict()[BIAS], small_state[BIAS])


def test_advprop_is_told_by_name(state: State, tmp_path: Path) -> None:
    by_name = open_model(write(state, tmp_path / "tf_efficientdet_d0_ap-d0cdbd0a.pth"))
    asked = open_model(write(state, tmp_path / "my.pth"), variant="D0_AP")
    assert (by_name.info.normalisation, by_name.info.variant) == (ADVPROP, "d0")
    assert (asked.info.normalisation, asked.info.variant) == (ADVPROP, "d0")


def test_what_was_read_is_saved_and_loaded_again(state: State, tmp_path: Path) -> None:
    model = open_model(write(state, tmp_path / "tf_efficientdet_d0_ap-d0cdbd0a.pth"))
    save(model, tmp_path / "model.safetensors")
    assert open_model(str(tmp_path / "model.safetensors")).info == model.info


@pytest.mark.parametrize("legacy", [False, True])
def test_a_malicious_pickle_is_refused_and_does_not_run(legacy: bool, tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / "tf_efficientdet_d0.pth"

    class Trap:
        def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
            return Path.touch, (marker,)

    torch.save({BIAS: Trap()}, path, _use_new_zipfile_serialization=not legacy)
    torch.load(path, weights_only=False)
    assert marker.exists(), "the trap does not work, so this test would not see it spring"
    marker.unlink()
    with pytest.raises(CheckpointError, match=r"tf_efficientdet_d0\.pth holds more than plain tensors"):
        open_model(str(path))
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no checkpoint at all",
        b"a.",  # a pickle that takes from an empty stack: IndexError
        b"X\x00",  # a text that ends within its length: struct.error
        pickle.dumps({"a": 1}, protocol=2)[:-1],
    ],
)
def test_garbage_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tf_efficientdet_d0.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"tf_efficientdet_d0\.pth"):
        open_model(str(path))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_a_truncated_file_is_refused(kept: float, legacy: bool, tmp_path: Path) -> None:
    path = tmp_path / "tf_efficientdet_d0.pth"
    torch.save({BIAS: torch.zeros(810)}, path, _use_new_zipfile_serialization=not legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CheckpointError, match=r"tf_efficientdet_d0\.pth"):
        open_model(str(path))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([1, 2], "is no table of named tensors"),
        ({"epoch": 3}, "is no table of named tensors"),
        ({}, "is not an EfficientDet in effdet's or zylo117's format"),
        ({"weight": torch.ones(1)}, "is not an EfficientDet in effdet's or zylo117's format"),
        ({BIAS: torch.zeros(810)}, "does not fit D0: .* is missing; .* and \\d+ more"),
        ({BIAS: torch.tensor(1.0)}, "has 0 classes"),
    ],
    ids=["list", "no tensors", "empty", "another network", "bias alone", "bias without shape"],
)
def test_a_foreign_table_is_refused(content: object, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"tf_efficientdet_d0\.pth {complaint}"):
        open_model(write(content, tmp_path / "tf_efficientdet_d0.pth"))


def test_the_symmetrically_padding_twins_are_refused(state: State, tmp_path: Path) -> None:
    twin = {
        name: tensor for name, tensor in state.items() if not name.startswith("fpn.") or not name.endswith("conv.bias")
    }
    assert len(twin) < len(state)
    path = write(twin, tmp_path / "efficientdet_d0-f3276ba8.pth")
    with pytest.raises(CheckpointError, match=r"efficientdet_d0-f3276ba8\.pth pads differently"):
        open_model(path, variant="d0")
    with pytest.raises(CheckpointError, match=r"renamed\.pth does not fit D0: .*bias is missing"):
        open_model(str(Path(path).rename(tmp_path / "renamed.pth")), variant="d0")


def test_a_variant_that_nothing_tells_is_asked_for(state: State, tmp_path: Path) -> None:
    path = write(state, tmp_path / "best.pth")
    with pytest.raises(CheckpointError, match=r"best\.pth does not say which variant .* --variant d0 \(d0_ap if"):
        open_model(path)
    with pytest.raises(OptionsError, match="There is no variant “d9”"):
        open_model(path, variant="d9")
    with pytest.raises(CheckpointError, match=r"best\.pth does not fit D1"):
        open_model(path, variant="d1")
    assert open_model(path, variant="D0").info.normalisation == IMAGENET


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("tf_efficientdet_d0_34-f153e0cf.pth", "d1"),
        ("tf_efficientdet_d0_34-f153e0cf.pth", "d0_ap"),
        ("tf_efficientdet_d0_ap-d0cdbd0a.pth", "d0"),
        ("tf_efficientdet_d6_52-4eda3773.pth", "d7"),
        ("tf_efficientdet_d7_53-6d1d7a95.pth", "d7x"),
        ("tf_efficientdet_d7x-f390b87c.pth", "d7"),
    ],
)
def test_a_name_and_an_option_that_contradict_are_refused(name: str, asked: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"{name} is .* but {asked} was asked for"):
        open_model(write({}, tmp_path / name), variant=asked)


def test_classes_come_from_a_file_where_there_are_not_ninety(small_state: State, tmp_path: Path) -> None:
    path, names = write(small_state, tmp_path / "tf_efficientdet_d0.pth"), tmp_path / "names.txt"
    with pytest.raises(CheckpointError, match=r"tf_efficientdet_d0\.pth has 2 classes .* --classes FILE"):
        open_model(path)
    names.write_text("\ufeff螺丝 \n\n  hex nut\r\n", "utf-8")
    info = open_model(path, classes=names).info
    assert (info.classes, info.category_ids) == (("螺丝", "hex nut"), (1, 2))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"bolt\n", "has 2 classes, but the list names 1"),
        (b"a\nb\nc\n", "has 2 classes, but the list names 3"),
        (b"\xff\xfe", "cannot be read"),
        (None, "cannot be read"),
        (b"bolt\n" * 200_001, "is too large for a list of class names"),
    ],
)
def test_a_file_of_classes_that_does_not_fit_is_refused(
    content: bytes | None, complaint: str, small_state: State, tmp_path: Path
) -> None:
    path, names = write(small_state, tmp_path / "tf_efficientdet_d0.pth"), tmp_path / "names.txt"
    if content is not None:
        names.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"\.(txt|pth) {complaint}"):
        open_model(path, classes=names)


def test_a_published_variant_is_found_in_the_folder_of_weights(state: State, weights: Path) -> None:
    write(state, weights / "tf_efficientdet_d0_34-f153e0cf.pth")
    model = open_model("D0")
    assert model.info.parent == "tf_efficientdet_d0_34-f153e0cf.pth"
    assert torch.equal(model.network.state_dict()[BIAS], state[BIAS])
    with pytest.raises(CheckpointError, match="is d0 by its name, but d4 was asked for"):
        open_model("d0", variant="d4")


def test_weights_that_are_not_there_are_named_with_their_folder(weights: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        open_model("d4")
    assert "tf_efficientdet_d4_49-f56376d9.pth" in str(caught.value)
    assert str(weights) in str(caught.value)
    assert "EFFICIENTDET_STUDIO_WEIGHTS" in str(caught.value)


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", ""),
        ("win32", "LOCALAPPDATA", ""),
        ("linux", "HOME", ".cache"),
        ("darwin", "HOME", "Library/Caches"),
    ],
)
def test_weights_lie_in_the_user_s_cache_without_a_variable(
    platform: str, variable: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EFFICIENTDET_STUDIO_WEIGHTS", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    assert weights_folder() == tmp_path / folder / "efficientdet-studio" / "weights"


def test_a_file_wins_over_a_variant_of_that_name(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(state, tmp_path / "d1")
    monkeypatch.chdir(tmp_path)
    assert open_model("d1", variant="d0").info.variant == "d0"


@pytest.mark.parametrize("name", ["d9", "starte", "gone.safetensors", "."])
def test_a_name_that_is_nothing_is_told_what_there_is(name: str) -> None:
    with pytest.raises(CheckpointError, match=f"There is no model “{name}”: .* starter, or one of d0, d1"):
        open_model(name)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A checkpoint of this program's own."""
    path = tmp_path / "own.safetensors"
    save(Model(build(VARIANTS["d0"], 1), ModelInfo("d0", 256, ("bolt",), (1,))), path)
    return path


def test_the_starter_is_found_by_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "STARTER", own)
    assert open_model("starter").info == load(own).info
    monkeypatch.setattr(weights_module, "STARTER", own.with_name("gone.safetensors"))
    with pytest.raises(CheckpointError, match=r"gone\.safetensors"):
        open_model("starter")


@pytest.mark.parametrize("options", [{"variant": "d1"}, {"classes": Path("names.txt")}], ids=["variant", "classes"])
def test_options_that_contradict_our_own_file_are_refused(options: dict[str, Any], own: Path) -> None:
    assert open_model(str(own), variant="D0").info.classes == ("bolt",)
    with pytest.raises(CheckpointError, match=r"own\.safetensors is d0 and names its own classes"):
        open_model(str(own), **options)
