"""The workbench pictures: one seed, one picture; boxes that fit; nothing but shape to tell the classes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.boxes import iou
from detector.data.workbench import CLASSES, parts, scene, sittings, write_folder
from detector.data.workbench.proportions import Proportions
from detector.data.workbench.shading import contact_shadow, draw_light
from detector.data.workbench.sittings import HARDWARE, OTHERS, Sitting, Sprite, draw_shape, keep_visible
from detector.data.workbench.surfaces import Layer, Pose, Shape, Surface, look

SAMPLE = Path(__file__).parents[3] / "resources" / "sample"
SAMPLE_SEED = 20261122


@pytest.fixture(scope="module")
def series():
    return [scene(31, index, width=320, height=240) for index in range(60)]


def extent(alpha):
    """(width, height) of what a coverage mask shows."""
    return cv2.boundingRect((alpha > 0.5).astype(np.uint8))[2:]


def disc(x=0, y=0, size=20, kind="nut"):
    """A square patch that is covered all over."""
    alpha = np.ones((size, size), np.float32)
    surface = Surface(x, y, alpha, np.dstack([alpha * 0, alpha * 0, alpha]), alpha, 3)
    return Sprite(kind, surface, contact_shadow(surface), size / 2)


# ---- seeds ---------------------------------------------------------------------------------------------------------


def test_a_picture_depends_on_its_seed_and_index_alone(series):
    picture, boxes = scene(31, 7, width=320, height=240)
    assert np.array_equal(picture, series[7][0])
    assert boxes == series[7][1]
    assert not np.array_equal(picture, series[8][0])
    assert not np.array_equal(picture, scene(32, 7, width=320, height=240)[0])


@pytest.mark.parametrize(("width", "height"), [(640, 480), (200, 333)])
def test_a_picture_has_the_size_asked_for(width, height):
    picture, boxes = scene(3, 4, width=width, height=height)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    assert {box.image_id for box in boxes} == {5}


# ---- boxes ---------------------------------------------------------------------------------------------------------


def test_boxes_lie_inside_the_picture_and_have_an_area(series):
    boxes = np.array([box.xyxy for _, found in series for box in found])
    assert boxes.min() >= 0
    assert (boxes[:, 2] <= 320).all()
    assert (boxes[:, 3] <= 240).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 2).all()


def test_boxes_lie_where_the_parts_are(series):
    """Edges are denser inside the boxes than inside the same boxes on the mirrored picture."""

    def density(picture, boxes):
        edges = np.abs(
            cv2.Laplacian(cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1), cv2.CV_32F)
        )
        inside = np.zeros(edges.shape, bool)
        for box in boxes:
            left, top, right, bottom = map(int, box.xyxy)
            inside[top:bottom, left:right] = True
        return edges[inside].mean() / edges.mean()

    true = np.array([density(picture, boxes) for picture, boxes in series])
    mirrored = np.array([density(picture[:, ::-1], boxes) for picture, boxes in series])
    assert np.mean(true > mirrored) > 0.95
    assert true.mean() > 1.7 * mirrored.mean()


@pytest.mark.parametrize("kind", [*HARDWARE, *OTHERS])
def test_a_box_spans_the_pixels_that_its_part_covers(kind):
    rng = np.random.default_rng(len(kind))
    for turn in range(4):
        pose = Pose((0, 0), 30, rng.uniform(0, 6.3), (0.05, 0.4))
        surface = look(draw_shape(rng, kind, 30), pose)
        sprite = Sprite(kind, surface, contact_shadow(surface), 30)
        sprite = sprite.at(int(rng.integers(10, 150)), int(rng.integers(10, 110)), mirrored=turn % 2 == 0)
        canvas = np.zeros((120, 160), np.float32)
        there, here = sprite.place(canvas.shape)
        canvas[there] = sprite.surface.alpha[here]
        rows, columns = np.nonzero(canvas > 0.5)
        left, top, right, bottom = sprite.box(160, 120)
        assert (left, top) == (columns.min(), rows.min())
        assert (right, bottom) == (columns.max() + 1, rows.max() + 1)


def test_a_mirrored_part_is_its_mirror_image():
    surface = look(parts.bolt(np.random.default_rng(3), 0.05), Pose((0, 0), 30, 0.5, (0.2, 0.4)))
    sprite = Sprite("bolt", surface, contact_shadow(surface), 30)
    plain, mirrored = (sprite.at(60, 50, mirrored=value) for value in (False, True))
    canvases = np.zeros((2, 100, 120, 4), np.float32)
    for canvas, one in zip(canvases, (plain, mirrored), strict=True):
        there, here = one.place(canvas.shape[:2])
        canvas[there] = np.dstack([one.surface.alpha, one.surface.normals])[here]
    # Pixel 60 is the first one right of the line that the part is mirrored in.
    assert np.allclose(canvases[1], canvases[0][:, ::-1] * [1, -1, 1, 1])


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, 2.5])
def test_a_silhouette_has_the_size_of_its_part(angle):
    rng = np.random.default_rng(5)
    pose = Pose((100.3, 80.6), 40, angle, (0, 0))
    assert extent(look(parts.washer(rng), pose).alpha) == pytest.approx((80, 80), abs=1)
    corners = angle + np.arange(6) * np.pi / 3
    nut = next(shape for shape in iter(lambda: parts.nut(rng), None) if len(shape.layers) == 1)
    hexagon = np.ptp(np.cos(corners)) * 40, np.ptp(np.sin(corners)) * 40
    assert extent(look(nut, pose).alpha) == pytest.approx(hexagon, abs=2)
    length = np.hypot(*extent(look(parts.bolt(rng, 0.05), pose).alpha))
    assert 78 < length < 110  # 80 px along the axis, and some width


def test_a_part_can_be_looked_through_and_shows_its_wall_to_a_leaning_camera():
    shape = Shape((1, 1), (Layer(lambda x, y: (np.abs(np.hypot(x, y) - 0.75) - 0.25, 0 * x), 0.6),), 0.6)
    above, leaning = (look(shape, Pose((0, 0), 50, 0, lean)) for lean in ((0, 0), (0, 0.5)))
    assert above.alpha[-above.y, -above.x] == 0
    assert leaning.alpha[-leaning.y, -leaning.x] == 0
    assert extent(above.alpha) == pytest.approx((100, 100), abs=1)
    # Seen from 30° off the vertical: 100 · cos 30° of disc and 0.6 · 50 · sin 30° of wall.
    assert extent(leaning.alpha) == pytest.approx((100, 86.6 + 15), abs=1.5)
    assert above.normals[above.alpha > 0.9][:, 2].min() > 0.9
    wall = leaning.normals[int(0.5 * 86.6 - 8) - leaning.y, -leaning.x]
    assert wall[1] > 0.9  # the near wall faces the camera, down the picture


def kept(*laid):
    return [sprite.surface.x for sprite in keep_visible(list(laid), 100, 100)]


def test_a_part_that_is_mostly_hidden_is_left_out_and_hides_nothing():
    cover = disc(9, 0, size=40)
    assert kept(disc(4), cover) == [9]  # 5 of its 20 columns show
    assert kept(disc(0), cover) == [0, 9]  # 9 of 20 do
    # The middle one would leave 4 columns of the lowest; but it goes itself.
    assert kept(disc(0), disc(4), cover) == [0, 9]


def test_a_part_beyond_the_border_is_left_out():
    assert kept(disc(-15), disc(95), disc(300, 300)) == []
    assert kept(disc(-8)) == [-8]


@pytest.fixture
def two_things(monkeypatch):
    monkeypatch.setattr(sittings, "FEWEST", 1)
    monkeypatch.setattr(
        Sitting, "_drop", lambda *_: [disc(50, 50, kind="coin"), disc(90, 50, kind="gear"), disc(20, 90, kind="hinge")]
    )


def test_what_is_of_no_class_carries_no_label(two_things):
    assert [(box.class_id, box.xyxy) for box in scene(1, 1, width=200, height=150)[1]] == [(4, (90, 50, 110, 70))]


def test_a_scene_on_a_photograph_shows_it_between_the_parts(two_things):
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(40, 200, (15, 20, 3)).astype(np.uint8), (200, 150), interpolation=cv2.INTER_CUBIC)
    sitting = Sitting((1,), width=200, height=150, labelled=["hinge", "coin"])
    laid = sitting.scene(rng, ground=ground)
    assert [kind for kind, _ in laid.seen] == ["coin", "hinge"]
    assert laid.covered.sum() == 3 * 20 * 20
    far = np.ones((150, 200), bool)
    far[40:120, 10:130] = False
    likeness = np.corrcoef(laid.picture[far].mean(axis=1), ground[far].mean(axis=1))[0, 1]
    assert likeness > 0.8


# ---- what training never sees --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [(2.0, 4.0), ((0.0, 10.0), (1.0, 30.0))])
def test_proportions_of_training_and_of_measurement_never_meet(bounds):
    low, high = (np.array(bound) for bound in bounds)
    trained, withheld = (
        np.array(
            [(Proportions((1, index), withheld=value).uniform(*bounds) - low) / (high - low) for index in range(500)]
        )
        for value in (False, True)
    )
    assert withheld.min() >= 0.4
    assert withheld.max() <= 0.6
    assert not ((trained > 0.4) & (trained < 0.6)).any()
    assert trained.min() < 0.05
    assert trained.max() > 0.95
    assert abs(trained.mean() - 0.5) < 0.05


def test_lamps_of_training_and_of_measurement_never_meet():
    bench = np.full(3, 0.4, np.float32)

    def directions(withheld):
        rngs = (Proportions((2, index), withheld=withheld) for index in range(200))
        lamps = np.array([draw_light(rng, (0, 0.2), bench).lamp for rng in rngs])
        return np.abs(np.arctan2(lamps[:, 0], lamps[:, 1]))  # of a picture and of its mirror image

    assert directions(True).max() < directions(False).min()


def test_withheld_pictures_are_others(series):
    picture, boxes = scene(31, 7, width=320, height=240, withheld=True)
    assert boxes
    assert not np.array_equal(picture, series[7][0])


# ---- what the series is like ---------------------------------------------------------------------------------------


def test_scenes_are_as_full_as_they_should_be(series):
    counts = [len(boxes) for _, boxes in series]
    assert min(counts) >= 6
    assert max(counts) <= 16
    sides = [max(b.xyxy[2] - b.xyxy[0], b.xyxy[3] - b.xyxy[1]) / 320 for _, boxes in series for b in boxes]
    assert np.quantile(sides, 0.1) > 0.05
    assert 0.08 < np.median(sides) < 0.16
    assert np.quantile(sides, 0.9) < 0.25
    classes = np.bincount([box.class_id for _, boxes in series for box in boxes], minlength=5)[1:]
    assert classes.min() > 0.7 * classes.mean()


def test_some_parts_overlap(series):
    touching = []
    for _, boxes in series:
        corners = np.array([box.xyxy for box in boxes])
        overlaps = iou(corners, corners)
        np.fill_diagonal(overlaps, 0)
        touching += list(overlaps.max(axis=1) > 0)
    assert 0.3 < np.mean(touching) < 0.7


def test_colour_and_size_do_not_give_the_class_away(series):
    features, classes = [], []
    for picture, boxes in series:
        for box in boxes:
            left, top, right, bottom = map(int, box.xyxy)
            width, height = right - left, bottom - top
            colour = picture[top:bottom, left:right].mean(axis=(0, 1))
            features.append([*colour, width, height, width / height])
            classes.append(box.class_id)
    features, classes = np.array(features), np.array(classes)
    train = np.arange(len(classes)) < len(classes) // 2
    scaled = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
    centres = np.array([scaled[train & (classes == item.id)].mean(axis=0) for item in CLASSES])
    guesses = 1 + np.linalg.norm(scaled[~train, None] - centres, axis=2).argmin(axis=1)
    assert np.mean(guesses == classes[~train]) < 0.4  # a quarter is chance


def test_pictures_vary_in_brightness_and_colour(series):
    means = np.array([picture.mean(axis=(0, 1)) for picture, _ in series])
    assert np.ptp(means.mean(axis=1)) > 60
    assert (np.ptp(means, axis=1) > 30).any()
    assert 40 < means.mean() < 190


# ---- folders -------------------------------------------------------------------------------------------------------


def labels(path):
    return json.loads(path.read_text(encoding="utf-8"))


def rows(document, image):
    """(class id, xyxy) of an image's boxes."""
    found = [item for item in document["annotations"] if item["image_id"] == image["id"]]
    corners = [(x, y, x + width, y + height) for x, y, width, height in (item["bbox"] for item in found)]
    return [(item["category_id"], *box) for item, box in zip(found, corners, strict=True)]


