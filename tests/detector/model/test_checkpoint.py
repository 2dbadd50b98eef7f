import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from detector.errors import CheckpointError
from detector.model import checkpoint
from detector.model.checkpoint import (
    Model,
    checkpoint_tensors,
    load,
    load_tensors,
    save,
)
from detector.model.efficientdet import EfficientDet, build
from detector.model.info import ADVPROP, METADATA_KEY, ModelInfo
from detector.model.variants import VARIANTS, find_variant

INFO = ModelInfo(
    "d0",
    384,
    ("Schräubchen", None, "螺丝", 'a "quoted"\n<b>name</b>'),
    (3, 1, 7, 90),
    normalisation=ADVPROP,
    thresholds={"螺丝": 0.42},
    parent="tf_efficientdet_d0.pth",
    metrics={"AP": 0.1, "AP50": 1 / 3},
    created="2026-01-31T12:00:00+00:00",
)
DESCRIPTION: dict[str, Any] = {
    "variant": "d0",
    "image_size": 512,
    "classes": ["bolt"],
    "category_ids": [1],
    "normalisation": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "fill": [0, 0, 0]},
}


def make_network(classes: int) -> EfficientDet:
    """A D0 whose tensors, batch norms' included, are all random: none equals what a new network has."""
    network = build(VARIANTS["d0"], classes)
    generator = torch.Generator().manual_seed(classes)
    with torch.no_grad():
        for tensor in checkpoint_tensors(network).values():
            tensor.uniform_(0.5, 1.5, generator=generator)
    return network


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(make_network(len(INFO.classes)), INFO)


def assert_equal_tensors(network: EfficientDet, expected: dict[str, torch.Tensor]) -> None:
    tensors = checkpoint_tensors(network)
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in tensors.items())


