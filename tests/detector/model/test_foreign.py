"""Files of other programs: their names are told right for every variant, and what they do not say is asked for."""

import hashlib
from dataclasses import replace
from pathlib import Path

import effdet
import pytest
import torch
from torch import Tensor, nn

from detector.errors import CheckpointError
from detector.model import published, weights
from detector.model.checkpoint import Model, load, save
from detector.model.efficientdet import EfficientDet, build
from detector.model.foreign import EFFDET_NAMING, ZYLO_NAMING, Naming
from detector.model.foreign_file import ForeignFile
from detector.model.info import ADVPROP, IMAGENET, ModelInfo
from detector.model.published import inspect_foreign, load_foreign, open_model, save_effdet
from detector.model.variants import VARIANTS, find_variant
from detector.model.weights import PUBLISHED
from tests.zylo import WITHOUT_FUSION_WEIGHTS, State, ZyloTable, zylo_leftovers, zylo_state

SIZE = 128


def effdet_network(name: str, classes: int = 90) -> nn.Module:
    return effdet.create_model(
        f"tf_efficientdet_{name}",
        bench_task="",
        num_classes=classes,
        pretrained=False,
        pretrained_backbone=False,
        image_size=(SIZE, SIZE) if name != "d7x" else (2 * SIZE, 2 * SIZE),
    )


def shapes(state: State) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in state.items()}


@torch.no_grad()
def stir(network: nn.Module) -> None:
    """Give every parameter and statistic a value of its own, so that two that are swapped differ."""
    generator = torch.Generator().manual_seed(7)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_var", "edge_weights")):
            tensor.uniform_(0.2, 3, generator=generator)
        elif name.endswith("running_mean") or (tensor.ndim == 1 and tensor.is_floating_point()):
            tensor.add_(0.3 * torch.randn(tensor.shape, generator=generator))


@pytest.fixture(scope="module")
def d0() -> nn.Module:
    """effdet's D0 with 90 outputs."""
    network = effdet_network("d0").eval()
    stir(network)
    return network


@pytest.fixture(scope="module")
def d0_zylo(d0: nn.Module) -> State:
    return zylo_state("d0", d0.state_dict())


@torch.inference_mode()
def outputs(network: nn.Module) -> list[Tensor]:
    """Logits and regressions for a fixed input, in the same order for our networks and effdet's: B×N×values each."""
    images = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    if isinstance(network, EfficientDet):
        return list(network(images))
    heads = zip(network(images), (90, 4), strict=True)
    return [torch.cat([x.permute(0, 2, 3, 1).reshape(1, -1, n) for x in levels], dim=1) for levels, n in heads]


def write(state: State, path: Path) -> str:
    torch.save(state, path)
    return str(path)


# Names


@pytest.mark.parametrize("name", VARIANTS)
def test_the_names_and_shapes_of_each_variant_are_theirs(name: str) -> None:
    with torch.device("meta"):
        own, theirs = build(VARIANTS[name], 90).state_dict(), effdet_network(name).state_dict()
    variant = VARIANTS[name]
    assert shapes({EFFDET_NAMING.name(k, variant): t for k, t in own.items()}) == shapes(theirs)
    assert shapes({ZYLO_NAMING.name(k, variant): t for k, t in own.items()}) == shapes(zylo_state(name, theirs))


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_tensor_has_both_names(name: str) -> None:
    with torch.device("meta"):
        own = build(VARIANTS[name], 90).state_dict()
    names = {ZYLO_NAMING.name(k, VARIANTS[name]): EFFDET_NAMING.name(k, VARIANTS[name]) for k in own}
    assert names == ZyloTable(name)


@pytest.mark.parametrize("name", VARIANTS)
def test_only_fusion_weights_that_nothing_uses_are_left_out(name: str) -> None:
    variant = find_variant(name)
    unused = {key for key in zylo_leftovers(name) if ZYLO_NAMING.unused(key, variant)}
    assert unused == (set(zylo_leftovers(name)) if name in WITHOUT_FUSION_WEIGHTS else set())
    assert not [key for key in ZyloTable(name) if ZYLO_NAMING.unused(key, variant)]


