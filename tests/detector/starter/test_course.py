"""The starter's training: it fills its time, is measured, and goes on where it was cut off."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from detector.commands.data import read_labelled
from detector.data.workbench import write_folder
from detector.errors import TrainingError
from detector.events import CheckpointSaved, Evaluated, Event, RunFinished, RunStarted, StepDone
from detector.model.checkpoint import load
from detector.starter import course as module
from detector.starter.course import Course, Material, Terms
from detector.starter.curriculum import KEPT, Lesson
from detector.training import learner
from detector.training.run_folder import LAST, STOP_FILE

CPU = torch.device("cpu")
SHORT = (
    Lesson(since=0.0, until=0.5, rate=(0.0, 0.5), size=128, closeness=3.0, others=0.5),
    Lesson(since=0.5, until=1.0, rate=(0.4, 1.0), size=256, closeness=1.6, others=0.2, statistics=False),
)


@pytest.fixture
def material(tmp_path: Path) -> Material:
    list(write_folder(tmp_path / "bench", count=2, seed=5, width=256, height=192, withheld=True))
    return Material((), {"bench": read_labelled(tmp_path / "bench" / "labels.json", tmp_path / "bench")})


@pytest.fixture(autouse=True)
def short_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LESSONS", SHORT)
    monkeypatch.setattr(module, "lesson_at", lambda share: SHORT[share >= 0.5])
    monkeypatch.setattr(module, "MEASUREMENTS", 2)
    monkeypatch.setattr(module, "STATISTICS_IMAGES", 2)


def course(material: Material, out: Path, *, seconds: float, stop_after: float = float("inf")) -> Course:
    """A course whose steps take a second each, whatever the machine does."""
    made = Course(material, Terms(seconds, stop_after, batch=2, learning_rate=1e-3), out, device=CPU)
    ticks = iter(range(1000))
    made.clock = lambda: float(next(ticks))
    return made


def of(events: Sequence[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_statistics_are_learnt_until_a_lesson_fixes_them(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "BN_TRAINS_FROM", 1)
    running = course(material, tmp_path / "out", seconds=8)
    seen = []
    for event in running.events():
        if isinstance(event, StepDone):
            norms = [m for m in running.learner.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
            seen.append(torch.cat([norm.running_mean.clone() for norm in norms if norm.running_mean is not None]))
    changes = [not torch.equal(one, other) for one, other in pairwise(seen)]
    assert changes == [True, True, True, True, False, False, False]  # the fourth as the new size begins


def test_a_course_fills_its_time_and_leaves_a_checkpoint_of_the_classes_kept(
    material: Material, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    running = course(material, out, seconds=12)
    events = list(running.events())
    assert len(of(events, StepDone)) == 12
    assert of(events, RunStarted)[0].classes == KEPT
    assert of(events, RunFinished)[0].reason == "done"
    assert running.size == 256  # of the last lesson
    rates = [step.learning_rate for step in of(events, StepDone)]
    assert rates[6] > rates[5] > rates[11], "another size is learnt at rates of its own"
    first, second = of(events, Evaluated)
    assert (first.step, second.step) == (6, 12)
    assert set(second.metrics) == {"bench AP", "bench AP50"}
    rates = [event.learning_rate for event in of(events, StepDone)]
    assert max(rates) <= 1e-3
    assert rates[-1] < 0.1 * max(rates)
    model = load(out / LAST)
    assert model.info.classes == KEPT
    assert model.network.class_net.predict.conv_pw.out_channels == 9 * len(KEPT)


def test_a_course_goes_on_where_it_was_cut_off(material: Material, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = list(course(material, out, seconds=12, stop_after=0).events())
    assert [event.step for event in of(first, StepDone)] == [1]
    assert of(first, RunFinished)[0].reason == "stopped"
    assert of(first, CheckpointSaved)
    again = course(Material((), {}), out, seconds=4)
    done = of(list(again.events()), StepDone)
    assert [event.step for event in done] == [2, 3, 4]  # a shorter course: of its four seconds one was spent
    assert [event.done for event in done] == [0.5, 0.75, 1.0]


def test_a_file_named_stop_ends_a_sitting_well(material: Material, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / STOP_FILE).touch()
    events = list(course(material, out, seconds=12).events())
    assert len(of(events, StepDone)) == 1
    assert (out / LAST).exists()
    assert not (out / STOP_FILE).exists()


def test_a_loss_without_a_number_ends_the_course(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = course(material, tmp_path / "out", seconds=100)
    monkeypatch.setattr(running.learner, "learn", lambda batch, step: None)
    with pytest.raises(TrainingError, match="lower --lr"):
        list(running.events())
