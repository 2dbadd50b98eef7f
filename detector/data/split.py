"""Which labelled images are kept for validation: by hash, so that a picture keeps its side, corrected by class."""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Sequence
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
    validation = {key for key, value in hashes.items() if value < 2**64 // ONE_IN}
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
        wanted = min(max(AT_LEAST, math.ceil(len(of_class) / ONE_IN)), len(of_class) - 1)
        missing = wanted - len(validation.intersection(of_class))
        for key in of_class:
            if missing > 0 and key not in validation and all(in_training[id] > 1 for id in pictures[key]):
                validation.add(key)
                in_training.subtract(pictures[key])
                missing -= 1
    return [Side.VAL if key in validation else Side.TRAIN for key in keys]


def _hash(key: str) -> int:
    """Evenly spread over 0 … 2⁶⁴ − 1, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
