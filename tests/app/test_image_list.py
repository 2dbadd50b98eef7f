"""The list keeps its order however images come, and agrees with asking each image for itself."""

import math
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.image_filter import Accepts
from app.image_list import AT_ONCE, ImageList, Sorting
from detector.data.images import natural_key

PATHS = st.lists(st.text("ab/1029", min_size=1, max_size=6), unique=True, max_size=30)
VALUES = st.dictionaries(st.integers(0, 30), st.sampled_from([0.0, 1.0, 2.5, math.nan]))
SORTINGS = st.builds(Sorting, st.none() | VALUES, st.booleans(), st.sampled_from([0.0, math.nan]))
MANY = 100_000


def keys_of(paths: list[str], image_ids: range | None = None) -> dict[int, str]:
    return {image_id: natural_key(paths[image_id]) for image_id in image_ids or range(len(paths))}


def in_order(paths: dict[int, str], sorting: Sorting) -> list[int]:
    """Worked out the slow way."""
    by_name = sorted(paths, key=lambda image_id: natural_key(paths[image_id]))
    if sorting.values is None:
        return by_name[::-1] if sorting.descending else by_name
    values = {image_id: sorting.values.get(image_id, sorting.otherwise) for image_id in by_name}
    known = [image_id for image_id in by_name if not math.isnan(values[image_id])]
    sign = -1 if sorting.descending else 1
    last = [image_id for image_id in by_name if math.isnan(values[image_id])]
    return [*sorted(known, key=lambda image_id: sign * values[image_id]), *last]


@given(PATHS, st.integers(1, 7), st.sets(st.integers(0, 30)), SORTINGS)
def test_images_come_in_any_order_in_any_portions(paths: list[str], portion: int, accepted: set[int], sorting: Sorting):
    images = ImageList(lambda: [accepted.__contains__])
    images.sort(sorting)
    for start in range(0, len(paths), portion):
        images.add(keys_of(paths, range(len(paths))[start : start + portion]))
    assert images.order == in_order(dict(enumerate(paths)), sorting)
    assert images.visible == [image_id for image_id in images.order if image_id in accepted]
    assert all(images.visible[images.place(image_id)] == image_id for image_id in images.visible)


@given(PATHS, SORTINGS, SORTINGS)
def test_an_order_is_chosen_anew(paths: list[str], before: Sorting, after: Sorting):
    images = ImageList(list)
    images.sort(before)
    images.add(keys_of(paths))
    images.sort(after)
    assert images.order == images.visible == in_order(dict(enumerate(paths)), after)


@given(PATHS, st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), SORTINGS, st.integers(0, 30))
def test_asking_some_anew_is_as_good_as_asking_all(
    paths: list[str], before: set[int], after: set[int], sorting: Sorting, kept: int
):
    accepted = set(before)
    conditions: list[Accepts] = [lambda image_id: image_id >= 0, accepted.__contains__]
    images = ImageList(lambda: conditions)
    images.kept = kept
    images.add(keys_of(paths))
    images.sort(sorting)
    shown = list(images.visible)
    accepted ^= after
    changed = images.refilter([image_id for image_id in range(len(paths)) if image_id in after])
    one_by_one = list(images.visible)
    assert one_by_one == [image_id for image_id in images.order if image_id in accepted or image_id == kept]
    images.filter_anew()
    assert one_by_one == images.visible
    assert changed == (one_by_one != shown)
    assert all(images.accepts(image_id) == (image_id in accepted) for image_id in images.order)


@given(PATHS, PATHS, SORTINGS, st.integers(0, 30))
def test_renamed_images_move_to_their_new_places(paths: list[str], names: list[str], sorting: Sorting, kept: int):
    renamed = dict(enumerate(paths)) | {
        image_id: f"{name}.new" for image_id, name in enumerate(names) if image_id < len(paths)
    }
    images = ImageList(lambda: [lambda image_id: image_id % 3 > 0])
    images.kept = kept
    images.add(keys_of(paths))
    images.sort(sorting)
    images.add({image_id: natural_key(name) for image_id, name in renamed.items()})
    assert images.order == in_order(renamed, sorting)
    assert images.visible == [image_id for image_id in images.order if image_id % 3 or image_id == kept]


@pytest.mark.parametrize("portion", [AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_few_and_many_new_images_go_to_their_places(portion: int):
    paths = [f"{number * 37 % 1000}.png" for number in range(1000)]
    sorting = Sorting({image_id: image_id % 7 for image_id in range(0, 1000, 2)}, descending=True, otherwise=3.5)
    images = ImageList(list)
    images.sort(sorting)
    for start in range(0, 1000, portion):
        images.add(keys_of(paths, range(1000)[start : start + portion]))
    assert images.order == in_order(dict(enumerate(paths)), sorting)


def test_what_was_sorted_by_may_change_without_a_move():
    values = {0: 3.0, 1: 2.0, 2: 1.0}
    images = ImageList(list)
    images.add(keys_of(["a", "b", "c"]))
    images.sort(Sorting(dict(values)))
    values[2] = 9.0
    images.refilter([0, 1, 2])
    assert images.visible == [2, 1, 0]
    images.sort(Sorting(values))
    assert images.visible == [1, 0, 2]


def test_going_round_begins_behind_an_image_and_prefers_visible_ones():
    images = ImageList(lambda: [{1, 3}.__contains__])
    images.add({image_id: natural_key(f"{image_id}.png") for image_id in range(5)})
    assert list(images.onwards(2)) == [3, 1, 3, 4, 0, 1]
    assert images.all_from(3) == [3, 4, 0, 1, 2]


def best_of(times: int, work: Callable[[], object]) -> float:
    """Seconds of the processor, which may have other things to do, too."""
    taken = []
    for _ in range(times):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return min(taken)


def test_a_hundred_thousand_are_sorted_and_filtered_at_once():
    keys = {image_id: natural_key(f"pictures/{image_id:06}.jpg") for image_id in range(MANY)}
    accepted = set(range(0, MANY, 3))
    images = ImageList(lambda: [accepted.__contains__])
    images.add(keys)
    by_score = Sorting({image_id: image_id * 0.7 % 1 for image_id in range(0, MANY, 2)}, descending=True)
    assert best_of(4, partial(images.sort, by_score)) < 0.05
    assert best_of(4, images.filter_anew) < 0.05
    assert best_of(4, partial(images.refilter, range(32))) < 0.01
