"""COCO files: nothing is lost on a round trip, every fault is told, and other tools can read what is written."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.data import coco
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.box_layout import BoxLayout
from detector.data.matching import match_images
from detector.errors import LabelError

pytestmark = pytest.mark.filterwarnings("error::ResourceWarning")

SHARED = Path(__file__).parents[4] / "shared" / "data"


def document(**changes: Any) -> dict[str, Any]:
    """A small correct COCO document, with some of its top-level keys replaced."""
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
        "annotations": [annotation()],
        "categories": [{"id": 1, "name": "nut"}],
        **changes,
    }


def annotation(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], **changes}


def parse_one(**changes: Any) -> tuple[Box | None, list[str]]:
    """The box that one annotation gives, if any, and the problems' messages."""
    dataset, problems = coco.parse(document(annotations=[annotation(**changes)]), "labels.json")
    return (dataset.boxes[0] if dataset.boxes else None), [problem.message for problem in problems]


# ---- Round trip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KNOWN_KEYS = {"id", "file_name", "width", "height", "name", "image_id", "category_id", "bbox", "area", "iscrowd"}
KNOWN_KEYS |= {"segmentation", "score", "images", "annotations", "categories", "info"}
EXTRA = st.dictionaries(st.text().filter(lambda key: key not in KNOWN_KEYS), JSON, max_size=3)
NAMES = st.text(min_size=1).filter(lambda name: "\\" not in name and not name.startswith("./"))
LENGTHS = st.floats(1.5, 1e4)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    def ids(lowest: int | None) -> list[int]:
        return draw(st.lists(st.integers(lowest, 2**63), unique=True, min_size=1, max_size=4))

    sizes = st.tuples(st.integers(3, 9999), st.integers(3, 9999)) | st.just((None, None))
    images = [ImageEntry(i, draw(NAMES), *draw(sizes), draw(EXTRA)) for i in ids(1)]
    classes = [ObjectClass(i, draw(st.text(min_size=1)), draw(EXTRA)) for i in ids(None)]
    boxes = []
    for _ in range(draw(st.integers(0, 5))):
        x, y = draw(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)))
        extra = draw(EXTRA) | draw(st.sampled_from([{}, {"area": 0.25}, {"segmentation": [[1, 2.5, 3, 4, 5, 6]]}]))
        xyxy = (x, y, x + draw(LENGTHS), y + draw(LENGTHS))
        image, item = draw(st.sampled_from(images)), draw(st.sampled_from(classes))
        boxes.append(Box(image.id, item.id, xyxy, draw(st.booleans()), extra=extra))
    return Dataset(tuple(images), tuple(classes), tuple(boxes), draw(EXTRA))


@settings(max_examples=60)
@given(dataset=datasets())
def test_a_data_set_survives_its_document_unchanged(dataset: Dataset) -> None:
    again, problems = coco.parse(json.loads(json.dumps(coco.to_document(dataset))), "labels.json")
    assert problems == ()
    for before, after in zip(dataset.boxes, again.boxes, strict=True):
        assert all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(before.xyxy, after.xyxy, strict=True))
    moved = tuple(replace(box, xyxy=before.xyxy) for box, before in zip(again.boxes, dataset.boxes, strict=True))
    assert replace(again, boxes=moved) == dataset


@given(numbers=st.tuples(*[st.integers(0, 10**8)] * 2, *[st.integers(2000, 10**7)] * 2))
def test_decimals_are_written_as_they_were_read(numbers: tuple[int, ...]) -> None:
    bbox = [number / 1000 for number in numbers]  # such as 30.3, where x + w - x is 30.300000000000004
    dataset, _ = coco.parse(document(annotations=[annotation(bbox=bbox)]), "labels.json", layout=BoxLayout.XYWH)
    assert coco.to_document(dataset)["annotations"][0]["bbox"] == bbox


