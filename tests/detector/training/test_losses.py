"""The published loss."""

import pytest
import torch
import torch.nn.functional as F
from effdet.loss import loss_fn

from detector.model.anchors import anchor_boxes
from detector.model.efficientdet import build
from detector.model.variants import VARIANTS
from detector.training.losses import BOX_WEIGHT, detection_losses
from detector.training.targets import BACKGROUND, IGNORED, Targets, Truth, assign

D0 = VARIANTS["d0"]


def random_case(
    seed: int, *, images: int = 2, anchors: int = 900, classes: int = 7
) -> tuple[torch.Tensor, torch.Tensor, Targets]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(images, anchors, classes, generator=generator) * 4
    regression = torch.randn(images, anchors, 4, generator=generator)
    labels = torch.randint(0, classes, (images, anchors), generator=generator)
    kind = torch.rand(images, anchors, generator=generator)
    labels = torch.where(kind < 0.8, BACKGROUND, torch.where(kind < 0.85, IGNORED, labels))
    regressions = torch.randn(images, anchors, 4, generator=generator) * 0.3 * (labels >= 0)[..., None]
    regressions[..., 2] *= torch.rand(images, anchors, generator=generator) > 0.2  # some components are exactly 0
    return logits, regression, Targets(labels, regressions)


@pytest.mark.parametrize("seed", range(3))
def test_losses_equal_the_reference(seed: int):
    logits, regression, targets = random_case(seed)
    images, anchors, classes = logits.shape
    ours = detection_losses(logits, regression, targets, positives=targets.positives)
    total, class_loss, box_loss = loss_fn(
        [logits.reshape(images, anchors // 9, 1, 9 * classes).permute(0, 3, 1, 2)],
        [regression.reshape(images, anchors // 9, 1, 36).permute(0, 3, 1, 2)],
        [targets.labels.reshape(images, anchors // 9, 1, 9)],
        [targets.regressions.reshape(images, anchors // 9, 1, 36)],
        targets.positives,
        classes, 0.25, 1.5, 0.1, 50.0,
    )  # fmt: skip
    torch.testing.assert_close(ours.class_loss, class_loss)
    torch.testing.assert_close(ours.box_loss, box_loss)
    torch.testing.assert_close(ours.total, total)


def test_gradients_equal_those_of_the_plain_formula():
    logits, regression, targets = random_case(5)
    one_hot = F.one_hot(targets.labels.clamp(min=0), logits.shape[2]) * (targets.labels >= 0)[..., None]

    def plain(x: torch.Tensor) -> torch.Tensor:
        p = x.sigmoid()
        p_t = torch.where(one_hot == 1, p, 1 - p)
        alpha = torch.where(one_hot == 1, 0.25, 0.75)
        losses = -alpha * (1 - p_t) ** 1.5 * p_t.log() * (targets.labels != IGNORED)[..., None]
        return losses.sum() / (targets.positives + 1)

    ours, theirs = logits.clone().requires_grad_(), logits.double().requires_grad_()
    detection_losses(ours, regression, targets, positives=targets.positives).class_loss.backward()
    plain(theirs).backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("value", [-300.0, 300.0])
def test_extreme_logits_keep_finite_gradients(value: float):
    logits = torch.full((1, 3, 2), value, requires_grad=True)
    targets = Targets(torch.tensor([[1, BACKGROUND, IGNORED]]), torch.zeros(1, 3, 4))
    detection_losses(logits, torch.zeros(1, 3, 4), targets, positives=targets.positives).total.backward()
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


def test_half_precision_outputs_are_summed_in_float32():
    logits, regression, targets = random_case(2)
    losses = detection_losses(logits.bfloat16(), regression.bfloat16(), targets, positives=targets.positives)
    assert losses.total.dtype == torch.float32


@pytest.mark.parametrize("classes", [1, 4, 90])
def test_initial_loss_has_the_known_scale(classes: int):
    """An initial class loss that is off by a factor is how wrong priors and normalisers show themselves (facts,
    section 2).
    """
    torch.manual_seed(0)
    network = build(D0, classes).eval()
    images = torch.randn(2, 3, 256, 256)
    anchors = anchor_boxes(D0, 256, 256)
    boxes = torch.tensor([[20.0, 30.0, 120.0, 140.0]])
    truth = Truth(boxes, torch.tensor([0]), torch.tensor([False]))
    targets = assign(anchors, [truth, truth])
    with torch.inference_mode():
        losses = detection_losses(*network(images), targets, positives=targets.positives)
    expected = 7.54e-6 * 2 * len(anchors) * classes / (float(targets.positives) + 1)
    positive_share = 0.25 * 0.99**1.5 * 4.605 * float(targets.positives) / (float(targets.positives) + 1)
    assert float(losses.class_loss) == pytest.approx(expected + positive_share, rel=0.2)
    assert float(losses.total) == pytest.approx(float(losses.class_loss + BOX_WEIGHT * losses.box_loss))
