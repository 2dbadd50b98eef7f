"""The training loop: a generator of events."""

import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import torch

from detector.device import describe
from detector.errors import TrainingError
from detector.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    FusionWeights,
    RunFinished,
    RunStarted,
    StepDone,
    Warned,
)
from detector.inference.predictor import Predictor
from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model, save
from detector.model.fusion import snapshot
from detector.training.augment import Augmentation
from detector.training.averaging import reestimate_statistics
from detector.training.dataset import ValidationSet
from detector.training.evaluation import Evaluation, evaluate_model
from detector.training.learner import Learner
from detector.training.loader import Batch, Loader, Sample
from detector.training.optimiser import rate_share, trained_rate, warm_up_steps
from detector.training.options import FineTuneOptions
from detector.training.run_folder import BEST, LAST, STOP_FILE
from detector.training.state import Progress, load_state, save_state

MOSAIC_ENDS = 0.8  # the last fifth sees whole pictures, as inference will
STATISTICS_IMAGES = 200
MOST_SKIPPED = 20  # steps in a row
CACHE_SHARE = 0.25  # of the machine's memory, for decoded pictures
PACE_STEPS = 20


class Trainer:
    """One run: trains `start` on `train`, measuring on `validation`; writes best.safetensors and last.safetensors to
    `out`.

    `fresh` says that the weights of `start` are random. Raises OptionsError where the options do not fit each other or
    the variant.
    """

    def __init__(
        self,
        start: Model,
        train: Sequence[Sample],
        validation: ValidationSet | None,
        options: FineTuneOptions,
        out: Path,
        *,
        device: torch.device,
        fresh: bool = False,
    ) -> None:
        self.size = start.network.variant.check_image_size(options.image_size or start.info.image_size)
        self.info = replace(start.info, image_size=self.size)
        self.train, self.validation, self.options, self.out = train, validation, options, out
        self.steps = options.total_steps(len(train))
        self.augmentation = Augmentation(
            scale=options.scale,
            flip=options.flip,
            photometric=options.photometric,
            mosaic=options.mosaic,
            any_orientation=options.any_orientation,
        )
        self.loader = self._make_loader(self.augmentation, int(CACHE_SHARE * psutil.virtual_memory().total))
        self.learner = Learner(start, options, size=self.size, steps=self.steps, device=device, fresh=fresh)
        self.fusion_rate = trained_rate(options.learning_rate, fresh=fresh)
        self.progress = Progress()
        self.reported = self.skipped = 0
        self.ticks: deque[float] = deque(maxlen=PACE_STEPS)

    def events(self, *, resume: bool = False) -> Iterator[Event]:
        """Train to the end; `resume` goes on with the run in `out`.

        A file named "stop" in `out` ends the run well after the step in hand. Raises OptionsError where a run resumed
        had other options, TrainingError where the run cannot go on.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        if resume:
            self.progress = load_state(self.out, self.learner, self.options)
            (self.out / STOP_FILE).unlink(missing_ok=True)  # of the stop before; a new run's is meant for it
        began = time.monotonic()
        yield self._started()
        if not resume:
            yield from self._measure_start()
        every = self.options.evaluation_steps(len(self.train))
        reason = "done"
        with closing(self._batches()) as batches:
            for batch in batches:
                yield from self._step(batch)
                if self.progress.step % every == 0 or self.progress.step == self.steps:
                    yield from self._evaluate()
                    self.ticks.clear()
                if self.options.patience and self.progress.since_best >= self.options.patience:
                    reason = "early"
                    break
                if (self.out / STOP_FILE).exists():
                    yield self._save_last()
                    reason = "stopped"
                    break
        # Stopped before the first measurement, the last checkpoint is the best there is.
        best = next((str(self.out / name) for name in (BEST, LAST) if (self.out / name).exists()), None)
        progress, seconds = self.progress, time.monotonic() - began
        yield RunFinished(progress.step, reason, seconds, best, progress.metrics, progress.start)

    def _started(self) -> RunStarted:
        return RunStarted(
            variant=self.info.variant,
            classes=tuple(name for name in self.info.classes if name is not None),
            image_size=self.size,
            train_images=len(self.train),
            validation_images=len(self.validation.paths) if self.validation else 0,
            steps=self.steps,
            batch=self.options.batch,
            device=describe(self.learner.device),
            step=self.progress.step,
        )

    def _measure_start(self) -> Iterator[Event]:
        """What the model knows before the first step, on the same images: what the run is to be compared with."""
        yield self._fusion_weights()
        if (evaluation := self._measure()) is not None:
            self.progress.start = dict(evaluation.metrics)
            yield Evaluated(0, evaluation.metrics, evaluation.class_ap)

    def _fusion_weights(self) -> FusionWeights:
        edges, step = snapshot(self.learner.average.network).edges, self.progress.step
        reach = self.fusion_rate * sum(rate_share(before, self.steps) for before in range(step))
        return FusionWeights(step, tuple(edge.raw for edge in edges), tuple(edge.weight for edge in edges), reach)

    def _batches(self) -> Generator[Batch]:
        """The batches of the steps left."""
        whole_from = max(self.progress.step, int(MOSAIC_ENDS * self.steps))
        yield from self.loader.batches(self.progress.step, whole_from)
        self.loader.augmentation = replace(self.augmentation, mosaic=0.0)
        yield from self.loader.batches(whole_from, self.steps)

    def _step(self, batch: Batch) -> Iterator[Event]:
        """One optimiser step and what it has to say."""
        self.ticks.append(time.monotonic())
        losses = self.learner.learn(batch, self.progress.step)
        self.progress.step += 1
        step = self.progress.step
        for _, message in self.loader.failures[self.reported :]:
            yield Warned(message, step)
        self.reported = len(self.loader.failures)
        if losses is None:
            self.skipped += 1
            yield Warned("The loss or its gradients were not finite; the step was skipped.", step)
            if self.skipped == MOST_SKIPPED:
                raise TrainingError(
                    f"The loss was not finite {self.skipped} times in a row; start again with a lower --lr."
                )
            return
        self.skipped = 0
        pace = self.options.batch * len(self.ticks) / (time.monotonic() - self.ticks[0])
        yield StepDone(step, losses.total, losses.class_loss, losses.box_loss, losses.learning_rate, pace)

    def _evaluate(self) -> Iterator[Event]:
        """Measure the average; keep it where it is the best so far.

        What is measured before the rate has warmed up is no candidate: scores still follow whatever the start took for
        an object, so that a head trained on labels at random can look good for a moment.
        """
        if self.learner.trains_statistics:
            self._reestimate()
        evaluation = self._measure()
        progress = self.progress
        if evaluation is not None:
            progress.measured, progress.thresholds = dict(evaluation.metrics), dict(evaluation.thresholds)
        elif self.validation is not None:
            yield Warned(
                "The validation images have no boxes to find: the newest model counts as the best.", progress.step
            )
        is_warm = progress.step >= warm_up_steps(self.steps)
        if is_warm and (evaluation is None or progress.best is None or evaluation.metrics["AP"] > progress.best):
            progress.since_best = 0
            if evaluation is not None:
                progress.best, progress.metrics = evaluation.metrics["AP"], dict(evaluation.metrics)
            yield self._save(BEST)
        elif is_warm:
            progress.since_best += 1
        if evaluation is not None:
            yield Evaluated(progress.step, evaluation.metrics, evaluation.class_ap)
        yield self._fusion_weights()
        yield self._save_last()

    def _measure(self) -> Evaluation | None:
        """None where there is nothing to measure on: no validation images, or none with boxes."""
        if self.validation is None:
            return None
        model = Model(self.learner.average.network, self.info)
        predictor = Predictor(TorchEngine(model, self.learner.device, floor=0.0))
        channel_to_class = dict(enumerate(self.info.category_ids))
        evaluation, _ = evaluate_model(predictor, self.validation.dataset, self.validation.paths, channel_to_class)
        return evaluation if "AP" in evaluation.metrics else None

    def _reestimate(self) -> None:
        """The average's BN statistics, over training images as inference sees them."""
        loader = self._make_loader(Augmentation(scale=(1.0, 1.0), flip=False, photometric=0.0), 0)
        count = -(-STATISTICS_IMAGES // self.options.batch)
        with closing(loader.batches(0, count)) as batches:
            images = (self.learner.normalise(torch.from_numpy(batch.images).permute(0, 3, 1, 2)) for batch in batches)
            reestimate_statistics(self.learner.average.network, images)

    def _save_last(self) -> CheckpointSaved:
        save_state(self.out, self.learner, self.progress, self.options)
        return self._save(LAST)

    def _save(self, name: str) -> CheckpointSaved:
        path = self.out / name
        created = datetime.now(UTC).isoformat(timespec="seconds")
        measured, thresholds = self.progress.measured, self.progress.thresholds
        info = replace(self.info, metrics=measured, thresholds=thresholds, created=created)
        save(Model(self.learner.average.network, info), path, half=self.options.half)
        return CheckpointSaved(self.progress.step, path.stem, str(path))

    def _make_loader(self, augmentation: Augmentation, memory_limit: int) -> Loader:
        return Loader(
            self.train,
            image_size=self.size,
            batch=self.options.batch,
            seed=self.options.seed,
            augmentation=augmentation,
            fill=self.info.normalisation.fill,
            threads=max(1, min(8, (os.cpu_count() or 2) // 2)),
            memory_limit=memory_limit,
        )
