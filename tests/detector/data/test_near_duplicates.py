"""Pictures that look alike."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.data import near_duplicates
from detector.data.images import decode
from detector.data.near_duplicates import ALIKE, LOOK_SIDE, groups_across, signature


def scene(seed: int) -> np.ndarray:
    """A picture (240, 320, 3) of soft blobs, as different from the next one as photographs are."""
    rough = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(rough, (320, 240), interpolation=cv2.INTER_CUBIC)


def groups(pictures: list[np.ndarray], is_right: list[bool]) -> list[list[int]]:
    (*_, found) = groups_across([signature(pixels) for pixels in pictures], is_right)
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: cv2.resize(pixels, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA),
        lambda pixels: cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1),
        lambda pixels: cv2.convertScaleAbs(pixels, alpha=0.7, beta=12),
    ],
)
def test_a_picture_is_known_again(change: Callable[[np.ndarray], np.ndarray]) -> None:
    assert groups([scene(1), scene(2), change(scene(1))], [False, False, True]) == [[0, 2]]


def test_only_likeness_across_the_sides_counts() -> None:
    pictures = [scene(1), scene(1), scene(2), scene(2), scene(3)]
    assert groups(pictures, [False, False, False, True, True]) == [[2, 3]]
    assert groups(pictures, [True, True, False, False, False]) == []
    assert groups(pictures, [False] * 5) == []
    assert groups([], []) == []


def test_all_copies_are_of_one_group_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [scene(number % 3) for number in range(12)]
    is_right = [number >= 6 for number in range(12)]
    wanted = [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    assert groups(pictures, is_right) == wanted
    monkeypatch.setattr(near_duplicates, "CHUNK", 2)
    steps = list(groups_across([signature(pixels) for pixels in pictures], is_right))
    assert steps == [[], [], [], wanted]  # so that it can be ended between them


def test_plain_pictures_are_like_no_other() -> None:
    plain = np.full((60, 90, 3), 90, np.uint8)
    assert groups([plain, plain], [False, True]) == []


def test_photographs_of_a_kind_are_no_near_duplicates(shared_data: Path) -> None:
    paths = sorted((shared_data / "coco-person").rglob("*.jpg"))[:150]
    looks = np.stack([signature(decode(path)) for path in paths])
    likeness = looks @ looks.T
    assert np.triu(likeness, 1).max() < ALIKE
    small = signature(cv2.resize(decode(paths[0]), (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_AREA))
    assert small @ looks[0] > ALIKE
