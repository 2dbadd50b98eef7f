"""Where the weights lie that have a name: the starter, and the published COCO weights. Known without torch."""

import os
from pathlib import Path

from detector.errors import CheckpointError
from detector.places import user_cache

STARTER = Path(__file__).parents[2] / "resources" / "models" / "starter-d0.safetensors"
WEIGHTS_VARIABLE = "EFFICIENTDET_STUDIO_WEIGHTS"

# Files of the repository rwightman/efficientdet-pytorch, release tag v0.1.
PUBLISHED = {
    "d0": "tf_efficientdet_d0_34-f153e0cf.pth",
    "d1": "tf_efficientdet_d1_40-a30f94af.pth",
    "d2": "tf_efficientdet_d2_43-8107aa99.pth",
    "d3": "tf_efficientdet_d3_47-0b525f35.pth",
    "d4": "tf_efficientdet_d4_49-f56376d9.pth",
    "d5": "tf_efficientdet_d5_51-c79f9be6.pth",
    "d6": "tf_efficientdet_d6_52-4eda3773.pth",
    "d7": "tf_efficientdet_d7_53-6d1d7a95.pth",
    "d7x": "tf_efficientdet_d7x-f390b87c.pth",
}


def weights_folder() -> Path:
    """Where published weights are kept: EFFICIENTDET_STUDIO_WEIGHTS, else the user's cache folder."""
    if folder := os.environ.get(WEIGHTS_VARIABLE):
        return Path(folder)
    return user_cache() / "weights"


def find_weights(name: str) -> Path:
    """The file of a published variant. Raises CheckpointError that says which one is wanted and where to put it."""
    path = weights_folder() / PUBLISHED[name]
    if not path.is_file():
        raise CheckpointError(
            f"The COCO weights of {name.upper()} are not on this machine. Put {path.name} (release v0.1 of "
            f"rwightman/efficientdet-pytorch on GitHub) into {path.parent}, or name that folder in {WEIGHTS_VARIABLE}."
        )
    return path
