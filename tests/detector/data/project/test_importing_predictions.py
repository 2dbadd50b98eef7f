"""COCO results come into a project by the numbers of the imported file, of its own exports, or by pictures' names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detector.data import coco
from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.data.project import datasets
from detector.data.project.importing_predictions import Naming, bring_in, look_into
from detector.data.project.records import Pass
from detector.data.project.store import Project
from detector.errors import LabelError
from tests.detector.data.label_folders import pictures

NAMES = ("0007.png", "a/0008.png", "b/0008.png")
CLASSES = (ObjectClass(0, "nut"), ObjectClass(7, "bolt"))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project.open(pictures(tmp_path / "pictures", *NAMES))
    for _ in made.scan():
        pass
    yield made
    made.close()


def import_labels(project: Project) -> None:
    """Image ids 100, 101, 102, and 103 whose picture is gone; a box on the first."""
    images = tuple(ImageEntry(100 + n, name, 100, 50) for n, name in enumerate((*NAMES, "gone.png")))
    dataset = Dataset(images, CLASSES, (Box(100, 7, (1, 2, 30, 40)),))
    list(datasets.bring_in(project, dataset, {100 + n: project.folder / name for n, name in enumerate(NAMES)}))


def bring_classes(project: Project) -> None:
    """Classes under their numbers, and nothing else, as a pass brings them."""
    project.passes.begin(model="M", source="m", names=["nut", "bolt"], category_ids=[0, 7], thresholds={})


def results(project: Project, *entries: tuple[Any, int, float]) -> Path:
    """Of image, category, score."""
    keys = ("image_id", "category_id", "score")
    rows = [{**dict(zip(keys, entry, strict=True)), "bbox": [5, 6, 20, 10]} for entry in entries]
    path = project.folder.parent / "found.json"
    path.write_text(json.dumps(rows))
    return path


def path_ids(project: Project) -> dict[str, int]:
    return {image.path: image.id for image in project.images()}


def test_numbers_are_those_of_the_imported_file(project: Project) -> None:
    import_labels(project)
    rows = [(100, 7, 0.2), (100, 0, 0.9), (102, 7, 0.5), (103, 7, 0.5), (55, 7, 0.5), (100, 3, 0.5)]
    ready = look_into(project, results(project, *rows))
    ids = path_ids(project)
    assert ready.naming is Naming.IMPORTED
    assert {image_id: len(of) for image_id, of in ready.found.items()} == {ids["0007.png"]: 2, ids["b/0008.png"]: 1}
    assert (ready.boxes, ready.entries, dict(ready.named)) == (3, 6, {"nut": 1, "bolt": 2})
    assert (ready.unknown_images, ready.unknown_categories) == ((103, 55), (3,))


def test_classes_that_an_import_merged_by_name_keep_its_numbers_for_results(project: Project) -> None:
    bring_classes(project)  # nut is 0, bolt is 7
    images = tuple(ImageEntry(100 + n, name, 100, 50) for n, name in enumerate(NAMES))
    theirs = Dataset(images, (ObjectClass(3, "Nut"), ObjectClass(0, "bolt")), (Box(100, 3, (1, 2, 30, 40)),))
    *_, imported = datasets.bring_in(project, theirs, {100 + n: project.folder / name for n, name in enumerate(NAMES)})
    assert [(item.name, item.category_id) for item in project.classes()] == [("nut", 0), ("bolt", 7)]
    rows = [(100, 3, 0.9), (101, 0, 0.8), (101, 0, 0.7)]
    assert dict(look_into(project, results(project, *rows)).named) == {"nut": 1, "bolt": 2}
    assert datasets.read(project).extra == {}  # which is nothing for other programs
    list(datasets.switch(project, imported.step, is_in=False))
    assert look_into(project, results(project, ("0007", 0, 0.9))).named == {"nut": 1}
    list(datasets.switch(project, imported.step, is_in=True))
    assert look_into(project, results(project, *rows)).named == {"nut": 1, "bolt": 2}


def test_they_come_in_as_an_own_pass_that_shows_when_it_is_wanted(project: Project) -> None:
    import_labels(project)
    ready = look_into(project, results(project, (100, 7, 0.2), (100, 0, 0.9), (102, 7, 0.5)))
    boxes = project.box_counts()
    *done, made = bring_in(project, ready)
    assert done == [2]
    assert isinstance(made, Pass)
    assert (made.model, made.source) == ("found.json", str(ready.source))
    image_id = path_ids(project)["0007.png"]
    assert project.predictions.of(image_id) is None
    project.passes.set_active(made.id, True)
    pass_, found = project.predictions.of(image_id)
    names = {item.id: item.name for item in project.classes()}
    assert [names[pass_.class_ids[channel]] for channel in found.channels.tolist()] == ["nut", "bolt"]
    assert found.scores.tolist() == pytest.approx([0.9, 0.2])
    assert found.boxes.tolist() == [[5, 6, 25, 16]] * 2
    assert project.box_counts() == boxes
    assert [item.name for item in project.classes()] == ["nut", "bolt"]


def test_what_a_project_exports_comes_back(project: Project) -> None:
    import_labels(project)
    *_, made = bring_in(project, look_into(project, results(project, (100, 7, 0.25), (101, 0, 0.5))))
    project.passes.set_active(made.id, True)
    path = project.folder.parent / "out.json"
    coco.write_results(datasets.scored_boxes(project, {100, 101, 102}), path)
    assert json.loads(path.read_text()) == json.loads((project.folder.parent / "found.json").read_text())


def test_without_an_imported_file_the_numbers_of_exports_count_if_all_fit(project: Project) -> None:
    bring_classes(project)
    numbers, _ = datasets.coco_ids(project)
    ids = path_ids(project)
    ready = look_into(project, results(project, *((numbers[image_id], 7, 0.5) for image_id in ids.values())))
    assert ready.naming is Naming.EXPORTED
    assert set(ready.found) == set(ids.values())


def test_else_names_of_pictures_do_where_they_are_clear(project: Project) -> None:
    bring_classes(project)
    rows = [(7, 7, 0.5), ("a/0008.png", 7, 0.5), ("b/0008", 0, 0.5), (8, 7, 0.5), ("0008", 7, 0.5)]
    ready = look_into(project, results(project, *rows))
    assert ready.naming is Naming.NAMES
    assert set(ready.found) == set(path_ids(project).values())
    assert ready.unknown_images == (8, "0008")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(500, 7, 0.5)], "500 is none of this project's; import the COCO file"),
        ([("x" * 9999, 7, 0.5)], "'xxxxxxxxxxxx...xxxxxxxxxxxxx' is none of this project's"),
        ([(100, 5, 0.5)], "no category_id in it, such as 5, is that of a class here; import the COCO file"),
        ([(100, 7, 5)], "holds no result that can be used"),
        ([], "holds no result that can be used"),
    ],
)
def test_what_means_nothing_here_says_what_is_missing(
    rows: list[tuple[Any, int, float]], reason: str, project: Project
) -> None:
    import_labels(project)
    with pytest.raises(LabelError, match=r"found\.json: ") as error:
        look_into(project, results(project, *rows))
    assert reason in str(error.value)


def test_a_project_without_classes_needs_labels_first(project: Project) -> None:
    with pytest.raises(LabelError, match="this project has no classes yet; import the COCO file"):
        look_into(project, results(project, (7, 7, 0.5)))


def test_an_import_that_ends_early_shows_nothing(project: Project) -> None:
    import_labels(project)
    steps = bring_in(project, look_into(project, results(project, (100, 7, 0.5))))
    next(steps)
    steps.close()
    assert list(project.predictions.all()) == []
