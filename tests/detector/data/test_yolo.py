"""YOLO data sets: what is read, what is told, and that nothing moves on the way out and in again."""

from pathlib import Path

import pytest
import supervision
from hypothesis import given
from hypothesis import strategies as st

from detector.data import yolo
from detector.data.annotations import OURS, Box, Dataset, ImageEntry, ObjectClass, said
from detector.data.problems import Problems
from detector.data.yolo import reading, writing
from detector.data.yolo.config import Config, parse_config
from detector.data.yolo.rows import Row, label_path, parse_rows
from detector.errors import LabelError
from tests.detector.data.label_folders import pictures, write

CONFIG = "train: images/train\nval: images/val\nnames: [nut, bolt]\n"


def read(root: Path) -> tuple[Dataset, list[str]]:
    dataset, problems = yolo.read(root, root)
    return dataset, [str(problem) for problem in problems]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two pictures of training and one of validation, 100 × 50 pixels, with a box each but for the last one."""
    pictures(tmp_path, "images/train/a.png", "images/train/sub/b.png", "images/val/c.png")
    files = {"labels/train/a.txt": "0 0.5 0.5 0.2 0.4\n", "labels/train/sub/b.txt": "1 0.1 0.1 0.2 0.2\n"}
    return write(tmp_path, {"data.yaml": CONFIG, "labels/val/c.txt": "", **files})


# ---- Reading folders


def test_boxes_come_in_pixels_with_names_and_splits(root: Path) -> None:
    dataset, problems = read(root)
    assert problems == []
    assert [item.name for item in dataset.classes] == ["nut", "bolt"]
    assert [item.id for item in dataset.classes] == [1, 2]
    assert [image.path for image in dataset.images] == [
        "images/train/a.png",
        "images/train/sub/b.png",
        "images/val/c.png",
    ]
    assert [said(image.extra).get("split") for image in dataset.images] == ["train", "train", "val"]
    assert {(image.width, image.height) for image in dataset.images} == {(100, 50)}
    assert [box.xyxy for box in dataset.boxes] == [pytest.approx((40, 15, 60, 35)), pytest.approx((0, 0, 20, 10))]


def test_an_empty_text_says_empty_and_no_text_says_unlabelled(root: Path) -> None:
    pictures(root, "images/val/d.png")
    dataset, _ = read(root)
    assert {image.path[-5:]: said(image.extra).get("state") for image in dataset.images} == {
        "a.png": None,
        "b.png": None,
        "c.png": "started",
        "d.png": "unlabelled",
    }


@pytest.mark.parametrize(
    "config",
    [
        "names:\n  0: nut\n  1: bolt\ntrain: images/train\nval: images/val",
        "path: .\nnames: [nut, bolt]\ntrain: [images/train]\nvalid: images/val",
        "path: /home/somebody/datasets/parts\nnames: [nut, bolt]\ntrain: images/train\nval: images/val",
        "names: [nut, bolt]\ntrain: ../images/train\nval: ..\\images\\val",
        "names: {'1': bolt, '0': nut}\ntrain: train.txt\nval: val.txt\ntest: null",
        "nc: 2\nnames: &a [nut, bolt]\ntrain: images/train\nval: images/val\nother: *a",
    ],
)
def test_data_yaml_comes_in_many_kinds(root: Path, config: str) -> None:
    lists = {"train.txt": "./images/train/a.png\nimages/train/sub/b.png\n\n", "val.txt": "images\\val\\c.png\n"}
    write(root, {"data.yaml": config, **lists})
    dataset, problems = read(root)
    assert problems == []
    assert [item.name for item in dataset.classes] == ["nut", "bolt"]
    assert [(image.path, said(image.extra)["split"]) for image in dataset.images] == [
        ("images/train/a.png", "train"),
        ("images/train/sub/b.png", "train"),
        ("images/val/c.png", "val"),
    ]
    assert len(dataset.boxes) == 2


def test_names_that_yaml_would_take_for_values_stay_names(root: Path) -> None:
    write(root, {"data.yaml": "names: [no, 1.0]\ntrain: images/train\n"})
    assert [item.name for item in read(root)[0].classes] == ["no", "1.0"]


def test_without_names_the_numbers_are_the_names(root: Path) -> None:
    write(root, {"data.yaml": "train: images/train\nnc: 3\n"})
    assert [item.name for item in read(root)[0].classes] == ["0", "1", "2"]
    write(root, {"data.yaml": "train: images/train\n"})
    assert [item.name for item in read(root)[0].classes] == ["0", "1"]


def test_texts_alone_have_numbers_for_names_whatever_capitals_their_endings_have(tmp_path: Path) -> None:
    pictures(tmp_path, "images/a.png", "images/b.png")
    write(tmp_path, {"labels/a.txt": "3 0.5 0.5 1 1", "labels/b.TXT": "0 0.5 0.5 1 1"})
    for place in (tmp_path, tmp_path / "labels"):
        dataset, problems = yolo.read(place, tmp_path)
        assert problems == ()
        assert [(item.id, item.name) for item in dataset.classes] == [(1, "0"), (4, "3")]
        assert [(box.image_id, box.class_id) for box in dataset.boxes] == [(1, 4), (2, 1)]


def test_texts_beside_the_pictures_with_a_list_of_classes(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    write(tmp_path, {"classes.txt": "nut\nbolt\n", "a.txt": "1 0.5 0.5 1 1"})
    dataset, problems = read(tmp_path)
    assert problems == []
    assert [(box.image_id, box.class_id, box.xyxy) for box in dataset.boxes] == [(1, 2, (0, 0, 100, 50))]


def test_nothing_outside_the_root_is_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    pictures(tmp_path, "secret/images/x.png")
    write(tmp_path, {"secret/labels/x.txt": "0 0.5 0.5 1 1", "list.txt": "secret/images/x.png"})
    pictures(root, "images/train/a.png")
    lines = f"../secret/images/x.png\n{tmp_path}/secret/images/x.png\nhttp://host/x.png\n./images/train/a.png\n"
    config = f"names: [nut]\ntrain: {tmp_path}/secret/images\nval: ../list.txt\ntest: here.txt\n"
    write(root, {"data.yaml": config, "here.txt": lines})
    (root / "labels" / "train").mkdir(parents=True)
    (root / "labels" / "train" / "a.txt").symlink_to(tmp_path / "secret" / "labels" / "x.txt")
    dataset, problems = read(root)
    assert [image.path for image in dataset.images] == ["images/train/a.png"]
    assert dataset.boxes == ()
    assert [problem.split(" is not in")[0] for problem in problems] == [
        f"train: “{tmp_path}/secret/images”",
        "val: “../list.txt”",
        "here.txt: line 1: ../secret/images/x.png",
        f"here.txt: line 2: {tmp_path}/secret/images/x.png",
        "here.txt: line 3: http://host/x.png",
    ]


def test_what_does_not_fit_is_told_by_its_file(root: Path) -> None:
    write(root, {"images/train/broken.jpg": b"no picture", "labels/train/broken.txt": "0 0.5 0.5 1 1"})
    write(root, {"labels/train/gone.txt": "0 0.5 0.5 1 1", "labels/train/a.txt": "7 0.5 0.5 1 1\n0 0.5 0.5 1 1"})
    write(root, {"labels/val/c.txt": "0 0.5 é 1 1".encode("latin-1")})
    dataset, problems = read(root)
    assert problems == [
        "labels/train/a.txt: there is no class 7 in data.yaml, so its box is left out",
        "images/train/broken.jpg: cannot be decoded (damaged, or no JPEG, PNG, BMP, GIF, WebP or TIFF); replace, "
        "convert or remove the file. Its boxes are left out.",
        "labels/val/c.txt: byte 7 is not UTF-8; save the file as UTF-8.",
        "labels/train/gone.txt: its picture is not there, so its boxes are left out",
    ]
    assert (len(dataset.images), len(dataset.boxes)) == (4, 2)


# ---- Parsing


def rows(text: str, keypoints: int = 0) -> tuple[list[Row], list[str]]:
    problems = Problems()
    found = parse_rows(text, "a.txt", problems, keypoints=keypoints)
    return found, [str(problem) for problem in problems.all()]


def test_rows_may_have_a_score_a_polygon_or_key_points() -> None:
    text = "0 0.5 0.5 0.2 0.4 0.9\n\n1.0 .1 .2 .3 .2 .3 .6\n2 .1 .2 .3 .2 .3 .6 .75\n"
    box, polygon, scored = rows(text)[0]
    assert (box.cxcywh, box.score, box.polygon) == ((0.5, 0.5, 0.2, 0.4), 0.9, ())
    assert (polygon.number, polygon.score, polygon.polygon) == (1, None, (0.1, 0.2, 0.3, 0.2, 0.3, 0.6))
    assert polygon.cxcywh == pytest.approx((0.2, 0.4, 0.2, 0.4))
    assert (scored.cxcywh, scored.score) == (polygon.cxcywh, 0.75)
    (pose,), problems = rows("0 0.5 0.5 0.2 0.4 .1 .2 2 .3 .4 1", keypoints=6)
    assert (pose.cxcywh, pose.keypoints, problems) == ((0.5, 0.5, 0.2, 0.4), (0.1, 0.2, 2, 0.3, 0.4, 1), [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nut 0.5 0.5 1 1", "“nut 0.5 0.5 1 1” is not numbers only"),
        ("0.5 0.5 0.5 1 1", "the class or a number is none"),
        ("-1 0.5 0.5 1 1", "the class or a number is none"),
        ("0 0.5 nan 1 1", "the class or a number is none"),
        ("0 0.5 0.5 1", "4 numbers are too few for a box"),
        ("0 320 240 100 50", "the numbers are larger than the picture: they must be parts of its width and height"),
        ("0 .1 .1 .2 .2 50 3", "the numbers are larger than the picture: they must be parts of its width and height"),
        ("0 0.5 0.5 0 1", "the box has no area"),
        ("0 0.5 0.5 1 -1", "the box has no area"),
        ("0 .1 .1 .1 .1 .1 .1", "the box has no area"),
    ],
)
def test_a_bad_row_is_told_by_its_line_and_the_others_stay(line: str, message: str) -> None:
    found, problems = rows(f"0 0.5 0.5 1 1\n{line}\n1 0.5 0.5 1 1")
    assert [row.number for row in found] == [0, 1]
    assert problems == [f"a.txt: line 2: {message}"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "this is no data.yaml"),
        ("just text", "this is no data.yaml"),
        ("names: [a\ntrain: x", "invalid YAML at line 2"),
        ("names: [a, [b]]", "“names” must be a list, or names by number"),
        ("names: {a: b}", "“names” must be a list, or names by number"),
        ("a: &a [x]\nnames: [*a, *a]", "“names” must be a list, or names by number"),
        ("? [a]\n: b", "invalid YAML at line 1"),
        ("[" * 100_000, "lie too deep inside each other"),
        ("{a: " * 100_000, "lie too deep inside each other"),
        ("names: [a]\n" + "#" * 2**20, "too many for a data.yaml"),
    ],
)
def test_what_is_no_data_yaml_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(LabelError, match=reason) as raised:
        parse_config(text, "data.yaml")
    assert str(raised.value).startswith("data.yaml: ")


def test_a_yaml_that_grows_is_not_expanded() -> None:
    levels = "\n".join(
        f"{name}: &{name} [*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of}]"
        for of, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    config = parse_config(f"a: &a [lol]\n{levels}\nnames: [nut]\ntrain: *j", "data.yaml")
    assert (config.names, config.splits) == ({0: "nut"}, {})


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"data.yaml": CONFIG})
    with pytest.raises(LabelError, match="none of its pictures is in"):
        read(tmp_path)
    with pytest.raises(LabelError, match=r"holds no data\.yaml"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("picture", "text"),
    [
        ("images/a.jpg", "labels/a.txt"),
        ("x/images/train/images/a.b.jpg", "x/images/train/labels/a.b.txt"),
        ("train/images/a.jpg", "train/labels/a.txt"),
        ("photos/a.jpg", "photos/a.txt"),
    ],
)
def test_where_the_text_of_a_picture_is(picture: str, text: str) -> None:
    assert label_path(picture) == text


# ---- Writing


def dataset_of(*images: ImageEntry, boxes: tuple[Box, ...] = ()) -> Dataset:
    return Dataset(images, (ObjectClass(7, "nut"), ObjectClass(3, "ä: #bolt")), boxes)


def entry(image_id: int, path: str, size: tuple[int, int] = (100, 50), **said: str) -> ImageEntry:
    return ImageEntry(image_id, path, *size, {OURS: said} if said else {})


def test_reviewed_empty_images_get_an_empty_text_and_unlabelled_ones_none(tmp_path: Path) -> None:
    images = (
        entry(1, "a.png", split="train"),
        entry(2, "b.png", split="val", state="reviewed"),
        entry(3, "c.png", split="val", state="unlabelled"),
    )
    dataset = dataset_of(*images, boxes=(Box(1, 3, (40, 15, 60, 35)), Box(1, 7, (0, 0, 9, 9), iscrowd=True)))
    problems = yolo.write(dataset, tmp_path / "out", {}, copy_images=False)
    files = {
        p.relative_to(tmp_path / "out").as_posix(): p.read_text("utf-8") for p in (tmp_path / "out").rglob("*.txt")
    }
    assert files == {
        "labels/train/a.txt": "1 0.50000000 0.50000000 0.20000000 0.40000000\n",
        "labels/val/b.txt": "",
    }
    assert [str(problem) for problem in problems] == ["a.png: 1 crowd regions are left out"]
    config = parse_config((tmp_path / "out" / "data.yaml").read_text("utf-8"), "data.yaml")
    assert config == Config({0: "nut", 1: "ä: #bolt"}, {"train": ("images/train",), "val": ("images/val",)})


@given(
    size=st.tuples(st.integers(2, 20_000), st.integers(2, 20_000)),
    parts=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_a_box_keeps_its_place_to_a_tenth_of_a_pixel(size: tuple[int, int], parts: tuple[float, ...]) -> None:
    (x1, x2), (y1, y2) = sorted(parts[::2]), sorted(parts[1::2])
    xyxy = (x1 * size[0], y1 * size[1], x2 * size[0], y2 * size[1])
    if xyxy[2] - xyxy[0] < 0.01 or xyxy[3] - xyxy[1] < 0.01:
        return
    (row,), _ = rows(writing._line(0, xyxy, size))
    assert reading._box(row, 1, *size).xyxy == pytest.approx(xyxy, abs=0.1)


def test_out_and_in_again_is_the_same_and_others_can_read_it(root: Path, tmp_path: Path) -> None:
    dataset, _ = read(root)
    paths = {image.id: root / image.path for image in dataset.images}
    out = tmp_path / "out"
    assert yolo.write(dataset, out, paths, copy_images=True) == ()
    again, problems = read(out)
    assert problems == []
    assert again.images == dataset.images
    assert again.classes == dataset.classes
    for before, after in zip(dataset.boxes, again.boxes, strict=True):
        assert after.xyxy == pytest.approx(before.xyxy, abs=0.001)
    theirs = supervision.DetectionDataset.from_yolo(
        str(out / "images" / "train"), str(out / "labels" / "train"), str(out / "data.yaml")
    )
    assert theirs.classes == ["nut", "bolt"]
    (found,) = (theirs.annotations[path] for path in theirs.image_paths if path.endswith("a.png"))
    assert found.xyxy[0] == pytest.approx((40, 15, 60, 35))


def test_names_that_lead_out_or_collide_are_left_out_and_told(tmp_path: Path) -> None:
    source = pictures(tmp_path / "in", "x.png")
    names = (
        "../up.png",
        "/abs.png",
        "C:\\drive.png",
        "\\\\host\\share.png",
        "http://h/u.png",
        "a\0.png",
        "a.png",
        "A.jpg",
        "b.png",
    )
    images = [entry(number, name) for number, name in enumerate(names, 1)]
    images += [ImageEntry(20, "unknown.png"), entry(21, "images/train/c.png", split="train")]
    paths = {image.id: source / "x.png" for image in images if image.id != 20}
    problems = yolo.write(dataset_of(*images), tmp_path / "out", paths, copy_images=True)
    assert sorted(path.name for path in tmp_path.rglob("*.*g")) == ["a.png", "b.png", "c.png", "x.png"]
    assert (tmp_path / "out" / "images" / "train" / "c.png").is_file()
    assert [(problem.file, problem.message.split(",")[0]) for problem in problems] == [
        *((name, "its name leads out of the folder") for name in names[:6]),
        ("A.jpg", "another picture has its name"),
        ("unknown.png", "its size is not known and its file not to be read"),
    ]


def test_boxes_are_cut_off_at_the_border_and_those_outside_are_told(tmp_path: Path) -> None:
    boxes = (Box(1, 7, (-10, -10, 50, 25)), Box(1, 7, (200, 0, 300, 50)))
    problems = yolo.write(
        dataset_of(entry(1, "a.png", split="val"), boxes=boxes), tmp_path / "out", {}, copy_images=False
    )
    assert [str(problem) for problem in problems] == ["a.png: 1 of its boxes lie outside of it and are left out"]
    text = (tmp_path / "out" / "labels" / "val" / "a.txt").read_text()
    assert text == "0 0.25000000 0.25000000 0.50000000 0.50000000\n"


def test_images_without_a_side_get_one_and_test_images_are_not_learnt_from(tmp_path: Path) -> None:
    images = [entry(number, f"{number}.png") for number in range(1, 31)] + [entry(31, "t.png", split="test")]
    boxes = tuple(Box(image.id, 7, (0, 0, 9, 9)) for image in images)
    yolo.write(dataset_of(*images, boxes=boxes), tmp_path / "out", {}, copy_images=False)
    sides = {side: len(list((tmp_path / "out" / "labels" / side).iterdir())) for side in ("train", "val")}
    assert sides["train"] + sides["val"] == 31
    assert sides["val"] >= 6
    assert (tmp_path / "out" / "labels" / "val" / "t.txt").exists()


def test_a_folder_that_is_not_empty_is_not_written_into(root: Path) -> None:
    with pytest.raises(LabelError, match="exists already, and is no empty folder; name a new one"):
        yolo.write(dataset_of(), root, {}, copy_images=False)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(LabelError, match="cannot be written"):
        yolo.write(dataset_of(entry(1, "a.png")), tmp_path / "out", {1: tmp_path / "gone.png"}, copy_images=True)
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert list((tmp_path / "out").iterdir()) == []
