"""Quick mode: kept features, thawing in stages, and a whole checkpoint at the end."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from detector.errors import OptionsError
from detector.events import CheckpointSaved, Event, RunFinished, RunStarted, StageBegan, StepDone
from detector.model.checkpoint import Model, load
from detector.model.variants import VARIANTS, find_variant
from detector.training import interruption
from detector.training.augment import Augmentation
from detector.training.learner import Learner
from detector.training.loader import Batch, Loader, Sample
from detector.training.options import FineTuneOptions, Freeze, quick_minutes
from detector.training.quick import STAGES, VIEWS, FeatureLoader, stage_at
from detector.training.ranks import Ranks
from detector.training.run_folder import STOP_FILE
from detector.training.trainer import Trainer
from detector.training.transfer import random_model

ALONE = Ranks(torch.device("cpu"))
SIZE = 128
OPTIONS = FineTuneOptions(steps=10, batch=2, image_size=SIZE, quick=True)
LARGE = 10**9
BYTES_OF_A_VIEW = 2 * (16 * 16 * 40 + 8 * 8 * 112 + 4 * 4 * 320)


@pytest.fixture
def samples(tmp_path: Path) -> tuple[Sample, ...]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(3):
        Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(tmp_path / f"{number}.png")
        box = np.array([[10, 10, 70 + number, 60]], np.float32)
        made.append(Sample(tmp_path / f"{number}.png", box, np.zeros(1, np.int64), np.zeros(1, bool)))
    return tuple(made)


def start() -> Model:
    return random_model(VARIANTS["d0"], ["bolt"], [1], seed=3)


def feature_loader(samples: Sequence[Sample], *, memory: int = LARGE) -> tuple[FeatureLoader, Learner]:
    learner = Learner(start(), OPTIONS, size=SIZE, ranks=ALONE, fresh=False)
    learner.freeze(3)
    chances = {"seed": 0, "augmentation": Augmentation(), "fill": (0, 0, 0)}
    loader = Loader(samples, image_size=SIZE, batch=2, threads=1, memory_limit=LARGE, **chances)
    return FeatureLoader(loader, learner, samples=len(samples), seed=0, memory_limit=memory), learner


def is_same(a: Batch, b: Batch) -> bool:
    pairs = [*zip(a.features, b.features, strict=True), *zip(a.boxes, b.boxes, strict=True)]
    return all(np.array_equal(x, y) for x, y in pairs)


def trainer(samples: Sequence[Sample], out: Path, options: FineTuneOptions = OPTIONS) -> Trainer:
    return Trainer(start(), samples, None, options, out, ranks=ALONE)


def test_features_are_those_of_the_backbone_in_half_precision(samples: tuple[Sample, ...]) -> None:
    loader, learner = feature_loader(samples)
    learner.network.train()
    (batch,) = loader.batches(0, 1)
    assert [array.shape for array in batch.features] == [(2, 16, 16, 40), (2, 8, 8, 112), (2, 4, 4, 320)]
    index = loader._loader.place(0, 0)[1]
    view = loader._loader.compose(index, loader._rng(index, 0))
    with torch.no_grad():
        maps = learner.network.backbone(learner.normalise(torch.from_numpy(view.image).permute(2, 0, 1)[None]))
    for array, expected in zip(batch.features, maps, strict=True):
        np.testing.assert_allclose(array[0], expected[0].permute(1, 2, 0), rtol=2e-3, atol=2e-3)


def test_a_step_gets_the_same_features_wherever_training_resumed(samples: tuple[Sample, ...]) -> None:
    whole = list(feature_loader(samples)[0].batches(0, 8))
    rest = list(feature_loader(samples)[0].batches(5, 8))
    assert all(is_same(a, b) for a, b in zip(whole[5:], rest, strict=True))


def test_views_come_again_after_their_number_of_epochs_and_not_before(samples: tuple[Sample, ...]) -> None:
    epoch = len(samples)  # steps of two, so two epochs
    batches = list(feature_loader(samples)[0].batches(0, (VIEWS // 2 + 1) * epoch))
    labels = {array.tobytes() for batch in batches for array in batch.features[-1]}
    assert len(labels) == VIEWS * len(samples)


def test_as_many_views_are_kept_as_the_memory_holds(samples: tuple[Sample, ...]) -> None:
    loader, _ = feature_loader(samples, memory=2 * BYTES_OF_A_VIEW * len(samples))
    seen = {array.tobytes() for batch in loader.batches(0, 12) for array in batch.features[-1]}
    assert len(seen) == 2 * len(samples)


def test_views_that_the_memory_does_not_hold_are_computed_each_time(samples: tuple[Sample, ...]) -> None:
    def batches(views: int) -> tuple[list[Batch], int]:
        """Those of the later epochs, and of how many views features are computed for them."""
        loader, learner = feature_loader(samples, memory=views * BYTES_OF_A_VIEW)
        backbone, computed = learner.network.backbone, []
        real = backbone.features
        backbone.features = lambda images, count: computed.append(len(images)) or real(images, count)
        for _ in loader.batches(0, 3):
            pass
        computed.clear()
        return list(loader.batches(3, 9)), sum(computed)

    (some, anew), (kept, none) = batches(1), batches(len(samples))
    assert anew >= len(samples)
    assert none == 0
    for a, b in zip(some, kept, strict=True):
        for one, other in zip(a.features, b.features, strict=True):
            np.testing.assert_allclose(one, other, rtol=0.02, atol=0.02)  # other numbers of images at a time


def test_of_a_view_no_pixels_are_kept(samples: tuple[Sample, ...]) -> None:
    loader, _ = feature_loader(samples)
    tracemalloc.start()  # which sees what numpy has, and not what torch has
    try:
        for _ in loader.batches(0, VIEWS * len(samples)):
            pass
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < VIEWS * len(samples) * SIZE * SIZE * 3 / 2


def test_layers_thaw_stage_by_stage_and_frozen_ones_keep_their_weights(
    samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    events = list(trainer(samples, tmp_path / "run").events())
    assert isinstance(events[0], RunStarted)
    assert events[0].quick
    told = [(event.step, event.trained) for event in events if isinstance(event, StageBegan)]
    assert told == [(0, STAGES[0].trained), (3, STAGES[1].trained)]
    assert [event.step for event in events if isinstance(event, StepDone)] == list(range(1, 11))
    before, after = dict(start().network.named_parameters()), load(tmp_path / "run" / "last.safetensors").network
    changed = {name for name, tensor in after.named_parameters() if not torch.equal(tensor, before[name])}
    assert not {name for name in changed if name.startswith(("backbone.conv_stem", "backbone.blocks.4"))}
    assert {name.split(".")[0] for name in changed} == {"backbone", "fpn", "class_net", "box_net"}


def test_stages_follow_the_budget() -> None:
    assert [stage_at(share).given for share in (0.0, 0.29, 0.3, 0.9, 1.0)] == [3, 3, 2, 2, 2]


def test_a_quick_run_stopped_and_resumed_ends_with_the_same_weights(
    samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    list(trainer(samples, whole).events())
    for event in trainer(samples, cut).events():
        if isinstance(event, StepDone) and event.step == 6:
            (cut / STOP_FILE).touch()
    assert isinstance(event, RunFinished)
    assert event.reason == "stopped"
    list(trainer(samples, cut).events(resume=True))
    expected, found = (load(folder / "last.safetensors").network.state_dict() for folder in (whole, cut))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_stop_while_views_are_made_is_heard(
    samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "LOOK_SECONDS", 0)
    run = trainer(samples, tmp_path)
    run.interruption._stopped = iter([False] * 20 + [True]).__next__  # of the first view there are more
    *_, last = run.events()
    assert isinstance(last, RunFinished)
    assert (last.reason, last.step) == ("stopped", 0)
    assert not run.source._features._kept
    *_, last = trainer(samples, tmp_path).events(resume=True)
    assert isinstance(last, RunFinished)
    assert (last.reason, last.step) == ("done", 10)


def test_a_budget_of_time_is_kept_and_told(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    options = FineTuneOptions(minutes=0.05, batch=1, image_size=SIZE, quick=True)
    events: list[Event] = list(trainer(samples, tmp_path, options).events())
    first, last = events[0], events[-1]
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    assert (first.steps, first.minutes) == (None, 0.05)
    shares = [event.done for event in events if isinstance(event, StepDone)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert last.reason == "done"
    assert 3 <= last.seconds < 30
    assert any(isinstance(event, CheckpointSaved) and event.kind == "best" for event in events)


def test_without_a_budget_quick_takes_minutes_and_options_that_cannot_be_are_refused() -> None:
    d0, d2, own = VARIANTS["d0"], VARIANTS["d2"], find_variant("phi1.5")
    assert [quick_minutes(images, d0) for images in (1, 41, 100, 10_000)] == [4, 5, 10, 10]
    assert [quick_minutes(1, variant) for variant in (VARIANTS["d1"], d2, own)] == [10, 10, 10]
    assert FineTuneOptions(quick=True).seconds(41, d0) == 300
    assert FineTuneOptions(quick=True, minutes=2).seconds(41, d2) == 120
    assert FineTuneOptions(quick=True, steps=5).seconds(100, d0) is None
    assert FineTuneOptions(quick=True, steps=5).total_steps(10) == 5
    assert FineTuneOptions(minutes=2).total_steps(10) is None
    for wrong in (
        {"minutes": 1, "steps": 5},
        {"quick": True, "mosaic": 0.5},
        {"quick": True, "freeze": Freeze.BACKBONE},
    ):
        with pytest.raises(OptionsError):
            FineTuneOptions(**wrong)
