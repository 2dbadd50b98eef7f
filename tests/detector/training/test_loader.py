"""Batches depend on the seed and the step alone; bad pictures, little memory and early ends are survived."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from detector.errors import ImageError, OptionsError
from detector.training import loader
from detector.training.augment import Augmentation
from detector.training.loader import AHEAD, Loader, Replay, Sample

PLAIN = Augmentation((1, 1), flip=False, photometric=0)
FILL = (124, 116, 104)


def sample(path, boxes=(), labels=None, crowd=None):
    count = len(boxes)
    labels = np.zeros(count, np.int64) if labels is None else np.array(labels, np.int64)
    crowd = np.zeros(count, bool) if crowd is None else np.array(crowd, bool)
    return Sample(path, np.array(boxes, np.float32).reshape(-1, 4), labels, crowd)


@pytest.fixture
def samples(tmp_path):
    """Ten noisy pictures of different shapes; picture i has a box of label i."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(10):
        height, width = rng.integers(60, 220, 2)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        made.append(sample(tmp_path / f"{i}.png", [(5, 5, width - 5, height - 5)], [i], [i == 3]))
    return made


def loaded(samples, **options):
    defaults = {"image_size": 128, "batch": 4, "seed": 7, "augmentation": Augmentation(mosaic=0.3), "fill": FILL}
    return Loader(samples, **{**defaults, "threads": 2, "memory_limit": 10**8, **options})


def assert_same(some, others):
    some, others = list(some), list(others)
    assert len(some) == len(others) > 0
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a.images, b.images)
        for x, y in zip(a.boxes + a.labels + a.crowd, b.boxes + b.labels + b.crowd, strict=True):
            np.testing.assert_array_equal(x, y)
            assert x.dtype == y.dtype


def order(batches):
    return [int(labels[0]) for batch in batches for labels in batch.labels]


def test_old_images_take_their_share_in_epochs_of_their_own(samples):
    replay = Replay(count=4, share=0.3)
    whole = loaded(samples, augmentation=PLAIN, replay=replay)
    seen = order(whole.batches(0, 20))
    old = [label for label in seen if label >= 6]
    assert len(old) == 24
    assert set(Counter(old).values()) == {6}
    new = [label for label in seen if label < 6]
    assert all(set(new[start : start + 6]) == set(range(6)) for start in range(0, 54, 6))
    positions = [place for place, label in enumerate(seen) if label >= 6]
    assert max(b - a for a, b in pairwise(positions)) <= 4
    again = loaded(samples, augmentation=PLAIN, replay=replay, threads=1)
    assert order(again.batches(13, 20)) == seen[13 * 4 :]


def test_old_images_alone_are_nothing_to_train_on(samples):
    with pytest.raises(OptionsError, match="no images to train on"):
        loaded(samples, replay=Replay(count=10, share=0.3))


def test_a_batch_has_the_promised_shapes(samples):
    batch = next(loaded(samples).batches(0, 1))
    assert batch.images.shape == (4, 128, 128, 3)
    assert batch.images.dtype == np.uint8
    assert len(batch.boxes) == len(batch.labels) == len(batch.crowd) == 4
    for boxes, labels, crowd in zip(batch.boxes, batch.labels, batch.crowd, strict=True):
        assert boxes.shape == (len(labels), 4)
        assert (boxes.dtype, labels.dtype, crowd.dtype) == (np.float32, np.int64, bool)
        assert len(crowd) == len(labels)


@pytest.mark.parametrize("options", [{"threads": 1}, {"threads": 5}, {"memory_limit": 0}, {"memory_limit": 60_000}])
def test_threads_and_memory_change_nothing(samples, options):
    assert_same(loaded(samples).batches(0, 12), loaded(samples, **options).batches(0, 12))


@pytest.mark.parametrize("start", [1, 7])
def test_training_resumed_at_a_step_gets_the_same_batches(samples, start):
    assert_same(list(loaded(samples).batches(0, 12))[start:], loaded(samples).batches(start, 12))
    again = loaded(samples)
    list(again.batches(0, 3))
    assert_same(loaded(samples).batches(start, 12), again.batches(start, 12))


