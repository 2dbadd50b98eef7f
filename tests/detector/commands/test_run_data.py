"""What a fine-tuning learns from and is measured on."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from detector.commands.run_data import RunData, check, collect, reopen, with_replay
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, State
from detector.data.project.store import Project
from detector.data.split import Side
from detector.errors import LabelError, OptionsError
from detector.training.dataset import ValidationSet

BOX = [1, 1, 5, 5]


def write(path: Path, classes: dict[int, str], boxes: list[tuple[int, int]], *, images: int = 4) -> Path:
    """A COCO file of `images` pictures, made beside it, with (image id, category id) for each box."""
    for number in range(1, images + 1):
        (path.parent / f"{number}.jpg").write_bytes(bytes([number]))
    document = {
        "images": [{"id": number, "file_name": f"{number}.jpg"} for number in range(1, images + 1)],
        "annotations": [
            {"id": number, "image_id": image, "category_id": kind, "bbox": BOX, "iscrowd": int(kind < 0)}
            for number, (image, kind) in enumerate(boxes, 1)
        ],
        "categories": [{"id": id, "name": name} for id, name in classes.items()],
    }
    path.write_text(json.dumps(document))
    return path


def collected(data: Path, val: Path | None = None) -> RunData:
    return collect(data, data.parent, val, (val or data).parent)


def test_validation_data_get_the_ids_of_the_classes_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "train.json", {7: "cat", 3: "dog"}, [(1, 7), (2, 3)])
    (tmp_path / "val").mkdir()
    val = write(tmp_path / "val" / "val.json", {3: "Cat", 7: "bird", 1: "dog"}, [(1, 3), (2, 7), (3, 1)])
    run = collected(data, val)
    assert run.validation is not None
    names = {item.id: item.name for item in run.validation.dataset.classes}
    assert (names[7], names[3]) == ("Cat", "dog")
    assert [names[box.class_id] for box in run.validation.dataset.boxes] == ["Cat", "bird", "dog"]
    assert "The model does not know bird" in capsys.readouterr().err


def test_images_to_measure_on_are_not_trained_on(tmp_path: Path) -> None:
    data = write(tmp_path / "train.json", {7: "cat"}, [(1, 7)])
    (tmp_path / "val").mkdir()
    val = write(tmp_path / "val" / "val.json", {7: "cat"}, [(1, 7)])
    assert collected(data, val).validation
    with pytest.raises(OptionsError, match=r"val\.json: 4 of its images are trained on, too, such as 1\.jpg"):
        collect(data, tmp_path, val, tmp_path / "val" / "..")


def test_only_classes_with_boxes_are_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "train.json", {0: "root", 7: "cat", -1: "herd"}, [(1, 7), (2, 7), (3, -1)])
    run = collected(data)
    assert [item.name for item in run.classes] == ["cat"]
    assert "no boxes to learn root, herd from" in capsys.readouterr().err


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "train.json", {1: "cat", 2: "cat"}, [(1, 1), (2, 2)])
    with pytest.raises(LabelError, match=r"train\.json: several classes are called “cat”"):
        collected(data)


def test_data_without_boxes_are_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "train.json", {1: "cat"}, [])
    with pytest.raises(LabelError, match="no boxes to learn from"):
        collected(data)


def test_one_image_is_for_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = collected(write(tmp_path / "train.json", {1: "cat"}, [(1, 1)], images=1))
    assert (len(run.train.paths), run.validation) == (1, None)
    assert "nothing will be measured" in capsys.readouterr().err


def test_frozen_data_come_back(tmp_path: Path) -> None:
    boxes = [(number, 7 if number % 2 else 3) for number in range(1, 21)]
    run = collected(write(tmp_path / "train.json", {7: "cat", 3: "dog", 9: "unused"}, boxes, images=20))
    out = tmp_path / "run"
    out.mkdir()
    with pytest.raises(OptionsError, match="no run to resume"):
        reopen(out, tmp_path, tmp_path)
    run.freeze(out)
    again = reopen(out, tmp_path, tmp_path)
    assert again.train.paths == run.train.paths
    assert again.train.dataset.boxes == run.train.dataset.boxes
    assert [item.id for item in again.classes] == [item.id for item in run.classes] == [7, 3]
    assert run.validation is not None
    assert again.validation is not None
    assert len(again.validation.paths) >= 4
    assert again.validation.paths == run.validation.paths
    assert again.validation.dataset.boxes == run.validation.dataset.boxes
    assert not again.train.paths.keys() & again.validation.paths.keys()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Eight pictures, of one class from number 3 on; one is only started, one ignored, one reviewed without boxes."""
    for number in range(1, 9):
        Image.new("RGB", (32, 24), (number, 0, 0)).save(tmp_path / f"{number}.png")
    opened = Project.open(tmp_path)
    images = [image for chunk in opened.scan() for image in chunk]
    kind = ProjectClass(opened.new_id(), "cat", "#000000", 0, 7)
    sides = [Side.VAL, Side.TRAIN, Side.TRAIN, Side.VAL, Side.TRAIN, Side.TRAIN, None, Side.TRAIN]
    states = [State.REVIEWED] * 7 + [State.STARTED]
    after = [
        replace(image, state=state, split=side, ignored=image.path == "6.png")
        for image, state, side in zip(images, states, sides, strict=True)
    ]
    boxes = [ProjectBox(opened.new_id(), image.id, kind.id, (1, 2, 9, 8), Origin.DRAWN) for image in images[2:]]
    pairs = tuple(zip(images, after, strict=True))
    opened.apply(Change(boxes=tuple((None, box) for box in boxes), classes=((None, kind),), images=pairs))
    yield opened
    opened.close()


