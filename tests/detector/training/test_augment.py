"""Boxes must follow their pixels: each object is painted in a colour of its own and found again when augmented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import OptionsError
from detector.training.augment import (
    MIN_SIDE,
    MIN_VISIBLE,
    TO_YIQ,
    Augmentation,
    LabelledImage,
    colour_matrix,
    compose,
    crop,
    orient,
    resize,
    view,
)

# Corners of the RGB cube: a blend of one of them with black or with FILL is never within 100 levels of another one.
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 0, 255], [0, 255, 255], [255] * 3])
FILL = (124, 116, 104)
SIZE = 256
PLAIN = Augmentation(scale=(1, 1), flip=False, photometric=0)


def painted(width, height, boxes, labels, crowd=None):
    """A black image with box i painted in the colour of label i."""
    image = np.zeros((height, width, 3), np.uint8)
    for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
        image[y1:y2, x1:x2] = COLOURS[label]
    crowd = np.zeros(len(boxes), bool) if crowd is None else np.array(crowd, bool)
    return LabelledImage(image, np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64), crowd)


def scenes():
    """Four images of different shapes and sizes, seven objects."""
    return [
        painted(320, 240, [(20, 30, 120, 90), (200, 100, 300, 220)], [0, 1]),
        painted(150, 310, [(10, 10, 70, 100), (80, 200, 140, 300)], [2, 3]),
        painted(500, 500, [(40, 300, 220, 480), (260, 50, 460, 200)], [4, 5]),
        painted(90, 60, [(20, 10, 70, 50)], [6]),
    ]


def pixels_of(image, label):
    return np.abs(image.astype(int) - COLOURS[label]).max(axis=2) < 100


def extent(mask):
    """The xyxy of the pixels that are set."""
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])


MODES = {
    "fit": Augmentation((1, 1), False, 0),
    "shrink": Augmentation((0.45, 0.45), False, 0),
    "enlarge": Augmentation((1.6, 1.6), False, 0),
    "flip": Augmentation((1, 1), True, 0),
    "any orientation": Augmentation((0.9, 0.9), True, 0, any_orientation=True),
    "large any orientation": Augmentation((1.4, 1.4), False, 0, any_orientation=True),
    "mosaic": Augmentation((0.7, 0.7), False, 0),
    "everything": Augmentation((1.1, 1.1), True, 0, any_orientation=True),
}


@pytest.mark.parametrize("mode", MODES)
def test_boxes_follow_their_pixels_and_only_hidden_ones_go(mode):
    options = MODES[mode]
    rng = np.random.default_rng(1)
    seen = gone = 0
    four = mode in ("mosaic", "everything")
    for turn in range(16 if four else 40):
        images = scenes() if four else [scenes()[turn % 4]]
        made = compose(images, options, rng, size=SIZE, fill=FILL)
        assert made.image.shape == (SIZE, SIZE, 3)
        assert made.image.dtype == np.uint8
        kept = dict(zip(made.labels.tolist(), made.boxes, strict=True))
        assert len(kept) == len(made.labels)
        for source in images:
            factor = SIZE / max(source.image.shape[:2]) * options.scale[0]
            for label, (x1, y1, x2, y2) in zip(source.labels.tolist(), source.boxes, strict=True):
                mask = pixels_of(made.image, label)
                whole = (x2 - x1) * (y2 - y1) * factor**2
                visible = mask.sum() / whole
                if label in kept:
                    np.testing.assert_allclose(extent(mask), kept[label], atol=1)
                    assert visible > MIN_VISIBLE - 0.06
                    seen += 1
                else:
                    assert visible < MIN_VISIBLE + 0.06
                    gone += 1
    assert seen >= 20
    assert (gone > 0) == (mode in ("enlarge", "large any orientation", "mosaic", "everything"))


def test_fitting_fills_the_longer_side_and_pads_at_the_bottom_and_right_only():
    made = compose([painted(300, 200, [(0, 0, 300, 200)], [6])], PLAIN, np.random.default_rng(0), size=SIZE, fill=FILL)
    rows = round(200 * SIZE / 300)
    np.testing.assert_array_equal(made.boxes, np.array([[0, 0, SIZE, rows]], np.float32))
    assert (made.image[:rows] == 255).all()
    assert (made.image[rows:] == FILL).all()


def test_the_longer_side_is_drawn_evenly_from_the_scale_range():
    options = Augmentation((0.25, 0.75), flip=False, photometric=0)
    rng = np.random.default_rng(2)
    scene = painted(100, 80, [(0, 0, 100, 80)], [0])
    sides = [compose([scene], options, rng, size=SIZE, fill=FILL).boxes[0, 2] / SIZE for _ in range(400)]
    assert 0.245 < min(sides) < 0.27
    assert 0.73 < max(sides) < 0.755
    assert np.mean(sides) == pytest.approx(0.5, abs=0.03)


def test_a_crop_starts_anywhere_from_end_to_end():
    options = Augmentation((2, 2), flip=False, photometric=0)
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 256, 3))
    scene = LabelledImage(ramp, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, bool))
    rng = np.random.default_rng(3)
    tops = [int(compose([scene], options, rng, size=SIZE, fill=FILL).image[0, 0, 0]) for _ in range(400)]
    assert min(tops) <= 2
    assert 126 <= max(tops) <= 128
    assert np.mean(tops) == pytest.approx(64, abs=6)


def test_resize_antialiases_and_says_the_exact_ratios():
    stripes = np.zeros((301, 397, 3), np.uint8)
    stripes[:, ::2] = 255
    small, ratios = resize(stripes, 0.23)
    assert small.shape == (69, 91, 3)
    np.testing.assert_allclose(ratios, [91 / 397, 69 / 301] * 2, rtol=1e-6)
    assert np.abs(small.astype(int) - 127).max() < 40  # plain bilinear gives the full 0…255 here
    assert resize(stripes[:1, :300], 0.01)[0].shape == (1, 3, 3)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(0, 0, [[0, 0, 100, 40]]), (59, 0, [[0, 0, 41, 40]]), (61, 0, []), (40, 15, []), (100, 0, [])],
)
def test_an_object_of_which_too_little_is_left_goes(x, y, expected):
    scene = LabelledImage(np.zeros((60, 200, 3), np.uint8), *_labels([[0, 0, 100, 40]]))
    part = crop(scene, x, y, width=120, height=60)
    assert part.boxes.tolist() == expected
    assert len(part.labels) == len(part.crowd) == len(expected)


def _labels(boxes, crowd=False):
    return np.array(boxes, np.float32), np.arange(len(boxes)), np.full(len(boxes), crowd)


def test_objects_below_four_pixels_and_impossible_boxes_go():
    boxes = [[0, 0, 3.9, 50], [0, 0, 50, 3.9], [0, 0, 4, 4], [9, 9, 9, 30], [30, 30, 10, 10], [np.nan, 0, 20, 20]]
    scene = LabelledImage(np.zeros((60, 60, 3), np.uint8), *_labels(boxes))
    assert crop(scene, 0, 0, width=60, height=60).labels.tolist() == [2]


def test_a_crowd_region_stays_while_a_pixel_of_it_is_left():
    boxes = [[0, 0, 101, 40], [150, 0, 151, 2], [0, 0, 100.5, 40], [120, 5, 120, 30]]
    scene = LabelledImage(np.zeros((60, 200, 3), np.uint8), *_labels(boxes, crowd=True))
    part = crop(scene, 100, 0, width=100, height=60)
    assert part.labels.tolist() == [0, 1]
    assert part.crowd.all()
    np.testing.assert_array_equal(part.boxes, np.array([[0, 0, 1, 40], [50, 0, 51, 2]], np.float32))


def test_the_eight_symmetries_are_different_and_carry_labels_along():
    scene = painted(120, 80, [(0, 0, 40, 20), (90, 50, 120, 70)], [3, 5], [True, False])
    views = [orient(scene, symmetry) for symmetry in range(8)]
    assert len({(one.image.shape, one.image.tobytes()) for one in views}) == 8
    for one in views:
        assert one.labels.tolist() == [3, 5]
        assert one.crowd.tolist() == [True, False]
        for label, box in zip(one.labels, one.boxes, strict=True):
            np.testing.assert_array_equal(extent(pixels_of(one.image, label)), box)


def test_flip_mirrors_half_of_the_images_and_nothing_more():
    scene = painted(SIZE, SIZE, [(0, 0, 40, 20)], [0])
    rng = np.random.default_rng(4)
    flip = Augmentation((1, 1), True, 0)
    corners = [tuple(compose([scene], flip, rng, size=SIZE, fill=FILL).boxes[0, :2].tolist()) for _ in range(200)]
    assert set(corners) == {(0, 0), (SIZE - 40, 0)}
    assert 70 < corners.count((0, 0)) < 130


def test_any_orientation_uses_all_eight_ways():
    scene = painted(SIZE, SIZE, [(0, 0, 40, 20)], [0])
    rng = np.random.default_rng(5)
    anyhow = Augmentation((1, 1), False, 0, any_orientation=True)
    boxes = {tuple(compose([scene], anyhow, rng, size=SIZE, fill=FILL).boxes[0].tolist()) for _ in range(200)}
    assert len(boxes) == 8


def test_a_mosaic_shows_all_four_around_a_point_in_the_middle_half():
    images = [painted(200, 200, [(0, 0, 200, 200)], [label]) for label in range(4)]
    rng = np.random.default_rng(6)
    points = set()
    for _ in range(40):
        made = compose(images, Augmentation((1, 1), False, 0), rng, size=SIZE, fill=FILL)
        extents = [extent(pixels_of(made.image, label)) for label in range(4)]
        x, y = extents[0][2:]
        assert [one.tolist() for one in extents] == [[0, 0, x, y], [x, 0, SIZE, y], [0, y, x, SIZE], [x, y, SIZE, SIZE]]
        points.add((int(x), int(y)))
    xs, ys = np.array(sorted(points)).T
    for values in (xs, ys):
        assert SIZE // 4 <= values.min() < 80
        assert 176 < values.max() <= SIZE - SIZE // 4


def test_no_photometric_strength_leaves_every_pixel_alone():
    np.testing.assert_allclose(colour_matrix(0, np.random.default_rng(0)), np.eye(3, 4), atol=1e-12)
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    scene = LabelledImage(noise, *_labels([[0, 0, 9, 9]]))
    np.testing.assert_array_equal(compose([scene], PLAIN, np.random.default_rng(0), size=SIZE, fill=FILL).image, noise)


def test_colours_change_within_the_strength_and_grey_stays_grey():
    rng = np.random.default_rng(7)
    greys = np.array([[0] * 3, [64] * 3, [128] * 3, [200] * 3, [255] * 3], float)
    strength, shifts, turns = 0.2, [], []
    for _ in range(300):
        matrix = colour_matrix(strength, rng)
        after = greys @ matrix[:, :3].T + matrix[:, 3]
        np.testing.assert_allclose(after, after[:, :1].repeat(3, axis=1), atol=1e-6)
        limit = np.abs(greys - 128) * strength + 128 * strength
        assert (np.abs(after - greys) <= limit + 1e-6).all()
        chroma = (TO_YIQ @ matrix[:, :3] @ np.linalg.inv(TO_YIQ))[1:, 1:]
        np.testing.assert_allclose(
            chroma @ chroma.T, np.linalg.det(chroma) * np.eye(2), atol=1e-9
        )  # turned, not sheared
        shifts.append(after[2, 0] - 128)
        red = matrix[:, :3] @ [1, 0, 0]
        turns.append(np.degrees(np.arctan2(np.sqrt(3) * (red[1] - red[2]), 2 * red[0] - red[1] - red[2])))
    assert min(shifts) < -20 < 20 < max(shifts)
    assert min(turns) < -3 < 3 < max(turns)
    assert max(np.abs(turns)) < 12


def test_the_padding_keeps_its_colour():
    options = Augmentation((0.5, 0.5), flip=False, photometric=0.9)
    made = compose([painted(100, 100, [], [])], options, np.random.default_rng(8), size=SIZE, fill=FILL)
    assert (made.image[SIZE // 2 :] == FILL).all()
    assert (made.image[:, SIZE // 2 :] == FILL).all()


def test_the_source_is_never_written_to():
    source = scenes()[0]
    before = source.image.copy(), source.boxes.copy()
    for seed in range(8):
        view(source, Augmentation(), np.random.default_rng(seed), size=SIZE, width=SIZE, height=SIZE)
    np.testing.assert_array_equal(source.image, before[0])
    np.testing.assert_array_equal(source.boxes, before[1])


coordinate = st.floats(-50, 150, width=32)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate, st.booleans()), max_size=6),
    st.integers(0, 2**32),
    st.sampled_from([1, 4]),
)
def test_whatever_comes_in_boxes_come_out_usable(rows, seed, count):
    boxes = np.array([row[:4] for row in rows], np.float32).reshape(-1, 4)
    crowd = np.array([row[4] for row in rows], bool)
    source = LabelledImage(np.zeros((70, 100, 3), np.uint8), boxes, np.arange(len(rows)), crowd)
    options = Augmentation((0.2, 2.5), any_orientation=bool(seed & 1))
    made = compose([source] * count, options, np.random.default_rng(seed), size=128, fill=FILL)
    sides = made.boxes[:, 2:] - made.boxes[:, :2]
    assert made.boxes.dtype == np.float32
    assert (made.boxes >= 0).all()
    assert (made.boxes <= 128).all()
    assert (sides >= np.where(made.crowd, 1, MIN_SIDE)[:, None] - 1e-4).all()
    assert len(made.labels) == len(made.boxes) == len(made.crowd)


@pytest.mark.parametrize("wrong", [{"scale": (0, 1)}, {"scale": (1.5, 0.5)}, {"photometric": -0.1}, {"mosaic": 1.1}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(OptionsError):
        Augmentation(**wrong)