def test_what_was_saved_is_loaded(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "ж 螺丝.safetensors"
    save(model, path)
    loaded = load(path)
    assert loaded.info == INFO
    assert loaded.network.variant is VARIANTS["d0"]
    assert loaded.network.num_classes == 4
    assert not loaded.network.training
    assert_equal_tensors(loaded.network, checkpoint_tensors(model.network))


@pytest.mark.parametrize("name", ["phi-1", "phi-0.5+softmax", "d0+fpn+sum"])
def test_variants_by_formula_and_other_necks_are_saved_like_the_others(name: str, tmp_path: Path) -> None:
    network = build(find_variant(name), 1)
    path = tmp_path / "model.safetensors"
    save(Model(network, ModelInfo(name, 384, ("bolt",), (1,))), path)
    loaded = load(path).network
    assert loaded.variant == network.variant
    assert_equal_tensors(loaded, checkpoint_tensors(network))


def test_thresholds_are_those_stored_else_the_default_and_a_gap_never_emits() -> None:
    assert [INFO.threshold(channel) for channel in range(4)] == [0.35, 1.0, 0.42, 0.35]


def test_a_file_holds_no_batch_counters(model: Model, tmp_path: Path) -> None:
    save(model, tmp_path / "model.safetensors")
    names = load_file(tmp_path / "model.safetensors").keys()
    assert not any("num_batches_tracked" in name for name in names)


def test_half_a_d0_is_below_nine_megabytes_and_loads_as_float32(tmp_path: Path) -> None:
    network, path = make_network(90), tmp_path / "half.safetensors"
    info = ModelInfo("d0", 512, ("thing",) * 90, tuple(range(1, 91)))
    save(Model(network, info), path, half=True)
    assert path.stat().st_size < 9_000_000
    tensors = checkpoint_tensors(load(path).network)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    for name, tensor in checkpoint_tensors(network).items():
        kept = tensor if "running_" in name else tensor.half().float()
        assert torch.equal(tensors[name], kept), name


@pytest.mark.parametrize("old", [b"the old model", None])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), (OSError, "No space left")),
        (
            SafetensorError("I/O error: No space left"),
            (CheckpointError, r"model\.safetensors cannot be written .*No space"),
        ),
    ],
    ids=["by the system", "by safetensors"],
)
def test_a_failed_write_leaves_what_was_there(
    old: bytes | None,
    error: Exception,
    told: tuple[type[Exception], str],
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fill_the_disk(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half of the new model")
        raise error

    path = tmp_path / "model.safetensors"
    if old is not None:
        path.write_bytes(old)
    monkeypatch.setattr(checkpoint, "save_file", fill_the_disk)
    with pytest.raises(told[0], match=told[1]):
        save(model, path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == ([(path.name, old)] if old else [])


def write_described(path: Path, description: object) -> None:
    text = description if isinstance(description, str) else json.dumps(description)
    save_file({"weight": torch.ones(1)}, path, {METADATA_KEY: text})


@pytest.mark.parametrize(
    "description",
    [
        pytest.param("{ no JSON", id="no JSON"),
        pytest.param("[]", id="list"),
        pytest.param("null", id="null"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("{}", id="empty"),
        pytest.param(DESCRIPTION | {"normalisation": 3}, id="normalisation is a number"),
        pytest.param(DESCRIPTION | {"normalisation": {"mean": [0, 0, 0]}}, id="normalisation in part"),
        pytest.param(DESCRIPTION | {"classes": None}, id="classes are null"),
        pytest.param(DESCRIPTION | {"classes": [], "category_ids": []}, id="no classes"),
        pytest.param(DESCRIPTION | {"classes": ["bolt", "nut"]}, id="too many classes"),
        pytest.param(DESCRIPTION | {"category_ids": [1, 2]}, id="too many ids"),
        pytest.param(DESCRIPTION | {"variant": "d9"}, id="unknown variant"),
        pytest.param(DESCRIPTION | {"variant": 3}, id="variant is a number"),
        pytest.param(DESCRIPTION | {"image_size": "512"}, id="size is text"),
        pytest.param(DESCRIPTION | {"image_size": 500}, id="size does not fit"),
        pytest.param(DESCRIPTION | {"from a newer version": True}, id="unknown key"),
    ],
)
def test_a_wrong_description_is_refused_by_the_file_s_name(description: object, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_described(path, description)
    with pytest.raises(CheckpointError, match=r"The description inside .*model\.safetensors is damaged"):
        load(path)


def test_a_description_that_does_not_fit_its_tensors_is_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    five = json.dumps(DESCRIPTION | {"classes": list("abcde"), "category_ids": [1, 2, 3, 4, 5]})
    save_file(checkpoint_tensors(model.network), path, {METADATA_KEY: five})
    with pytest.raises(
        CheckpointError, match=r"model\.safetensors does not fit D0: class_net.*\(36, 64, 1, 1\), not \(45, 64, 1, 1\)"
    ):
        load(path)
    save_file(checkpoint_tensors(model.network), path, {METADATA_KEY: five.replace('"d0"', '"d1"')})
    with pytest.raises(CheckpointError, match=r"model\.safetensors does not fit D1: .* and \d+ more"):
        load(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_a_foreign_safetensors_is_refused(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.ones(1)}, path, metadata)
    with pytest.raises(CheckpointError, match=r"foreign\.safetensors holds no description"):
        load(path)


@pytest.mark.parametrize("kept", [0, 5, 1000, 1_000_000])
def test_a_truncated_file_is_refused(kept: int, model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save(model, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors cannot be read"):
        load(tmp_path / "gone.safetensors")


BIAS = "class_net.predict.conv_pw.bias"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({BIAS: None}, f"file.pth does not fit D0: {BIAS} is missing"),
        ({BIAS: torch.zeros(35)}, rf"{BIAS} is \(35,\), not \(36,\)"),
        ({"head.weight": torch.zeros(1)}, "head.weight is not known"),
        ({BIAS: torch.full((36,), torch.nan)}, rf"file.pth holds weights that are no numbers .* in {BIAS};"),
        ({BIAS: torch.full((36,), -torch.inf)}, "use another checkpoint"),
    ],
)
def test_tensors_are_loaded_all_or_none(change: dict[str, torch.Tensor | None], complaint: str, model: Model) -> None:
    network = make_network(4)
    before = {name: tensor.clone() for name, tensor in checkpoint_tensors(network).items()}
    given = {name: tensor + 1 for name, tensor in before.items()} | change
    with pytest.raises(CheckpointError, match=complaint):
        load_tensors(network, {name: t for name, t in given.items() if t is not None}, Path("file.pth"))
    assert_equal_tensors(network, before)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_checkpoint_with_a_weight_that_is_no_number_is_refused_by_name(
    value: float, model: Model, tmp_path: Path
) -> None:
    spoilt = Model(make_network(len(INFO.classes)), INFO)
    with torch.no_grad():
        next(spoilt.network.parameters()).view(-1)[7] = value
    save(spoilt, tmp_path / "spoilt.safetensors")
    with pytest.raises(CheckpointError, match=r"spoilt\.safetensors holds weights that are no numbers"):
        load(tmp_path / "spoilt.safetensors")


def test_batch_counters_of_a_foreign_file_are_passed_over(model: Model) -> None:
    network = build(VARIANTS["d0"], 4)
    load_tensors(network, model.network.state_dict(), Path("file.pth"))
    assert_equal_tensors(network, checkpoint_tensors(model.network))
