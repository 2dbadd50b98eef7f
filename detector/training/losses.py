"""The published loss: focal loss for classes, Huber loss for boxes (EfficientDet paper, section 5.1; constants from
google/automl).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from detector.training.targets import IGNORED, Targets

ALPHA = 0.25
GAMMA = 1.5
HUBER_DELTA = 0.1
BOX_WEIGHT = 50.0


@dataclass(frozen=True)
class Losses:
    """Scalars; `total` = class_loss + 50 · box_loss."""

    class_loss: Tensor
    box_loss: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.class_loss + BOX_WEIGHT * self.box_loss


def detection_losses(logits: Tensor, regression: Tensor, targets: Targets, *, positives: Tensor) -> Losses:
    """Losses of class logits (B, N, C) and regressions (B, N, 4), in float32.

    `positives` counts the anchors with a box in the *whole* batch, over micro-batches and ranks: both losses are
    divided by it + 1.
    """
    normaliser = positives.float() + 1
    positive = targets.labels >= 0
    classes = _focal(logits.float(), targets.labels, positive) / normaliser
    boxes = _huber(regression.float()[positive], targets.regressions[positive]) / (4 * normaliser)
    return Losses(classes, boxes)


def _focal(logits: Tensor, labels: Tensor, positive: Tensor) -> Tensor:
    """Σ over anchors and classes of α_t (1 − p_t)^γ · (−log p_t).

    Every pair is summed as background first; the few that are not are then corrected. With s = softplus(x): −log(1 − p)
    = s and log p = x − s, so that no power of a probability near 0 is ever differentiated.
    """
    background = (1 - ALPHA) * _weighted(logits, 1.0).sum(2)
    total = torch.where(labels == IGNORED, 0.0, background).sum()
    own = logits[positive].gather(1, labels[positive][:, None])
    return total + (ALPHA * _weighted(own, -1.0) - (1 - ALPHA) * _weighted(own, 1.0)).sum()


def _weighted(x: Tensor, sign: float) -> Tensor:
    """p^γ · (−log(1 − p)) with p = sigmoid(sign · x): a background's loss for sign 1, an object's for −1."""
    x = sign * x
    entropy = F.softplus(x)
    return (GAMMA * (x - entropy)).exp() * entropy


def _huber(regression: Tensor, target: Tensor) -> Tensor:
    """Σ of the Huber loss over the components of (n, 4) whose target is not exactly 0, as the reference masks them."""
    loss = F.huber_loss(regression, target, reduction="none", delta=HUBER_DELTA)
    return torch.where(target != 0, loss, 0.0).sum()
