"""labelme's files: shapes become boxes, and what encloses no area or is damaged is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from detector.data import labelme
from detector.data.annotations import OURS, Dataset
from detector.data.problems import Problems
from detector.errors import LabelError
from tests.detector.data.label_folders import pictures, write


def shape(**changes: Any) -> dict[str, Any]:
    return {"label": "nut", "points": [[10, 20], [40.5, 30]], "shape_type": "rectangle", "flags": {}, **changes}


def document(*shapes: Any, **changes: Any) -> dict[str, Any]:
    size = {"imageHeight": 50, "imageWidth": 100}
    return {"version": "5.5", "shapes": list(shapes), "imagePath": "a.png", "imageData": None, **size, **changes}


def parse(*shapes: Any, **changes: Any) -> tuple[labelme.LabelmeFile, list[str]]:
    problems = Problems()
    found = labelme.parse(document(*shapes, **changes), "a.json", problems)
    return found, [str(problem) for problem in problems.all()]


def read(root: Path, images: Path | None = None) -> tuple[Dataset, list[str]]:
    dataset, problems = labelme.read(root, images or root)
    return dataset, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("changes", "xyxy", "polygon"),
    [
        ({}, (10, 20, 40.5, 30), ()),
        ({"points": [[40.5, 30], [10, 20]]}, (10, 20, 40.5, 30), ()),
        ({"points": [[1, 2], [9, 2], [9, 8], [1, 8]]}, (1, 2, 9, 8), ()),
        ({"shape_type": "polygon", "points": [[1, 2], [9, 4], [5, 8]]}, (1, 2, 9, 8), (1, 2, 9, 4, 5, 8)),
        (
            {"shape_type": "rotation", "points": [[5, 0], [9, 4], [5, 8], [1, 4]]},
            (1, 0, 9, 8),
            (5, 0, 9, 4, 5, 8, 1, 4),
        ),
        ({"shape_type": None, "points": [[1, 2], [9, 4], [5, 8]]}, (1, 2, 9, 8), (1, 2, 9, 4, 5, 8)),
        ({"shape_type": "circle", "points": [[10, 10], [13, 14]]}, (5, 5, 15, 15), ()),
        ({"shape_type": "mask", "mask": "iVBOR"}, (10, 20, 40.5, 30), ()),
    ],
)
def test_shapes_become_the_boxes_that_enclose_them(
    changes: dict[str, Any], xyxy: tuple[float, ...], polygon: tuple[float, ...]
) -> None:
    found, problems = parse(shape(**changes))
    assert problems == []
    assert (found.shapes[0].xyxy, found.shapes[0].polygon) == (xyxy, polygon)


def test_flags_and_groups_are_kept() -> None:
    (one, two) = parse(shape(difficult=True, group_id=3), shape(flags={"occluded": True}, label=7))[0].shapes
    assert (one.flags, one.extra) == (("difficult",), {"group_id": 3})
    assert (two.flags, two.label) == (("occluded",), "7")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (5, "5 is no JSON object"),
        (shape(label=""), "it has no label"),
        (shape(label=None), "it has no label"),
        (shape(shape_type="point", points=[[1, 2]]), "a point has no area"),
        (shape(shape_type="linestrip"), "a linestrip has no area"),
        (shape(points=[[1, 2]]), "points [[1, 2]] are not pairs of finite numbers"),
        (shape(points=None), "points None are not pairs of finite numbers"),
        (shape(points=[[1, 2], [3]]), "points [[1, 2], [3]] are not pairs of finite numbers"),
        (shape(points=[[1, 2], [float("nan"), 4]]), "points [[1, 2], [nan, 4]] are not pairs of finite numbers"),
        (shape(points=[[1, 2], [10**400, 4]]), None),
        (shape(points=[[1, 2], [1, 9]]), "it has no area"),
    ],
)
def test_a_bad_shape_is_told_by_its_number_and_the_others_stay(bad: Any, message: str | None) -> None:
    found, problems = parse(shape(), bad, shape(label="bolt"))
    assert [one.label for one in found.shapes] == ["nut", "bolt"]
    assert len(problems) == 1
    assert message is None or problems == [f"a.json: shape 2: {message}, so it is left out"]


@pytest.mark.parametrize("whole", [5, [], {"shapes": 7}, {"images": []}])
def test_other_json_is_an_error(whole: object) -> None:
    with pytest.raises(LabelError, match=r"a\.json: has no list of “shapes”"):
        labelme.parse(whole, "a.json", Problems())


def test_a_folder_of_files(tmp_path: Path) -> None:
    root = pictures(tmp_path / "root", "images/a.png", "b.png")
    pictures(tmp_path, "secret.png")
    files = {
        "labels/a.json": document(shape(), imagePath="..\\images\\a.png"),
        "b.json": document(imagePath="b.png"),
        "c.json": document(shape(label="bolt"), imagePath="../secret.png"),
        "d.json": document(shape(label="bolt"), imagePath="C:\\x\\d.png", imageWidth="wide"),
        "settings.json": {"theme": "dark"},
    }
    write(root, {name: json.dumps(content) for name, content in files.items()})
    write(root, {"e.json": '{"shapes": [', "f.json": b"\xff"})
    dataset, problems = read(root)
    assert [image.path for image in dataset.images] == ["b.png", "secret.png", "d.png", "images/a.png"]
    assert [(image.width, image.height) for image in dataset.images] == [(100, 50), (100, 50), (None, None), (100, 50)]
    assert dataset.images[0].extra == {OURS: {"state": "started"}}  # somebody looked at it
    assert [item.name for item in dataset.classes] == ["bolt", "nut"]
    assert problems == [
        "e.json: the JSON breaks off at line 1, the file is empty or cut short; export it again or restore a copy.",
        "f.json: byte 1 is not UTF-8; save the file as UTF-8.",
    ]
    single, _ = read(root / "labels" / "a.json", root)
    assert [image.path for image in single.images] == ["images/a.png"]


def test_a_picture_that_was_renamed_with_its_file_is_found_beside_it(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "sub/b.jpg", "c.png", "old.png")
    names = {"a.json": "gone.png", "sub/b.json": "", "c.json": "old.png", "d.json": "lost.png"}
    write(tmp_path, {name: json.dumps(document(shape(), imagePath=said)) for name, said in names.items()})
    assert [image.path for image in read(tmp_path)[0].images] == ["a.png", "old.png", "lost.png", "sub/b.jpg"]


def test_a_folder_without_such_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="holds no file of labelme's"):
        read(tmp_path)
    write(tmp_path, {"a.json": "["})
    with pytest.raises(LabelError, match=r"a\.json: the JSON breaks off"):
        read(tmp_path)
