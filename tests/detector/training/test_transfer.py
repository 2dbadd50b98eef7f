"""A model for new classes from one that knows others."""

from pathlib import Path

import pytest
import torch

from detector.errors import CheckpointError
from detector.model.checkpoint import Model, checkpoint_tensors
from detector.model.classifier import build_classifier
from detector.model.efficientdet import build
from detector.model.imagenet import TrainedClassifier
from detector.model.info import ADVPROP, IMAGENET, ModelInfo
from detector.model.variants import BACKBONES, VARIANTS, find_variant
from detector.training.transfer import adapt, knows, random_model

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


def test_what_a_model_knows_are_names_in_any_case():
    start = known_model()
    assert knows(start, ["dog", "Cat"])
    assert not knows(start, ["dog", "bolt"])


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


def trained_classifier(name: str) -> TrainedClassifier:
    torch.manual_seed(3)
    network = build_classifier(BACKBONES[name], 2)
    for tensor in checkpoint_tensors(network).values():
        tensor.detach().uniform_(0.5, 1.5)
    return TrainedClassifier(network, ADVPROP, Path(f"tf_efficientnet_{name}_ap.pth"))


def test_a_new_detector_can_begin_with_a_classifier_s_backbone():
    given = trained_classifier("b0")
    model, plain = (random_model(D0, ["bolt"], [1], seed=4, trained=trained) for trained in (given, None))
    backbone = checkpoint_tensors(given.network.backbone)
    assert all(torch.equal(t, backbone[name]) for name, t in checkpoint_tensors(model.network.backbone).items())
    new, old = checkpoint_tensors(model.network), checkpoint_tensors(plain.network)
    rest = [name for name in new if not name.startswith("backbone.")]
    assert all(torch.equal(new[name], old[name]) for name in rest)
    assert (model.info.normalisation, model.info.parent) == (ADVPROP, "tf_efficientnet_b0_ap.pth")
    assert (plain.info.normalisation, plain.info.parent) == (IMAGENET, None)


def test_another_backbone_than_the_variant_s_is_refused():
    with pytest.raises(CheckpointError, match=r"b1_ap\.pth is EfficientNet-B1, but the backbone of D0 is B0"):
        random_model(D0, ["bolt"], [1], trained=trained_classifier("b1"))
    # ϕ = 1 has, by the formulas, the multipliers that were published as B2's.
    assert random_model(find_variant("phi1"), ["bolt"], [1], trained=trained_classifier("b2")).info.variant == "phi1"
