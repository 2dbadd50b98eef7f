"""Auto-labelling stores what a model finds as it finds it, names broken files, and stops when told to."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from detector.boxes import Detections
from detector.data.project.records import Pass
from detector.data.project.store import Project
from detector.events import ImageFailed, ImagesLabelled, LabellingEvent
from detector.inference import labelling
from detector.inference.labelling import label
from detector.inference.predictor import Prediction, Predictor
from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model

COUNT = 5


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        Image.fromarray(rng.integers(0, 255, (60, 80, 3), np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    opened = Project.open(tmp_path)
    list(opened.scan())
    yield opened
    opened.close()


@pytest.fixture
def predictor(model: Model) -> Predictor:
    return Predictor(TorchEngine(model, torch.device("cpu")))


def begin(project: Project, model: Model) -> Pass:
    info = model.info
    return project.passes.begin(
        model="Model", source="m", names=info.classes, category_ids=info.category_ids, thresholds=info.thresholds
    )


def told(work: Iterable[LabellingEvent | None]) -> Iterator[LabellingEvent]:
    """The events, without the pauses between them."""
    return (event for event in work if event is not None)


def same(a: Detections, b: Detections) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("boxes", "scores", "channels", "anchors")
    )


def test_what_the_model_finds_is_stored(project: Project, predictor: Predictor, model: Model):
    pass_ = begin(project, model)
    images = project.images()
    events = list(label(project, predictor, pass_, images))
    (failure,) = (event for event in events if isinstance(event, ImageFailed))
    assert (failure.image_id, failure.path) == (images[-1].id, "broken.png")
    assert "broken.png: cannot be decoded" in failure.message
    progress = [event for event in events if isinstance(event, ImagesLabelled)]
    assert progress[-1].done == progress[-1].total == COUNT + 1
    assert [id for event in progress for id in event.image_ids] == [image.id for image in images[:-1]]
    outcomes = predictor.run(project.folder / image.path for image in images[:-1])
    directly = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
    assert sum(len(outcome.detections) for outcome in directly) > 0
    for image, outcome in zip(images, directly, strict=False):
        stored = project.predictions.of(image.id)
        assert stored
        assert stored[0] == pass_
        assert same(stored[1], outcome.detections)
        assert project.image(image.id).size == (80, 60)
    assert project.predictions.of(images[-1].id) is None
    assert all(project.boxes(image.id) == () for image in images)


def test_slow_models_have_each_image_stored_and_told_at_once(
    project: Project, predictor: Predictor, model: Model, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(labelling, "QUICK", 0.0)
    other = project.connect()
    for event in told(label(project, predictor, begin(project, model), project.images()[:COUNT])):
        assert isinstance(event, ImagesLabelled)
        assert len(event.image_ids) == 1
        assert other.predictions.of(event.image_ids[0])
    other.close()


def test_quick_models_have_several_stored_at_once(
    project: Project, predictor: Predictor, model: Model, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(labelling, "QUICK", 1e9)
    monkeypatch.setattr(labelling, "LONGEST", 1e9)
    (event,) = told(label(project, predictor, begin(project, model), project.images()[:COUNT]))
    assert event == ImagesLabelled(tuple(image.id for image in project.images()[:COUNT]), COUNT, COUNT)


def test_what_was_found_is_kept_when_it_is_stopped(
    project: Project, predictor: Predictor, model: Model, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(labelling, "QUICK", 1e9)
    monkeypatch.setattr(labelling, "LONGEST", 1e9)
    images = project.images()
    order = [*images[:2], images[-1], *images[2:-1]]
    work = label(project, predictor, begin(project, model), order)
    assert isinstance(next(told(work)), ImageFailed)
    assert project.predictions.of(images[0].id) is None
    work.close()
    assert [bool(project.predictions.of(image.id)) for image in order] == [True, True, False, False, False, False]


def test_no_images_are_no_work(project: Project, predictor: Predictor, model: Model):
    assert list(told(label(project, predictor, begin(project, model), []))) == []
