"""What a store says a fine-tuning would learn from."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detector.data.project.database import Database
from detector.data.project.records import Change, Origin, ProjectBox, ProjectClass, ProjectImage, State
from detector.data.project.training_data import read_training_data
from detector.data.split import Side
from tests.reviewed import draw_on_each, open_scanned, review


def test_reviewed_images_and_their_boxes(tmp_path: Path) -> None:
    for number in range(6):
        Image.new("RGB", (90, 60)).save(tmp_path / f"{number}.png")
    project = open_scanned(tmp_path)
    images = project.images()
    nut = ProjectClass(project.new_id(), "nut", "#000000", 0, 1)
    boxes = [
        ProjectBox(project.new_id(), image.id, nut.id, (1, 2, 3 + place, 9), Origin.DRAWN, iscrowd=place == 1)
        for place, image in enumerate(images)
    ]
    sides = [Side.TRAIN, Side.TRAIN, Side.VAL, Side.TRAIN, Side.TRAIN]
    project.note_decoded(images[0].id, width=90, height=60)
    review(project, sides, boxes=boxes, classes=[nut], ignored=[3])
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
    project = open_scanned(tmp_path)
    first, second = project.images()
    nut = ProjectClass(project.new_id(), "nut", "#000000", 0, 1)
    boxes = draw_on_each(project, nut, (1, 2, 30, 9))

    def vouch(image: ProjectImage) -> None:
        project.apply(Change(images=((image, replace(image, state=State.REVIEWED)),)))

    project.apply(Change(boxes=tuple((None, box) for box in boxes), classes=((None, nut),)))
    vouch(first)
    monkeypatch.setattr(Database, "stream", then_once(Database.stream, lambda: vouch(second)))
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
