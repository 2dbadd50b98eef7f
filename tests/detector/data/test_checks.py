"""What is told of a data set before it is used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detector.boxes import iou
from detector.data import checks
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.images import decode
from tests.detector.data.label_folders import pictures

IMAGES = (ImageEntry(3, "a.jpg", 100, 50), ImageEntry(9, "b.jpg"))
CLASSES = (ObjectClass(0, "nut"), ObjectClass(7, "bolt"))


def told(dataset: Dataset) -> list[str]:
    problems = checks.odd_entries(dataset)
    assert all(problem.kept for problem in problems)
    return [str(problem) for problem in problems]


def test_nothing_odd_is_nothing_to_tell() -> None:
    boxes = (Box(3, 0, (0, 0, 100, 50)), Box(3, 7, (0, 0, 100, 50)), Box(9, 0, (-0.5, 0, 9999, 50)))
    assert told(Dataset(IMAGES, CLASSES, boxes)) == []
    assert told(Dataset((), (), ())) == []


def test_root_classes_boxes_beyond_and_pictures_twice_are_told() -> None:
    root = ObjectClass(1, "parts", {"supercategory": "none"})
    classes = (root, *(ObjectClass(item.id, item.name, {"supercategory": "parts"}) for item in CLASSES))
    images = (*IMAGES, ImageEntry(10, "b.jpg"))
    boxes = (Box(3, 0, (50, 0, 102, 50)), Box(3, 7, (0, -2, 9, 9)), Box(9, 0, (0, 0, 5, 5)))
    assert told(Dataset(images, classes, boxes)) == [
        "class “parts” (id 1) has no boxes and is the supercategory of others",
        "b.jpg: is listed 2 times",
        "a.jpg: 2 boxes reach beyond the picture",
    ]
    assert checks.unused_classes(Dataset(images, classes, boxes)) == (root,)


def test_boxes_on_each_other_are_told() -> None:
    boxes = (
        *(Box(9, 7, (10, 10, 110, 60)), Box(9, 7, (10, 10, 110, 61)), Box(9, 7, (11, 10, 110, 60))),
        *(Box(9, 0, (10, 10, 110, 60)), Box(3, 7, (10, 10, 60, 50)), Box(9, 7, (10, 10, 110, 70))),
    )
    assert told(Dataset(IMAGES, CLASSES, boxes)) == ["b.jpg: 2 boxes lie on another one of their class"]


@given(
    st.lists(
        st.tuples(st.sampled_from([3, 9]), st.sampled_from([0, 7]), st.integers(0, 3), st.integers(0, 3)), max_size=20
    )
)
def test_duplicates_are_those_that_every_pair_shows(entries: list[tuple[int, int, int, int]]) -> None:
    boxes = tuple(Box(image, kind, (x, y, x + 40.0, y + 60.0)) for image, kind, x, y in entries)
    expected: dict[int, int] = {}
    for n, box in enumerate(boxes):
        others = [o for m, o in enumerate(boxes) if m != n and (o.image_id, o.class_id) == (box.image_id, box.class_id)]
        earlier = [o for o in others if (o.xyxy[0], boxes.index(o)) < (box.xyxy[0], n) or o.xyxy[0] < box.xyxy[0]]
        if earlier and iou(np.array([box.xyxy]), np.array([o.xyxy for o in earlier])).max() >= 0.95:
            expected[box.image_id] = expected.get(box.image_id, 0) + 1
    found = checks.duplicates(Dataset(IMAGES, CLASSES, boxes))
    assert found.keys() == expected.keys()
    assert all(found[image] > 0 for image in found)


@pytest.mark.filterwarnings("error")
def test_boxes_of_any_size_are_looked_at_without_a_warning() -> None:
    boxes = tuple(Box(1, CLASSES[0].id, (0, 0, side, side)) for side in (1e300, 1e300, 5, 5))
    assert checks.duplicates(Dataset((ImageEntry(1, "a.png"),), CLASSES, boxes)) == {1: 1}


def test_ten_thousand_equal_boxes_take_no_time() -> None:
    boxes = tuple(Box(9, 0, (0, 0, 5, 5)) for _ in range(10_000))
    assert checks.duplicates(Dataset(IMAGES, CLASSES, boxes)) == {9: 9_999}


@pytest.mark.parametrize("turn", range(1, 9))
def test_boxes_of_the_stored_picture_are_turned_with_it(turn: int, tmp_path) -> None:
    stored = np.zeros((50, 100, 3), np.uint8)
    stored[5:15, 20:60] = 255  # the object, in the stored picture
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    image = ImageEntry(3, "a.png", 100, 50)
    box = Box(3, 0, (20, 5, 60, 15), extra={"segmentation": [[1]], "tag": 1})
    dataset, problems = checks.upright(Dataset((image,), CLASSES, (box,)), {3: tmp_path / "a.png"})
    rows, columns = np.nonzero(decode(tmp_path / "a.png")[:, :, 0])
    where = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    height, width = decode(tmp_path / "a.png").shape[:2]
    assert (dataset.images[0].width, dataset.images[0].height) == (width, height)
    if turn >= 5:
        assert dataset.boxes[0].xyxy == where
        assert dataset.boxes[0].extra == {"tag": 1}
        assert [str(problem) for problem in problems] == [
            "a.png: labelled as stored, not as displayed: its boxes are turned"
        ]
    else:  # the size does not tell whether the labels were made on the stored or the displayed one
        assert (dataset.boxes, problems) == ((box,), ())


def test_sizes_come_from_the_files_and_other_ones_are_told(tmp_path) -> None:
    pictures(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    images = (
        ImageEntry(1, "a.jpg", 640, 480),
        ImageEntry(2, "b.jpg"),
        ImageEntry(3, "c.jpg", 9, 9),
        ImageEntry(4, "d"),
    )
    paths = {n: tmp_path / name for n, name in enumerate(("a.jpg", "b.jpg", "c.jpg"), 1)}
    dataset, problems = checks.upright(Dataset(images, (), ()), paths)
    assert [(image.width, image.height) for image in dataset.images] == [(100, 50), (100, 50), (9, 9), (None, None)]
    assert [str(problem)[:60] for problem in problems] == [
        "a.jpg: is 100 × 50 pixels, and 640 × 480 in the labels",
        "c.jpg: cannot be decoded (damaged, or no JPEG, PNG, BMP, GIF",
    ]
