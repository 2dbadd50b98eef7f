"""The list keeps its order however images come, and agrees with asking each image for itself."""

from hypothesis import given
from hypothesis import strategies as st

from app.image_list import ImageList
from detector.data.images import natural_key

PATHS = st.lists(st.text("ab/1029", min_size=1, max_size=6), unique=True, max_size=30)


@given(PATHS, st.integers(1, 7), st.sets(st.integers(0, 30)))
def test_images_come_in_any_order_in_any_portions(paths: list[str], portion: int, accepted: set[int]):
    images = ImageList(lambda: accepted.__contains__)
    for start in range(0, len(paths), portion):
        images.add({image_id: natural_key(paths[image_id]) for image_id in range(len(paths))[start : start + portion]})
    assert images.order == sorted(range(len(paths)), key=lambda image_id: natural_key(paths[image_id]))
    assert images.visible == [image_id for image_id in images.order if image_id in accepted]
    assert all(images.visible[images.place(image_id)] == image_id for image_id in images.visible)


@given(PATHS, st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_asking_some_anew_is_as_good_as_asking_all(paths: list[str], before: set[int], after: set[int]):
    accepted = set(before)
    images = ImageList(lambda: accepted.__contains__)
    images.add({image_id: natural_key(path) for image_id, path in enumerate(paths)})
    shown = list(images.visible)
    accepted ^= after
    changed = images.refilter([image_id for image_id in range(len(paths)) if image_id in after])
    one_by_one = list(images.visible)
    images.filter_anew()
    assert one_by_one == images.visible
    assert changed == (one_by_one != shown)


def test_going_round_begins_behind_an_image_and_prefers_visible_ones():
    images = ImageList(lambda: {1, 3}.__contains__)
    images.add({image_id: natural_key(f"{image_id}.png") for image_id in range(5)})
    assert list(images.onwards(2)) == [3, 1, 3, 4, 0, 1]
    assert images.all_from(3) == [3, 4, 0, 1, 2]
