"""Models by name or file: the starter, published COCO weights, our checkpoints, effdet's and zylo117's .pth files."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from detector.errors import CheckpointError
from detector.files import replacing
from detector.model.anchors import ANCHORS_PER_CELL
from detector.model.checkpoint import Model, check_tensors, load, load_tensors
from detector.model.coco_names import coco_classes
from detector.model.efficientdet import build
from detector.model.efficientnet import pyramid_channels
from detector.model.foreign import EFFDET_NAMING, NAMINGS, ZYLO_NAMING, Naming, effdet_name, find_naming
from detector.model.foreign_file import ForeignFile, read_class_names
from detector.model.info import ADVPROP, IMAGENET, ModelInfo, Normalisation
from detector.model.tensor_file import read_tensors
from detector.model.variants import VARIANTS, Variant, find_variant
from detector.model.weights import PUBLISHED, PublishedWeights, model_file, recognise

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
    path = model_file(name_or_path)
    if path.suffix != ".safetensors":
        return load_foreign(path, variant=variant, names=None if classes is None else read_class_names(classes))
    model = load(path)
    if classes or (variant and variant.lower() != model.info.variant):
        raise CheckpointError(
            f"{path} is {model.info.variant} and names its own classes; leave --variant and --classes out."
        )
    return model


def inspect_foreign(path: Path) -> ForeignFile:
    """What a .pth file of effdet's or zylo117's says and what it leaves open; no code in it can run.

    Raises CheckpointError where it is not such a file, or its tensors are those of no variant or not of the one it
    claims to be: once what is open has been answered, it will load.
    """
    tensors = read_tensors(path)
    file = _describe(path, tensors)
    name = file.said or next(iter(file.fitting), None)
    if name is None:
        raise CheckpointError(
            f"{path} is in {file.naming.program}'s format, but its shapes are those of no variant from D0 to D7x."
        )
    variant = find_variant(name.removesuffix("_ap"))
    with torch.device("meta"):
        network = build(variant, file.outputs)
    check_tensors(network, _used(file, tensors, variant), path, name=lambda own: file.naming.name(own, variant))
    return file


def load_foreign(path: Path, *, variant: str | None = None, names: Sequence[str] | None = None) -> Model:
    """The model in a .pth file of effdet's or zylo117's, read as plain tensors: no code in it can run.

    The variant and its normalisation come from the file's name, from its hash, or from `variant`; they cannot be read
    off the tensors. `names` are those of the classes, where the file does not have COCO's ninety outputs.
    """
    _variant_in_name(path, variant)
    tensors = read_tensors(path)
    file = _describe(path, tensors)
    found, normalisation = _identify(file, variant)
    classes = _class_names(file, names)
    network = build(found, len(classes))
    load_tensors(network, _used(file, tensors, found), path, name=lambda own: file.naming.name(own, found))
    info = ModelInfo(
        found.name,
        found.image_size,
        classes,
        tuple(range(1, len(classes) + 1)),
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


def _variant_in_name(path: Path, asked: str | None = None) -> dict[Naming, str]:
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


def _describe(path: Path, tensors: Mapping[str, Tensor]) -> ForeignFile:
    """What a file and its tensors say by themselves. Raises CheckpointError where no EfficientDet that we know is in
    it, or its name and its hash contradict each other.
    """
    naming = find_naming(tensors)
    if naming is None:
        marks = " nor ".join(naming.mark for naming in NAMINGS)
        raise CheckpointError(f"{path} is not an EfficientDet in effdet's or zylo117's format: it has neither {marks}.")
    if naming is EFFDET_NAMING and re.match(r"efficientdet_d\d", path.name):
        raise CheckpointError(
            f"{path} pads differently from the tf_ models and would load silently wrong; use a file named tf_…."
        )
    said, known = _variant_in_name(path).get(naming), recognise(path)
    if known and said and said != known.name:
        raise _contradiction(path, known, said)
    return ForeignFile(
        path,
        naming,
        said=known.name if known else said,
        fitting=_fitting(naming, tensors),
        outputs=tensors[naming.mark].numel() // ANCHORS_PER_CELL,
    )


def _fitting(naming: Naming, tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The variants that the shape of P6's projection leaves open."""
    shapes = {
        name: (variant.channels, pyramid_channels(variant.backbone)[-1], 1, 1) for name, variant in VARIANTS.items()
    }
    given = tensors.get(naming.name("fpn.p6.conv.weight", VARIANTS["d0"]))
    return tuple(name for name, shape in shapes.items() if given is not None and tuple(given.shape) == shape)


def _identify(file: ForeignFile, asked: str | None) -> tuple[Variant, Normalisation]:
    """The variant and normalisation that the file says, else those asked for."""
    if asked and file.said and asked.lower() != file.said:
        raise _contradiction(file.path, PUBLISHED[file.said], asked)
    chosen = file.said or (asked.lower() if asked else None)
    if chosen is None:
        raise CheckpointError(f"{file.path} does not say which variant it is{_guess(file)}.")
    return find_variant(chosen.removesuffix("_ap")), ADVPROP if chosen.endswith("_ap") else IMAGENET


def _contradiction(path: Path, known: PublishedWeights, other: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is {known.file} by its hash, not {other}; leave the variant out, and give the file its own name back."
    )


def _guess(file: ForeignFile) -> str:
    """The variants that the shapes leave open, and how to name one."""
    if not file.fitting:
        return ", and its shapes are those of none: name the one that it is closest to, such as --variant d0"
    options = " or ".join(f"--variant {name}" for name in file.fitting)
    return (
        f"; by its shapes name it with {options} ({file.fitting[0]}_ap if it was trained with AdvProp), or open it as "
        f"a model file in the window, which asks"
    )


def _used(file: ForeignFile, tensors: Mapping[str, Tensor], variant: Variant) -> dict[str, Tensor]:
    """The tensors that the variant's network has a use for."""
    return {name: tensor for name, tensor in tensors.items() if not file.naming.unused(name, variant)}


def _class_names(file: ForeignFile, names: Sequence[str] | None) -> tuple[str | None, ...]:
    if names is None:
        if not file.lacks_names:
            return coco_classes()
        raise CheckpointError(
            f"{file.path} has {file.outputs} classes and does not name them: pass --classes FILE, one name per line, "
            f"or open it as a model file in the window, which asks."
        )
    if len(names) != file.outputs:
        raise CheckpointError(
            f"{file.path} has {file.outputs} classes, but the list names {len(names)}; give one name per line."
        )
    return tuple(names)
