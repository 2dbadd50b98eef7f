"""ImageNet's weights in timm's naming: whole EfficientNet classifiers, from whose backbones new detectors can start.

timm's `tf_` models alone pad as TensorFlow does. Its others have the same names and shapes and would load silently
wrong, so the file's name must say that it is one; so must it for AdvProp, whose pictures are normalised differently.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from detector.errors import CheckpointError
from detector.model.checkpoint import load_tensors
from detector.model.classifier import Classifier, build_classifier, timm_name
from detector.model.info import ADVPROP, IMAGENET, Normalisation
from detector.model.tensor_file import read_tensors
from detector.model.variants import BACKBONES

FILE_NAME = re.compile(r"tf_efficientnet_(b[0-7])(?!\d)(?:[._](ap)(?![a-z]))?")
OUTPUTS = "classifier.weight"


@dataclass(frozen=True)
class TrainedClassifier:
    """An EfficientNet with weights, how its input is normalised, and its file."""

    network: Classifier
    normalisation: Normalisation
    path: Path


def load_classifier(path: Path) -> TrainedClassifier:
    """The classifier in a .pth or .safetensors file of timm's, on the CPU, in evaluation mode.

    Raises CheckpointError where the file's name does not say which one it is, or its tensors are others.
    """
    named = FILE_NAME.match(path.name)
    if named is None:
        raise CheckpointError(
            f"{path} does not say that it is one of timm's tf_efficientnet_b0 … b7, and others would load silently "
            f"wrong; if it is one, give it timm's name, such as tf_efficientnet_b0_ns.pth (_ap for AdvProp)."
        )
    tensors = read_tensors(path)
    if OUTPUTS not in tensors:
        raise CheckpointError(f"{path} is not a classifier in timm's format: it has no {OUTPUTS}.")
    network = build_classifier(BACKBONES[named[1]], len(tensors[OUTPUTS]))
    load_tensors(network, tensors, path, name=timm_name)
    return TrainedClassifier(network.eval(), ADVPROP if named[2] else IMAGENET, path)