def test_unknown_keys_are_written_back_in_their_place() -> None:
    original = document(
        info={"year": 2017},
        licenses=[{"id": 4, "name": "CC"}],
        images=[{"id": 3, "file_name": "a.jpg", "width": 9, "height": 8, "license": 4, "coco_url": "http://x/a.jpg"}],
        categories=[{"id": 90, "name": "nut", "supercategory": "part", "keypoints": ["top"]}],
        annotations=[
            annotation(
                image_id=3, category_id=90, attributes={"occluded": True}, area=700.5, segmentation=[[1, 2, 3, 4, 5, 6]]
            ),
            annotation(image_id=3, category_id=90, iscrowd=1, segmentation={"counts": [1, 2], "size": [8, 9]}),
        ],
    )
    written = coco.to_document(coco.parse(original, "labels.json")[0])
    assert written["info"] == {"year": 2017}
    assert written["licenses"] == original["licenses"]
    assert written["images"] == original["images"]
    assert written["categories"] == original["categories"]
    first, second = written["annotations"]
    assert first == {**original["annotations"][0], "id": 1, "iscrowd": 0}
    assert second == {**original["annotations"][1], "id": 2, "area": 1200}


def test_area_and_segmentation_are_filled_in_and_scores_left_out(tmp_path: Path) -> None:
    box = Box(1, 1, (10, 20, 14.5, 22), score=0.9)
    coco.write(Dataset((ImageEntry(1, "ä/b.jpg", 64, 48),), (ObjectClass(1, "Nuß"),), (box,)), tmp_path / "out.json")
    raw = (tmp_path / "out.json").read_bytes()
    assert "ä/b.jpg".encode() in raw
    assert b'"iscrowd": 0' in raw
    assert raw.endswith(b"}\n")
    assert not raw.endswith(b"\n\n")
    assert json.loads(raw) == {
        "info": {},
        "images": [{"id": 1, "file_name": "ä/b.jpg", "width": 64, "height": 48}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "bbox": [10, 20, 4.5, 2],
                "area": 9,
                "iscrowd": 0,
                "segmentation": [],
            }
        ],
        "categories": [{"id": 1, "name": "Nuß"}],
    }


@pytest.mark.parametrize("lowest", [0, -5])
def test_image_ids_below_one_are_counted_anew(lowest: int) -> None:
    images = (ImageEntry(7, "a.jpg"), ImageEntry(lowest, "b.jpg"))
    dataset = Dataset(images, (ObjectClass(0, "nut"),), (Box(lowest, 0, (1, 2, 3, 4)), Box(7, 0, (1, 2, 3, 4))))
    written = coco.to_document(dataset)
    assert [(image["id"], image["file_name"]) for image in written["images"]] == [(1, "a.jpg"), (2, "b.jpg")]
    boxes = [(box["id"], box["image_id"], box["category_id"]) for box in written["annotations"]]
    assert boxes == [(1, 2, 0), (2, 1, 0)]


# ---- Other tools


def average_precision(labels: Path, results: Path) -> float:
    truth = COCO(str(labels))
    evaluation = COCOeval(truth, truth.loadRes(str(results)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0])


