"""Models by name or file: the starter, published COCO weights, our checkpoints, and effdet's .pth files."""

import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from detector.errors import CheckpointError
from detector.model.anchors import ANCHORS_PER_CELL
from detector.model.checkpoint import Model, load, load_tensors
from detector.model.efficientdet import build
from detector.model.info import ADVPROP, IMAGENET, ModelInfo, Normalisation
from detector.model.variants import VARIANTS, Variant, find_variant
from detector.model.weights import STARTER, find_weights

COCO_OUTPUTS = 90
ANCHORS_TIMES_CLASSES = "class_net.predict.conv_pw.bias"

# effdet's parameter names → ours; whatever no row touches has the same name in both.
EFFDET_NAMES = (
    (r"^fpn\.resample\.3\.conv\.", "fpn.p6."),
    (r"^fpn\.cell\.(\d+)\.fnode\.(\d+)\.", r"fpn.cells.\1.nodes.\2."),
    (r"\.combine\.edge_weights$", ".edge_weights"),
    (r"\.combine\.resample\.(\d)\.conv\.", r".projections.\1."),
    (r"\.after_combine\.conv\.bn\.", ".bn."),
    (r"\.after_combine\.conv\.", ".conv."),
    (r"_net\.conv_rep\.", "_net.convs."),
    (r"_net\.bn_rep\.(\d+)\.(\d+)\.bn\.", r"_net.bns.\1.\2."),
)

COCO_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
COCO_NAMES = """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop
sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag,
tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard,
tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard,
cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier,
toothbrush"""


def coco_classes() -> tuple[str | None, ...]:
    """COCO's 80 class names at channel id − 1 of a 90-output head; None at the ten gaps."""
    names = iter(COCO_NAMES.replace("\n", " ").split(", "))
    return tuple(None if id in COCO_GAPS else next(names) for id in range(1, COCO_OUTPUTS + 1))


def open_model(name_or_path: str, *, variant: str | None = None, classes: Path | None = None) -> Model:
    """The model called `starter`, a published variant (`d0` … `d7x`), or the one in a file.

    `variant` (d0 … d7x, d0_ap … for AdvProp) and `classes` (a text file, one name per line) speak for foreign files
    that do not.
    Raises CheckpointError where the file is missing, does not fit, or leaves open what it is.
    """
    if name_or_path.lower() in VARIANTS and not Path(name_or_path).is_file():
        return load_effdet(find_weights(name_or_path.lower()), variant=variant, classes=classes)
    path = _existing(STARTER if name_or_path == "starter" else Path(name_or_path))
    if path.suffix != ".safetensors":
        return load_effdet(path, variant=variant, classes=classes)
    model = load(path)
    if classes or (variant and variant.lower() != model.info.variant):
        raise CheckpointError(
            f"{path} is {model.info.variant} and names its own classes; leave --variant and --classes out."
        )
    return model


def load_effdet(path: Path, *, variant: str | None = None, classes: Path | None = None) -> Model:
    """The model in one of effdet's .pth files, read as plain tensors: no code in it can run.

    The variant and its normalisation come from the file's name or from `variant`; they cannot be read off the tensors.
    """
    found, normalisation = _identify(path, variant)
    tensors = {_rename(name): tensor for name, tensor in _read_tensors(path).items()}
    bias = tensors.get(ANCHORS_TIMES_CLASSES)
    if bias is None:
        raise CheckpointError(f"{path} is not an EfficientDet in effdet's format: it has no {ANCHORS_TIMES_CLASSES}.")
    names = _class_names(path, bias.numel() // ANCHORS_PER_CELL, classes)
    network = build(found, len(names))
    load_tensors(network, tensors, path)
    info = ModelInfo(
        found.name,
        found.image_size,
        names,
        tuple(range(1, len(names) + 1)),
        normalisation=normalisation,
        parent=path.name,
    )
    return Model(network.eval(), info)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CheckpointError(
            f"There is no model “{path}”: name a checkpoint file, starter, or one of {', '.join(VARIANTS)}."
        )
    return path


def _identify(path: Path, asked: str | None) -> tuple[Variant, Normalisation]:
    if re.match(r"efficientdet_d\d", path.name):
        raise CheckpointError(
            f"{path} pads differently from the tf_ models and would load silently wrong; use a file named tf_…."
        )
    named = re.match(r"tf_efficientdet_(d\d)(x?)(_ap)?(?![a-z])", path.name)
    from_name = "".join(part or "" for part in named.groups()) if named else None
    if asked and from_name and asked.lower() != from_name:
        raise CheckpointError(
            f"{path} is {from_name} by its name, but {asked} was asked for; rename the file or leave the variant out."
        )
    chosen = asked.lower() if asked else from_name
    if chosen is None:
        raise CheckpointError(
            f"{path} does not say which variant it is: name it, such as --variant d0 (d0_ap for AdvProp)."
        )
    return find_variant(chosen.removesuffix("_ap")), ADVPROP if chosen.endswith("_ap") else IMAGENET


def _read_tensors(path: Path) -> Mapping[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than plain tensors, or is no checkpoint; it was not opened, since it could run code."
        ) from error
    except Exception as error:  # damage shows as anything, IndexError and AssertionError included
        raise CheckpointError(
            f"{path} cannot be read as a PyTorch checkpoint ({type(error).__name__}); is it complete?"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()
    ):
        raise CheckpointError(
            f"{path} is no table of named tensors, so it is not a checkpoint that this program can read."
        )
    return {name.removeprefix("model."): tensor for name, tensor in content.items()}


def _rename(name: str) -> str:
    for pattern, ours in EFFDET_NAMES:
        name = re.sub(pattern, ours, name)
    return name


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
