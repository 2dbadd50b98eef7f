"""The split into training and validation: the same for the same pictures, fair to every class."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from detector.data.split import AT_LEAST, ONE_IN, Side, content_key, next_side, split

single_labels = st.lists(st.integers(0, 4), max_size=60)
many_labels = st.lists(st.sets(st.integers(0, 5), max_size=4), max_size=40)


def keys_for(count: int, salt: int) -> list[str]:
    return [f"{salt}-{number}" for number in range(count)]


def wanted(images: int) -> int:
    return min(max(AT_LEAST, -(-images // ONE_IN)), images - 1)


def test_sides_by_hash_never_change():
    """Stored splits were made with it: another hash would move validation images into training."""
    keys = [f"picture-{number}" for number in range(16)]
    in_validation = [key for key, side in zip(keys, split(keys, [()] * 16), strict=True) if side is Side.VAL]
    assert in_validation == ["picture-2", "picture-3", "picture-8", "picture-11"]


def test_a_fifth_of_many_images_is_for_validation():
    sides = Counter(split(keys_for(10_000, 0), [()] * 10_000))
    assert 1900 < sides[Side.VAL] < 2100


@given(many_labels, st.integers(), st.randoms())
def test_the_order_of_the_file_changes_nothing(labels: list[set[int]], salt: int, rng: random.Random):
    keys = keys_for(len(labels), salt)
    order = rng.sample(range(len(keys)), len(keys))
    shuffled = split([keys[i] for i in order], [labels[i] for i in order])
    assert [shuffled[order.index(i)] for i in range(len(keys))] == split(keys, labels)


@given(single_labels, st.integers())
def test_single_classes_get_their_share_of_validation(labels: list[int], salt: int):
    sides = split(keys_for(len(labels), salt), [{label} for label in labels])
    kept = Counter(label for label, side in zip(labels, sides, strict=True) if side is Side.VAL)
    for label, images in Counter(labels).items():
        assert wanted(images) <= kept[label] < images


@given(many_labels, st.integers())
def test_no_class_leaves_training_and_validation_is_short_only_for_that(labels: list[set[int]], salt: int):
    sides = split(keys_for(len(labels), salt), labels)
    training = [classes for classes, side in zip(labels, sides, strict=True) if side is Side.TRAIN]
    in_training = Counter(label for classes in training for label in classes)
    for label, images in Counter(label for classes in labels for label in classes).items():
        assert in_training[label] >= 1
        if images - in_training[label] < wanted(images):
            assert all(any(in_training[other] == 1 for other in classes) for classes in training if label in classes)


@given(many_labels, st.integers())
def test_copies_share_a_side_and_count_once(labels: list[set[int]], salt: int):
    keys = keys_for(len(labels), salt)
    once = split(keys, labels)
    assert split(keys * 2, labels * 2) == once * 2


@given(st.integers(0, 50), st.integers(0, 50), st.integers())
def test_images_added_later_move_none(before: int, added: int, salt: int):
    keys = keys_for(before + added, salt)
    assert split(keys, [()] * len(keys))[:before] == split(keys[:before], [()] * before)


def test_content_key_is_of_the_bytes_not_the_name(tmp_path):
    for name, data in (("a.jpg", b"one"), ("b.jpg", b"one"), ("c.jpg", b"two")):
        (tmp_path / name).write_bytes(data)
    a, b, c = (content_key(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    assert a == b != c
    assert content_key(tmp_path / "gone.jpg") != content_key(tmp_path / "lost.jpg")


def side_by_side(labels: list[set[int]], salt: int) -> list[Side]:
    """The sides that images get one after the other."""
    sides: list[Side] = []
    for number, classes in enumerate(labels):
        kept: dict[int, Counter[Side]] = {}
        for before, side in zip(labels, sides, strict=False):
            for label in before:
                kept.setdefault(label, Counter())[side] += 1
        sides.append(next_side(f"{salt}-{number}", classes, kept))
    return sides


@given(single_labels, st.integers())
def test_classes_that_come_one_by_one_get_their_share_at_any_time(labels: list[int], salt: int):
    sides = side_by_side([{label} for label in labels], salt)
    for end in range(1, len(labels) + 1):
        kept = Counter(zip(labels[:end], sides, strict=False))
        for label, images in Counter(labels[:end]).items():
            assert wanted(images) <= kept[label, Side.VAL] < images


@given(many_labels, st.integers())
def test_each_class_is_learned_whatever_comes(labels: list[set[int]], salt: int):
    sides = side_by_side(labels, salt)
    for label in set().union(*labels):
        of_class = [side for classes, side in zip(labels, sides, strict=True) if label in classes]
        assert of_class[0] is Side.TRAIN


def test_images_without_boxes_and_later_ones_go_by_their_hash():
    keys = keys_for(200, 0)
    by_hash = split(keys, [()] * 200)
    enough = {1: {Side.TRAIN: 100, Side.VAL: 50}}
    assert [next_side(key, (), {}) for key in keys] == by_hash
    assert [next_side(key, (1,), enough) for key in keys] == by_hash


def test_a_class_without_training_images_comes_before_one_that_is_short_in_validation():
    assert next_side("a", (1, 2), {1: {Side.TRAIN: 9}, 2: {Side.VAL: 3}}) is Side.TRAIN
    assert next_side("a", (1, 2), {1: {Side.TRAIN: 9}, 2: {Side.TRAIN: 1, Side.VAL: 3}}) is Side.VAL
