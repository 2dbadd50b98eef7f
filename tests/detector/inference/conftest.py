"""A small model whose outputs depend on what it sees, for tests of everything around it."""

import pytest
import torch

from detector.model.checkpoint import Model
from detector.model.efficientdet import build
from detector.model.info import ModelInfo
from detector.model.variants import VARIANTS

IMAGE_SIZE = 256
CLASSES = ("bolt", None, "nut")


@pytest.fixture(scope="session")
def model() -> Model:
    """A random D0 for 256 px, with bolt, nut and a gap between them; its outputs vary as a trained one's do."""
    torch.manual_seed(0)
    network = build(VARIANTS["d0"], len(CLASSES)).eval()
    with torch.no_grad():
        outputs = network(torch.randn(2, 3, 128, 128))
        for head, output, spread in zip((network.class_net, network.box_net), outputs, (1.0, 0.3), strict=True):
            head.predict.conv_pw.weight.mul_(spread / output.std())
        network.class_net.predict.conv_pw.bias.fill_(-2.2)
    return Model(network, ModelInfo("d0", IMAGE_SIZE, CLASSES, (1, 2, 3)))
