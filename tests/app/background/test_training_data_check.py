"""The data of a project, checked in a worker."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from app.background import training_data_check
from app.background.training_data_check import Compared, Looks, NearDuplicatesSought, check_training_data
from detector.data.project.records import Change
from detector.data.project.store import Project
from detector.data.split import Side
from detector.data.training_data import Fault, Finding, TrainingData
from tests.reviewed import open_scanned, review


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Five reviewed pictures: two train, three validate; `4.jpg` is `0.png` saved anew, `2.png` is none."""
    rough = np.random.default_rng(5).integers(0, 256, (4, 8, 6, 3), np.uint8)
    scenes = [cv2.resize(each, (160, 120), interpolation=cv2.INTER_CUBIC) for each in rough]
    for number, pixels in enumerate(scenes):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    Image.fromarray(scenes[0]).resize((80, 60)).save(tmp_path / "4.jpg", quality=60)
    opened = open_scanned(tmp_path)
    review(opened, [Side.TRAIN, Side.TRAIN, Side.VAL, Side.VAL, Side.VAL])
    yield opened
    opened.close()


def check(project: Project, looks: Looks) -> Finding | None:
    data, *_, last = check_training_data(project, looks)
    assert isinstance(data, TrainingData)
    assert isinstance(last, NearDuplicatesSought)
    return last.finding


def test_near_duplicates_are_found_and_looked_at_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [image.id for image in project.images()]
    looks: Looks = {}
    found = check(project, looks)
    assert found is not None
    assert (found.fault, found.groups) == (Fault.NEAR_DUPLICATES, ((ids[0], ids[4]),))
    assert sorted(looks) == sorted(ids)
    monkeypatch.setattr(training_data_check, "decode_reduced", None)  # nothing is read again
    assert check(project, looks) == found


def test_small_pictures_of_the_store_are_enough(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for image in project.images():
        pixels = cv2.imread(str(project.folder / image.path))
        if pixels is not None:
            project.thumbnails.put(image.id, cv2.imencode(".jpg", pixels)[1].tobytes())
    read: list[Path] = []
    decode_reduced = training_data_check.decode_reduced
    monkeypatch.setattr(
        training_data_check, "decode_reduced", lambda path, side: (read.append(path), decode_reduced(path, side))[1]
    )
    assert check(project, {}) is not None
    assert [path.name for path in read] == ["2.png"]


def test_progress_is_told_and_one_side_needs_no_comparison(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_data_check, "TOLD_EVERY", 2)
    told = [event for event in check_training_data(project, {}) if isinstance(event, Compared)]
    assert told[:2] == [Compared(2, 5), Compared(4, 5)]
    images = project.images()
    project.apply(Change(images=tuple((image, replace(image, split=Side.TRAIN)) for image in images)))
    looks: Looks = {}
    assert check(project, looks) is None
    assert looks == {}
