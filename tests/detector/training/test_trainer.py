"""Whole runs, small ones."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from detector.data import coco
from detector.data.annotations import Dataset, ImageEntry
from detector.data.workbench import CLASSES, scene
from detector.errors import OptionsError, TrainingError
from detector.events import CheckpointSaved, Evaluated, Event, FusionWeights, RunFinished, RunStarted, StepDone, Warned
from detector.model.checkpoint import Model, load
from detector.model.fusion import snapshot
from detector.model.published import open_model
from detector.model.variants import VARIANTS
from detector.training import trainer
from detector.training.dataset import ValidationSet, training_samples
from detector.training.evaluation import Evaluation
from detector.training.interruption import StopWantedError
from detector.training.loader import Sample
from detector.training.options import FineTuneOptions
from detector.training.ranks import Ranks
from detector.training.run_folder import STOP_FILE
from detector.training.trainer import CHANCE, START_WORTH, Trainer
from detector.training.transfer import adapt, random_model
from detector.training.validation import Measurement

IDS = [item.id for item in CLASSES]
NAMES = [item.name for item in CLASSES]
OPTIONS = FineTuneOptions(steps=6, batch=2, image_size=128, mosaic=0.5)
ALONE = Ranks(torch.device("cpu"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> ValidationSet:
    folder = tmp_path_factory.mktemp("pictures")
    boxes, images, paths = [], [], {}
    for index in range(5):
        image, found = scene(7, index, width=192, height=128)
        paths[index + 1] = folder / f"{index}.png"
        Image.fromarray(image).save(paths[index + 1])
        images.append(ImageEntry(index + 1, f"{index}.png", 192, 128))
        boxes += found
    return ValidationSet(Dataset(tuple(images), CLASSES, tuple(boxes)), paths)


@pytest.fixture(scope="module")
def samples(pictures: ValidationSet) -> tuple[Sample, ...]:
    return training_samples(pictures.dataset, pictures.paths, IDS)


def start() -> Model:
    return random_model(VARIANTS["d0"], NAMES, IDS, seed=1)


def measures(monkeypatch: pytest.MonkeyPatch, *aps: float | None) -> Iterator[float | None]:
    """From now on each measurement finds the next of these AP; None: a stop is wanted while it measures."""
    found = iter(aps)

    def measure(*_: object, **__: object) -> Measurement:
        if (ap := next(found)) is None:
            raise StopWantedError
        return Measurement(Evaluation({"AP": ap}, {}, {}), {})

    monkeypatch.setattr(trainer, "measure", measure)
    return found


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_run_tells_its_story_and_leaves_two_models(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path
):
    events = list(
        Trainer(start(), samples, pictures, replace(OPTIONS, steps=None, epochs=2), tmp_path, ranks=ALONE).events()
    )
    assert isinstance(events[0], RunStarted)
    assert (events[0].steps, events[0].train_images, events[0].validation_images) == (6, 5, 5)
    assert [event.step for event in events if isinstance(event, StepDone)] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events if isinstance(event, Evaluated)] == [0, 3, 6]
    assert [event.step for event in events if isinstance(event, FusionWeights)] == [0, 3, 6]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "done"
    assert kinds(events)[:5] == ["RunStarted", "FusionWeights", "SamplesFound", "Evaluated", "StepDone"]
    for name in ("best", "last"):
        info = load(tmp_path / f"{name}.safetensors").info
        assert info.classes == tuple(NAMES)
        assert info.image_size == 128
        assert "AP50" in info.metrics
    saved = {event.kind for event in events if isinstance(event, CheckpointSaved)}
    assert saved == {"best", "last"}


def test_the_start_is_measured_first_and_remembered_but_is_no_checkpoint(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measures(monkeypatch, 0.5, 0.25, 0.375)
    options = replace(OPTIONS, steps=2, batch=8)
    for event in Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE).events():
        if isinstance(event, StepDone) and event.step == 1:
            (tmp_path / STOP_FILE).touch()
    assert isinstance(event, RunFinished)
    assert (event.metrics, event.start_metrics) == ({"AP": 0.25}, {"AP": 0.5})
    *rest, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE).events(resume=True)
    assert isinstance(last, RunFinished)
    assert (last.metrics, last.start_metrics) == ({"AP": 0.375}, {"AP": 0.5})
    assert [event.step for event in rest if isinstance(event, Evaluated | FusionWeights)] == [2, 2]
    assert load(tmp_path / "best.safetensors").info.metrics == {"AP": 0.375}


def test_the_fusion_weights_told_are_those_of_the_average(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path
):
    events = list(Trainer(start(), samples, pictures, OPTIONS, tmp_path, ranks=ALONE).events())
    first, *_, last = (event for event in events if isinstance(event, FusionWeights))
    edges = snapshot(load(tmp_path / "last.safetensors").network).edges
    assert (last.raw, last.weights) == (tuple(edge.raw for edge in edges), tuple(edge.weight for edge in edges))
    assert set(first.raw) == {1.0} != set(last.raw)
    assert first.reach == 0
    learnt = sum(event.learning_rate for event in events if isinstance(event, StepDone))
    assert last.reach == pytest.approx(learnt / 2)  # trained weights get half of what new layers get


def test_a_run_cut_short_and_resumed_ends_with_the_same_weights(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path
):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    list(Trainer(start(), samples, pictures, OPTIONS, whole, ranks=ALONE).events())
    for event in Trainer(start(), samples, pictures, OPTIONS, cut, ranks=ALONE).events():
        if isinstance(event, StepDone) and event.step == 4:
            (cut / STOP_FILE).touch()
    assert isinstance(event, RunFinished)
    assert (event.reason, event.step) == ("stopped", 4)
    rest = list(Trainer(start(), samples, pictures, OPTIONS, cut, ranks=ALONE).events(resume=True))
    assert [event.step for event in rest if isinstance(event, StepDone)] == [5, 6]
    expected, found = load_file(whole / "last.safetensors"), load_file(cut / "last.safetensors")
    assert all(torch.equal(expected[name], found[name]) for name in expected)


AFTER_TWO_STEPS = [0.5, 0.25, 0.75]  # AP of the start and at two evaluations
BY_CHANCE = CHANCE / math.sqrt(5)
SHARE = 5 / (5 + START_WORTH)  # of what was learnt from five images


@pytest.mark.parametrize(("blend", "kept"), [(0.76, True), (0.751 - BY_CHANCE, True), (0.749 - BY_CHANCE, False)])
def test_a_blend_with_a_start_that_knew_the_classes_is_best_where_nothing_is_clearly_better(
    blend: float,
    kept: bool,
    pictures: ValidationSet,
    samples: tuple[Sample, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    measures(monkeypatch, *AFTER_TWO_STEPS, blend)
    options, before = replace(OPTIONS, steps=2, batch=8), start().network.state_dict()
    *events, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE, familiar=True).events()
    assert isinstance(last, RunFinished)
    assert last.metrics == {"AP": blend if kept else 0.75}
    assert load(tmp_path / "best.safetensors").info.metrics == last.metrics
    told = [event.metrics["AP"] for event in events if isinstance(event, Evaluated) and event.blended]
    assert told == ([blend] if kept else [])
    best, end = (load(tmp_path / f"{name}.safetensors").network.state_dict() for name in ("best", "last"))
    expected = {name: torch.lerp(before[name], end[name], SHARE) for name in end if end[name].is_floating_point()}
    for name in expected:
        torch.testing.assert_close(best[name], (expected if kept else end)[name])
    assert any(not torch.equal(before[name], end[name]) for name in expected)


def test_a_blend_no_better_than_the_start_takes_no_better_ones_place(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    better, worse = (0.75, 0.7, 0.76, 0.75), (0.75, 0.7, 0.74, 0.73)
    for name, few, course, best in (
        ("better", 5, better, 0.76),
        ("better by few", 6, better, 0.75),
        ("worse", 5, worse, 0.73),
    ):
        monkeypatch.setattr(trainer, "FEW_VALIDATION_IMAGES", few)
        measures(monkeypatch, *course)
        out, options = tmp_path / name, replace(OPTIONS, steps=2, batch=8)
        *_, last = Trainer(start(), samples, pictures, options, out, ranks=ALONE, familiar=True).events()
        assert isinstance(last, RunFinished)
        assert last.metrics == {"AP": best}
        assert load(out / "best.safetensors").info.metrics == last.metrics


def test_a_finished_run_resumed_is_still_finished(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measures(monkeypatch, *AFTER_TWO_STEPS, 0.73, None)
    options = replace(OPTIONS, steps=2, batch=8)
    list(Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE, familiar=True).events())
    assert load(tmp_path / "last.safetensors").info.metrics == {"AP": 0.75}
    *_, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE).events(resume=True)
    assert isinstance(last, RunFinished)
    assert last.metrics == load(tmp_path / "best.safetensors").info.metrics == {"AP": 0.73}


def test_a_run_stopped_in_its_last_evaluation_makes_up_for_it(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measures(monkeypatch, 0.5, None, 0.75, 0.76)
    options = replace(OPTIONS, steps=1, batch=8)
    *_, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE, familiar=True).events()
    assert isinstance(last, RunFinished)
    assert (last.reason, last.metrics) == ("stopped", {})
    *events, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE).events(resume=True)
    assert isinstance(last, RunFinished)
    assert (last.reason, last.metrics) == ("done", {"AP": 0.76})
    assert [event.metrics["AP"] for event in events if isinstance(event, Evaluated)] == [0.75, 0.76]


def test_a_run_without_progress_resumed_makes_no_further_step(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # the first two after the start are within the warm-up
    measures(monkeypatch, 0.5, 0.6, 0.6, 0.7, 0.6, None, 0.7, 0.7)
    options = replace(OPTIONS, steps=10, batch=8, patience=1)
    *_, first = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE, familiar=True).events()
    assert isinstance(first, RunFinished)
    assert first.reason == "stopped"
    for _ in range(2):
        *_, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE).events(resume=True)
        assert isinstance(last, RunFinished)
        assert (last.reason, last.step) == ("early", first.step)


def test_a_start_that_did_not_know_all_classes_has_no_say_at_the_end(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = measures(monkeypatch, *AFTER_TWO_STEPS)
    list(Trainer(start(), samples, pictures, replace(OPTIONS, steps=2, batch=8), tmp_path, ranks=ALONE).events())
    assert next(found, None) is None


def test_a_run_stopped_while_it_measures_the_blend_does_so_when_it_goes_on(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measures(monkeypatch, 0.5, 0.25, 0.3, None, 0.35)
    options = replace(OPTIONS, steps=2, batch=8)
    *_, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE, familiar=True).events()
    assert isinstance(last, RunFinished)
    assert (last.reason, last.metrics) == ("stopped", {"AP": 0.3})
    end, before = load(tmp_path / "last.safetensors").network.state_dict(), start().network.state_dict()
    other = random_model(VARIANTS["d0"], NAMES, IDS, seed=2)  # the run knows what it began with
    *_, last = Trainer(other, samples, pictures, options, tmp_path, ranks=ALONE).events(resume=True)
    assert isinstance(last, RunFinished)
    assert (last.reason, last.metrics) == ("done", {"AP": 0.35})
    best = load(tmp_path / "best.safetensors").network.state_dict()
    expected = {name: torch.lerp(before[name], end[name], SHARE) for name in end if end[name].is_floating_point()}
    for name, tensor in expected.items():
        torch.testing.assert_close(best[name], tensor)


def test_a_stop_asked_for_before_the_first_step_is_heard(samples: tuple[Sample, ...], tmp_path: Path):
    (tmp_path / STOP_FILE).touch()
    *_, last = Trainer(start(), samples, None, OPTIONS, tmp_path, ranks=ALONE).events()
    assert isinstance(last, RunFinished)
    assert (last.reason, last.step, last.best) == ("stopped", 1, str(tmp_path / "last.safetensors"))
    *_, last = Trainer(start(), samples, None, OPTIONS, tmp_path, ranks=ALONE).events(resume=True)
    assert isinstance(last, RunFinished)
    assert (last.reason, last.step) == ("done", 6)


def test_a_run_does_not_go_on_with_other_options(pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path):
    options = replace(OPTIONS, steps=1)
    with pytest.raises(TrainingError, match="resume"):
        list(Trainer(start(), samples, None, options, tmp_path, ranks=ALONE).events(resume=True))
    list(Trainer(start(), samples, None, options, tmp_path, ranks=ALONE).events())
    with pytest.raises(OptionsError, match="seed was 0, now 3"):
        list(Trainer(start(), samples, None, replace(options, seed=3), tmp_path, ranks=ALONE).events(resume=True))


def test_without_validation_the_newest_model_is_the_best(samples: tuple[Sample, ...], tmp_path: Path):
    list(Trainer(start(), samples, None, replace(OPTIONS, steps=2), tmp_path, ranks=ALONE).events())
    best, last = load_file(tmp_path / "best.safetensors"), load_file(tmp_path / "last.safetensors")
    assert all(torch.equal(best[name], last[name]) for name in last)


def test_validation_without_boxes_leaves_the_newest_model_as_the_best(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path
):
    empty = replace(pictures, dataset=replace(pictures.dataset, boxes=()))
    options = replace(OPTIONS, steps=None, epochs=2)
    events = list(Trainer(start(), samples, empty, options, tmp_path, ranks=ALONE).events())
    assert [event.step for event in events if isinstance(event, Warned)] == [3, 6]
    best, last = load_file(tmp_path / "best.safetensors"), load_file(tmp_path / "last.safetensors")
    assert all(torch.equal(best[name], last[name]) for name in last)


def test_a_picture_that_cannot_be_read_is_named_and_the_run_goes_on(samples: tuple[Sample, ...], tmp_path: Path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    sick = (replace(samples[0], path=broken), *samples[1:])
    events = list(Trainer(start(), sick, None, replace(OPTIONS, steps=4), tmp_path / "run", ranks=ALONE).events())
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert len(warnings) == 1
    assert "broken.jpg" in warnings[0]
    assert kinds(events).count("StepDone") == 4


def test_a_run_without_progress_ends_early(
    pictures: ValidationSet, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measured = Measurement(Evaluation({"AP": 0.25}, {}, {}), {})
    monkeypatch.setattr(trainer, "measure", lambda *_, **__: measured)
    options = replace(OPTIONS, steps=None, epochs=5, patience=2)
    *_, last = Trainer(start(), samples, pictures, options, tmp_path, ranks=ALONE).events()
    assert isinstance(last, RunFinished)
    assert (last.reason, last.step) == ("early", 12)  # step 3 of 15 is in the warm-up and counts for nothing


def test_a_loss_that_stays_infinite_ends_the_run_with_a_way_out(samples: tuple[Sample, ...], tmp_path: Path):
    model = start()
    with torch.no_grad():
        model.network.box_net.predict.conv_pw.bias.fill_(float("nan"))
    options = replace(OPTIONS, steps=40, epochs=None, batch=1, image_size=128)
    run = Trainer(model, samples * 8, None, options, tmp_path, ranks=ALONE).events()
    said = kinds([next(run) for _ in range(22)])
    assert said == ["RunStarted", "FusionWeights", *["Warned"] * 20]
    with pytest.raises(TrainingError, match="lower --lr"):
        next(run)


@pytest.mark.slow
def test_eight_photographs_are_learnt_by_heart(shared_data: Path, tmp_path: Path):
    truth, _ = coco.read(shared_data / "coco-person" / "tune.json")
    groups = truth.boxes_by_image()
    chosen = [image for image in truth.images if 1 <= len(groups[image.id]) <= 3][:8]
    few = Dataset(tuple(chosen), truth.classes, tuple(box for image in chosen for box in groups[image.id]))
    paths = {image.id: shared_data / "coco-person" / "val" / image.path for image in chosen}
    model = adapt(open_model(str(shared_data / "tf_efficientdet_d0-standin.pth")), ["person"], [1])
    options = FineTuneOptions(steps=150, image_size=384, scale=(1.0, 1.0), flip=False, photometric=0.0, mosaic=0.0)
    ids = [item.id for item in few.classes]
    *_, last = Trainer(
        model, training_samples(few, paths, ids), ValidationSet(few, paths), options, tmp_path, ranks=ALONE
    ).events()
    assert isinstance(last, RunFinished)
    assert last.metrics["AP50"] >= 0.95


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 150, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(30, 100, (count, 2))], axis=1).astype(np.float32)


@pytest.mark.slow
def test_labels_at_random_teach_nothing_about_new_pictures(shared_data: Path, tmp_path: Path):
    folder = shared_data / "raccoon"
    train, _ = coco.read(folder / "train.json")
    held_out, _ = coco.read(folder / "val.json")
    rng = np.random.default_rng(0)
    samples = [
        replace(sample, boxes=random_boxes(rng, len(sample.boxes)))
        for sample in training_samples(train, {i.id: folder / "images" / i.path for i in train.images}, [1])
    ]
    model = adapt(open_model(str(shared_data / "tf_efficientdet_d0-standin.pth")), ["raccoon"], [1])
    validation = ValidationSet(held_out, {i.id: folder / "images" / i.path for i in held_out.images})
    options = FineTuneOptions(steps=100, image_size=256)
    *_, last = Trainer(model, samples, validation, options, tmp_path, ranks=ALONE).events()
    assert isinstance(last, RunFinished)
    assert last.metrics["AP50"] < 0.1  # of the best
    assert load(tmp_path / "last.safetensors").info.metrics["AP50"] < 0.1
