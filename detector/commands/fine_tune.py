"""fine-tune: a model learns from the boxes of a COCO file or a project."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from tqdm import tqdm
from typer import Argument, Context, Option

from detector.commands.console import answer, number, say, warn
from detector.commands.options import ClassFile, DeviceName, ImageFolder, ModelName, VariantName
from detector.errors import OptionsError
from detector.events import Evaluated, Event, RunFinished, RunStarted, StageBegan, StepDone, Warned, to_json
from detector.training.options import FineTuneOptions, Freeze, Precision
from detector.training.run_folder import EVENTS

if TYPE_CHECKING:
    from detector.commands.run_data import RunData
    from detector.model.checkpoint import Model
    from detector.training.dataset import ValidationSet
    from detector.training.loader import Sample
    from detector.training.ranks import Ranks

DEFAULT = FineTuneOptions()
REASONS = {"done": "Finished", "stopped": "Stopped", "early": "Ended for want of progress"}


def fine_tune(
    context: Context,
    data: Annotated[Path, Argument(metavar="DATA", help="A COCO file, or a project folder: its reviewed images.")],
    model: ModelName,
    out: Annotated[Path, Option(help="The run's folder: checkpoints, events, the data it froze.")],
    images: ImageFolder = None,
    val: Annotated[Path | None, Option(help="A COCO file to measure on; default: a fifth of DATA.")] = None,
    val_images: Annotated[Path | None, Option(help="Where its pictures are; default: beside it.")] = None,
    epochs: Annotated[int | None, Option(help="How long; default: from the number of images.")] = None,
    steps: Annotated[int | None, Option(help="How long, in optimiser steps.")] = None,
    minutes: Annotated[float | None, Option(help="How long, in minutes, measuring included.")] = None,
    quick: Annotated[bool, Option("--quick", help="For a CPU: the first layers stay as they are.")] = False,
    batch: Annotated[int, Option(help="Images per step.")] = DEFAULT.batch,
    lr: Annotated[float, Option(help="Learning rate of new layers; trained ones get less.")] = DEFAULT.learning_rate,
    image_size: Annotated[int | None, Option(help="Side in pixels; default: the model's.")] = None,
    freeze: Annotated[Freeze, Option(help="The part that keeps its weights.")] = DEFAULT.freeze,
    device: DeviceName = "auto",
    seed: Annotated[int, Option(min=0, help="The same seed, the same chances.")] = DEFAULT.seed,
    resume: Annotated[bool, Option("--resume", help="Go on with the run in OUT, on the data it froze.")] = False,
    events: Annotated[Path | None, Option(help="Where events go; default: OUT/events.jsonl.")] = None,
    from_scratch: Annotated[bool, Option("--from-scratch", help="Random weights; --model names a variant.")] = False,
    backbone: Annotated[Path | None, Option(help="timm's tf_efficientnet_b… file, to begin with; see README.")] = None,
    no_flip: Annotated[bool, Option("--no-flip", help="Mirror no pictures.")] = False,
    any_orientation: Annotated[bool, Option("--any-orientation", help="Turn pictures: no side is up.")] = False,
    scale_min: Annotated[float, Option(help="Resize at random, from …")] = DEFAULT.scale[0],
    scale_max: Annotated[float, Option(help="… to this.")] = DEFAULT.scale[1],
    mosaic: Annotated[float, Option(help="Share of inputs made of four pictures.")] = DEFAULT.mosaic,
    photometric: Annotated[float, Option(help="How far colours stray; 0.2: by 20%.")] = DEFAULT.photometric,
    replay: Annotated[Path | None, Option(help="A COCO file of old images, shown again against forgetting.")] = None,
    replay_images: Annotated[Path | None, Option(help="Where its pictures are; default: beside it.")] = None,
    replay_share: Annotated[float, Option(help="Share of inputs from old images.")] = DEFAULT.replay_share,
    patience: Annotated[int | None, Option(help="End after so many evaluations without progress.")] = None,
    half: Annotated[bool, Option("--half", help="Checkpoints in float16, half as large.")] = False,
    precision: Annotated[Precision, Option(help="mixed: 16 bits where quicker; auto: on a GPU and with --quick.")] = (
        DEFAULT.precision
    ),
    variant: VariantName = None,
    classes: ClassFile = None,
) -> None:
    """Fine-tune a model on the boxes of a COCO file, or of a project's reviewed images.

    Prints one line per evaluation; the best checkpoint is OUT/best.safetensors. Images without boxes count as empty.
    Without --val, a fifth of the images is kept to measure on, by the content of their files: always the same ones.
    """
    from detector.commands.run_data import REPLAY, check
    from detector.device import pick
    from detector.training.allocator import keep_pages
    from detector.training.ranks import process_group
    from detector.training.trainer import Trainer

    options = _options(context.params)
    _check_together(data, images=images, quick=quick, fresh=from_scratch, backbone=backbone)
    keep_pages()
    with process_group(pick(device)) as ranks:
        learned = _learned(data, images, val, val_images, out=out, resume=resume)
        learned = _replayed(learned, replay, replay_images, frozen=out / REPLAY if resume else None)
        start, familiar = _start(
            learned, model, variant=variant, classes=classes, backbone=backbone, fresh=from_scratch, seed=seed
        )
        if ranks.is_main and not resume:
            check(learned, image_size=options.image_size or start.info.image_size, stride=start.network.variant.stride)
        samples, old = _samples(learned.train, learned), _samples(learned.replay, learned)
        _claim(out, learned, ranks, resume=resume)
        run = Trainer(
            start,
            samples,
            learned.validation,
            options,
            out,
            ranks=ranks,
            fresh=from_scratch,
            familiar=familiar,
            replay=old,
        )
        with _open_log(events or out / EVENTS if ranks.is_main else Path(os.devnull), resume) as log:
            _follow(run.events(resume=resume and _has_begun(out)), log)


def _check_together(data: Path, *, images: Path | None, quick: bool, fresh: bool, backbone: Path | None) -> None:
    """Raises OptionsError where parameters do not go with each other."""
    if backbone is not None and not fresh:
        raise OptionsError(f"{backbone} is for new weights: add --from-scratch, or leave --backbone out.")
    if quick and fresh and backbone is None:
        raise OptionsError("--quick keeps the first layers as they are, which random ones must not be; leave it out.")
    if images is not None and data.is_dir():
        raise OptionsError(f"{data} is a project and knows its pictures; leave --images out.")


def _samples(part: "ValidationSet | None", learned: "RunData") -> "Sequence[Sample]":
    from detector.training.dataset import training_samples

    if part is None:
        return ()
    samples = training_samples(part.dataset, part.paths, [item.id for item in learned.classes])
    if empty := sum(not len(sample.boxes) for sample in samples):
        of = "training" if part is learned.train else "old"
        say(f"{empty} of {len(samples)} {of} images have no boxes; they count as empty.")
    return samples


def _replayed(learned: "RunData", replay: Path | None, images: Path | None, *, frozen: Path | None) -> "RunData":
    """The run's data with its old images, where it has some; `frozen` are those that a run resumed began with."""
    from detector.commands.run_data import with_replay

    if frozen is not None and frozen.is_file() != (replay is not None):
        raise OptionsError(f"The run in {frozen.parent} goes on with the old images that it began with: --replay.")
    if replay is None:
        return learned
    return with_replay(learned, frozen or replay, images or replay.parent)


