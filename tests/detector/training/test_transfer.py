"""A model for new classes from one that knows others."""

import torch

from detector.model.checkpoint import Model, checkpoint_tensors
from detector.model.efficientdet import build
from detector.model.info import IMAGENET, ModelInfo
from detector.model.variants import VARIANTS
from detector.training.transfer import adapt, random_model

D0 = VARIANTS["d0"]


def known_model() -> Model:
    torch.manual_seed(1)
    names = ("person", None, "Dog", "cat")
    return Model(build(D0, 4), ModelInfo("d0", 512, names, (1, 2, 3, 4), normalisation=IMAGENET))


def test_a_model_keeps_all_it_knows_but_the_classes():
    start = known_model()
    model = adapt(start, ["bolt", "nut"], [5, 9])
    old, new = checkpoint_tensors(start.network), checkpoint_tensors(model.network)
    changed = {name for name in new if old[name].shape != new[name].shape or not torch.equal(old[name], new[name])}
    assert changed == {"class_net.predict.conv_pw.weight", "class_net.predict.conv_pw.bias"}
    assert model.info.classes == ("bolt", "nut")
    assert model.info.category_ids == (5, 9)


def test_logits_of_names_that_stay_are_those_of_before():
    start = known_model()
    model = adapt(start, ["bolt", "dog", "person"], [1, 2, 3])
    images = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        before, _ = start.network.eval()(images)
        after, _ = model.network.eval()(images)
    torch.testing.assert_close(after[..., 1], before[..., 2])
    torch.testing.assert_close(after[..., 2], before[..., 0])
    assert not torch.allclose(after[..., 0], before[..., 0])


def test_the_start_itself_is_not_changed():
    start = known_model()
    before = {name: tensor.clone() for name, tensor in checkpoint_tensors(start.network).items()}
    model = adapt(start, ["dog"], [1])
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(1)
    assert all(torch.equal(before[name], tensor) for name, tensor in checkpoint_tensors(start.network).items())


def test_random_models_follow_their_seed():
    first, again, other = (random_model(D0, ["a"], [1], seed=seed).network.state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["backbone.conv_stem.weight"], other["backbone.conv_stem.weight"])
