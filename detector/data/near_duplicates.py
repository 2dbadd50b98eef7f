"""Pictures that look alike, whatever their files' bytes: the same one saved anew, or two moments of a still scene."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

GRID = 16  # cells a side that a picture is averaged into
ALIKE = 0.97  # correlation: JPEG anew, half the size and other brightness stay above; other scenes of a kind below 0.95
CHUNK = 512  # pictures compared with all others at a time: 40 MB for 20,000 others

LOOK_SIDE = 64  # px of a picture's longer side that are enough for its signature

Signature = NDArray[np.float32]
NOTHING: Signature = np.zeros(GRID * GRID, np.float32)  # of a picture that shows nothing, like no other one


def signature(pixels: NDArray[np.uint8]) -> Signature:
    """What a picture (H, W, 3) looks like from afar: (256,) with mean 0 and length 1; NOTHING for one of one colour."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    cells = np.asarray(cv2.resize(grey, (GRID, GRID), interpolation=cv2.INTER_AREA), np.float32).ravel()
    cells -= cells.mean()
    length = float(np.linalg.norm(cells))
    return cells / length if length > 1 else NOTHING


def groups_across(signatures: Sequence[Signature], is_right: Sequence[bool]) -> Iterator[list[list[int]]]:
    """The places of pictures that look alike, group by group, of which some are `is_right` and others are not.

    Yields [] after each part of the work, which may take seconds in all, and the groups at last.
    """
    left, right = (np.array([place for place, side in enumerate(is_right) if side is which]) for which in (False, True))
    parent = list(range(len(signatures)))
    if len(left) and len(right):
        table = np.stack(signatures)
        others = table[right].T
        for start in range(0, len(left), CHUNK):
            part = left[start : start + CHUNK]
            alike = table[part] @ others
            # A chain through each picture's nearest one is enough: all pairs of a still film would be millions.
            for rows, columns in (
                (np.arange(len(part)), alike.argmax(axis=1)),
                (alike.argmax(axis=0), np.arange(len(right))),
            ):
                near = alike[rows, columns] >= ALIKE
                for one, other in zip(part[rows[near]].tolist(), right[columns[near]].tolist(), strict=True):
                    _join(parent, one, other)
            yield []
    found: dict[int, list[int]] = {}
    for place in range(len(signatures)):
        found.setdefault(_root(parent, place), []).append(place)
    yield [members for members in found.values() if len(members) > 1]


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


def _join(parent: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first