def _claim(out: Path, learned: "RunData", ranks: "Ranks", *, resume: bool) -> None:
    """Makes OUT the folder of the run, its data frozen there."""
    ranks.gather(None)  # all have looked into OUT before the first of them writes there
    out.mkdir(parents=True, exist_ok=True)
    if ranks.is_main and not resume:
        learned.freeze(out)


def _has_begun(out: Path) -> bool:
    """Whether the run to be resumed has kept anything."""
    from detector.training.state import STATE_FILE

    if not (out / STATE_FILE).exists():
        say("The run was ended before anything could be kept: it begins again.")
        return False
    return True


def _options(given: Mapping[str, Any]) -> FineTuneOptions:
    """The options of the run among the command's parameters. Raises OptionsError."""
    same = (field.name for field in fields(FineTuneOptions) if field.name in given)
    return FineTuneOptions(
        **{name: given[name] for name in same},
        learning_rate=given["lr"],
        scale=(given["scale_min"], given["scale_max"]),
        flip=not given["no_flip"],
    )


def _learned(
    data: Path, images: Path | None, val: Path | None, val_images: Path | None, *, out: Path, resume: bool
) -> "RunData":
    """What the run trains and is measured on. Raises OptionsError where that is not what `out` began with."""
    from detector.commands.run_data import collect, reopen
    from detector.training.run_folder import BEST, LAST
    from detector.training.state import STATE_FILE

    images = images or (data if data.is_dir() else data.parent)
    val_images = val_images or (images if val is None else val.parent)
    if not resume:
        if any((out / name).exists() for name in (BEST, LAST, STATE_FILE)):
            raise OptionsError(f"{out} already holds a run; go on with it (--resume), or name another folder.")
        return collect(data, images, val, val_images)
    learned = reopen(out, images, val_images)
    shared = learned.validation and set(learned.train.paths.values()) & set(learned.validation.paths.values())
    if shared and val is None:  # a split shares no file: names of the validation folder were found in the other
        raise OptionsError(f"The run in {out} was measured on other pictures; name them with --val, as at its start.")
    return learned


