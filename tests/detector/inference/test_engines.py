"""The torch engine computes what the network in evaluation mode does, and leaves the caller's network alone."""

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model
from detector.model.info import ADVPROP

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