def test_seeds_steps_and_positions_are_augmented_differently(samples):
    one = loaded(samples[:1], augmentation=Augmentation())
    assert len({image.tobytes() for batch in one.batches(0, 6) for image in batch.images}) == 24
    other = next(loaded(samples, seed=8).batches(0, 1))
    assert not np.array_equal(next(loaded(samples).batches(0, 1)).images, other.images)


def test_each_sample_comes_once_an_epoch_and_epochs_differ(samples):
    seen = order(loaded(samples, augmentation=PLAIN, batch=4).batches(0, 10))
    epochs = [seen[i : i + 10] for i in range(0, 40, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert order(loaded(samples, augmentation=PLAIN, batch=8).batches(0, 5)) == seen


def test_a_batch_may_be_larger_than_the_data_set(samples):
    assert Counter(order(loaded(samples[:3], augmentation=PLAIN, batch=9).batches(0, 2))) == {0: 6, 1: 6, 2: 6}


def test_a_mosaic_is_made_of_four_samples(samples):
    wide = Augmentation((0.5, 0.5), flip=False, photometric=0, mosaic=1)
    batches = list(loaded(samples, augmentation=wide, batch=10).batches(0, 4))
    assert {len(labels) for batch in batches for labels in batch.labels} <= {2, 3, 4}
    assert sum(len(labels) == 4 for batch in batches for labels in batch.labels) > 10
    partners = Counter(int(label) for batch in batches for labels in batch.labels for label in labels[1:])
    assert len(partners) == 10


def test_augmentation_can_be_replaced_between_two_calls(samples):
    calm = loaded(samples, augmentation=replace(Augmentation(mosaic=1), mosaic=0))
    changed = loaded(samples, augmentation=Augmentation(mosaic=1))
    list(changed.batches(0, 2))
    changed.augmentation = replace(changed.augmentation, mosaic=0)
    assert_same(calm.batches(2, 6), changed.batches(2, 6))


def test_pictures_stand_upright_as_everywhere_else(tmp_path):
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, :40] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90° to be shown: the white part comes to the top
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    turned = sample(tmp_path / "turned.jpg", [(0, 0, 60, 40)])
    batch = next(loaded([turned], augmentation=PLAIN, batch=1).batches(0, 1))
    white = batch.images[0].min(axis=2) > 200
    assert white[:42, :64].mean() > 0.97
    assert not white[44:].any()
    np.testing.assert_allclose(batch.boxes[0], [[0, 0, 64, 128 / 3]], atol=0.2)


@pytest.mark.parametrize(("width", "height"), [(2000, 1501), (1000, 1999), (200, 150)])
def test_boxes_stay_right_when_large_pictures_are_kept_shrunk(tmp_path, width, height):
    pixels = np.zeros((height, width, 3), np.uint8)
    box = np.array([0.2 * width, 0.3 * height, 0.7 * width, 0.9 * height]).round().astype(int)
    pixels[box[1] : box[3], box[0] : box[2]] = 255
    Image.fromarray(pixels).save(tmp_path / "large.png")
    wide = Augmentation((0.6, 1.4), photometric=0)
    files = loaded([sample(tmp_path / "large.png", [box])], augmentation=wide, batch=3)
    for batch in files.batches(0, 4):
        for image, boxes in zip(batch.images, batch.boxes, strict=True):
            ys, xs = np.nonzero(image.min(axis=2) > 127)
            extent = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            np.testing.assert_allclose(boxes, [extent], atol=1)


def test_boxes_beyond_the_picture_are_cut_off_before_anything_else(tmp_path):
    Image.new("RGB", (100, 100)).save(tmp_path / "a.png")
    wrong = sample(tmp_path / "a.png", [(50, 50, 400, 400), (-90, 0, 30, 40), (120, 0, 190, 50)], [0, 1, 2])
    batch = next(loaded([wrong], augmentation=PLAIN, batch=1, image_size=100).batches(0, 1))
    assert batch.labels[0].tolist() == [0, 1]
    assert batch.boxes[0].tolist() == [[50, 50, 100, 100], [0, 0, 30, 40]]


def count_decodes(monkeypatch):
    calls = []
    decode = loader.decode
    monkeypatch.setattr(loader, "decode", lambda path: (calls.append(path), decode(path))[1])
    return calls


def test_pictures_are_decoded_once_where_memory_allows(samples, monkeypatch):
    calls = count_decodes(monkeypatch)
    list(loaded(samples, augmentation=PLAIN, threads=1).batches(0, 10))
    assert Counter(calls) == dict.fromkeys((one.path for one in samples), 1)


def test_memory_holds_what_fits_and_no_more(tmp_path, monkeypatch):
    made = []
    for i in range(4):
        Image.new("RGB", (100, 100)).save(tmp_path / f"{i}.png")
        made.append(sample(tmp_path / f"{i}.png"))
    calls = count_decodes(monkeypatch)
    list(loaded(made, augmentation=PLAIN, threads=1, memory_limit=2 * 30_000).batches(0, 10))
    assert sorted(Counter(calls).values()) == [1, 1, 10, 10]


def test_large_pictures_take_the_memory_of_their_largest_view_only(tmp_path, monkeypatch):
    made = []
    for i in range(4):
        Image.new("RGB", (1000, 1000)).save(tmp_path / f"{i}.png")
        made.append(sample(tmp_path / f"{i}.png"))
    calls = count_decodes(monkeypatch)
    options = {"augmentation": replace(PLAIN, scale=(0.5, 1.5)), "threads": 1, "memory_limit": 4 * 3 * 192**2}
    list(loaded(made, **options).batches(0, 10))
    assert len(calls) == 4


def test_a_bad_picture_is_replaced_by_the_next_one_and_reported_once(samples, monkeypatch):
    samples[4].path.write_bytes(b"not a picture")
    samples[5].path.unlink()
    files = loaded(samples, augmentation=PLAIN, threads=4)
    seen = Counter(order(files.batches(0, 10)))
    assert seen == {i: 4 for i in range(10) if i not in (4, 5)} | {6: 12}
    assert sorted(path for path, _ in files.failures) == [samples[4].path, samples[5].path]
    assert all(str(path) in reason for path, reason in files.failures)
    assert_same(files.batches(2, 10), loaded(samples, augmentation=PLAIN, threads=1).batches(2, 10))
    assert len(files.failures) == 2
    calls = count_decodes(monkeypatch)
    list(loaded(samples, augmentation=PLAIN, threads=1).batches(0, 10))
    assert Counter(calls) == dict.fromkeys((one.path for one in samples), 1)  # the bad ones are not tried again


def test_when_no_picture_can_be_read_it_says_so_and_ends(samples):
    for one in samples:
        one.path.write_bytes(b"broken")
    with pytest.raises(ImageError, match=r"None of the 10 training images can be read.*\.png"):
        next(loaded(samples).batches(0, 5))
    assert not loader_threads()


def test_nothing_to_train_on_is_refused():
    with pytest.raises(OptionsError, match="no images"):
        loaded([])


def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_closing_ends_the_threads_and_drops_what_is_waiting(samples, monkeypatch):
    go, calls, decode = threading.Event(), [], loader.decode

    def stuck_after_the_first_batch(path):
        calls.append(path)
        if len(calls) > 4:
            assert go.wait(timeout=60)
        return decode(path)

    monkeypatch.setattr(loader, "decode", stuck_after_the_first_batch)
    batches = loaded(samples, augmentation=PLAIN, threads=1, memory_limit=0).batches(0, 1000)
    next(batches)
    assert len(loader_threads()) == 1
    shutdown = ThreadPoolExecutor.shutdown

    def go_on(pool, *, wait, cancel_futures):
        shutdown(pool, wait=False, cancel_futures=cancel_futures)
        go.set()
        shutdown(pool, wait=wait)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", go_on)
    batches.close()
    assert len(calls) <= 5
    assert not loader_threads()


def test_only_a_few_batches_are_made_ahead(samples, monkeypatch):
    submitted = []

    class Counting(ThreadPoolExecutor):
        def submit(self, *args, **kwargs):
            submitted.append(args)
            return super().submit(*args, **kwargs)

    monkeypatch.setattr(loader, "ThreadPoolExecutor", Counting)
    batches = loaded(samples).batches(0, 1000)
    for taken in (1, 2):
        next(batches)
        assert len(submitted) == (taken + AHEAD) * 4
    batches.close()


def test_the_last_batch_ends_the_threads(samples):
    assert len(list(loaded(samples).batches(3, 9))) == 6
    assert not loader_threads()
    assert list(loaded(samples).batches(5, 5)) == []