def test_pycocotools_finds_perfect_results_perfect(tmp_path: Path) -> None:
    ids = [0, 1, 2]  # as several tools write them; pycocotools takes a match with annotation 0 for none
    source = document(
        images=[{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in ids],
        annotations=[annotation(id=i, image_id=i, category_id=0, bbox=[5.5 * i, 7, 100, 50.25]) for i in ids],
        categories=[{"id": 0, "name": "nut"}],
    )
    dataset, problems = coco.parse(source, "labels.json")
    assert problems == ()
    coco.write(dataset, tmp_path / "labels.json")
    written, _ = coco.read(tmp_path / "labels.json")
    coco.write_results((replace(box, score=0.5) for box in written.boxes), tmp_path / "results.json")
    assert average_precision(tmp_path / "labels.json", tmp_path / "results.json") == pytest.approx(1)


def test_results_are_a_bare_list_with_scores(tmp_path: Path) -> None:
    coco.write_results([Box(3, 90, (1.5, 2, 4, 8), score=0.25)], tmp_path / "results.json")
    expected = [{"image_id": 3, "category_id": 90, "bbox": [1.5, 2, 2.5, 6], "score": 0.25}]
    assert json.loads((tmp_path / "results.json").read_text("utf-8")) == expected


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the label files of ../shared/data")
@pytest.mark.parametrize("name", ["raccoon/val.json", "coco-person/val.json"])
def test_real_label_files_come_back_as_they_were(name: str) -> None:
    original = json.loads((SHARED / name).read_text("utf-8"))
    dataset, problems = coco.read(SHARED / name)
    assert problems == ()
    assert (len(dataset.images), len(dataset.boxes)) == (len(original["images"]), len(original["annotations"]))
    written = coco.to_document(dataset)
    assert written["images"] == original["images"]
    assert written["categories"] == original["categories"]
    for before, after in zip(original["annotations"], written["annotations"], strict=True):
        assert {**after, **before, "id": 0, "area": 0} == {**after, "id": 0, "area": 0}
        assert after["area"] == pytest.approx(before.get("area", after["area"]))


# ---- Writing


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.json"
    path.write_text("precious")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(LabelError, match=r"labels\.json: cannot be written \(No space left on device\)"):
        coco.write(Dataset((), (), ()), path)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_file_takes_the_place_of_the_old_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.json"
    path.write_text("old")
    moves: list[tuple[Path, Path]] = []
    move = os.replace

    def watch(source: Path, target: Path) -> None:
        json.loads(Path(source).read_text("utf-8"))  # complete before it takes the place
        assert Path(target).read_text() == "old"
        moves.append((Path(source), Path(target)))
        move(source, target)

    monkeypatch.setattr(os, "replace", watch)
    coco.write(Dataset((), (), ()), path)
    assert [(source.parent, target) for source, target in moves] == [(tmp_path, path)]
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "gone" / "out.json", tmp_path / "file" / "out.json", tmp_path):
        with pytest.raises(LabelError, match="cannot be written"):
            coco.write(Dataset((), (), ()), path)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links and modes are POSIX matters")
