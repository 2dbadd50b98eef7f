"""What goes wrong in a run is said, and costs no more than it must."""

import errno
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from detector.data.annotations import Box, Dataset, ImageEntry, ObjectClass
from detector.errors import OptionsError, TrainingError
from detector.events import CheckpointSaved, Evaluated, Event, RunFinished, StepDone, Warned
from detector.model.checkpoint import Model, load, save
from detector.model.variants import VARIANTS
from detector.training import checkpoint_writer, interruption, learner, trainer, validation
from detector.training.dataset import ValidationSet, training_samples
from detector.training.evaluation import Evaluation
from detector.training.losses import Losses
from detector.training.options import FineTuneOptions
from detector.training.ranks import Ranks
from detector.training.run_folder import BEST, LAST, STOP_FILE
from detector.training.trainer import Trainer
from detector.training.transfer import random_model
from detector.training.validation import Measurement

OPTIONS = FineTuneOptions(steps=6, batch=2, image_size=128)
PICTURES = 4
ALONE = Ranks(torch.device("cpu"))


@pytest.fixture
def data(tmp_path: Path) -> ValidationSet:
    rng = np.random.default_rng(0)
    images, boxes, paths = [], [], {}
    for number in range(1, PICTURES + 1):
        paths[number] = tmp_path / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (96, 128, 3), np.uint8)).save(paths[number])
        images.append(ImageEntry(number, paths[number].name, 128, 96))
        boxes.append(Box(number, 1, (10.0, 10.0, 70.0, 60.0)))
    return ValidationSet(Dataset(tuple(images), (ObjectClass(1, "bolt"),), tuple(boxes)), paths)


@pytest.fixture
def run(data: ValidationSet, tmp_path: Path) -> Callable[..., Trainer]:
    """Makes the trainer of a run in tmp_path/run."""

    def make(
        options: FineTuneOptions = OPTIONS, *, measured: bool = False, fresh: bool = False, ranks: Ranks = ALONE
    ) -> Trainer:
        model = random_model(VARIANTS["d0"], ["bolt"], [1], seed=3)
        samples = training_samples(data.dataset, data.paths, [1])
        validation = data if measured else None
        return Trainer(model, samples, validation, options, tmp_path / "run", ranks=ranks, fresh=fresh)

    return make


def warnings(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned)]


def is_finite(path: Path) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in load_file(path).values())


