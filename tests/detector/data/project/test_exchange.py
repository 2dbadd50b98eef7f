"""A project becomes a COCO file and a COCO file a project, and nothing is lost on the way."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from detector.data import checks, coco
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.matching import match_images
from detector.data.project import datasets
from detector.data.project.exchange import OURS
from detector.data.project.importing import Imported, Mode
from detector.data.project.records import Change, Origin, State
from detector.data.project.store import Project
from detector.data.split import Side

Opener = Callable[..., Project]
FILE = {
    "info": {"year": 2020},
    "licenses": [{"id": 1}],
    "images": [
        {"id": 70, "file_name": "sub/3.png", "width": 9, "height": 9, "license": 1},
        {"id": 5, "file_name": "1.png"},
        {"id": 6, "file_name": "gone/x.png", "width": 30, "height": 20},
        {"id": 7, "file_name": "../secret.png"},
        {"id": 8, "file_name": "/etc/passwd.png"},
        {"id": 9, "file_name": "http://example.org/a.png"},
    ],
    "categories": [{"id": 7, "name": "nut", "supercategory": "part"}, {"id": 0, "name": "bolt"}],
    "annotations": [
        {"id": 0, "image_id": 70, "category_id": 0, "bbox": [1.5, 2, 3, 4.25], "segmentation": [[1]], "tag": {"a": 0}},
        {"id": 1, "image_id": 70, "category_id": 7, "bbox": [0, 0, 5, 5], "iscrowd": 1, "segmentation": {"size": [1]}},
        {"id": 2, "image_id": 6, "category_id": 7, "bbox": [-1, 0, 5, 5], "area": 7.5},
        {"id": 3, "image_id": 7, "category_id": 7, "bbox": [0, 0, 5, 5]},
    ],
}  # fmt: skip


def imported(project: Project, document: dict, folder: Path, mode: Mode = Mode.MERGE) -> Imported:
    dataset, _ = coco.parse(document, "a.json")
    paths = match_images(dataset, folder).paths
    return list(datasets.bring_in(project, checks.upright(dataset, paths)[0], paths, mode=mode))[-1]


def unsaid(entry: dict) -> dict:
    return {key: value for key, value in entry.items() if key not in (OURS, "id")}


def test_a_coco_file_comes_back_as_it_was(folder: Path):
    project = Project.open(folder)
    imported(project, FILE, folder)
    list(project.scan())
    document = coco.to_document(datasets.read(project))
    project.close()
    assert (document["info"], document["licenses"]) == (FILE["info"], FILE["licenses"])
    assert document["categories"] == FILE["categories"]
    kept = {entry["id"]: unsaid(entry) for entry in document["images"]}
    assert kept[70] == {"file_name": "sub/3.png", "width": 64, "height": 48, "license": 1}  # the file's size, not 9 × 9
    assert kept[5]["file_name"] == "1.png"
    assert kept[6] == {"file_name": "gone/x.png", "width": 30, "height": 20}
    assert sorted(entry["file_name"] for entry in document["images"]) == [
        *("1.png", "10.png", "2.png", "gone/x.png", "sub/3.png"),
    ]  # nothing that leads out of the folder
    defaults = {"iscrowd": 0, "segmentation": []}
    written = {(entry["image_id"], tuple(entry["bbox"])): unsaid(entry) for entry in document["annotations"]}
    ids = {entry["bbox"][0]: entry["id"] for entry in document["annotations"]}
    for entry in FILE["annotations"][:3]:
        expected = {**defaults, "area": entry["bbox"][2] * entry["bbox"][3], **entry}
        assert ids[entry["bbox"][0]] == (entry["id"] or 3)  # 0 is none to pycocotools
        del expected["id"]
        assert written.pop((entry["image_id"], tuple(entry["bbox"]))) == expected
    assert written == {}


def test_imported_images_are_started_not_reviewed(opened: Opener, folder: Path):
    project = opened()
    imported(project, FILE, folder)
    states = {image.path: image.state for image in project.images()}
    assert states["sub/3.png"] is State.STARTED
    assert states["1.png"] is State.UNLABELLED
    image = next(image for image in project.images() if image.path == "sub/3.png")
    assert {box.origin for box in project.boxes(image.id)} == {Origin.IMPORTED}
    assert [(item.name, item.category_id) for item in project.classes()] == [("nut", 7), ("bolt", 0)]


def test_what_is_added_to_a_persons_work_comes_once(opened: Opener, folder: Path, add_class, draw):
    project = opened()
    nut = add_class(project, "Nut")
    image = next(image for image in project.images() if image.path == "sub/3.png")
    box = draw(project, image, nut)
    empty = next(image for image in project.images() if image.path == "1.png")
    project.apply(Change(images=((empty, replace(empty, state=State.REVIEWED, note="mine")),)))
    document = json.loads(json.dumps(FILE))
    document["annotations"] += [
        {"id": 9, "image_id": 5, "category_id": 0, "bbox": [0, 0, 5, 5]},
        {"id": 10, "image_id": 70, "category_id": 7, "bbox": [1, 2, 10, 18.5]},  # the person's own
    ]
    for times in range(2):
        done = imported(project, document, folder)
        assert (done.boxes, done.images, done.replaced) == ((0, 0, 0) if times else (3, 2, 0))
        assert project.boxes(image.id)[0] == box
        assert len(project.boxes(image.id)) == 3
        assert project.boxes(empty.id) == ()  # somebody vouched for it
        assert (project.image(empty.id).state, project.image(empty.id).note) == (State.REVIEWED, "mine")
    assert [item.name for item in project.classes()] == ["Nut", "bolt"]


def test_replacing_takes_the_labels_of_the_listed_images_away(opened: Opener, folder: Path, add_class, draw):
    project = opened()
    nut = add_class(project, "Nut")
    listed, empty, other = (next(i for i in project.images() if i.path == p) for p in ("sub/3.png", "1.png", "10.png"))
    boxes = [draw(project, image, nut) for image in (listed, empty, other)]
    reviewed = replace(project.image(listed.id), state=State.REVIEWED, split=Side.VAL)
    project.apply(Change(images=((project.image(listed.id), reviewed),)))
    done = imported(project, FILE, folder, Mode.REPLACE)
    assert (done.boxes, done.images, done.replaced) == (3, 2, 2)
    assert [box.xyxy for box in project.boxes(listed.id)] == [(1.5, 2, 4.5, 6.25), (0, 0, 5, 5)]
    assert project.boxes(empty.id) == ()
    assert project.boxes(other.id) == (boxes[2],)  # which the file does not list
    states = [project.image(image.id).state for image in (listed, empty)]
    assert states == [State.STARTED, State.UNLABELLED]


def test_what_coco_cannot_say_survives_in_a_key_of_our_own(
    opened: Opener, folder: Path, tmp_path: Path, add_class, draw
):
    project = opened()
    bolt = add_class(project)
    image, empty, other, _ = project.images()
    box = replace(
        draw(project, image, bolt), occluded=True, difficult=True, origin=Origin.ACCEPTED, model="D0", score=0.5
    )
    project.apply(Change(boxes=((project.boxes(image.id)[0], box),)))
    for before, state, side in ((image, State.REVIEWED, Side.TRAIN), (empty, State.REVIEWED, Side.VAL)):
        project.apply(Change(images=((before, replace(before, state=state, split=side, note="ok", ignored=False)),)))
    project.apply(Change(images=((other, replace(other, ignored=True)),)))
    written = tmp_path / "out.json"
    coco.write(datasets.read(project), written)
    assert "score" not in json.loads(written.read_text())["annotations"][0]
    images = {item.path: (item.state, item.split, item.note, item.ignored) for item in project.images()}
    project.close()
    for path in (folder / ".efficientdet-studio").glob("*.db*"):
        path.unlink()
    again = Project.open(folder)
    imported(again, json.loads(written.read_text()), folder)
    assert {item.path: (item.state, item.split, item.note, item.ignored) for item in again.images()} == images
    (back,) = again.boxes(image.id)
    assert back == replace(box, id=back.id, class_id=back.class_id, score=None, coco_id=1)
    again.close()


@pytest.mark.parametrize("said", ["text", {"state": 5, "split": [], "note": None, "origin": {}, "model": 3}, None])
def test_nonsense_in_our_key_is_passed_over(said: object, opened: Opener, folder: Path):
    project = opened()
    image = {"id": 1, "file_name": "1.png", OURS: said}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], OURS: said}
    document = {"images": [image], "annotations": [annotation], "categories": [{"id": 1, "name": "bolt"}]}
    imported(project, document, folder)
    first = project.images()[0]
    assert (first.state, first.split) == (State.STARTED, None)
    (box,) = project.boxes(first.id)
    assert (box.origin, box.model) == (Origin.IMPORTED, None)


def test_numbers_that_no_database_holds_are_given_anew(opened: Opener, folder: Path):
    project = opened()
    images = (ImageEntry(2**80, "1.png"), ImageEntry(-3, "2.png"), ImageEntry(4, "sub/../2.png"))
    classes = (ObjectClass(2**80, "bolt"), ObjectClass(-(2**80), "nut"), ObjectClass(3, "nut"), ObjectClass(4, "nut"))
    boxes = tuple(Box(image.id, item.id, (0, 0, 5, 5)) for image in images for item in classes)
    paths = {image.id: folder / image.path for image in images}
    list(datasets.bring_in(project, Dataset(images, classes, boxes), paths))
    assert [len(project.boxes(image.id)) for image in project.images()] == [4, 8, 0, 0]
    assert len({item.id for item in datasets.read(project).classes}) == 4


def test_parts_of_the_data_set(opened: Opener, folder: Path, add_class, draw):
    project = opened()
    bolt = add_class(project)
    one, two, ten, three = project.images()
    for image, values in (
        (one, {"state": State.REVIEWED, "split": Side.TRAIN}),
        (two, {"state": State.REVIEWED, "split": Side.VAL}),
        (ten, {"state": State.REVIEWED, "split": Side.TRAIN, "ignored": True}),
        (three, {"state": State.STARTED}),
    ):
        draw(project, image, bolt)
        project.apply(Change(images=((image, replace(image, **values)),)))

    def names(**options) -> list[str]:
        part = datasets.read(project, **options)
        assert len(part.boxes) == len(part.images)
        return [image.path for image in part.images]

    assert names() == ["1.png", "2.png", "10.png", "sub/3.png"]
    assert names(reviewed_only=True) == ["1.png", "2.png"]
    assert names(reviewed_only=True, side=Side.VAL) == ["2.png"]
    assert names(side=Side.TRAIN) == ["1.png", "10.png"]


def test_sizes_come_from_the_files_once(opened: Opener, folder: Path):
    project = opened()
    (folder / "2.png").write_bytes(b"damaged")
    sizes = {image.path: (image.width, image.height) for image in datasets.read(project).images}
    assert sizes == {"1.png": (64, 48), "2.png": (None, None), "10.png": (64, 48), "sub/3.png": (64, 48)}
    Image.new("RGB", (8, 8)).save(folder / "1.png")
    assert datasets.read(project).images[0].width == 64  # it was kept


def test_categories_that_two_classes_have_are_told_apart(opened: Opener, add_class):
    project = opened()
    first, second, third = (add_class(project, name) for name in "abc")
    project.apply(Change(classes=((second, replace(second, category_id=first.category_id)),)))
    assert [item.id for item in datasets.read(project).classes] == [first.category_id, 4, third.category_id]
