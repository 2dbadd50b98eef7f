"""A model for new classes from one that knows others."""

from collections.abc import Sequence
from datetime import UTC, datetime

import torch

from detector.errors import CheckpointError
from detector.model.checkpoint import Model, checkpoint_tensors
from detector.model.efficientdet import EfficientDet, build
from detector.model.imagenet import TrainedClassifier
from detector.model.info import IMAGENET, ModelInfo
from detector.model.variants import Variant

PREDICT = "class_net.predict."


def adapt(model: Model, names: Sequence[str], category_ids: Sequence[int], *, seed: int = 0) -> Model:
    """`model` with an output per name of `names`: everything is kept but the class prediction, of which the rows of
    names that stay are copied.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(model.network.variant, len(names))
    old, new = checkpoint_tensors(model.network), checkpoint_tensors(network)
    with torch.no_grad():
        for name, tensor in new.items():
            if tensor.shape == old[name].shape and not name.startswith(f"{PREDICT}conv_pw"):
                tensor.copy_(old[name])
    _copy_rows(model, network, names)
    info = ModelInfo(
        model.info.variant,
        model.info.image_size,
        tuple(names),
        tuple(category_ids),
        normalisation=model.info.normalisation,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Model(network, info)


def knows(model: Model, names: Sequence[str]) -> bool:
    """Whether it finds all of these classes already."""
    return {name.casefold() for name in names} <= _channels(model).keys()


def random_model(
    variant: Variant,
    names: Sequence[str],
    category_ids: Sequence[int],
    *,
    seed: int = 0,
    trained: TrainedClassifier | None = None,
) -> Model:
    """A model of random weights, but for a backbone that `trained` gives. Raises CheckpointError where it is another
    than the variant's.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(variant, len(names))
    if trained is not None:
        _copy_backbone(trained, network)
    info = ModelInfo(
        variant.name,
        variant.image_size,
        tuple(names),
        tuple(category_ids),
        normalisation=trained.normalisation if trained else IMAGENET,
        parent=trained.path.name if trained else None,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Model(network, info)


def _copy_backbone(trained: TrainedClassifier, network: EfficientDet) -> None:
    given, wanted = trained.network.backbone.row, network.backbone.row
    if (given.width, given.depth) != (wanted.width, wanted.depth):
        raise CheckpointError(
            f"{trained.path} is {trained.network.title}, but the backbone of {network.title} "
            f"is {wanted.name.upper()}; take that one's file."
        )
    network.backbone.load_state_dict(trained.network.backbone.state_dict())


def _copy_rows(model: Model, network: EfficientDet, names: Sequence[str]) -> None:
    """Copy the class prediction's rows (channel = anchor · classes + class) of every name that both models have."""
    known = _channels(model)
    kept = [(channel, known[name.casefold()]) for channel, name in enumerate(names) if name.casefold() in known]
    if not kept:
        return
    targets, sources = (list(column) for column in zip(*kept, strict=True))
    old, new = model.network.class_net.predict.conv_pw, network.class_net.predict.conv_pw
    assert old.bias is not None
    assert new.bias is not None
    with torch.no_grad():
        for mine, theirs in ((new.weight, old.weight), (new.bias, old.bias)):
            by_class = mine.view(-1, len(names), *mine.shape[1:])
            by_class[:, targets] = theirs.view(-1, len(model.info.classes), *theirs.shape[1:])[:, sources]


def _channels(model: Model) -> dict[str, int]:
    """The class prediction's channels by the classes' names, in small letters."""
    return {name.casefold(): channel for channel, name in enumerate(model.info.classes) if name is not None}
