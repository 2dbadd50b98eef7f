"""Models by name or file: the starter, published COCO weights, our checkpoints, effdet's and zylo117's .pth files."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from detector.errors import CheckpointError
from detector.files import replacing
from detector.model.anchors import ANCHORS_PER_CELL
from detector.model.checkpoint import Model, load, load_tensors
from detector.model.coco_names import COCO_OUTPUTS, coco_classes
from detector.model.efficientdet import build
from detector.model.efficientnet import pyramid_channels
from detector.model.foreign import EFFDET_NAMING, NAMINGS, ZYLO_NAMING, Naming, effdet_name, find_naming
from detector.model.info import ADVPROP, IMAGENET, ModelInfo, Normalisation
from detector.model.tensor_file import read_tensors
from detector.model.variants import VARIANTS, Variant, find_variant
from detector.model.weights import PUBLISHED, STARTER, find_weights, recognise

# Which variant a file's name says, by the program that names its files so; zylo117 calls D7x D8.
FILE_NAMES = {
    EFFDET_NAMING: r"tf_efficientdet_(d\d)(x?)(_ap)?(?![a-z])",
    ZYLO_NAMING: r"efficientdet-(d\d)(?!\d)",
}


def open_model(name_or_path: str, *, variant: str | None = None, classes: Path | None = None) -> Model:
    """The model called `starter`, a published one (`d0` … `d7x`, `d0_ap` …), or the one in a file.

    `variant` (d0 … d7x, d0_ap … for AdvProp) and `classes` (a text file, one name per line) speak for foreign files
    that do not.
    Raises CheckpointError where the file is missing, does not fit, or leaves open what it is.
    """
    if name_or_path.lower() in PUBLISHED and not Path(name_or_path).is_file():
        return load_foreign(find_weights(name_or_path), variant=variant, classes=classes)
    path = _existing(STARTER if name_or_path == "starter" else Path(name_or_path))
    if path.suffix != ".safetensors":
        return load_foreign(path, variant=variant, classes=classes)
    model = load(path)
    if classes or (variant and variant.lower() != model.info.variant):
        raise CheckpointError(
            f"{path} is {model.info.variant} and names its own classes; leave --variant and --classes out."
        )
    return model


def load_foreign(path: Path, *, variant: str | None = None, classes: Path | None = None) -> Model:
    """The model in a .pth file of effdet's or zylo117's, read as plain tensors: no code in it can run.

    The variant and its normalisation come from the file's name, from its hash, or from `variant`; they cannot be read
    off the tensors.
    """
    name = _variant_in_name(path, variant)
    tensors = read_tensors(path)
    naming = find_naming(tensors)
    if naming is None:
        marks = " nor ".join(naming.mark for naming in NAMINGS)
        raise CheckpointError(f"{path} is not an EfficientDet in effdet's or zylo117's format: it has neither {marks}.")
    found, normalisation = _identify(path, variant or name.get(naming), naming, tensors)
    names = _class_names(path, tensors[naming.mark].numel() // ANCHORS_PER_CELL, classes)
    network = build(found, len(names))
    used = {name: tensor for name, tensor in tensors.items() if not naming.unused(name, found)}
    load_tensors(network, used, path, name=lambda own: naming.name(own, found))
    info = ModelInfo(
        found.name,
        found.image_size,
        names,
        tuple(range(1, len(names) + 1)),
        normalisation=normalisation,
        parent=path.name,
    )
    return Model(network.eval(), info)


def save_effdet(model: Model, path: Path) -> None:
    """Write the weights as a table of tensors that effdet's network of the same variant loads, with strict=True too.

    Raises CheckpointError where effdet has no such network, OSError where `path` cannot be written to.
    """
    variant = model.network.variant
    if variant not in VARIANTS.values():
        raise CheckpointError(
            f"{path} was not written: effdet has no {variant.name.upper()}, only {', '.join(VARIANTS)}."
        )
    own = model.network.state_dict()
    tensors = {effdet_name(name, variant): tensor.detach().cpu().contiguous() for name, tensor in own.items()}
    with replacing(path) as temporary:
        torch.save(tensors, temporary)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CheckpointError(
            f"There is no model “{path}”: name a checkpoint file, starter, or one of {', '.join(VARIANTS)}."
        )
    return path


def _variant_in_name(path: Path, asked: str | None) -> dict[Naming, str]:
    """What a file's name says of its variant, by the program that gives such names. Raises CheckpointError where
    another one was asked for.
    """
    for naming, pattern in FILE_NAMES.items():
        if found := re.match(pattern, path.name):
            said = "".join(part or "" for part in found.groups())
            said = "d7x" if naming is ZYLO_NAMING and said == "d8" else said
            if asked and asked.lower() != said:
                raise CheckpointError(
                    f"{path} is {said} by its name, but {asked} was asked for; rename the file, or leave the variant "
                    f"out."
                )
            return {naming: said}
    return {}


def _identify(
    path: Path, said: str | None, naming: Naming, tensors: Mapping[str, Tensor]
) -> tuple[Variant, Normalisation]:
    """The variant and normalisation that were said, else those of the published file with the same hash."""
    if naming is EFFDET_NAMING and re.match(r"efficientdet_d\d", path.name):
        raise CheckpointError(
            f"{path} pads differently from the tf_ models and would load silently wrong; use a file named tf_…."
        )
    known = recognise(path)
    if known and said and said.lower() != known.name:
        raise CheckpointError(f"{path} is {known.file} by its hash, not {said}; leave the variant out.")
    chosen = known.name if known else said.lower() if said else None
    if chosen is None:
        raise CheckpointError(f"{path} does not say which variant it is{_guess(naming, tensors)}.")
    return find_variant(chosen.removesuffix("_ap")), ADVPROP if chosen.endswith("_ap") else IMAGENET


def _guess(naming: Naming, tensors: Mapping[str, Tensor]) -> str:
    """The variants that the shape of P6's projection leaves open, and how to name one."""
    shapes = {
        name: (variant.channels, pyramid_channels(variant.backbone)[-1], 1, 1) for name, variant in VARIANTS.items()
    }
    given = tensors.get(naming.name("fpn.p6.conv.weight", VARIANTS["d0"]))
    fitting = [name for name, shape in shapes.items() if given is not None and tuple(given.shape) == shape]
    if not fitting:
        return ", and its shapes are those of none: name the one that it is closest to, such as --variant d0"
    options = " or ".join(f"--variant {name}" for name in fitting)
    return f"; by its shapes name it with {options} ({fitting[0]}_ap if it was trained with AdvProp)"


def _class_names(path: Path, outputs: int, classes: Path | None) -> tuple[str | None, ...]:
    if classes is None:
        if outputs == COCO_OUTPUTS:
            return coco_classes()
        raise CheckpointError(
            f"{path} has {outputs} classes and does not name them: pass --classes FILE, one name per line."
        )
    try:
        names = [line.strip() for line in classes.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{classes} cannot be read as a list of class names ({error}).") from error
    if len(names) != outputs:
        raise CheckpointError(
            f"{classes} names {len(names)} classes, but {path} has {outputs}; give one name per line."
        )
    return tuple(names)