def decode(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def test_a_folder_holds_the_pictures_and_their_labels(tmp_path):
    folder = tmp_path / "new" / "folder"
    paths = list(write_folder(folder, count=3, seed=11, width=160, height=120))
    assert paths == [folder / "images" / f"{number:04d}.jpg" for number in (1, 2, 3)]
    document = labels(folder / "labels.json")
    assert [(item["id"], item["name"]) for item in document["categories"]] == [(item.id, item.name) for item in CLASSES]
    assert [folder / image["file_name"] for image in document["images"]] == paths
    for index, image in enumerate(document["images"]):
        picture, boxes = scene(11, index, width=160, height=120)
        assert (image["width"], image["height"]) == (160, 120)
        assert rows(document, image) == [(box.class_id, *box.xyxy) for box in boxes]
        assert np.abs(decode(folder / image["file_name"]).astype(float) - picture).mean() < 8


def test_labels_are_written_only_when_all_pictures_are(tmp_path):
    pictures = write_folder(tmp_path, count=2, seed=11, width=160, height=120)
    next(pictures)
    assert not (tmp_path / "labels.json").exists()
    assert len(list(pictures)) == 1
    assert labels(tmp_path / "labels.json")["images"][1]["file_name"] == "images/0002.jpg"


def test_the_sample_is_what_the_generator_makes():
    document = labels(SAMPLE / "truth.json")
    pictures = sorted((SAMPLE / "images").iterdir())
    assert [SAMPLE / image["file_name"] for image in document["images"]] == pictures
    assert len(pictures) == 20
    assert sum(path.stat().st_size for path in pictures) < 3_000_000
    for index, image in enumerate(document["images"]):
        picture, boxes = scene(SAMPLE_SEED, index, withheld=True)
        assert np.allclose(rows(document, image), [(box.class_id, *box.xyxy) for box in boxes], atol=1)
        assert np.abs(decode(SAMPLE / image["file_name"]).astype(float) - picture).mean() < 8