# In


@pytest.mark.parametrize("wrap", ["", "module.", "model.", "module.model."])
def test_zylos_file_gives_the_outputs_of_effdets(wrap: str, d0: nn.Module, d0_zylo: State, tmp_path: Path) -> None:
    path = write({f"{wrap}{key}": tensor for key, tensor in d0_zylo.items()}, tmp_path / "efficientdet-d0.pth")
    model = open_model(path)
    assert (model.info.variant, model.info.normalisation) == ("d0", IMAGENET)
    for ours, theirs in zip(outputs(model.network), outputs(d0), strict=True):
        assert theirs.std() > 1e-3
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.abs().max().item())


def test_zylos_larger_models_leave_their_unused_weights_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(VARIANTS["d6"], 1)
    own = network.state_dict()
    state = {ZYLO_NAMING.name(key, VARIANTS["d6"]): tensor for key, tensor in own.items()} | zylo_leftovers("d6")
    (tmp_path / "names.txt").write_text("bolt")
    opened = open_model(write(state, tmp_path / "efficientdet-d6_9_100.pth"), classes=tmp_path / "names.txt")
    assert all(torch.equal(tensor, own[key]) for key, tensor in opened.network.state_dict().items())


def test_zylos_file_names_say_the_variant(d0_zylo: State, tmp_path: Path) -> None:
    assert open_model(write(d0_zylo, tmp_path / "efficientdet-d0_49_1500.pth")).info.variant == "d0"
    d8 = write(d0_zylo, tmp_path / "efficientdet-d8.pth")
    with pytest.raises(CheckpointError, match="does not fit D7X: backbone_net"):
        open_model(d8)
    with pytest.raises(CheckpointError, match="is d7x by its name, but d0 was asked for"):
        open_model(d8, variant="d0")
    unnamed = write(d0_zylo, tmp_path / "d0.pth")
    with pytest.raises(CheckpointError, match=r"does not say which variant .* --variant d0"):
        open_model(unnamed)
    assert open_model(unnamed, variant="d0_ap").info.normalisation == ADVPROP


def test_a_name_counts_only_for_the_program_that_gives_such_names(d0: nn.Module, d0_zylo: State, tmp_path: Path):
    for state, file in ((d0.state_dict(), "efficientdet-d0.pth"), (d0_zylo, "tf_efficientdet_d0.pth")):
        path = write(dict(state), tmp_path / file)
        with pytest.raises(CheckpointError, match="does not say which variant"):
            open_model(path)
        assert open_model(path, variant="d0").info.variant == "d0"


def test_zylos_file_may_have_the_name_of_effdets_symmetric_ones(d0_zylo: State, tmp_path: Path) -> None:
    path = write(d0_zylo, tmp_path / "efficientdet_d0.pth")
    assert open_model(path, variant="d0").info.variant == "d0"


@pytest.mark.parametrize("naming", [EFFDET_NAMING, ZYLO_NAMING], ids=["effdet", "zylo117"])
def test_d6_and_d7_are_asked_for(naming: Naming, tmp_path: Path) -> None:
    with torch.device("meta"):
        own = build(VARIANTS["d6"], 90).state_dict()
    kept = {naming.name(key, VARIANTS["d6"]): tensor for key, tensor in own.items() if "fpn.p6" in key}
    mark = {naming.mark: torch.zeros(810)}
    state = {key: torch.zeros(tensor.shape) for key, tensor in kept.items()} | mark
    with pytest.raises(CheckpointError, match=r"name it with --variant d6 or --variant d7 \(d6_ap if"):
        open_model(write(state, tmp_path / "best.pth"))
    with pytest.raises(CheckpointError, match="and its shapes are those of none"):
        open_model(write(mark, tmp_path / "other.pth"))