def fail_at(monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """Makes the loss of the `failing`-th step, from 1, not a number."""
    real, calls = learner.detection_losses, []

    def losses(*arguments, **keywords) -> Losses:
        calls.append(1)
        found = real(*arguments, **keywords)
        factor = float("nan") if len(calls) == failing else 1.0
        return Losses(found.class_loss * factor, found.box_loss)

    monkeypatch.setattr(learner, "detection_losses", losses)


def test_a_step_without_a_finite_loss_is_skipped_said_and_lowers_the_rate(
    run: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = {event.step: event.learning_rate for event in run().events() if isinstance(event, StepDone)}
    fail_at(monkeypatch, 3)
    events = list(run().events())
    (said,) = warnings(events)
    assert "skipped, and the learning rate is halved" in said
    rates = {event.step: event.learning_rate for event in events if isinstance(event, StepDone)}
    assert sorted(rates) == [1, 2, 4, 5, 6]
    for step, rate in rates.items():
        assert rate == pytest.approx(planned[step] * (1 if step < 3 else 0.5))
    assert is_finite(tmp_path / "run" / BEST)
    assert is_finite(tmp_path / "run" / LAST)


def test_the_lower_rate_outlives_an_interruption(
    run: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at(monkeypatch, 2)
    for event in run().events():
        if isinstance(event, StepDone) and event.step == 3:
            (tmp_path / "run" / STOP_FILE).touch()
            cautious = event.learning_rate
    again = run()
    first = next(event for event in again.events(resume=True) if isinstance(event, StepDone))
    assert again.learner.caution == 0.5
    assert first.learning_rate < cautious


def test_statistics_that_saw_what_is_not_finite_are_put_back(
    run: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = run(replace(OPTIONS, batch=8, steps=3), fresh=True)
    real, calls = trainer.learner.normalise, []

    def normalise(images: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return real(images) * (float("nan") if len(calls) == 1 else 1.0)

    monkeypatch.setattr(trainer.learner, "normalise", normalise)
    events = list(trainer.events())
    assert [event.step for event in events if isinstance(event, StepDone)] == [2, 3]
    assert is_finite(tmp_path / "run" / LAST)


def test_weights_that_are_not_finite_are_never_written(run: Callable[..., Trainer], tmp_path: Path) -> None:
    trainer = run()
    list(trainer.events())
    before = (tmp_path / "run" / BEST).read_bytes(), (tmp_path / "run" / LAST).read_bytes()
    with torch.no_grad():
        trainer.learner.average.network.fpn.p6.conv.weight[0, 0] = float("inf")
    for saved in (trainer.checkpoints.save(BEST, trainer.info, trainer.progress), trainer._save_last()):
        assert isinstance(saved, Warned)
        assert "not finite" in saved.message
    assert ((tmp_path / "run" / BEST).read_bytes(), (tmp_path / "run" / LAST).read_bytes()) == before


def out_of_memory(
    monkeypatch: pytest.MonkeyPatch, trainer: Trainer, error: Exception, *, images: int, size: int
) -> None:
    """A device that holds so many images of such a size."""
    real = trainer.learner.network.forward

    def forward(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if len(pixels) > images or pixels.shape[-1] > size:
            raise error
        return real(pixels)

    monkeypatch.setattr(trainer.learner.network, "forward", forward)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("made up"), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_too_large_a_batch_goes_in_parts_and_learns_the_same(
    run: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    options = replace(OPTIONS, batch=4, steps=2)
    expected = [event.loss for event in run(options).events() if isinstance(event, StepDone)]
    trainer = run(options)
    out_of_memory(monkeypatch, trainer, error, images=1, size=128)
    events = list(trainer.events())
    assert [event.loss for event in events if isinstance(event, StepDone)] == pytest.approx(expected, rel=1e-4)
    (said,) = warnings(events)
    assert "does not hold 4 images at once: they go through it in 4 parts" in said


def test_where_not_even_one_image_fits_the_size_shrinks_and_stays_so(
    run: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, image_size=384, steps=3)
    trainer = run(options)
    out_of_memory(monkeypatch, trainer, torch.OutOfMemoryError("made up"), images=1, size=128)
    events = list(trainer.events())
    assert [event.step for event in events if isinstance(event, StepDone)] == [1, 2, 3]
    assert [text for text in warnings(events) if "goes on with" in text] == [
        "The device's memory does not hold one image of 384 px: the run goes on with 256 px.",
        "The device's memory does not hold one image of 256 px: the run goes on with 128 px.",
    ]
    assert load(tmp_path / "run" / BEST).info.image_size == 128
    again = run(options)
    list(again.events(resume=True))
    assert (again.info.image_size, again.source._loader._size) == (128, 128)
    assert len(again.learner.anchors) == len(trainer.learner.anchors)


def test_a_device_too_small_for_the_smallest_size_is_an_error_with_a_way_out(
    run: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = run()
    out_of_memory(monkeypatch, trainer, torch.OutOfMemoryError("made up"), images=0, size=0)
    with pytest.raises(TrainingError, match="smaller variant"):
        list(trainer.events())


def test_other_errors_are_not_taken_for_a_want_of_memory(
    run: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = run()
    out_of_memory(monkeypatch, trainer, RuntimeError("a bug"), images=0, size=0)
    with pytest.raises(RuntimeError, match="a bug"):
        list(trainer.events())


def test_a_full_disk_keeps_the_best_so_far_and_the_run(
    run: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[Path] = []

    def save_file(model: Model, path: Path, **keywords) -> None:
        writes.append(path)
        if len(writes) in (3, 4):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(model, path, **keywords)

    monkeypatch.setattr(checkpoint_writer, "save", save_file)
    events = list(run(replace(OPTIONS, steps=None, epochs=3)).events())
    assert [path.name for path in writes] == [BEST, LAST] * 3
    assert len([text for text in warnings(events) if "No space left" in text and "make room" in text]) == 2
    saved = [(event.step, event.kind) for event in events if isinstance(event, CheckpointSaved)]
    assert saved == [(2, "best"), (2, "last"), (6, "best"), (6, "last")]
    assert is_finite(tmp_path / "run" / BEST)
    assert not list((tmp_path / "run").glob("*.part"))


def test_a_picture_that_vanishes_is_said_and_the_run_goes_on(run: Callable[..., Trainer], data: ValidationSet) -> None:
    events = []
    for event in run(replace(OPTIONS, steps=None, epochs=2), measured=True).events():
        if isinstance(event, Evaluated) and event.step == 0:
            data.paths[3].unlink()
        events.append(event)
    said = [text for text in warnings(events) if "3.png" in text]
    assert len([text for text in said if "left out of what is measured" in text]) == 1
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "done"


def test_a_stop_while_it_measures_ends_at_once_and_keeps_what_was_best(
    run: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, steps=None, epochs=3)
    real, looked = validation.TorchEngine.detect, []

    def detect(engine, images):
        looked.append(len(images))
        if len(looked) == 2 * PICTURES + 1:  # the first picture of the measurement after the second epoch's
            (tmp_path / "run" / STOP_FILE).touch()
        return real(engine, images)

    monkeypatch.setattr(validation.TorchEngine, "detect", detect)
    events = list(run(options, measured=True).events())
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert (last.reason, last.step) == ("stopped", 4)
    assert [event.step for event in events if isinstance(event, Evaluated)] == [0, 2]
    assert last.best == str(tmp_path / "run" / (BEST if (tmp_path / "run" / BEST).exists() else LAST))
    *_, ended = run(options, measured=True).events(resume=True)
    assert isinstance(ended, RunFinished)
    assert (ended.reason, ended.step) == ("done", 6)


def test_a_stop_within_a_step_leaves_no_trace_of_it(
    run: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "LOOK_SECONDS", 0)
    options = replace(OPTIONS, batch=8, steps=3)
    whole, asked = run(options, fresh=True), []
    whole.interruption._stopped = lambda: bool(asked.append(1))
    list(whole.events())
    expected = load_file(tmp_path / "run" / LAST)
    each = len(asked) // 3
    assert each > 200
    for place in (each + each // 5, each + each * 4 // 5):  # of the second step, on its way forwards and back
        shutil.rmtree(tmp_path / "run")
        left, cut = iter(range(place)), run(options, fresh=True)
        cut.interruption._stopped = lambda left=left: next(left, None) is None
        *_, last = cut.events()
        assert isinstance(last, RunFinished)
        assert (last.reason, last.step) == ("stopped", 1)
        list(run(options, fresh=True).events(resume=True))
        found = load_file(tmp_path / "run" / LAST)
        assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_stop_while_statistics_are_taken_anew_puts_back_those_before(
    run: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = run(replace(OPTIONS, batch=8), fresh=True)
    before = {name: tensor.clone() for name, tensor in trainer.learner.average.network.state_dict().items()}
    looks = iter([None, None])

    def look() -> None:
        if next(looks, True):
            raise interruption.StopWantedError

    monkeypatch.setattr(trainer.interruption, "look", look)
    with pytest.raises(interruption.StopWantedError):
        trainer._reestimate()
    after = trainer.learner.average.network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_pictures_that_other_processes_cannot_read_are_told_as_it_measures(run: Callable[..., Trainer]) -> None:
    events = list(run(ranks=Neighbour(torch.device("cpu"))).events())
    assert warnings(events) == ["far.png cannot be read."]


def test_a_time_that_measuring_uses_up_is_refused_with_a_way_out(run: Callable[..., Trainer]) -> None:
    with pytest.raises(TrainingError, match="leaves no time to learn; give the run more --minutes"):
        list(run(replace(OPTIONS, steps=None, minutes=0.0001), measured=True).events())


def test_a_run_goes_on_only_in_as_many_processes(run: Callable[..., Trainer], tmp_path: Path) -> None:
    for event in run().events():
        if isinstance(event, StepDone):
            (tmp_path / "run" / STOP_FILE).touch()
    with pytest.raises(OptionsError, match="processes was 1, now 2"):
        list(run(ranks=Ranks(torch.device("cpu"), 0, 2)).events(resume=True))


class Neighbour(Ranks):
    """One of two processes, of which the other cannot read a picture."""

    def gather(self, value):
        return [value, ["far.png cannot be read."]]


class Second(Ranks):
    """One of two processes, of which the first takes 7 s for whatever is timed, and has no room on its disk."""

    def broadcast_numbers(self, values):
        return [7.0] if len(values) == 1 else list(values)

    def broadcast(self, value):
        return Warned("The disk is full.", 0) if isinstance(value, CheckpointSaved) else value


def test_all_processes_go_by_what_the_first_one_timed_and_wrote(
    run: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Measurement(Evaluation({"AP": 0.5}, {}, {}), {})
    monkeypatch.setattr(trainer, "measure", lambda *_, **__: measured)
    second = run(replace(OPTIONS, steps=1), measured=True, ranks=Second(torch.device("cpu"), rank=1))
    assert "The disk is full." in warnings(list(second.events()))
    assert second.progress.best is None
    assert second.budget.reserve == second.progress.measuring == 7.0