def _start(
    learned: "RunData",
    model: str,
    *,
    variant: str | None,
    classes: Path | None,
    fresh: bool,
    backbone: Path | None,
    seed: int,
) -> "tuple[Model, bool]":
    """The model that training begins with: an existing one for the data's classes, or one of random weights; and
    whether it has known all of these classes before.
    """
    from detector.model.imagenet import load_classifier
    from detector.model.published import open_model
    from detector.model.variants import find_variant
    from detector.training.transfer import adapt, knows, random_model

    names, ids = [item.name for item in learned.classes], [item.id for item in learned.classes]
    if not fresh:
        existing = open_model(model, variant=variant, classes=classes)
        return adapt(existing, names, ids, seed=seed), knows(existing, names)
    trained = load_classifier(backbone) if backbone else None
    return random_model(find_variant(model), names, ids, seed=seed, trained=trained), False


def _open_log(path: Path, resume: bool) -> TextIO:
    """A file of one event per line, each written as it comes; a line that a kill has cut short is ended first."""
    log = path.open("a+" if resume else "w", encoding="utf-8", errors="backslashreplace", newline="\n", buffering=1)
    if resume and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        log.write("\n")
    return log


def _follow(events: Iterator[Event], log: TextIO) -> None:
    """Logs every event; shows the progress, and one line per evaluation."""
    started = next(events)
    assert isinstance(started, RunStarted)
    log.write(to_json(started) + "\n")
    say(
        f"{started.variant.upper()} at {started.image_size} px on {started.device}: {started.train_images} images to "
        f"train on, {started.validation_images} to measure on; {_budget(started)} of {started.batch}"
    )
    began, losses, newest = time.monotonic(), [], None
    with tqdm(total=started.steps, initial=started.step, unit=" steps", disable=None, dynamic_ncols=True) as bar:
        for event in events:
            log.write(to_json(event) + "\n")
            match event:
                case StepDone():
                    newest = event
                    losses.append(event.loss)
                    bar.update(event.step - bar.n)
                case Evaluated():
                    answer(evaluation_line(event, started, losses, time.monotonic() - began, newest))
                    losses.clear()
                case StageBegan():
                    say(f"from here on it trains {event.trained}")
                case Warned():
                    warn([event.message])
                case RunFinished():
                    ended = f"{REASONS[event.reason]} after {event.step} steps, {_clock(event.seconds)}"
                    answer(f"{ended}: {event.best or 'no checkpoint'}")


def _budget(started: RunStarted) -> str:
    return f"{started.steps} steps" if started.minutes is None else f"{started.minutes:g} minutes of steps"


def evaluation_line(
    event: Evaluated, started: RunStarted, losses: Sequence[float], seconds: float, newest: StepDone | None = None
) -> str:
    """One evaluation; after the start's, with the mean loss since the one before and the time that the rest of the run
    will take.
    """
    measured = [f"{name} {number(event.metrics.get(name))}" for name in ("AP", "AP50")]
    if event.step == 0:
        return " · ".join(["start", *measured])
    if event.blended:
        return " · ".join(["a blend with the start, which is kept as the best", *measured])
    epoch = event.step * started.batch / started.train_images
    if started.steps is None:
        left, step = 60 * (started.minutes or 0) * (1 - (newest.done if newest else 0)), f"step {event.step}"
    else:
        left = seconds / (event.step - started.step) * (started.steps - event.step)
        step = f"step {event.step}/{started.steps}"
    loss = sum(losses) / len(losses) if losses else None
    parts = [f"epoch {epoch:.1f}", step, f"loss {number(loss)}", *measured]
    return " · ".join([*parts, f"{_clock(seconds)} elapsed", f"{_clock(left)} left"])


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
