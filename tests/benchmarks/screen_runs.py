"""Made-up fine-tunings, as the real one would have left them: an events log in a run's folder."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from app.background.fusion_work import read_fusion
from app.background.training_process import LOG_FILE, Run, _write
from app.theme import RESOURCES
from detector.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    FusionWeights,
    RunFinished,
    RunStarted,
    SampleImage,
    SamplesFound,
    StepDone,
    to_json,
)
from detector.training.run_folder import BEST, EVENTS

CLASSES = {"nut": 0.12, "washer": 0.06, "bolt": -0.24, "gear": 0.06}  # how AP moves beside the mean of all
STEPS, EVERY = 400, 50  # of a run: its steps, and how many lie between two evaluations


@dataclass(frozen=True)
class Story:
    """A made-up run: how far it came, the AP at its start and at its end, and how it ended ("" where it goes on)."""

    steps: int
    before: float = 0.41
    after: float = 0.58
    ending: str = ""


RUNNING, BETTER, WORSE = Story(230), Story(STEPS, ending="done"), Story(STEPS, 0.58, 0.52, "done")
DIED = Story(170, ending="died")


def write_run(folder: Path, story: Story, *, created: str = "2026-11-22T10:15:00") -> None:
    """A run's folder as the fine-tuning would have written it."""
    folder.mkdir(parents=True)
    myself = psutil.Process()
    alive = not story.ending
    pid, born = (myself.pid, myself.create_time()) if alive else (2**22 + 1, 0.0)  # above all process numbers
    _write(Run(folder, "Starter", "starter", created, {}, ("nobody",), pid, born))
    with (folder / EVENTS).open("w", encoding="utf-8") as log:
        log.writelines(f"{to_json(event)}\n" for event in tell(story, folder))
    if story.ending == "died":
        (folder / LOG_FILE).write_text("error: CUDA is out of memory at batch 1\n", "utf-8")
    else:
        shutil.copyfile(RESOURCES / "models" / "starter-d0.safetensors", folder / BEST)


def tell(story: Story, folder: Path) -> Iterator[Event]:
    """The events of a made-up run: the loss falls, AP rises or not, the weights move a little."""
    yield RunStarted("d0", ("nut", "washer", "bolt", "gear"), 512, 8, 4, STEPS, 8, "CPU: 8 threads")
    for step in range(story.steps + 1):
        if step:
            noise = 0.12 * math.sin(7.3 * step) + 0.08 * math.sin(2.1 * step)
            loss = 0.35 + 1.1 * math.exp(-step / 70) * (1 + noise) + 0.05 * noise
            yield StepDone(step, loss, 0.6 * loss, 0.4 * loss, 1e-3, 5.2)
        if step % EVERY == 0:
            share = 1 - math.exp(-2.5 * step / STEPS)
            ap = story.before + (story.after - story.before) * share / (1 - math.exp(-2.5))
            of_classes = {name: ap + way * step / STEPS for name, way in CLASSES.items()}
            yield Evaluated(step, {"AP": ap}, of_classes)
            yield SamplesFound(step, tuple(sample(name, step / STEPS) for name in ("0002.jpg", "0007.jpg", "0011.jpg")))
            yield weights_after(step)
            if step:
                yield CheckpointSaved(step, "last", str(folder / "last.safetensors"))
    if story.ending == "done":
        yield RunFinished(STEPS, "done", 615.0, str(folder / BEST), {"AP": story.after}, {"AP": story.before})


def sample(name: str, share: float) -> SampleImage:
    """What a run finds in a picture of the project, the more the further it is."""
    boxes = ((60.0, 80.0, 190.0, 200.0), (330.0, 220.0, 460.0, 340.0), (500.0, 60.0, 600.0, 150.0))
    found = tuple(tuple(side + 10 * (1 - share) for side in box) for box in boxes)
    scores = tuple(round(0.2 + 0.7 * share - 0.05 * place, 3) for place in range(len(boxes)))
    return SampleImage(str(RESOURCES / "sample" / "images" / name), found, scores, ("nut", "washer", "bolt"), boxes)


def weights_after(step: int) -> FusionWeights:
    """The starter's fusion weights, moved a little further with each step and normalised in each node."""
    if not _starter:
        _starter.extend(next(iter(read_fusion("starter"))).edges)
    raw = [(edge.raw or 0.0) + 4e-4 * step * math.sin(1.7 * place) for place, edge in enumerate(_starter)]
    sums: dict[tuple[int, str], float] = {}
    for edge, value in zip(_starter, raw, strict=True):
        sums[edge.cell, edge.node] = sums.get((edge.cell, edge.node), 1e-4) + max(value, 0.0)
    weights = [max(value, 0.0) / sums[edge.cell, edge.node] for edge, value in zip(_starter, raw, strict=True)]
    return FusionWeights(step, tuple(raw), tuple(weights), reach=1e-3 * step)


_starter: list[Any] = []  # its edges, read once