def names(part: ValidationSet) -> set[str]:
    return {path.name for path in part.paths.values()}


def test_a_project_gives_its_reviewed_images_on_their_sides(project: Project) -> None:
    folder = project.folder
    run = collect(folder, folder, None, folder)
    assert run.validation is not None
    assert {"2.png", "3.png", "5.png"} <= names(run.train)
    assert {"1.png", "4.png"} <= names(run.validation)
    assert names(run.train) | names(run.validation) == {f"{number}.png" for number in (1, 2, 3, 4, 5, 7)}
    assert [(item.id, item.name) for item in run.classes] == [(7, "cat")]
    assert {box.xyxy for box in run.train.dataset.boxes} == {(1, 2, 9, 8)}
    assert {image.width for image in run.train.dataset.images} == {32}
    out = folder / "run"
    out.mkdir()
    run.freeze(out)
    again = reopen(out, folder, folder)
    assert again.validation is not None
    assert (names(again.train), names(again.validation)) == (names(run.train), names(run.validation))


def test_a_project_that_is_measured_elsewhere_trains_on_all_it_has(project: Project, tmp_path_factory) -> None:
    val = write(tmp_path_factory.mktemp("val") / "val.json", {7: "cat"}, [(1, 7)])
    run = collect(project.folder, project.folder, val, val.parent)
    assert names(run.train) == {f"{number}.png" for number in (1, 2, 3, 4, 5, 7)}


def test_a_project_without_reviewed_images_says_what_to_do(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(LabelError, match="no project yet"):
        collect(tmp_path, tmp_path, None, tmp_path)
    assert not (tmp_path / ".efficientdet-studio").exists()
    with closing(Project.open(tmp_path)) as opened:
        list(opened.scan())
    with pytest.raises(LabelError, match="none of its images is reviewed; vouch for some"):
        collect(tmp_path, tmp_path, None, tmp_path)


def test_poor_lessons_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "train.json", {7: "cat"}, [(1, 7), (2, 7)], images=3)
    for name, noise in (("1.jpg", 20), ("2.jpg", 90), ("3.jpg", 90)):
        Image.effect_noise((640, 480), noise).save(tmp_path / name)
    (tmp_path / "val").mkdir()
    val = write(tmp_path / "val" / "val.json", {7: "cat"}, [(1, 7)], images=2)
    Image.open(tmp_path / "2.jpg").resize((320, 240)).save(tmp_path / "val" / "2.jpg")  # 1.jpg is no picture at all
    check(collected(data, val), image_size=512, stride=128)
    said = capsys.readouterr().err
    assert "warning: Few boxes to learn from: 2 of “cat”." in said
    assert "warning: 2.jpg and 2.jpg look alike, and only one of them trains" in said
    assert said.count("look alike") == 1


def test_old_images_are_matched_by_the_names_of_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("new", "old", "strange"):
        (tmp_path / name).mkdir()
    both = [(image, kind) for image in range(1, 5) for kind in (3, 5)]
    data = collected(write(tmp_path / "new" / "labels.json", {3: "bolt", 5: "nut"}, both))
    old = write(tmp_path / "old" / "labels.json", {1: "Nut", 2: "cog"}, [(1, 1), (2, 2), (3, 1)])
    replay = with_replay(data, old, old.parent).replay
    assert replay is not None
    nut = next(item.id for item in data.classes if item.name == "nut")
    counts = [sum(box.class_id == nut for box in replay.dataset.boxes), len(replay.dataset.boxes)]
    assert counts == [2, 3]
    assert "does not know cog: it is left out of what is replayed" in capsys.readouterr().err
    strange = write(tmp_path / "strange" / "labels.json", {1: "cat"}, [(1, 1)])
    with pytest.raises(OptionsError, match="share no class"):
        with_replay(data, strange, strange.parent)
