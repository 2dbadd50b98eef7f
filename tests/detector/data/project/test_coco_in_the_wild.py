"""COCO files as other programs write them: through a project and out again they mean what they meant."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
import supervision
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.mask import encode

from detector.data import coco
from detector.data.annotations import OURS
from detector.data.project import datasets
from detector.data.project.import_report import look_into
from detector.data.project.importing import Mode
from detector.data.project.store import Project
from detector.errors import LabelError
from tests.detector.data.label_folders import pictures

Document = dict[str, Any]
SIZE = (64, 48)
NAMES = ("a.png", "b.png", "sub/c.png", "sub/ä b.png")
POLYGON = [[1, 2, 20, 2.5, 20, 30]]
RLE = {"counts": [5, 3, 3064], "size": [48, 64]}
PACKED = encode(np.asfortranarray(np.eye(48, 64, dtype=np.uint8)))
PACKED |= {"counts": PACKED["counts"].decode("ascii")}
OUTSIDE = ("../z.png", "/z.png", "C:\\z.png", "http://h/z.png", "\\\\h\\z.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pictures(tmp_path / "pictures", *NAMES, size=SIZE)


def image(number: int = 1, name: str = "a.png", **keys: Any) -> Document:
    return {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1], **keys}


def box(**keys: Any) -> Document:
    return {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 6, 20.5, 10], **keys}


def kind(number: Any = 1, name: str = "nut", **keys: Any) -> Document:
    return {"id": number, "name": name, **keys}


def file(images: Any = None, annotations: Any = None, categories: Any = None, **keys: Any) -> Document:
    some = {"images": images or [image()], "annotations": annotations or [box()], "categories": categories or [kind()]}
    return {**some, **keys}


def without(document: Document, *keys: str) -> Document:
    return {key: value for key, value in document.items() if key not in keys}


# Each one is written back with the same meaning: defaults are filled in, ids that are none are numbered.
KEPT: dict[str, Document] = {
    "plain": file(),
    "annotation id 0": file(annotations=[box(id=0), box(id=1, bbox=[30, 30, 9, 9])]),
    "annotation ids missing": file(annotations=[without(box(), "id"), without(box(bbox=[30, 30, 9, 9]), "id")]),
    "annotation ids far apart": file(annotations=[box(id=900), box(id=17, bbox=[30, 30, 9, 9])]),
    "annotation ids as text": file(annotations=[box(id="7")]),
    "annotation ids huge": file(annotations=[box(id=2**52)]),
    "image ids far apart": file([image(70), image(900, "b.png")], [box(image_id=900)]),
    "image ids in the order of others": file([image(2), image(1, "b.png")], [box(image_id=2)]),
    "image ids as text": file([image("000070")], [box(image_id="000070")]),  # type: ignore[arg-type]
    "image ids as floats": file([image(70.0)], [box(image_id=70.0)]),  # type: ignore[arg-type]
    "image ids huge": file([image(2**52)], [box(image_id=2**52)]),
    "category ids of COCO": file(categories=[kind(1), kind(90, "toothbrush")], annotations=[box(category_id=90)]),
    "category id 0": file(categories=[kind(0)], annotations=[box(category_id=0)]),
    "category ids negative": file(categories=[kind(-4)], annotations=[box(category_id=-4)]),
    "category ids as text": file(categories=[kind("3")], annotations=[box(category_id="3")]),
    "category ids large": file(categories=[kind(2**40)], annotations=[box(category_id=2**40)]),
    "categories in another order": file(categories=[kind(3, "z"), kind(1, "y"), kind(2, "x")]),
    "categories of one name": file(categories=[kind(1), kind(2)], annotations=[box(), box(id=2, category_id=2)]),
    "names alike but for capitals": file(categories=[kind(1, "Nut"), kind(2, "nut")]),
    "a root class": file(categories=[kind(0, "parts", supercategory="none"), kind(1, supercategory="parts")]),
    "an unused class": file(categories=[kind(), kind(7, "bolt")]),
    "category keys": file(categories=[kind(supercategory="part", color="#ff0000", keypoints=["x"], skeleton=[[1, 2]])]),
    "a name with spaces and signs": file(categories=[kind(1, " <b>Ø nut</b> \u200b🔩 ")]),
    "no area": file(annotations=[without(box(area=1), "area")]),
    "area of the polygon": file(annotations=[box(area=77.25, segmentation=POLYGON)]),
    "area null": file(annotations=[box(area=None)]),
    "no iscrowd": file(annotations=[without(box(iscrowd=0), "iscrowd")]),
    "iscrowd": file(annotations=[box(iscrowd=1, segmentation=RLE)]),
    "iscrowd true": file(annotations=[box(iscrowd=True)]),
    "iscrowd null": file(annotations=[box(iscrowd=None)]),
    "ignore": file(annotations=[box(ignore=1, iscrowd=0)]),
    "ignore 0": file(annotations=[box(ignore=0)]),
    "segmentation null": file(annotations=[box(segmentation=None)]),
    "segmentation empty": file(annotations=[box(segmentation=[])]),
    "polygons": file(annotations=[box(segmentation=[*POLYGON, [1, 1, 2, 2, 3, 1]])]),
    "RLE": file(annotations=[box(segmentation=RLE)]),
    "packed RLE": file(annotations=[box(segmentation=PACKED)]),
    "key points": file(annotations=[box(keypoints=[1, 2, 2, 0, 0, 0], num_keypoints=1)]),
    "attributes": file(annotations=[box(attributes={"occluded": True, "colour": "red", "deep": [{"x": None}]})]),
    "floats": file(annotations=[box(bbox=[0.1, 0.2, 30.3, 40.4])]),
    "many digits": file(annotations=[box(bbox=[3.3333333333333335, 7.1, 12.199999999999999, 1e-3])]),
    "out of bounds": file(annotations=[box(bbox=[-10.5, -3, 400, 300])]),
    "beyond altogether": file(annotations=[box(bbox=[1000, 1000, 5, 5])]),
    "numbers as text": file(annotations=[box(bbox=["5", "6", "20.5", "10"])]),
    "duplicates": file(annotations=[box(id=1), box(id=2), box(id=3)]),
    "boxes in the order of no image": file([image(1), image(2, "b.png")], [box(id=1, image_id=2), box(id=2)]),
    "images without boxes": file([image(1), image(2, "b.png"), image(3, "sub/c.png")]),
    "subfolders": file([image(1, "sub/c.png")]),
    "not ASCII": file([image(1, "sub/ä b.png")]),
    "missing pictures": file([image(1), image(2, "gone/x.png")], [box(), box(id=2, image_id=2)]),
    "missing pictures of no known size": file([image(1), {"id": 2, "file_name": "gone.png"}]),
    "no size": file([{"id": 1, "file_name": "a.png"}]),
    "size null": file([image(1) | {"width": None, "height": None}]),
    "image keys": file([image(license=4, coco_url="http://h/a.png", date_captured="", flickr_url=None)]),
    "info": file(info={"year": 2017, "version": "1", "contributor": "ä", "nested": {"a": [1, {"b": None}]}}),
    "licences": file(licenses=[{"id": 4, "name": "CC", "url": "http://h"}]),
    "unknown lists": file(videos=[{"id": 1}], tracks=[], seg_categories=None, type="instances"),
    "annotations null": file() | {"annotations": None},
    "no annotations": without(file(), "annotations"),
    "nothing but images": {"images": [image()]},
    "keys in another order": dict(reversed(file(info={"a": 1}).items())),
    "a score": file(annotations=[box(category_id=1)]),
    "large numbers in keys": file(annotations=[box(track_id=2**70, weight=1e300)]),
    "nested our own key of others": file(annotations=[box(extra={"efficientdet_studio": 5})]),
}

# Each one loses or changes an entry, and says so: what it becomes.
MENDED: dict[str, tuple[Document, Document, int]] = {
    "zero area": (file(annotations=[box(), box(id=2, bbox=[1, 1, 0, 5])]), file(), 1),
    "negative size": (file(annotations=[box(), box(id=2, bbox=[9, 9, -3, -3])]), file(), 1),
    "NaN": (file(annotations=[box(), box(id=2, bbox=[float("nan"), 1, 5, 5])]), file(), 1),
    "no bbox": (file(annotations=[box(), without(box(id=2), "bbox")]), file(), 1),
    "bbox of a polygon alone": (
        file(annotations=[without(box(segmentation=POLYGON), "bbox")]),
        file(annotations=[box(bbox=[1, 2, 19, 28], segmentation=POLYGON)]),
        0,
    ),
    "an image that is not listed": (file(annotations=[box(), box(id=2, image_id=9)]), file(), 1),
    "a category that is not listed": (file(annotations=[box(), box(id=2, category_id=9)]), file(), 1),
    "repeated image ids": (file([image(), image(1, "b.png")]), file(), 1),
    "repeated category ids": (file(categories=[kind(), kind(1, "bolt")]), file(), 1),
    "image id 0": (file([image(0)], [box(image_id=0)]), file(), 0),
    "image ids negative": (file([image(-3)], [box(image_id=-3)]), file(), 0),
    "ids that are texts": (
        file([image("img")], [box(image_id="img", category_id="c")], [kind("c")]),  # type: ignore[arg-type]
        file(),
        0,
    ),
    "backslashes": (file([image(1, ".\\sub\\c.png")]), file([image(1, "sub/c.png")]), 0),
    "a flattened name": (file([image(1, "c.png")]), file([image(1, "sub/c.png")]), 0),
    "a root that lies elsewhere": (file([image(1, "D:\\data\\sub\\c.png")]), file([image(1, "sub/c.png")]), 0),
    "a name that climbs": (file([image(1, "../x/a.png")]), file(), 0),
    "a wrong size": (file([image() | {"width": 640, "height": 480}]), file(), 0),
    "repeated annotation ids": (
        file(annotations=[box(), box(bbox=[30, 30, 9, 9])]),
        file(annotations=[box(), box(id=2, bbox=[30, 30, 9, 9])]),
        0,
    ),
    "names that lead out": (
        file([image(), *(image(n, name) for n, name in enumerate(OUTSIDE, 5))], [box(), box(id=2, image_id=5)]),
        file(),
        len(OUTSIDE),
    ),
}  # fmt: skip


def through_a_project(document: Document, folder: Path) -> tuple[Document, int, Path]:
    """What comes out of a fresh project, how many entries were left out, and where it was written."""
    path = folder / "labels.json"
    path.write_text(json.dumps(document), "utf-8")
    project = Project.open(folder)
    try:
        ready = look_into(project, path)
        list(datasets.bring_in(project, ready.dataset, ready.paths, mode=Mode.REPLACE))
        coco.write(datasets.read(project), folder / "out.json")
    finally:
        project.close()
    written = json.loads((folder / "out.json").read_text("utf-8"))
    return written, len(ready.report.left_out), folder / "out.json"


def meaning(document: Document, *, numbered: bool) -> Document:
    """A document with defaults filled in and its entries told by what they are of. numbered: without annotation ids."""

    def whole(value: Any) -> Any:
        return int(value) if isinstance(value, str | float) else value

    images = {whole(entry["id"]): entry["file_name"] for entry in document["images"]}
    sizes = {
        entry["file_name"]: [entry.get("width") or SIZE[0], entry.get("height") or SIZE[1]]
        for entry in document["images"]
    }
    annotations = []
    for entry in document.get("annotations") or []:
        bbox = [float(number) for number in entry["bbox"]]
        known = {
            "image": images[whole(entry["image_id"])],
            "category_id": whole(entry["category_id"]),
            "bbox": bbox,
            "area": entry.get("area") or pytest.approx(bbox[2] * bbox[3]),
            "iscrowd": int(entry.get("iscrowd") or 0),
            "segmentation": entry.get("segmentation") or [],
        }
        rest = without(entry, OURS, "id", "image_id", *known)
        annotations.append({**rest, **known} | ({} if numbered else {"id": whole(entry["id"])}))
    image_keys = {
        e["file_name"]: [whole(e["id"]), without(e, OURS, "id", "file_name", "width", "height")]
        for e in document["images"]
    }
    top = {key: value for key, value in document.items() if key not in ("images", "annotations", "categories")}
    return {
        "images": image_keys,
        "sizes": sizes,
        "annotations": sorted(annotations, key=lambda entry: (entry["image"], entry["bbox"], entry["category_id"])),
        "categories": [{**entry, "id": whole(entry["id"])} for entry in document.get("categories") or []],
        "top": {key: value for key, value in top.items() if (key, value) != ("info", {})},
    }


def loads_elsewhere(path: Path, folder: Path) -> None:
    """pycocotools and supervision read it."""
    index = COCO(str(path))
    assert len(index.imgs) == len(index.dataset["images"])
    assert len(index.anns) == len(index.dataset["annotations"])
    assert all(number > 0 for number in (*index.imgs, *index.anns))
    names = [item["name"] for item in index.dataset["categories"]]
    if len(set(names)) == len(names) > 0 and all("width" in entry for entry in index.dataset["images"]):
        theirs = supervision.DetectionDataset.from_coco(str(folder), str(path))
        assert len(theirs.image_paths) == len(index.imgs)


@pytest.mark.parametrize("name", KEPT)
def test_what_is_right_means_the_same_afterwards(name: str, folder: Path) -> None:
    document = KEPT[name]
    numbered = any(str(entry.get("id", 0)) == "0" for entry in document.get("annotations") or [])
    written, left_out, path = through_a_project(document, folder)
    assert left_out == 0
    assert meaning(written, numbered=numbered) == meaning(document, numbered=numbered)
    loads_elsewhere(path, folder)


@pytest.mark.parametrize("name", MENDED)
def test_what_is_wrong_is_mended_and_told(name: str, folder: Path) -> None:
    document, expected, left_out = MENDED[name]
    written, told, path = through_a_project(document, folder)
    assert told == left_out
    assert meaning(written, numbered=False) == meaning(expected, numbered=False)
    loads_elsewhere(path, folder)


def test_a_name_that_leads_out_is_told_with_what_is_lost(folder: Path) -> None:
    path = folder / "labels.json"
    path.write_text(json.dumps(file([image(), image(2, "/z.png")], [box(), *(box(id=n, image_id=2) for n in (2, 3))])))
    project = Project.open(folder)
    (told,) = look_into(project, path).report.left_out
    project.close()
    assert str(told) == "/z.png: leads out of the folder, so it is left out with its 2 boxes"


@pytest.mark.parametrize(("entries", "why"), [([], ""), ([image(1.5)], r" \(a\.png: image id 1\.5 is neither .+\)")])
def test_a_file_without_an_image_that_can_be_used_is_an_error(entries: list[Document], why: str, folder: Path) -> None:
    path = folder / "labels.json"
    path.write_text(json.dumps({"images": entries}))
    project = Project.open(folder)
    with pytest.raises(LabelError, match=rf"labels\.json: lists no image that can be used{why}; export"):
        look_into(project, path)
    project.close()


def test_there_are_enough_of_them() -> None:
    assert len(KEPT) + len(MENDED) >= 80


def test_what_was_not_touched_is_as_it_was_when_others_are_edited(folder: Path) -> None:
    """The way of journey 4: an edited box loses what was about its old place, the others nothing."""
    document = file(annotations=[box(segmentation=POLYGON, note="x"), box(id=2, bbox=[30, 30, 9, 9], segmentation=RLE)])
    path = folder / "labels.json"
    path.write_text(json.dumps(document))
    project = Project.open(folder)
    ready = look_into(project, path)
    list(datasets.bring_in(project, ready.dataset, ready.paths))
    before = meaning(coco.to_document(datasets.read(project)), numbered=False)
    project.close()
    assert before == meaning(document, numbered=False)


# ---- Generated ones

LETTERS = st.characters(codec="utf-8", exclude_characters="/\\:\0")
SAFE = st.text(LETTERS, min_size=1, max_size=8).filter(lambda text: text.strip(". ") == text)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
KNOWN = {"id", "file_name", "width", "height", "name", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore"}
KNOWN |= {"segmentation", "score", "images", "annotations", "categories", "info", OURS}
KEYS = st.dictionaries(st.text(max_size=5).filter(lambda key: key not in KNOWN), JSON, max_size=2)
IDS = st.integers(1, 2**50)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    names = draw(st.lists(SAFE.map(lambda name: f"gone/{name}"), unique_by=str.casefold, max_size=3))
    numbers = draw(st.lists(IDS, unique=True, min_size=len(names) + 1, max_size=len(names) + 1))
    images = [image(n, name) | draw(KEYS) for n, name in zip(numbers, ["a.png", *names], strict=True)]
    categories = [
        kind(n, name) | draw(KEYS)
        for n, name in draw(st.dictionaries(IDS, st.text(min_size=1, max_size=5), min_size=1, max_size=3)).items()
    ]
    annotations = []
    for n in draw(st.lists(IDS, unique=True, max_size=5)):
        bbox = [draw(st.integers(-100, 5000)) / 100 for _ in range(2)] + [
            draw(st.integers(150, 3000)) / 100 for _ in range(2)
        ]
        entry = box(id=n, image_id=draw(st.sampled_from(numbers)), category_id=draw(st.sampled_from(categories))["id"])
        entry |= {"bbox": bbox, "iscrowd": draw(st.integers(0, 1))} | draw(KEYS)
        annotations.append(entry | draw(st.sampled_from([{}, {"area": 7.5}, {"segmentation": POLYGON}])))
    return {"images": images, "annotations": annotations, "categories": categories, **draw(KEYS)}


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    place = Path(mkdtemp())
    yield pictures(place, "a.png", size=SIZE)
    shutil.rmtree(place)


@settings(max_examples=40)
@given(document=documents())
def test_generated_files_mean_the_same_afterwards(document: Document, scratch: Path) -> None:
    for left in scratch.iterdir():
        if left.name != "a.png":
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    written, left_out, path = through_a_project(copy.deepcopy(document), scratch)
    assert left_out == 0
    assert meaning(written, numbered=False) == meaning(document, numbered=False)
    COCO(str(path))
