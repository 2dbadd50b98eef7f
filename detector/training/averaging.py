"""The averaged copy of a network that is evaluated and kept, and batch statistics fit for it."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from detector.model.efficientdet import EfficientDet

HORIZON = 0.1  # of all steps: an average over more would still hold much of the start


class WeightAverage:
    """Exponential moving average of weights and BN statistics (paper, section 5.1), with a decay that fits the length
    of the run.

    decay = min(1 − 1 / (0.1 · steps), (1 + t) / (10 + t)): 0.9998 would leave a short run where it began.
    """

    def __init__(self, network: EfficientDet, steps: int) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = 1 - 1 / max(10.0, HORIZON * steps)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards `network` after optimiser step `step` (from 1)."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        own, other = self.network.state_dict(), network.state_dict()
        for name, tensor in own.items():
            if tensor.is_floating_point():
                tensor.lerp_(other[name], weight)


@torch.no_grad()
def reestimate_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace the BN statistics by the average over `batches` of normalised images, so that they belong to these very
    weights.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    network.train()
    for batch in batches:
        network(batch)
    network.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
