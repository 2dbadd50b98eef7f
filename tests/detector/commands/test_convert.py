"""`convert`, run as its users run it: every way between the formats, nothing overwritten, and no torch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from detector.commands.convert import convert
from detector.errors import StudioError
from tests.detector.data.label_folders import pictures, write

ROOT = Path(__file__).parents[3]
app = typer.Typer()
app.command()(convert)


def run(*arguments: object) -> tuple[int, str, str]:
    ran = CliRunner().invoke(app, list(map(str, arguments)))
    if isinstance(ran.exception, StudioError):
        return 1, "", str(ran.exception)
    return ran.exit_code, ran.stdout, ran.stderr


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A COCO file of three pictures in `photos`, one of them without boxes, and one class that no box has."""
    pictures(tmp_path / "photos", "a.png", "sub/b.png", "c.png")
    names = ("a.png", "..\\label\\b.png", "c.png")
    document: dict[str, Any] = {
        "images": [{"id": n, "file_name": name, "width": 100, "height": 50} for n, name in enumerate(names)],
        "annotations": [
            {"id": 0, "image_id": 0, "category_id": 0, "bbox": [10, 20, 30.5, 10]},
            {"id": 1, "image_id": 1, "category_id": 7, "bbox": [0, 0, 100, 50]},
        ],
        "categories": [{"id": 7, "name": "nut"}, {"id": 0, "name": "bolt"}, {"id": 9, "name": "parts"}],
    }
    return write(tmp_path, {"labels.json": json.dumps(document)}) / "labels.json"


def boxes_of(path: Path) -> list[tuple[str, str, list[float]]]:
    document = json.loads(path.read_text("utf-8"))
    images = {image["id"]: Path(image["file_name"]).name for image in document["images"]}
    names = {item["id"]: item["name"] for item in document["categories"]}
    return sorted((images[b["image_id"]], names[b["category_id"]], b["bbox"]) for b in document["annotations"])


@pytest.mark.parametrize(
    "way", [("yolo",), ("voc",), ("yolo", "voc"), ("voc", "yolo"), ("coco", "yolo", "coco", "voc")]
)
def test_there_and_back(way: tuple[str, ...], coco: Path, tmp_path: Path) -> None:
    place, options = coco, ["--images", tmp_path / "photos"]
    for number, to in enumerate(way):
        out = tmp_path / "steps" / f"{number}" / ("x.json" if to == "coco" else to)
        code, said, err = run(place, out, "--to", to, "--copy-images", *options)
        assert (code, err) == (0, ""), err
        assert said.startswith(f"{out}: 2 boxes in 3 images, ")
        place, options = out, []
    code, _, err = run(place, tmp_path / "back.json", "--to", "coco")
    assert (code, err) == (0, "")
    expected = [("a.png", "bolt", [10, 20, 30.5, 10]), ("b.png", "nut", [0, 0, 100, 50])]
    for (picture, name, bbox), before in zip(boxes_of(tmp_path / "back.json"), expected, strict=True):
        assert (picture, name) == before[:2]
        assert bbox == pytest.approx(before[2], abs=0.5)
    document = json.loads((tmp_path / "back.json").read_text("utf-8"))
    assert len(document["images"]) == 3
    assert {image["file_name"].rpartition("/")[2] for image in document["images"]} == {"a.png", "b.png", "c.png"}


def test_paths_become_those_below_the_root_and_unused_classes_go_where_that_is_wanted(
    coco: Path, tmp_path: Path
) -> None:
    code, _, _ = run(coco, tmp_path / "out.json", "--to", "coco", "--images", tmp_path / "photos", "--drop-unused")
    document = json.loads((tmp_path / "out.json").read_text())
    assert code == 0
    assert [image["file_name"] for image in document["images"]] == ["a.png", "sub/b.png", "c.png"]
    assert [item["id"] for item in document["categories"]] == [7, 0]


def test_labelme_is_read(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png")
    shape = {"label": "nut", "shape_type": "rectangle", "points": [[10, 20], [40.5, 30]]}
    content = {"shapes": [shape, {"label": "x"}], "imagePath": "a.png", "imageWidth": 100, "imageHeight": 50}
    write(tmp_path / "in", {"a.json": json.dumps(content)})
    code, said, err = run(tmp_path / "in", tmp_path / "out.json", "--to", "coco")
    assert (code, said) == (0, f"{tmp_path / 'out.json'}: 1 boxes in 1 images, 1 classes, from LABELME\n")
    assert err == "warning: a.json: shape 2: points None are not pairs of finite numbers, so it is left out.\n"
    assert boxes_of(tmp_path / "out.json") == [("a.png", "nut", [10, 20, 30.5, 10])]


def test_what_is_missing_or_odd_is_said(coco: Path, tmp_path: Path) -> None:
    document = json.loads(coco.read_text())
    document["images"] += [{"id": n, "file_name": f"gone{n}.png"} for n in (8, 9)]
    document["annotations"] += [dict(document["annotations"][0], id=5), {"id": 6, "image_id": 0, "category_id": 0}]
    coco.write_text(json.dumps(document))
    code, _, err = run(coco, tmp_path / "out.json", "--to", "coco", "--images", tmp_path / "photos")
    assert code == 0
    assert err.splitlines() == [
        "warning: a.png: annotation 6: bbox None is not four finite numbers.",
        "warning: a.png: 1 boxes lie on another one of their class.",
        f"warning: gone8.png and 1 more pictures are not in {tmp_path / 'photos'}.",
    ]


def test_corners_are_an_error_that_names_the_option(coco: Path, tmp_path: Path) -> None:
    document = json.loads(coco.read_text())
    document["annotations"] = [{"id": 1, "image_id": 0, "category_id": 0, "bbox": [60, 20, 90, 40]}]
    coco.write_text(json.dumps(document))
    code, _, err = run(coco, tmp_path / "out.json", "--to", "coco")
    assert code == 1
    assert "--boxes xyxy" in err
    assert not (tmp_path / "out.json").exists()
    assert run(coco, tmp_path / "out.json", "--to", "coco", "--boxes", "xyxy")[0] == 0
    assert boxes_of(tmp_path / "out.json") == [("a.png", "bolt", [60, 20, 30, 20])]


def test_nothing_is_overwritten(coco: Path, tmp_path: Path) -> None:
    before = coco.read_bytes()
    for out, to in ((coco, "coco"), (tmp_path / "photos", "yolo"), (coco, "voc")):
        code, _, err = run(coco, out, "--to", to)
        assert code == 1
        assert "is there already" in err
    assert "ends in .json" in run(coco, tmp_path / "new", "--to", "coco")[2]
    assert coco.read_bytes() == before


def test_an_unknown_input_is_one_sentence(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, tmp_path / "out.json", "--to", "coco")
    assert (code, "holds no labels" in err) == (1, True)
    code, _, err = run(tmp_path / "gone.json", tmp_path / "out.json", "--to", "coco")
    assert (code, "cannot be read" in err) == (1, True)


def test_it_needs_no_torch(coco: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv[0] = 'main.py'; import detector.cli\n"
        "try: detector.cli.run()\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "assert not {'torch', 'torchvision', 'PySide6'} & set(sys.modules), 'loaded'\n"
    )
    arguments = ["convert", coco, tmp_path / "out", "--to", "yolo", "--images", tmp_path / "photos"]
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "data.yaml").exists()
