"""The torch engine computes what the network in evaluation mode does, and leaves the caller's network alone."""

import dataclasses
from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from detector.inference.forward import Forward, convolve_in
from detector.inference.predictor import Prediction, Predictor
from detector.inference.torch_engine import LARGEST_BATCH, TorchEngine, filled_up, fitting_batch
from detector.model.checkpoint import Model
from detector.model.efficientdet import EfficientDet, build
from detector.model.folding import fold
from detector.model.graph import Neck
from detector.model.info import ADVPROP, IMAGENET
from detector.model.layers import SeparableConv2d
from detector.model.variants import VARIANTS

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (2, 128, 256, 3), np.uint8)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("advprop", [True, False])
def test_outputs_are_those_of_the_normalised_pictures(
    model: Model, pictures: NDArray[np.uint8], exact: bool, advprop: bool
) -> None:
    info = dataclasses.replace(model.info, normalisation=ADVPROP) if advprop else model.info
    mean, std = info.normalisation.mean, info.normalisation.std
    normalised = (pictures / 255 - np.array(mean)) / np.array(std)
    with torch.inference_mode():
        expected = model.network(torch.from_numpy(normalised.transpose(0, 3, 1, 2)).float())
    outputs = TorchEngine(Model(model.network, info), CPU, exact=exact).outputs(pictures)
    for output, wanted in zip(outputs, expected, strict=True):
        assert output.dtype == torch.float32
        torch.testing.assert_close(output, wanted, rtol=1e-3, atol=1e-3)


def test_a_network_in_training_stays_in_training_and_is_evaluated_nevertheless(
    model: Model, pictures: NDArray[np.uint8]
) -> None:
    expected = TorchEngine(model, CPU).outputs(pictures)
    network = model.network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    try:
        network.train()
        frozen = [module for module in network.fpn.modules() if isinstance(module, nn.BatchNorm2d)]
        for module in frozen:
            module.eval()  # a trainer that freezes some batch norms
        modes = [module.training for module in network.modules()]
        outputs = TorchEngine(model, CPU).outputs(pictures)
        assert [module.training for module in network.modules()] == modes
    finally:
        network.eval()
    for output, wanted in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, wanted, rtol=0, atol=0)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_later_training_does_not_reach_the_engine(model: Model, pictures: NDArray[np.uint8]) -> None:
    engine = TorchEngine(model, CPU)
    before = engine.outputs(pictures)[0]
    bias = model.network.class_net.predict.conv_pw.bias
    assert bias is not None
    saved = bias.detach().clone()
    with torch.no_grad():
        bias += 1
        assert torch.equal(engine.outputs(pictures)[0], before)
        bias.copy_(saved)


@pytest.mark.parametrize(
    ("free", "taken", "batch"), [(0, 100, 1), (1000, 100, 4), (1000, 0, LARGEST_BATCH), (100_000, 100, LARGEST_BATCH)]
)
def test_a_batch_is_what_the_free_memory_holds(free: int, taken: int, batch: int) -> None:
    assert fitting_batch(free, taken) == batch


def test_batches_are_filled_up_to_few_sizes() -> None:
    assert [filled_up(count, 24) for count in (1, 2, 3, 5, 16, 17, 24)] == [1, 2, 4, 8, 16, 24, 24]


@pytest.mark.parametrize("neck", list(Neck))  # the topmost node of the FPN has one input
def test_batch_norms_are_folded_where_their_convolution_is_their_own(neck: Neck) -> None:
    torch.manual_seed(0)
    folded = build(dataclasses.replace(VARIANTS["d0"], neck=neck), 3).eval().double()
    images = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for module in folded.modules():
        if isinstance(module, nn.BatchNorm2d):  # statistics that are not those of the beginning
            module.running_mean.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2, generator=torch.Generator().manual_seed(2))  # type: ignore[union-attr]
    with torch.inference_mode():
        expected = folded(images)
    fold(folded)
    left = [name for name, module in folded.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert left
    assert all(name.startswith(("class_net", "box_net")) for name in left)
    with torch.inference_mode():
        for output, wanted in zip(folded(images), expected, strict=True):
            torch.testing.assert_close(output, wanted, rtol=1e-9, atol=1e-9)


def test_convolutions_compute_in_half_precision_and_batch_norms_keep_theirs(model: Model) -> None:
    halved, images = deepcopy(model.network), torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    convolve_in(torch.bfloat16, halved)
    with torch.inference_mode():
        for output, wanted in zip(halved(images.bfloat16()), model.network(images), strict=True):
            assert output.dtype == torch.bfloat16
            assert (output.float() - wanted).abs().mean() < 0.05 * wanted.abs().mean()


def enlarged(model: Model, factor: float) -> EfficientDet:
    """A network with the same outputs; its class head's first convolutions have larger weights by a factor, and give
    larger numbers by its square.
    """
    network = deepcopy(model.network)
    with torch.no_grad():
        conv = network.class_net.convs[0]
        assert isinstance(conv, SeparableConv2d)
        conv.conv_dw.weight.mul_(factor)
        conv.conv_pw.weight.mul_(factor)
        for bn in network.class_net.bns[0]:  # type: ignore[union-attr]
            bn.running_mean.mul_(factor**2)
            bn.running_var.mul_(factor**4)
    return network


@pytest.mark.parametrize(
    ("factor", "first", "then"),
    [
        (1.0, torch.float16, torch.float16),
        (1e4, torch.float16, torch.bfloat16),  # maps that float16 cannot hold
        (1e8, torch.bfloat16, torch.bfloat16),  # weights
    ],
)
def test_what_float16_cannot_hold_is_computed_in_bfloat16(
    model: Model, pictures: NDArray[np.uint8], factor: float, first: torch.dtype, then: torch.dtype
) -> None:
    given = torch.from_numpy(pictures)
    expected = Forward(model.network, IMAGENET, CPU)(given)
    forward = Forward(enlarged(model, factor), IMAGENET, CPU, dtype=torch.float16)
    assert forward.dtype is first
    for _ in range(2):
        for output, wanted in zip(forward(given), expected, strict=True):
            assert output.dtype == torch.float32
            assert (output - wanted).abs().mean() < 0.05 * wanted.abs().mean()
        assert forward.dtype is then


@pytest.mark.gpu
def test_cuda_finds_what_the_cpu_does_and_replays_graphs(model: Model) -> None:
    rng = np.random.default_rng(0)
    sources = [rng.integers(0, 256, (200, 90 + 80 * (i % 2), 3), np.uint8) for i in range(24)]
    engine = TorchEngine(model, torch.device("cuda"), floor=0.3, batch=4)
    expected = list(Predictor(TorchEngine(model, CPU, floor=0.3)).run(sources))
    for _ in range(2):
        for ours, wanted in zip(Predictor(engine).run(sources), expected, strict=True):
            assert isinstance(ours, Prediction)
            assert isinstance(wanted, Prediction)
            assert abs(len(ours.detections) - len(wanted.detections)) <= 0.1 * len(wanted.detections) + 2
            np.testing.assert_allclose(ours.detections.scores[:5], wanted.detections.scores[:5], atol=0.02)


@pytest.mark.gpu
def test_exactness_on_cuda_is_the_cpus(model: Model, pictures: NDArray[np.uint8]) -> None:
    outputs = TorchEngine(model, torch.device("cuda"), exact=True).outputs(pictures)
    for output, wanted in zip(outputs, TorchEngine(model, CPU, exact=True).outputs(pictures), strict=True):
        torch.testing.assert_close(output.cpu(), wanted, rtol=1e-3, atol=1e-3)
