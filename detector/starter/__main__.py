"""python -m detector.starter: trains the starter from random weights, on scenes composed as they are needed."""

import io
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from typer import Option

from detector.commands.console import answer, number, say
from detector.commands.data import read_labelled
from detector.commands.options import DeviceName
from detector.data.workbench import write_folder
from detector.device import pick
from detector.errors import StudioError
from detector.events import Evaluated, RunFinished, StepDone, Warned, to_json
from detector.starter.course import Course, Material, Terms
from detector.starter.curriculum import KEPT, LEARNT, PERSON
from detector.training.allocator import keep_pages
from detector.training.dataset import ValidationSet, training_samples
from detector.training.loader import Sample
from detector.training.run_folder import EVENTS

BENCH = {"count": 100, "seed": 900_001, "width": 512, "height": 384, "withheld": True}
SAID_EVERY = 100


def main(
    out: Annotated[Path, Option(help="The course's folder; with a course in it, that one goes on.")],
    hours: Annotated[float, Option(min=0.001, help="Its length: core hours on a CPU, hours on a GPU.")],
    photographs: Annotated[
        Path | None, Option(help="A folder with train.json, train/, val.json, val/: people in photographs.")
    ] = None,
    stop_after: Annotated[float, Option(min=0, help="End this sitting after so many minutes.")] = float("inf"),
    batch: Annotated[int, Option(min=1, help="Inputs per step; 64 on a large GPU.")] = 8,
    lr: Annotated[float, Option(help="The highest learning rate.")] = 1e-3,
    workers: Annotated[int, Option(min=1, help="Processes that compose inputs.")] = 1,
    device: DeviceName = "auto",
    seed: Annotated[int, Option(min=0, help="Of weights and scenes.")] = 0,
) -> None:
    """Train the starter from random weights. The same command goes on with a course that was cut off.

    OUT/last.safetensors is written every two minutes. A file named "stop" in OUT ends the sitting. Nothing of val.json
    is trained on: people are measured on it, and parts on 100 pictures of benches, lights and proportions withheld.
    """
    keep_pages()
    samples, measured = _people(photographs) if photographs else ((), {})
    measured = {"bench": _bench(out), **measured}
    terms = Terms(hours * 3600, stop_after * 60, batch=batch, learning_rate=lr, workers=workers, seed=seed)
    course = Course(Material(samples, measured), terms, out, device=pick(device))
    _follow(course, out)


def _people(folder: Path) -> tuple[tuple[Sample, ...], dict[str, ValidationSet]]:
    """Photographs to learn from, and those to be measured on. Raises LabelError."""
    train = read_labelled(folder / "train.json", folder / "train")
    samples = training_samples(train.dataset, train.paths, [item.id for item in train.dataset.classes])
    channel = LEARNT.index(PERSON)
    samples = tuple(replace(one, labels=np.full_like(one.labels, channel)) for one in samples)
    return samples, {PERSON: _renumbered(read_labelled(folder / "val.json", folder / "val"))}


def _bench(out: Path) -> ValidationSet:
    folder = out / "bench"
    if not (folder / "labels.json").exists():
        for _ in write_folder(folder, **BENCH):
            pass
    return _renumbered(read_labelled(folder / "labels.json", folder))


def _renumbered(truth: ValidationSet) -> ValidationSet:
    """The same set with KEPT's numbers for its classes."""
    ids = {item.id: KEPT.index(item.name) + 1 for item in truth.dataset.classes}
    classes = tuple(replace(item, id=ids[item.id]) for item in truth.dataset.classes)
    boxes = tuple(replace(box, class_id=ids[box.class_id]) for box in truth.dataset.boxes)
    return ValidationSet(replace(truth.dataset, classes=classes, boxes=boxes), truth.paths)


def _follow(course: Course, out: Path) -> None:
    """Log every event; a line for each measurement and every hundredth step."""
    began, losses = time.monotonic(), []
    with (out / EVENTS).open("a", encoding="utf-8", newline="\n", buffering=1) as log:
        for event in course.events():
            log.write(to_json(event) + "\n")
            clock = f"{course.share:.1%} · step {course.progress.step} · {time.monotonic() - began:.0f} s"
            match event:
                case StepDone():
                    losses.append(event.loss)
                    if event.step % SAID_EVERY == 0:
                        loss, pace, rate = sum(losses) / len(losses), event.images_per_second, event.learning_rate
                        answer(f"{clock} · {course.size} px · loss {loss:.4f} · {pace:.1f} images/s · lr {rate:.1e}")
                        losses.clear()
                case Evaluated():
                    figures = {**event.metrics, **event.class_ap}
                    answer(f"{clock} · " + " · ".join(f"{name} {number(value)}" for name, value in figures.items()))
                case Warned():
                    say(event.message)
                case RunFinished():
                    answer(f"{clock} · {event.reason}: {event.best}")
                case _:
                    pass


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        typer.run(main)
    except StudioError as error:
        say(f"error: {error}")
        sys.exit(1)
