"""Which labelled images are kept for validation: by hash, so that a picture keeps its side, corrected by class."""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

ONE_IN = 5  # images of a class are for validation …
AT_LEAST = 2  # … and not fewer than these, where the class has more


class Side(StrEnum):
    """What an image is for."""

    TRAIN = "train"
    VAL = "val"


def content_key(path: Path) -> str:
    """A key for `split` from the file's bytes, whatever its name; from its path where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError:
        return path.as_posix()


def split(keys: Sequence[str], classes_by_image: Sequence[Collection[int]]) -> list[Side]:
    """The side of each image, from its key and the ids of its classes; images of one key count as one and share a side.

    A fifth goes to validation by the key's hash. Then every class keeps at least one image in training, and gets a
    fifth of its images, at least 2, into validation, as far as that takes no class's last image from training.
    """
    pictures: dict[str, set[int]] = {}
    for key, classes in zip(keys, classes_by_image, strict=True):
        pictures.setdefault(key, set()).update(classes)
    hashes = {key: _hash(key) for key in pictures}
    validation = {key for key, value in hashes.items() if _is_for_validation(value)}
    members: dict[int, list[str]] = {}
    for key in sorted(pictures, key=hashes.__getitem__):
        for class_id in pictures[key]:
            members.setdefault(class_id, []).append(key)
    rarest_first = [members[class_id] for class_id in sorted(members, key=lambda id: (len(members[id]), id))]
    for of_class in rarest_first:
        if validation.issuperset(of_class):
            validation.remove(of_class[-1])
    in_training = Counter(id for key, classes in pictures.items() if key not in validation for id in classes)
    for of_class in rarest_first:
        missing = _wanted(len(of_class)) - len(validation.intersection(of_class))
        for key in of_class:
            if missing > 0 and key not in validation and all(in_training[id] > 1 for id in pictures[key]):
                validation.add(key)
                in_training.subtract(pictures[key])
                missing -= 1
    return [Side.VAL if key in validation else Side.TRAIN for key in keys]


def next_side(key: str, classes: Collection[int], kept: Mapping[int, Mapping[Side, int]]) -> Side:
    """The side of one further image, so that none of those before it has to move.

    `kept` counts, by class id, the images that each side has already. A class's first image is for training and its
    second for validation; from then on the hash of `key` decides, unless a class is short in validation: there it
    keeps a fifth, at least 2, of its images.
    """
    counts = [kept.get(class_id, {}) for class_id in classes]
    if any(not count.get(Side.TRAIN, 0) for count in counts):
        return Side.TRAIN
    for count in counts:
        validation, images = count.get(Side.VAL, 0), 1 + sum(count.values())
        if validation < _wanted(images):
            return Side.VAL
    return Side.VAL if _is_for_validation(_hash(key)) else Side.TRAIN


def _wanted(images: int) -> int:
    """How many of a class's images validation gets."""
    return min(max(AT_LEAST, math.ceil(images / ONE_IN)), images - 1)


def _is_for_validation(value: int) -> bool:
    return value < 2**64 // ONE_IN


def _hash(key: str) -> int:
    """Evenly spread over 0 … 2⁶⁴ − 1, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
