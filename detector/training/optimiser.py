"""AdamW with a rate per part, and the rate's course over a run."""

import math

import torch
from torch import nn

from detector.model.efficientdet import EfficientDet
from detector.training.budget import Moment
from detector.training.transfer import PREDICT

WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 50
WARM_UP_SHARE = 0.05
LAST_SHARE = 0.02

TRAINED_SHARE = 0.5  # of the learning rate, for what does not start from random weights


def make_optimiser(network: EfficientDet, learning_rate: float, *, fresh: bool) -> torch.optim.AdamW:
    """AdamW in which only convolution kernels decay. Each group's "peak" is its rate at the top of the schedule.

    `fresh` weights all learn at `learning_rate`; else the class prediction does, and trained weights at half of it.
    """
    trained = trained_rate(learning_rate, fresh=fresh)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        rate = learning_rate if name.startswith(PREDICT) else trained
        decay = WEIGHT_DECAY if parameter.ndim == 4 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    rows = [{"params": parameters, "peak": peak, "weight_decay": decay} for (peak, decay), parameters in groups.items()]
    return torch.optim.AdamW(rows, lr=learning_rate, fused=fused)


def trained_rate(learning_rate: float, *, fresh: bool) -> float:
    """The peak rate of what does not start from random weights, unless all are `fresh`."""
    return learning_rate * (1.0 if fresh else TRAINED_SHARE)


def warm_up_steps(steps: float) -> float:
    """How long the rate grows in a run of `steps`."""
    return min(max(WARM_UP_STEPS, WARM_UP_SHARE * steps), steps / 4)


def rate_share(moment: Moment) -> float:
    """The share of the peak rate for the step that comes now: linear warm-up, then a cosine down to 2%."""
    cosine = LAST_SHARE + (1 - LAST_SHARE) * (1 + math.cos(math.pi * moment.share)) / 2
    return min(1.0, (moment.done + 1) / max(1.0, warm_up_steps(moment.steps))) * cosine
