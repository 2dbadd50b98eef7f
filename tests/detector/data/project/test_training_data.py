"""What a store says a fine-tuning would learn from."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detector.data.project.database import Database
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, ProjectImage, State
from detector.data.project.store import Project
from detector.data.project.training_data import read_training_data
from detector.data.split import Side


def test_reviewed_images_and_their_boxes(tmp_path: Path) -> None:
    for number in range(6):
        Image.new("RGB", (90, 60)).save(tmp_path / f"{number}.png")
    project = Project.open(tmp_path)
    for _ in project.scan():
        pass
    images = project.images()
    nut = ProjectClass(project.new_id(), "nut", "#000000", 0, 1)
    boxes = [
        ProjectBox(project.new_id(), image.id, nut.id, (1, 2, 3 + place, 9), Origin.DRAWN, iscrowd=place == 1)
        for place, image in enumerate(images)
    ]
    reviewed = [
        (image, replace(image, state=State.REVIEWED, split=Side.VAL if place == 2 else Side.TRAIN, ignored=place == 3))
        for place, image in enumerate(images[:5])
    ]
    project.note_decoded(images[0].id, width=90, height=60)
    project.apply(Change(boxes=tuple((None, box) for box in boxes), classes=((None, nut),), images=tuple(reviewed)))
    found = read_training_data(project.database)
    project.close()
    used = [images[place].id for place in (0, 1, 2, 4)]  # 3 is ignored, 5 not reviewed
    assert found.image_ids.tolist() == used
    assert found.validates.tolist() == [False, False, True, False]
    np.testing.assert_array_equal(found.long_sides, [90, np.nan, np.nan, np.nan])
    assert found.image_ids[found.owners].tolist() == [used[0], used[2], used[3]]  # a crowd region is none
    assert found.boxes[:, 2].tolist() == [3, 5, 7]
    assert set(found.kinds.tolist()) == {nut.id}
    assert found.names[nut.id] == "nut"


def test_an_image_that_is_reviewed_meanwhile_is_left_out_with_its_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        Image.new("RGB", (90, 60)).save(tmp_path / f"{number}.png")
    project = Project.open(tmp_path)
    for _ in project.scan():
        pass
    first, second = project.images()
    nut = ProjectClass(project.new_id(), "nut", "#000000", 0, 1)
    boxes = [ProjectBox(project.new_id(), one.id, nut.id, (1, 2, 30, 9), Origin.DRAWN) for one in (first, second)]

    def review(*images: ProjectImage) -> None:
        project.apply(Change(images=tuple((one, replace(one, state=State.REVIEWED)) for one in images)))

    project.apply(Change(boxes=tuple((None, box) for box in boxes), classes=((None, nut),)))
    review(first)
    monkeypatch.setattr(Database, "stream", then_once(Database.stream, lambda: review(second)))
    found = read_training_data(project.database)
    project.close()
    assert found.image_ids.tolist() == [first.id]
    assert found.owners.tolist() == [0]


def then_once(stream: Callable[..., Iterator], do: Callable[[], None]) -> Callable[..., Iterator]:
    """Reads as `stream` does; something is done after the first time."""
    waiting = [do]

    def read(*arguments) -> Iterator:
        yield from stream(*arguments)
        if waiting:
            waiting.pop()()

    return read