@pytest.mark.parametrize("naming", [EFFDET_NAMING, ZYLO_NAMING], ids=["effdet", "zylo117"])
def test_what_differs_is_told_in_the_names_of_the_file(
    naming: Naming, d0: nn.Module, d0_zylo: State, tmp_path: Path
) -> None:
    state = dict(d0.state_dict() if naming is EFFDET_NAMING else d0_zylo)
    stem = naming.name("backbone.conv_stem.weight", VARIANTS["d0"])
    p6 = naming.name("fpn.p6.conv.weight", VARIANTS["d0"])
    del state[stem]
    state |= {"surprise": torch.ones(1), p6: torch.ones(2, 2)}
    differs = f"{stem} is missing; surprise is not known; {p6} is (2, 2), not (64, 320, 1, 1)."
    with pytest.raises(CheckpointError) as caught:
        open_model(write(state, tmp_path / "mine.pth"), variant="d0")
    assert str(caught.value).endswith(f"does not fit D0: {differs}")


def test_a_published_file_is_known_by_its_hash(d0: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "renamed.pth"
    write(d0.state_dict(), path)
    start = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    row = replace(PUBLISHED["d0_ap"], file=f"tf_efficientdet_d0_ap-{start}.pth")
    monkeypatch.setitem(weights.PUBLISHED, "d0_ap", row)
    info = open_model(str(path)).info
    assert (info.variant, info.normalisation) == ("d0", ADVPROP)
    with pytest.raises(CheckpointError, match=rf"renamed\.pth is {row.file} by its hash, not d0; leave"):
        open_model(str(path), variant="d0")


# Out


def test_what_is_written_for_effdet_has_its_outputs_there(d0: nn.Module, d0_zylo: State, tmp_path: Path) -> None:
    model = open_model(write(d0_zylo, tmp_path / "efficientdet-d0.pth"))
    save_effdet(model, tmp_path / "out.pth")
    there = effdet_network("d0").eval()
    there.load_state_dict(torch.load(tmp_path / "out.pth", weights_only=True), strict=True)
    for ours, theirs in zip(outputs(there), outputs(d0), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_written_for_effdet(name: str, tmp_path: Path) -> None:
    with torch.device("meta"):
        network, there = build(VARIANTS[name], 3), effdet_network(name, 3)
    network.to_empty(device="cpu")
    model = Model(network, ModelInfo(name, VARIANTS[name].image_size, tuple("abc"), (1, 2, 3)))
    save_effdet(model, tmp_path / "out.pth")
    written = torch.load(tmp_path / "out.pth", weights_only=True, mmap=True)
    there.load_state_dict(written, strict=True, assign=True)
    assert {tensor.device.type for tensor in written.values()} == {"cpu"}


def test_a_checkpoint_in_half_precision_is_written_in_full(tmp_path: Path) -> None:
    save(Model(build(VARIANTS["d0"], 1), ModelInfo("d0", 256, ("a",), (1,))), tmp_path / "a.safetensors", half=True)
    save_effdet(load(tmp_path / "a.safetensors"), tmp_path / "a.pth")
    written = torch.load(tmp_path / "a.pth", weights_only=True)
    assert {t.dtype for key, t in written.items() if "num_batches" not in key} == {torch.float32}


@pytest.mark.parametrize("name", ["d0+softmax", "d0+fpn", "phi0.5"])
def test_what_effdet_does_not_have_is_not_written(name: str, tmp_path: Path) -> None:
    variant = find_variant(name)
    model = Model(build(variant, 1), ModelInfo(variant.name, 256, ("a",), (1,)))
    with pytest.raises(CheckpointError, match="was not written: effdet has no"):
        save_effdet(model, tmp_path / "out.pth")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bifpn.0.p4_down_channel.0.conv.weight", "bifpn.0.p4_down_channel_2.0.conv.weight"),
        ("classifier.bn_list.1.0.weight", "classifier.bn_list.0.1.weight"),
        ("bifpn.1.p4_w2", "bifpn.1.p5_w2"),
    ],
)
def test_a_wrong_name_would_show(first: str, second: str, d0: nn.Module, d0_zylo: State, tmp_path: Path) -> None:
    swapped = d0_zylo | {first: d0_zylo[second], second: d0_zylo[first]}
    logits, regressions = outputs(open_model(write(swapped, tmp_path / "efficientdet-d0.pth")).network)
    for ours, theirs in zip((logits, regressions), outputs(d0), strict=True):
        if first.startswith("classifier") and theirs.shape[-1] == 4:
            assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        else:
            assert (ours - theirs).abs().max() > 20 * 1e-4 * theirs.abs().max()


