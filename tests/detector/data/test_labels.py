"""Which format label files have, and that every one is read and written by one door."""

import json
from pathlib import Path

import pytest

from detector.data import labels
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.formats import Format, Written
from detector.errors import LabelError
from tests.detector.data.label_folders import pictures, write

COCO = json.dumps({"info": {}, "images": [{"id": 1, "file_name": "a.png"}], "annotations": [], "categories": []})
LABELME = json.dumps({"version": "1", "shapes": [], "imagePath": "a.png"})
XML = "<annotation><filename>a.png</filename></annotation>"
YAML = "names: [nut]\ntrain: .\n"


@pytest.mark.parametrize(
    ("files", "format", "source"),
    [
        ({"x.json": COCO}, Format.COCO, "x.json"),
        ({"annotations/instances.json": COCO, "settings.json": "{}"}, Format.COCO, "annotations/instances.json"),
        ({"x.json": '{"annotations": [' + '{"bbox": [1, 2]}, ' * 9999}, Format.COCO, "x.json"),
        ({"a.json": LABELME, "b.json": LABELME, "c.json": "["}, Format.LABELME, ""),
        ({"a.xml": XML}, Format.VOC, ""),
        ({"Annotations/a.xml": XML}, Format.VOC, "Annotations"),
        ({"data.yaml": YAML}, Format.YOLO, "data.yaml"),
        ({"classes.txt": "nut", "a.txt": ""}, Format.YOLO, "classes.txt"),
        ({"labels/classes.txt": "nut"}, Format.YOLO, "labels/classes.txt"),
        ({"labels/train/a.txt": "", "labels/train/b.txt": "3 0.5 0.5 0.1 0.1"}, Format.YOLO, ""),
        ({"a.txt": "0 0.5 0.5 0.1 0.1", "readme.txt": "12 pictures"}, Format.YOLO, ""),
        ({"labels/a.txt": "3 0.5 0.5 0.1 0.1", "annotations/x.json": COCO}, Format.COCO, "annotations/x.json"),
    ],
)
def test_the_format_of_a_folder_is_found_out(
    files: dict[str, str], format: Format, source: str, tmp_path: Path
) -> None:
    write(tmp_path, files)
    assert labels.detect(tmp_path) == (format, tmp_path / source)


def test_the_format_of_a_file_is_found_out(tmp_path: Path) -> None:
    write(tmp_path, {"a.json": COCO, "b.json": LABELME, "c.xml": XML, "d.yml": YAML, "e.json": "nothing"})
    kinds = [labels.detect(path)[0] for path in sorted(tmp_path.iterdir())]
    assert kinds == [Format.COCO, Format.LABELME, Format.VOC, Format.YOLO, Format.COCO]


def test_several_kinds_or_none_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="holds no labels of COCO, YOLO, VOC or labelme; name another folder"):
        labels.detect(tmp_path)
    write(tmp_path, {"notes.txt": "0 of 4 pictures\n0.5 0.5 0.5 0.1 0.1\n7 8 9 10 11", "labels/empty.txt": ""})
    with pytest.raises(LabelError, match="holds no labels of COCO"):
        labels.detect(tmp_path)
    write(tmp_path, {"a.json": COCO, "b.json": COCO, "a.xml": XML})
    with pytest.raises(LabelError, match=r"several kinds, VOC \(.*\) and COCO \(a\.json\) and COCO \(b\.json\)"):
        labels.detect(tmp_path)


@pytest.mark.parametrize("name", ["Annotations", "annotations", "labels"])
def test_pictures_are_looked_for_beside_a_folder_of_labels(name: str, tmp_path: Path) -> None:
    write(tmp_path, {f"{name}/x.json": COCO})
    assert labels.read(tmp_path / name / "x.json").root == tmp_path
    assert labels.read(tmp_path / name / "x.json", images=tmp_path / "other").root == tmp_path / "other"


@pytest.mark.parametrize("written", list(Written))
def test_what_is_written_is_read_again(written: Written, tmp_path: Path) -> None:
    source = pictures(tmp_path / "in", "sub/a.png")
    dataset = Dataset((ImageEntry(1, "sub/a.png", 100, 50),), (ObjectClass(1, "nut"),), (Box(1, 1, (10, 20, 30, 40)),))
    out = tmp_path / "out" / ("x.json" if written is Written.COCO else "folder")
    out.parent.mkdir()
    left_out = labels.write(dataset, out, written, paths={1: source / "sub" / "a.png"}, copy_images=True)
    assert left_out == ()
    read = labels.read(out)
    assert (read.format, read.problems) == (Format(written), ())
    assert [box.xyxy for box in read.dataset.boxes] == [pytest.approx((10, 20, 30, 40))]
    assert [item.name for item in read.dataset.classes] == ["nut"]
    (picture,) = (tmp_path / "out").rglob("a.png")
    assert picture.read_bytes() == (source / "sub" / "a.png").read_bytes()
    assert (read.root / read.dataset.images[0].path) == picture


def test_copies_beside_a_coco_file_stay_in_its_folder_and_replace_nothing(tmp_path: Path) -> None:
    source = pictures(tmp_path / "in", "a.png", "b.png")
    out = tmp_path / "out"
    write(out, {"taken.png": "mine"})
    (out / "link").symlink_to(tmp_path)
    names = ("sub/a.png", "../a.png", "/a.png", "c:/a.png", "taken.png", "link/a.png", "same.png", "same.png")
    images = tuple(ImageEntry(number, name) for number, name in enumerate(names, 1))
    paths = {number: source / "a.png" for number in range(1, 9)}
    problems = labels.write(Dataset(images, (), ()), out / "x.json", Written.COCO, paths=paths, copy_images=True)
    assert [(problem.file, problem.message.split(",")[0]) for problem in problems] == [
        ("../a.png", "its name leads out of the folder"),
        ("/a.png", "its name leads out of the folder"),
        ("c:/a.png", "its name leads out of the folder"),
        ("taken.png", "another file is there already"),
        ("link/a.png", "its name leads out of the folder"),
    ]
    assert sorted(path.name for path in out.rglob("*")) == ["a.png", "link", "same.png", "sub", "taken.png", "x.json"]
    assert (out / "taken.png").read_text() == "mine"
    assert not (tmp_path / "a.png").exists()