def test_a_link_stays_a_link_and_others_may_read(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    coco.write(Dataset((), (), ()), tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "real.json").stat().st_mode & 0o777 == 0o666 & ~umask


def test_what_json_or_utf_8_cannot_say_does_not_stop_an_export(tmp_path: Path) -> None:
    image = ImageEntry(1, "latin-\udce9.jpg", extra={"gain": math.nan})  # a name that is not UTF-8, as Python gives it
    coco.write(Dataset((image,), (), ()), tmp_path / "out.json")
    again, _ = coco.read(tmp_path / "out.json")
    assert again.images == (replace(image, extra={"gain": None}),)
    assert b"NaN" not in (tmp_path / "out.json").read_bytes()


# ---- Reading: the file as a whole


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "lábels.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "breaks off at line 1, the file is empty or cut short"),
        (json.dumps(document(), indent=1)[:200], r"breaks off at line \d\d, the file is empty or cut short"),
        (json.dumps(document())[:-1], "breaks off at line 1"),
        ('{"images": [{"id": 1, "file_name": "pict', "breaks off at line 1"),
        ('{"images": [}\n', r"invalid JSON at line 1, column 13"),
        ('{\n"images": [],\n"a" 7}', r"invalid JSON at line 3, column 5 \(Expecting ':'"),
        ("caf\xe9".encode("latin-1"), "byte 4 is not UTF-8"),
        (json.dumps(document()).encode("utf-16"), "byte 1 is not UTF-8"),
        ("[" * 100_000, "this JSON is no label file"),
        ('{"images": ' + "1" * 5000 + "}", "this JSON is no label file"),
        ('[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]', "this is COCO results"),
        ("[1, 2]", "this is a bare list"),
        ("7", 'has no "images"'),
        ('{"shapes": []}', 'has no "images"'),
        ('{"images": {}}', '"images" is no list'),
        ('{"images": [], "annotations": 5}', '"annotations" is no list'),
        ('{"images": [], "categories": "nut"}', '"categories" is no list'),
        ('{"images": [], "annotations": [{}]}', 'no "categories"'),
    ],
)
def test_a_file_that_is_no_coco_file_is_an_error_that_says_why(
    content: bytes | str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(LabelError, match=reason) as raised:
        coco.read(written(tmp_path, content))
    assert str(raised.value).startswith(f"{tmp_path / 'lábels.json'}: ")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < len(str(tmp_path)) + 250


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.json", tmp_path):
        with pytest.raises(LabelError, match=r"cannot be read \(.+\); check the path"):
            coco.read(path)


def test_a_byte_order_mark_is_no_trouble(tmp_path: Path) -> None:
    dataset, problems = coco.read(written(tmp_path, "\ufeff" + json.dumps(document())))
    assert (len(dataset.boxes), problems) == (1, ())


def test_a_file_without_annotations_is_a_list_of_images() -> None:
    dataset, problems = coco.parse({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": None}, "labels.json")
    assert dataset == Dataset((ImageEntry(1, "a.jpg"),), (), ())
    assert problems == ()


@pytest.mark.parametrize("size", [{"width": 640, "height": 480}, {}])
def test_normalised_boxes_are_an_error(size: dict[str, int]) -> None:
    boxes = [annotation(bbox=[0.1, 0.2, 0.3, 0.4]), annotation(id=2, bbox=[0, 0, 1, 1])]
    images = [{"id": 1, "file_name": "a.jpg", **size}]
    with pytest.raises(LabelError, match=r"labels\.json: all boxes lie between 0 and 1, so they are normalised"):
        coco.parse(document(images=images, annotations=boxes), "labels.json")
    coco.parse(document(images=images, annotations=[*boxes, annotation(id=3)]), "labels.json")  # one in pixels


def test_boxes_in_a_picture_of_two_pixels_are_not_called_normalised() -> None:
    images = [{"id": 1, "file_name": "a.jpg", "width": 2, "height": 2}]
    dataset, _ = coco.parse(document(images=images, annotations=[annotation(bbox=[0, 0, 1, 1])]), "labels.json")
    assert len(dataset.boxes) == 1


# ---- Reading: single entries


@pytest.mark.parametrize("ids", [(0, 0), (-3, -1), (2**63 + 1, 2**40), ("7", "12"), (7.0, 12.0)])
def test_ids_may_be_any_whole_numbers(ids: tuple[Any, Any]) -> None:
    image_id, class_id = ids
    dataset, problems = coco.parse(
        {
            "images": [{"id": image_id, "file_name": "a.jpg"}],
            "annotations": [annotation(image_id=image_id, category_id=class_id)],
            "categories": [{"id": class_id, "name": "nut"}],
        },
        "labels.json",
    )
    assert problems == ()
    assert (dataset.images[0].id, dataset.classes[0].id) == (int(image_id), int(class_id))
    assert dataset.boxes == (Box(int(image_id), int(class_id), (10, 20, 40, 60)),)


@pytest.mark.parametrize(
    "keys", [{}, {"area": None}, {"area": 1200}, {"segmentation": None, "iscrowd": None}, {"area": "x"}]
)
def test_area_iscrowd_and_segmentation_may_be_missing(keys: dict[str, Any]) -> None:
    assert parse_one(**keys) == (Box(1, 1, (10, 20, 40, 60)), [])


def test_floats_outside_the_picture_are_kept_as_they_are() -> None:
    assert parse_one(bbox=[-3.25, 470.5, 1000.125, 20]) == (Box(1, 1, (-3.25, 470.5, 996.875, 490.5)), [])


@pytest.mark.parametrize(("value", "expected"), [(1, True), (True, True), ("1", True), (0, False), ("0", False)])
def test_iscrowd_is_read(value: Any, expected: bool) -> None:
    box, _ = parse_one(iscrowd=value)
    assert box is not None
    assert box.iscrowd is expected


def test_a_score_is_read_but_no_part_of_the_unknown_keys() -> None:
    assert parse_one(score=0.5) == (Box(1, 1, (10, 20, 40, 60), score=0.5), [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_id": 9}, "annotation 1: its image 9 is not listed"),
        ({"image_id": None}, "annotation 1: its image None is not listed"),
        ({"category_id": 9}, "annotation 1: its category 9 is not listed"),
        ({"category_id": "nut"}, "annotation 1: its category 'nut' is not listed"),
        ({"bbox": None}, "annotation 1: bbox None is not four finite numbers"),
        ({"bbox": [1, 2, 3]}, "annotation 1: bbox [1, 2, 3] is not four finite numbers"),
        ({"bbox": [1, 2, 3, 4, 5]}, "annotation 1: bbox [1, 2, 3, 4, 5] is not four finite numbers"),
        ({"bbox": {"x": 1}}, "annotation 1: bbox {'x': 1} is not four finite numbers"),
        ({"bbox": [1, 2, math.nan, 4]}, "annotation 1: bbox [1, 2, nan, 4] is not four finite numbers"),
        ({"bbox": [1, 2, 3, math.inf]}, "annotation 1: bbox [1, 2, 3, inf] is not four finite numbers"),
        ({"bbox": [1, 2, 3, 10**400]}, None),
        ({"bbox": [1e308, 2, 1e308, 4]}, "annotation 1: bbox [1e+308, 2, 1e+308, 4] has no area"),
        ({"bbox": [1, 2, 0, 4]}, "annotation 1: bbox [1, 2, 0, 4] has no area"),
        ({"bbox": [1, 2, 3, -4]}, "annotation 1: bbox [1, 2, 3, -4] has no area"),
        ({"bbox": [1e6, 2, 1e-12, 4]}, "annotation 1: bbox [1000000.0, 2, 1e-12, 4] has no area"),
    ],
)
def test_an_annotation_that_cannot_be_used_is_left_out_and_told(changes: dict[str, Any], message: str | None) -> None:
    dataset, problems = coco.parse(document(annotations=[annotation(**changes), annotation(id=2)]), "labels.json")
    assert len(dataset.boxes) == 1
    assert len(problems) == 1
    assert message is None or problems[0].message == message
    assert problems[0].file == (None if "image_id" in changes else "a.jpg")


@pytest.mark.parametrize(
    ("key", "entry", "messages"),
    [
        ("images", {"id": 1, "file_name": "b.jpg"}, ["image id 1 is used again; only the first one is kept"]),
        ("images", 5, ["image 5 is no JSON object"]),
        ("images", {"id": 2}, ["image 2 has no file_name"]),
        ("images", {"id": 1.5, "file_name": "b.jpg"}, ["image id 1.5 is neither a whole number nor a text"]),
        ("categories", {"id": 1, "name": "bolt"}, ["category id 1 is used again; only the first one is kept"]),
        (
            "categories",
            {"id": True, "name": "bolt"},
            ["category {'id': True, 'name': 'bolt'} has neither a whole number nor a text as its id"],
        ),
        ("categories", {"name": "bolt"}, ["category {'name': 'bolt'} has neither a whole number nor a text as its id"]),
        ("annotations", annotation(), ["annotation id 1 is used 2 times; all are kept, renumbered"]),
        ("annotations", "x", ["annotation 'x' is no JSON object"]),
        ("annotations", {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}, []),
    ],
)
def test_other_faulty_entries_are_told(key: str, entry: Any, messages: list[str]) -> None:
    source = document()
    source[key].append(entry)
    dataset, problems = coco.parse(source, "labels.json")
    assert [problem.message for problem in problems] == messages
    assert [image.path for image in dataset.images] == ["a.jpg"]
    assert dataset.classes == (ObjectClass(1, "nut"),)
    assert len(dataset.boxes) == (2 if key == "annotations" and isinstance(entry, dict) else 1)


def test_annotations_need_no_ids() -> None:
    boxes = [
        {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"image_id": 1, "category_id": 1, "bbox": [5, 6, 7, 8]},
    ]
    dataset, problems = coco.parse(document(annotations=boxes), "labels.json")
    assert (len(dataset.boxes), problems) == (2, ())


def test_a_class_without_a_name_is_called_by_its_id() -> None:
    dataset, _ = coco.parse(document(categories=[{"id": 1}, {"id": 2, "name": 7}]), "labels.json")
    assert [item.name for item in dataset.classes] == ["1", "7"]


@pytest.mark.parametrize(
    "size", [{}, {"width": 0, "height": 0}, {"width": None, "height": 5}, {"width": -3, "height": 5}]
)
def test_an_impossible_size_is_an_unknown_one(size: dict[str, Any]) -> None:
    dataset, _ = coco.parse(document(images=[{"id": 1, "file_name": "a.jpg", **size}]), "labels.json")
    assert dataset.images == (ImageEntry(1, "a.jpg"),)


def test_paths_become_posix_paths() -> None:
    names = ["sub\\a.jpg", "..\\label\\12.jpg", "./b.jpg"]
    images = [{"id": number, "file_name": name} for number, name in enumerate(names, 1)]
    dataset, _ = coco.parse(document(images=images), "labels.json")
    assert [image.path for image in dataset.images] == ["sub/a.jpg", "../label/12.jpg", "b.jpg"]


@given(data=st.data())
def test_whatever_json_there_is_gives_a_data_set_or_an_error(data: st.DataObject) -> None:
    odd = data.draw(JSON | st.floats())
    place = data.draw(st.sampled_from(["images", "annotations", "categories", "info", None]))
    source: Any = document()
    if place is None:
        source = odd
    elif place == "info" or data.draw(st.booleans()):
        source[place] = odd
    else:
        source[place].append({**source[place][0], data.draw(st.sampled_from(sorted(source[place][0]))): odd})
    try:
        dataset, _ = coco.parse(source, "labels.json")
    except LabelError:
        return
    coco.to_document(dataset)


# ---- Matching pictures


def match(root: Path, *names: str, files: tuple[str, ...]) -> tuple[dict[str, str], list[str], list[str]]:
    """Name → file below the root, and the names that are missing and ambiguous."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    images = tuple(ImageEntry(number, name) for number, name in enumerate(names))
    matched = match_images(Dataset(images, (), ()), root)
    found = {names[number]: os.path.relpath(path, root).replace(os.sep, "/") for number, path in matched.paths.items()}
    return found, list(matched.missing), list(matched.ambiguous)


def test_pictures_are_found_by_their_path(tmp_path: Path) -> None:
    names = ("a.jpg", "sub/a.jpg", "sub/x/../b.jpg", str(tmp_path / "sub" / "b.jpg"))
    found = match(tmp_path, *names, files=("a.jpg", "sub/a.jpg", "sub/b.jpg", "sub/x/c.jpg"))
    assert found == (dict(zip(names, ["a.jpg", "sub/a.jpg", "sub/b.jpg", "sub/b.jpg"], strict=True)), [], [])


def test_pictures_are_found_where_the_root_lies_higher_or_lower(tmp_path: Path) -> None:
    files = ("train/1.jpg", "val/1.jpg", "2.jpg", "deep/er/3.jpg")
    names = ("data/train/1.jpg", "C:/data/val/1.jpg", "images/2.jpg", "3.jpg")
    assert match(tmp_path, *names, files=files) == (dict(zip(names, files, strict=True)), [], [])


def test_a_base_name_that_fits_several_files_is_ambiguous(tmp_path: Path) -> None:
    assert match(tmp_path, "1.jpg", files=("train/1.jpg", "val/1.jpg")) == ({}, [], ["1.jpg"])
    assert match(tmp_path, "1.jpg", "train/1.jpg", files=()) == ({"train/1.jpg": "train/1.jpg"}, [], ["1.jpg"])


def test_capitals_count_only_where_a_file_has_them_as_the_name_does(tmp_path: Path) -> None:
    files = ("a.jpg", "A.jpg", "x/B.JPG", "y/c.jpg", "y/C.jpg", "Sub/d.jpg", "other/D.jpg")
    names = ("a.jpg", "A.jpg", "b.jpg", "c.JPG", "SUB/d.jpg", "SUB/D.JPG")
    found = {"a.jpg": "a.jpg", "A.jpg": "A.jpg", "b.jpg": "x/B.JPG"}
    assert match(tmp_path, *names, files=files) == (found, [], ["c.JPG", "SUB/d.jpg", "SUB/D.JPG"])
    assert match(tmp_path, "SUB/d.jpg", "z/D.jpg", files=()) == (
        {"SUB/d.jpg": "Sub/d.jpg", "z/D.jpg": "other/D.jpg"},
        [],
        [],
    )


@pytest.mark.parametrize("name", ["n" * 300 + ".jpg", "f/" * 3000 + "1.jpg", "é" * 200 + ".png"])
def test_a_name_that_no_file_can_have_is_missing(name: str, tmp_path: Path) -> None:
    assert match(tmp_path, name, files=("2.jpg",)) == ({}, [name], [])


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights on Windows")
def test_links_in_circles_are_missing_and_end(tmp_path: Path) -> None:
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "inside").symlink_to(tmp_path)
    names = ("self.jpg", "one/1.jpg", "inside/inside/1.jpg", "gone/self.jpg")
    found = match(tmp_path, *names, files=("1.jpg",))
    assert found == ({names[2]: "inside/inside/1.jpg"}, ["self.jpg", "gone/self.jpg"], ["one/1.jpg"])


def test_one_file_never_serves_two_images(tmp_path: Path) -> None:
    flattened = match(tmp_path, "train/1.jpg", "val/1.jpg", files=("1.jpg",))
    assert flattened == ({}, [], ["train/1.jpg", "val/1.jpg"])
    assert match(tmp_path, "1.jpg", "val/1.jpg", files=()) == ({"1.jpg": "1.jpg"}, [], ["val/1.jpg"])
    assert match(tmp_path, "1.jpg", "./1.jpg", files=())[0] == {"1.jpg": "1.jpg", "./1.jpg": "1.jpg"}  # says it twice


def test_nothing_outside_the_root_is_opened(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (tmp_path / "secret.jpg").touch()
    names = (
        "../secret.jpg",
        str(tmp_path / "secret.jpg"),
        "sub/../../secret.jpg",
        "http://host/secret.jpg",
        "a\0.jpg",
        "",
    )
    assert match(root, *names, files=("sub/a.jpg",)) == ({}, list(names), [])
    if os.name != "nt":
        (root / "linked").symlink_to(tmp_path)
        (root / "secret.jpg").symlink_to(tmp_path / "secret.jpg")
        assert match(root, "linked/secret.jpg", "secret.jpg", files=()) == ({}, ["linked/secret.jpg", "secret.jpg"], [])


def test_a_climbing_path_and_an_address_are_not_resolved_but_a_base_name_may_fit(tmp_path: Path) -> None:
    names = ("../label/12.jpg", "https://host/12.jpg")
    assert match(tmp_path, *names, files=("12.jpg",)) == ({names[0]: "12.jpg"}, [names[1]], [])


def test_hidden_folders_hold_no_pictures_of_a_data_set(tmp_path: Path) -> None:
    assert match(tmp_path, "x/1.jpg", files=(".efficientdet-studio/1.jpg",)) == ({}, ["x/1.jpg"], [])


def test_accents_match_composed_or_not(tmp_path: Path) -> None:
    assert match(tmp_path, "Ba\u0308r.jpg", files=("B\u00e4r.jpg",)) == ({"Ba\u0308r.jpg": "B\u00e4r.jpg"}, [], [])


def test_a_root_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="gone: there is no such folder"):
        match_images(Dataset((), (), ()), tmp_path / "gone")