# What is left open


def test_a_file_that_says_nothing_leaves_the_variant_open(d0: nn.Module, d0_zylo: State, tmp_path: Path) -> None:
    for state, naming in ((dict(d0.state_dict()), EFFDET_NAMING), (d0_zylo, ZYLO_NAMING)):
        path = Path(write(state, tmp_path / "best.pth"))
        file = inspect_foreign(path)
        assert file == ForeignFile(path, naming, said=None, fitting=("d0",), outputs=90)
        assert (file.says_all, file.lacks_names) == (False, False)


def test_a_known_name_or_hash_says_it(d0: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = Path(write(d0.state_dict(), tmp_path / "tf_efficientdet_d0_ap-d0cdbd0a.pth"))
    assert (inspect_foreign(named).said, inspect_foreign(named).says_all) == ("d0_ap", True)
    renamed = named.rename(tmp_path / "renamed.pth")
    start = hashlib.sha256(renamed.read_bytes()).hexdigest()[:8]
    monkeypatch.setitem(weights.PUBLISHED, "d0", replace(PUBLISHED["d0"], file=f"tf_efficientdet_d0_34-{start}.pth"))
    assert (inspect_foreign(renamed).said, inspect_foreign(renamed).says_all) == ("d0", True)
    contradicting = renamed.rename(tmp_path / "tf_efficientdet_d4.pth")
    with pytest.raises(CheckpointError, match=r"tf_efficientdet_d4\.pth is tf_.*\.pth by its hash, not d4"):
        inspect_foreign(contradicting)


def test_classes_without_names_are_counted(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = Path(write(effdet_network("d0", 3).state_dict(), tmp_path / "tf_efficientdet_d0.pth"))
    file = inspect_foreign(path)
    assert (file.said, file.outputs, file.lacks_names, file.says_all) == ("d0", 3, True, False)
    assert load_foreign(path, names=("a", "b", "c")).info.classes == ("a", "b", "c")
    with pytest.raises(CheckpointError, match="has 3 classes, but the list names 2"):
        load_foreign(path, names=("a", "b"))


@pytest.mark.parametrize("naming", [EFFDET_NAMING, ZYLO_NAMING], ids=["effdet", "zylo117"])
def test_d6_and_d7_are_left_open(naming: Naming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        own = build(VARIANTS["d7"], 1).state_dict()
    state = {naming.name(key, VARIANTS["d7"]): tensor for key, tensor in own.items()}
    (tmp_path / "best.pth").touch()
    monkeypatch.setattr(published, "read_tensors", lambda _: state)  # without the gigabyte that it would be
    assert inspect_foreign(tmp_path / "best.pth").fitting == ("d6", "d7")


def test_what_fits_nothing_is_refused_before_anything_is_asked(d0: nn.Module, tmp_path: Path) -> None:
    state, p6 = dict(d0.state_dict()), EFFDET_NAMING.name("fpn.p6.conv.weight", VARIANTS["d0"])
    stem = EFFDET_NAMING.name("backbone.conv_stem.weight", VARIANTS["d0"])
    with pytest.raises(CheckpointError, match=r"best\.pth is in effdet's format, but its shapes are those of no"):
        inspect_foreign(Path(write(state | {p6: torch.ones(2, 2)}, tmp_path / "best.pth")))
    del state[stem]
    with pytest.raises(CheckpointError, match=rf"best\.pth does not fit D0: {stem} is missing\."):
        inspect_foreign(Path(write(state, tmp_path / "best.pth")))
    with pytest.raises(CheckpointError, match=r"tf_efficientdet_d1\.pth does not fit D1: .* is missing"):
        inspect_foreign(Path(write(state, tmp_path / "tf_efficientdet_d1.pth")))
