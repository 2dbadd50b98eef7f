"""One optimiser step."""

import numpy as np
import pytest
import torch
from torch import nn

from detector.model import bifpn, efficientnet, layers
from detector.model.variants import VARIANTS
from detector.training.budget import Moment
from detector.training.learner import Learner, TooLargeError
from detector.training.loader import Batch
from detector.training.optimiser import make_optimiser, rate_share
from detector.training.options import FineTuneOptions, Freeze, Precision
from detector.training.ranks import Ranks
from detector.training.transfer import random_model

SIZE = 128
STEPS = 40


def make_learner(*, fresh: bool = False, **options) -> Learner:
    model = random_model(VARIANTS["d0"], ["a", "b"], [1, 2], seed=0)
    return Learner(model, FineTuneOptions(**options), size=SIZE, ranks=Ranks(torch.device("cpu")), fresh=fresh)


def at(step: int, steps: int = STEPS) -> Moment:
    return Moment(step, step / steps, steps)


def make_batch(count: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    boxes = [np.array([[10, 12, 60 + 8 * k, 70], [64, 40, 100, 120]][: 1 + k % 2], np.float32) for k in range(count)]
    labels = [np.arange(len(rows), dtype=np.int64) for rows in boxes]
    crowd = [np.zeros(len(rows), bool) for rows in boxes]
    return Batch(rng.integers(0, 255, (count, SIZE, SIZE, 3), dtype=np.uint8), boxes, labels, crowd)


def parameters(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in learner.network.named_parameters()}


def statistics(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: b.clone() for name, b in learner.network.named_buffers() if "running" in name}


def test_steps_on_one_batch_lower_its_loss():
    learner, batch = make_learner(learning_rate=5e-3), make_batch(2)
    totals = [losses.total for step in range(15) if (losses := learner.learn(batch, at(step)))]
    assert len(totals) == 15
    assert totals[-1] < 0.8 * totals[0]


def test_pieces_of_a_batch_give_the_gradients_of_the_whole():
    """The positives of the whole batch divide the loss of each piece (facts, section 3)."""
    gradients = []
    for chunks in (1, 3):
        learner = make_learner()
        learner.chunks = chunks
        learner.network.eval()
        learner._gradients(make_batch(3))
        gradients.append([p.grad.clone() for p in learner.network.parameters() if p.grad is not None])
    for whole, pieced in zip(*gradients, strict=True):
        torch.testing.assert_close(pieced, whole, rtol=1e-3, atol=1e-6)


def test_trained_statistics_stay():
    learner = make_learner(batch=8)
    before = statistics(learner)
    learner.learn(make_batch(2), at(0))
    after = statistics(learner)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_random_weights_learn_their_statistics_and_the_average_follows():
    learner = make_learner(batch=8, fresh=True)
    before = statistics(learner)
    learner.learn(make_batch(8), at(0))
    after = statistics(learner)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    averaged = learner.average.network.state_dict()
    assert not torch.equal(averaged["backbone.bn1.running_mean"], before["backbone.bn1.running_mean"])


def test_a_batch_norm_and_its_swish_are_the_same_whether_its_output_is_kept_or_not():
    torch.manual_seed(0)
    x = torch.randn(4, 12, 9, 9).contiguous(memory_format=torch.channels_last)
    found = []
    for together in (True, False):
        conv, bn, act = layers.SameConv2d(12, 16, 1), layers.batch_norm(16), nn.SiLU()
        with torch.no_grad():
            for number, parameter in enumerate([*conv.parameters(), *bn.parameters()]):
                parameter.copy_(torch.linspace(-1 - number, 2, parameter.numel()).view(parameter.shape))
        given = x.clone().requires_grad_()
        out = layers.conv_bn_swish(conv, bn, act, given) if together else act(bn(conv(given)))
        (out * torch.linspace(-1, 1, 9)).sum().backward()
        found.append([out, given.grad, *(p.grad for p in (*conv.parameters(), *bn.parameters())), *bn.buffers()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_small_batches_of_random_weights_leave_the_statistics():
    learner = make_learner(batch=4, fresh=True)
    before = statistics(learner)
    learner.learn(make_batch(4), at(0))
    assert all(torch.equal(before[name], value) for name, value in statistics(learner).items())


def test_a_frozen_backbone_keeps_weights_and_statistics():
    learner = make_learner(batch=8, fresh=True, freeze=Freeze.BACKBONE)
    weights, before = parameters(learner), statistics(learner)
    learner.learn(make_batch(8), at(0))
    after = {**parameters(learner), **statistics(learner)}
    changed = {name for name, value in {**weights, **before}.items() if not torch.equal(value, after[name])}
    assert not {name for name in changed if name.startswith("backbone.")}
    assert {"fpn.p6.conv.weight", "fpn.p6.bn.running_mean", "class_net.predict.conv_pw.weight"} <= changed


def test_a_step_without_a_finite_loss_changes_nothing():
    learner = make_learner()
    with torch.no_grad():
        learner.network.class_net.predict.conv_pw.weight[0, 0] = float("nan")
    before, average = parameters(learner), learner.average.network.state_dict()["fpn.p6.conv.weight"].clone()
    assert learner.learn(make_batch(2), at(0)) is None
    after = parameters(learner)
    assert all(torch.equal(before[name], after[name]) for name in before if name != "class_net.predict.conv_pw.weight")
    assert torch.equal(learner.average.network.state_dict()["fpn.p6.conv.weight"], average)


def test_out_of_memory_is_answered_with_smaller_pieces(monkeypatch: pytest.MonkeyPatch):
    learner = make_learner()
    forward = learner.network.forward

    def limited(images: torch.Tensor):
        if len(images) > 1:
            raise torch.OutOfMemoryError("made up")
        return forward(images)

    monkeypatch.setattr(learner.network, "forward", limited)
    assert learner.learn(make_batch(4), at(0)) is not None
    assert learner.chunks == 4
    monkeypatch.setattr(learner.network, "forward", lambda images: (_ for _ in ()).throw(torch.OutOfMemoryError("no")))
    with pytest.raises(TooLargeError):
        learner.learn(make_batch(2), at(1))


def test_new_layers_learn_fastest_and_only_kernels_decay():
    network = random_model(VARIANTS["d0"], ["a"], [1]).network
    groups = make_optimiser(network, 1e-3, fresh=False).param_groups
    names = {id(p): name for name, p in network.named_parameters()}
    seen = 0
    for group in groups:
        for parameter in group["params"]:
            name, seen = names[id(parameter)], seen + 1
            share = 1.0 if name.startswith("class_net.predict") else 0.5
            assert group["peak"] == pytest.approx(1e-3 * share), name
            assert (group["weight_decay"] > 0) == (parameter.ndim == 4), name
    assert seen == len(names)
    assert {g["peak"] for g in make_optimiser(network, 1e-3, fresh=True).param_groups} == {1e-3}


def test_the_rate_warms_up_and_falls_to_a_fiftieth():
    course = [rate_share(at(step, 1000)) for step in range(1001)]
    assert course[0] == pytest.approx(1 / 50, rel=0.01)
    top = course.index(max(course))
    assert 45 <= top <= 50
    assert course[top] > 0.99
    assert course[1000] == pytest.approx(0.02)


def test_the_average_keeps_up_with_short_runs():
    learner = make_learner()
    with torch.no_grad():
        for parameter in learner.network.parameters():
            parameter.add_(1)
    weight, averaged = learner.network.backbone.conv_stem.weight, learner.average.network.backbone.conv_stem.weight
    assert float((weight - averaged).mean()) == pytest.approx(1, abs=1e-4)
    for step in range(1, STEPS + 1):
        learner.average.update(step, STEPS)
    assert float((weight - averaged).abs().max()) < 0.05


def test_batch_norms_folded_for_the_step_change_neither_loss_nor_gradients(monkeypatch: pytest.MonkeyPatch):
    """The network as it learns, to 1e-5, in float32; its batch norms have seen images, so that they do something."""
    found = []
    for folds in (True, False):
        if not folds:
            for module in (bifpn, efficientnet, layers):
                monkeypatch.setattr(module, "conv_bn", lambda conv, bn, x: bn(conv(x)))
        learner, batch = make_learner(), make_batch(3)
        learner.network.train()
        with torch.no_grad():
            learner.network(learner.normalise(torch.from_numpy(batch.images).permute(0, 3, 1, 2)))
        learner._prepare(at(0))
        loss = learner._gradients(batch)
        found.append([loss, *(p.grad.clone() for p in learner.network.parameters() if p.grad is not None)])
    assert len(found[0]) > 300
    scale = max(float(gradient.abs().max()) for gradient in found[1][1:])
    for folded, whole in zip(*found, strict=True):
        torch.testing.assert_close(folded, whole, rtol=1e-5, atol=1e-5 * scale)


def test_quick_mode_computes_in_16_bits_where_these_are_quicker(monkeypatch: pytest.MonkeyPatch):
    found = {}
    for half in (None, torch.bfloat16):
        monkeypatch.setattr("detector.training.learner.half_precision", lambda _, half=half: half)
        learner = make_learner(quick=True)
        found[half] = learner.learn(make_batch(3), at(5))
        assert all(parameter.dtype == torch.float32 for parameter in learner.network.parameters())
        assert learner.half is half
    assert found[None] != found[torch.bfloat16]
    assert found[torch.bfloat16].total == pytest.approx(found[None].total, rel=0.01)
    assert make_learner().half is None, "runs that are not quick can be compared to the last digits"
    assert make_learner(precision=Precision.MIXED).half is torch.bfloat16
    several = Ranks(torch.device("cpu"), 0, 2)
    model = random_model(VARIANTS["d0"], ["a"], [1], seed=0)
    assert Learner(model, FineTuneOptions(quick=True), size=SIZE, ranks=several, fresh=False).half is None


def test_logits_near_that_of_the_prior_keep_their_differences_in_16_bits():
    learner = make_learner(precision=Precision.MIXED)
    learner.half = torch.bfloat16
    learner.network.eval()
    bias = learner.network.class_net.predict.conv_pw.bias
    with torch.no_grad():
        bias.copy_(torch.linspace(-4.60, -4.59, len(bias)))
        learner.network.class_net.predict.conv_pw.weight.zero_()
        with learner.mixed_precision():
            logits, _ = learner.network(learner.normalise(torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)))
    assert logits.dtype == torch.float32, "and not what a convolution in 16 bits gives"
    assert len(logits.unique()) == len(bias)
