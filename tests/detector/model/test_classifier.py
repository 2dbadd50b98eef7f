"""Our EfficientNet is timm's: the same outputs up to fp32 rounding, with batch norms that hide nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import Tensor, nn

from detector.model.checkpoint import checkpoint_tensors
from detector.model.classifier import Classifier, build_classifier, timm_name
from detector.model.imagenet import load_classifier
from detector.model.info import IMAGENET
from detector.model.layers import SameConv2d
from detector.model.variants import BACKBONES, scaled_backbone

ALLOWED = 3.0  # times timm's own fp32 rounding error
CLASSES = 10


@dataclass(frozen=True)
class Reference:
    """A timm model's file, an input, its logits in float64, and how far timm's own in float32 are from them."""

    weights: Path
    images: Tensor
    exact: Tensor
    rounding: float

    def excess(self, network: Classifier) -> float:
        """The network's largest error in units of timm's: up to about 1 where only rounding differs."""
        with torch.inference_mode():
            return (network(self.images).double() - self.exact).abs().max().item() / self.rounding


def read_photographs(repository: Path, size: tuple[int, int]) -> Tensor:
    """Four sample pictures, stretched to height × width and normalised: 4×3×H×W float32."""
    paths = sorted((repository / "resources" / "sample" / "images").iterdir())[:4]
    pictures = [np.asarray(Image.open(path).convert("RGB").resize(size[::-1])) for path in paths]
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET.mean, IMAGENET.std))
    return (pixels - mean) / std


@torch.no_grad()
def make_reference(name: str, photographs: Tensor, folder: Path) -> Reference:
    """A random timm model with scattered biases and scales, its batch norms calibrated on the photographs."""
    torch.manual_seed(0)
    model = timm.create_model(f"tf_efficientnet_{name}", num_classes=CLASSES).eval()
    for key, parameter in model.named_parameters():
        if key.endswith("bias"):
            parameter += 0.2 * torch.randn_like(parameter)
        elif parameter.ndim == 1:
            parameter.uniform_(0.5, 1.5)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.train().momentum = 1.0
    model(photographs)
    model.eval()
    weights = folder / f"tf_efficientnet_{name}-test.pth"
    torch.save(model.state_dict(), weights)
    images = photographs[:1]
    rounded = model(images).double()
    exact = model.double()(images.double())
    return Reference(weights, images, exact, (rounded - exact).abs().max().item())


@pytest.mark.parametrize(("name", "size"), [("b0", (224, 224)), ("b1", (97, 130)), ("b2", (130, 64)), ("b3", (96, 75))])
def test_logits_are_timm_s_up_to_rounding(name: str, size: tuple[int, int], repository: Path, tmp_path: Path) -> None:
    reference = make_reference(name, read_photographs(repository, size), tmp_path)
    network = load_classifier(reference.weights).network
    assert reference.excess(network) <= ALLOWED
    with torch.inference_mode():
        torch.testing.assert_close(network.double()(reference.images.double()), reference.exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_tensor_has_timm_s_name_and_shape(name: str) -> None:
    with torch.device("meta"):
        reference = timm.create_model(f"tf_efficientnet_{name}").state_dict()
        own = build_classifier(BACKBONES[name]).state_dict()
    assert {timm_name(key): t.shape for key, t in own.items()} == {key: t.shape for key, t in reference.items()}


@pytest.fixture(scope="module")
def b0(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return make_reference("b0", read_photographs(repository, (96, 128)), tmp_path_factory.mktemp("b0"))


Mutation = Callable[[Classifier, pytest.MonkeyPatch], None]


def pad_symmetrically(_: Classifier, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SameConv2d, "_same", lambda self, size: (self.kernel_size[0] // 2,) * 2)


def use_usual_epsilon(network: Classifier, _: pytest.MonkeyPatch) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5


def leave_out_the_last_activation(network: Classifier, _: pytest.MonkeyPatch) -> None:
    network.act = nn.Identity()  # type: ignore[assignment]


@pytest.mark.parametrize("mutate", [pad_symmetrically, use_usual_epsilon, leave_out_the_last_activation])
def test_a_wrong_network_is_told_apart(b0: Reference, mutate: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load_classifier(b0.weights).network
    assert b0.excess(network) <= ALLOWED
    mutate(network, monkeypatch)
    assert b0.excess(network) > 100 * ALLOWED


def test_only_training_drops_out() -> None:
    torch.manual_seed(0)
    network = build_classifier(scaled_backbone(-1), 5).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert network(images).shape == (2, 5)
        assert torch.equal(network(images), network(images))
        network.dropout.train()
        assert not torch.equal(network(images), network(images))
    assert network.dropout.p == pytest.approx(0.2 - 0.3 / 7)


def test_new_weights_are_finite_and_give_no_class_an_advantage() -> None:
    network = build_classifier(BACKBONES["b0"], 1000)
    assert all(torch.isfinite(tensor).all() for tensor in checkpoint_tensors(network).values())
    assert network.classifier.bias.abs().max() == 0
    assert 0 < network.classifier.weight.abs().max() <= 1000**-0.5
