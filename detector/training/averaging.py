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

    start: a copy of what it began with, of the same names as a state_dict, where `keeps_start`.
    """

    def __init__(self, network: EfficientDet, *, keeps_start: bool = False) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.start = {name: x.clone() for name, x in self.network.state_dict().items()} if keeps_start else {}
        # state_dict walks a thousand modules; the tensors that it finds stay the same ones all along.
        own, other = self.network.state_dict(), network.state_dict()
        names = [name for name, tensor in own.items() if tensor.is_floating_point()]
        self._own, self._other = [own[name] for name in names], [other[name] for name in names]

    @torch.no_grad()
    def update(self, step: int, steps: float) -> None:
        """Move towards the network after optimiser step `step` (from 1) of about `steps`."""
        decay = 1 - 1 / max(10.0, HORIZON * steps)
        torch._foreach_lerp_(  # type: ignore[reportPrivateImportUsage]
            self._own, self._other, 1 - min(decay, (1 + step) / (10 + step))
        )

    @torch.no_grad()
    def blend(self, share: float) -> EfficientDet:
        """A network on the way from the start to the average, in weights, `share` 0..1 of it (α of Wortsman et al.,
        Robust fine-tuning of zero-shot models, 2022). The start must have been kept.
        """
        network = copy.deepcopy(self.network)
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(self.start[name], 1 - share)
        return network


@torch.no_grad()
def reestimate_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace the BN statistics by the average over `batches` of normalised images, so that they belong to these very
    weights. What ends the batches before their time leaves the network as it was.
    """
    kept = copy.deepcopy(network.state_dict())
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    network.train()
    try:
        for batch in batches:
            network(batch)
    except BaseException:
        network.load_state_dict(kept)
        raise
    finally:
        network.eval()
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
