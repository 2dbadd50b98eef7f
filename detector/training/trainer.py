"""The training loop: a generator of events."""

import math
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

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
    SamplesFound,
    StageBegan,
    StepDone,
    Warned,
)
from detector.files import sweep
from detector.model.checkpoint import Model
from detector.model.efficientdet import EfficientDet
from detector.model.fusion import snapshot
from detector.training.averaging import reestimate_statistics
from detector.training.batch_source import BatchSource
from detector.training.budget import Budget, Moment
from detector.training.checkpoint_writer import CheckpointWriter
from detector.training.dataset import ValidationSet
from detector.training.evaluation import Evaluation
from detector.training.interruption import Interruption, StopWantedError
from detector.training.learner import Learner, StepLosses, TooLargeError
from detector.training.loader import Batch, Sample
from detector.training.optimiser import trained_rate, warm_up_steps
from detector.training.options import FEW_VALIDATION_IMAGES, FineTuneOptions
from detector.training.quick import stage_at
from detector.training.ranks import Ranks
from detector.training.run_folder import BEST, LAST, STOP_FILE
from detector.training.state import Progress, load_state
from detector.training.validation import NOTHING, Measurement, measure

MOST_SKIPPED = 20  # steps in a row
SAVE_SECONDS = 120  # between two savings of what a resumed run goes on from
START_WORTH = 30  # training images; a start that knows the classes counts for as much as these in a blend with it
CHANCE = 0.1  # AP by which two good models differ on a single image by chance; on n images it is this by √n


class Trainer:
    """One run: trains `start` on `train`, measuring on `validation`; writes best.safetensors and last.safetensors to
    `out`.

    `replay` are old images, which options.replay_share of the inputs show, so that they are not forgotten.
    `fresh` says that the weights of `start` are random, `familiar` that it knew all of these classes before. With
    several `ranks` each makes its part of every batch, which is `options.batch` for each of them, and measures its part
    of the images. Raises OptionsError where the options do not fit each other or the variant.
    """

    def __init__(
        self,
        start: Model,
        train: Sequence[Sample],
        validation: ValidationSet | None,
        options: FineTuneOptions,
        out: Path,
        *,
        ranks: Ranks,
        fresh: bool = False,
        familiar: bool = False,
        replay: Sequence[Sample] = (),
    ) -> None:
        size = start.network.variant.check_image_size(options.image_size or start.info.image_size)
        self.info = replace(start.info, image_size=size)
        self.train, self.validation, self.options, self.out, self.ranks = train, validation, options, out, ranks
        self.batch = options.batch * ranks.count
        whole = replace(options, batch=self.batch)
        self.steps = whole.total_steps(len(train))
        every = whole.evaluation_steps(len(train))
        self.seconds = options.seconds(len(train), start.network.variant)
        self.budget = Budget(steps=self.steps, seconds=self.seconds, every=every)
        self.learner = Learner(start, options, size=size, ranks=ranks, fresh=fresh, keeps_start=familiar)
        fill = start.info.normalisation.fill
        self.source = BatchSource(
            train, replay, options, self.learner, batch=self.batch, size=size, fill=fill, ranks=ranks
        )
        stop = out / STOP_FILE  # several processes hear it together, between two steps
        self.interruption = Interruption(self.learner.network, lambda: ranks.count == 1 and stop.exists())
        self.checkpoints = CheckpointWriter(out, self.learner, options)
        self.fusion_share = trained_rate(options.learning_rate, fresh=fresh) / options.learning_rate
        self.progress = Progress()
        self.told: set[str] = set()
        self.skipped = 0

    def events(self, *, resume: bool = False) -> Iterator[Event]:
        """Train to the end; `resume` goes on with the run in `out`.

        A file named "stop" in `out` ends the run well: after the step in hand, where that is quick, else within it, as
        while views are made and while it measures. Raises OptionsError where a run resumed had other options,
        TrainingError where the run cannot go on.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        if self.ranks.is_main:  # a run killed before its first checkpoint begins anew in its own folder
            sweep(self.out)
        if resume:
            self._go_on()
        self.budget.blends = self.validation is not None and bool(self.learner.average.start)
        began = time.monotonic()
        yield self._started()
        try:
            if not resume:
                yield from self._measure_start()
            reason = yield from self._train()
            if reason != "stopped" and self.budget.measures_blend:
                yield from self._try_blend()
        except StopWantedError:
            yield self._save_last()
            reason = "stopped"
        # Stopped before the first measurement, the last checkpoint is the best there is.
        best = next((str(self.out / name) for name in (BEST, LAST) if (self.out / name).exists()), None)
        progress, seconds = self.progress, time.monotonic() - began
        yield RunFinished(progress.step, reason, seconds, best, progress.metrics, progress.start)

    def _go_on(self) -> None:
        """Be where the run in `out` was."""
        self.progress = load_state(self.out, self.learner, self.options)
        progress, learner = self.progress, self.learner
        learner.chunks, learner.caution, self.budget.reserve = progress.chunks, progress.caution, progress.measuring
        if progress.size is not None:
            self._shrink(progress.size)
        self.budget.go_on(progress.seconds)
        (self.out / STOP_FILE).unlink(missing_ok=True)  # of the stop before; a new run's is meant for it

    def _started(self) -> RunStarted:
        return RunStarted(
            variant=self.info.variant,
            classes=tuple(name for name in self.info.classes if name is not None),
            image_size=self.info.image_size,
            train_images=len(self.train),
            validation_images=len(self.validation.paths) if self.validation else 0,
            steps=self.steps,
            batch=self.batch,
            device=describe(self.learner.device),
            step=self.progress.step,
            minutes=None if self.seconds is None else self.seconds / 60,
            quick=self.options.quick,
        )

    def _measure_start(self) -> Iterator[Event]:
        """What the model knows before the first step, on the same images: what the run is to be compared with."""
        yield self._fusion_weights()
        measured = yield from self._measure()
        if measured.evaluation is not None:
            self.progress.start = dict(measured.evaluation.metrics)
        yield from self._tell_measured(measured)

    def _train(self) -> Generator[Event, None, str]:
        """The steps up to the end of the budget; why they ended."""
        saved = time.monotonic()
        self._check_time()
        self.interruption.begin()
        while (before := self._moment()).share < 1:
            if self._has_stalled():  # as a run resumed may have before it was stopped
                return "early"
            yield from self._enter_stage(before)
            size = self.info.image_size
            with closing(self.source.batches(before, self.steps)) as batches:
                for batch in batches:
                    yield from self._step(batch, before)
                    after = self._moment()
                    if self.budget.is_due(before, after):
                        yield from self._evaluate(after)
                        self.budget.pause()
                        saved = time.monotonic()
                    elif time.monotonic() - saved > SAVE_SECONDS:
                        yield self._save_last()
                        saved = time.monotonic()
                    if self._has_stalled():
                        return "early"
                    if self._is_stopped():
                        yield self._save_last()
                        return "stopped"
                    if after.share >= 1 or self.info.image_size != size or self.source.ends(before, after):
                        break
                    before = after
        if self.progress.evaluated < self.progress.step:  # for a stop while that was measured
            yield from self._evaluate(before)
        return "done"

    def _has_stalled(self) -> bool:
        return bool(self.options.patience) and self.progress.since_best >= self.options.patience

    def _check_time(self) -> None:
        """Raises TrainingError where measuring leaves no time for a single step."""
        if self.progress.step == 0 and self._moment().share >= 1:
            raise TrainingError(
                f"Measuring takes {self.budget.reserve:.0f} s each time and leaves no time to learn; give the run more "
                "--minutes, or fewer validation images."
            )

    def _moment(self) -> Moment:
        """Where the run is, by the clock of the first process."""
        own = self.budget.moment(self.progress.step)
        share, steps = self.ranks.broadcast_numbers((own.share, own.steps))
        return Moment(own.done, share, steps)

    def _is_stopped(self) -> bool:
        (stopped,) = self.ranks.broadcast_numbers(((self.out / STOP_FILE).exists(),))
        return bool(stopped)

    def _enter_stage(self, moment: Moment) -> Iterator[Event]:
        if not self.options.quick:
            return
        stage = stage_at(moment.share)
        if stage.given != self.learner.given:
            self.learner.freeze(stage.given)
            self.budget.pause()
            yield StageBegan(moment.done, stage.trained)

    def _step(self, batch: Batch, moment: Moment) -> Iterator[Event]:
        """One optimiser step and what it has to say."""
        self.budget.tick()
        self.interruption.begin()
        chunks = self.learner.chunks
        try:
            losses = self.learner.learn(batch, moment)
        except TooLargeError:
            yield self._make_smaller()
            return
        self.progress.step = step = moment.done + 1
        yield from self._tell(self.source.failures())
        if self.learner.chunks != chunks:
            yield Warned(
                f"The device's memory does not hold {self.options.batch} images at once: they go through it in "
                f"{self.learner.chunks} parts, which learn the same and take longer.",
                step,
            )
        if losses is None:
            yield self._skip(step)
            if self.skipped == MOST_SKIPPED:
                raise TrainingError(f"The loss was not finite {MOST_SKIPPED} times in a row; take a lower --lr.")
            return
        self.skipped = 0
        share = self.budget.share(step)
        self.progress.reach += losses.learning_rate * self.fusion_share
        yield self._step_done(losses, step, share)

    def _step_done(self, losses: StepLosses, step: int, share: float) -> StepDone:
        pace = self.batch / self.budget.seconds_per_step
        return StepDone(step, losses.total, losses.class_loss, losses.box_loss, losses.learning_rate, pace, share)

    def _skip(self, step: int) -> Warned:
        """A step without a finite loss or gradients has changed nothing; the next ones go slower."""
        self.skipped += 1
        if self.learner.scaler.is_enabled():  # which has met an overflow of half precision, and scales less now
            return Warned("Half precision overflowed; the step was skipped.", step)
        self.learner.caution /= 2
        return Warned(
            "The loss or its gradients were not finite: the step was skipped, and the learning rate is halved, "
            f"to {self.learner.caution:.3g} of the plan's.",
            step,
        )

    def _make_smaller(self) -> Warned:
        """The next size down that the variant can have. Raises TooLargeError where there is none."""
        size, stride = self.info.image_size, self.learner.network.variant.stride
        if size <= stride:
            raise TooLargeError
        if self.learner.device.type == "cuda":
            torch.cuda.empty_cache()
        self._shrink(size - stride)
        return Warned(
            f"The device's memory does not hold one image of {size} px: the run goes on with {size - stride} px.",
            self.progress.step,
        )

    def _shrink(self, size: int) -> None:
        self.info = replace(self.info, image_size=size)
        self.progress.size = size
        self.learner.resize(size)
        self.source.resize(size)

    def _evaluate(self, moment: Moment) -> Iterator[Event]:
        """Measure the average; keep it where it is the best so far.

        What is measured before the rate has warmed up is no candidate: scores still follow whatever the start took for
        an object, so that a head trained on labels at random can look good for a moment.
        """
        failures = self.ranks.gather(self.source.failures())
        yield from self._tell(message for part in failures for message in part)
        if self.learner.trains_statistics:
            self._reestimate()
        measured = yield from self._measure()
        evaluation, progress = measured.evaluation, self.progress
        progress.evaluated = progress.step
        if evaluation is not None:
            progress.measured, progress.thresholds = dict(evaluation.metrics), dict(evaluation.thresholds)
        elif self.validation is not None:
            yield Warned(
                "The validation images have no boxes to find: the newest model counts as the best.", progress.step
            )
        is_warm = moment.share >= 1 or progress.step >= warm_up_steps(moment.steps)
        if is_warm and (evaluation is None or progress.best is None or evaluation.metrics["AP"] > progress.best):
            progress.since_best = 0
            yield self._save_best(evaluation)
        elif is_warm:
            progress.since_best += 1
        yield from self._tell_measured(measured)
        yield self._fusion_weights()
        yield self._save_last()

    def _try_blend(self) -> Iterator[Event]:
        """At the end of a run that began with a model for the same classes, measure a blend of that one's weights and
        the average; keep it as the best where it may be: what few images teach holds on others rather when the start
        has its say, too.
        """
        network = self.learner.average.blend(len(self.train) / (len(self.train) + START_WORTH))
        measured = yield from self._measure(network)
        if measured.evaluation is None or not self._prefers_blend(measured.evaluation.metrics["AP"]):
            return
        saved = self._save_best(measured.evaluation, network)
        yield saved
        if isinstance(saved, CheckpointSaved):
            yield from self._tell_measured(measured, blended=True)
            yield self._fusion_weights(network)
            yield self._save_last()

    def _prefers_blend(self, ap: float) -> bool:
        """Whether none is better by more than chance than a blend of this AP, nor, where enough images say so, better
        than the start while it is not.
        """
        best, start = self.progress.best, self.progress.start.get("AP", 0.0)
        if best is None:
            return True
        assert self.validation is not None
        images = len(self.validation.paths)
        only_best_gains = images >= FEW_VALIDATION_IMAGES and ap <= start < best
        return ap >= best - CHANCE / math.sqrt(images) and not only_best_gains

    def _save_best(
        self, evaluation: Evaluation | None, network: EfficientDet | None = None
    ) -> CheckpointSaved | Warned:
        """Write the best checkpoint, of `network` or the average; it counts as the best only once it is written."""
        progress = written = self.progress
        if evaluation is not None:
            written = replace(progress, measured=dict(evaluation.metrics), thresholds=dict(evaluation.thresholds))
        own = self.checkpoints.save(BEST, self.info, written, network)
        saved = self.ranks.broadcast(own)  # which the first one writes
        if evaluation is not None and isinstance(saved, CheckpointSaved):
            progress.best, progress.metrics = evaluation.metrics["AP"], dict(evaluation.metrics)
        return saved

    def _save_last(self) -> CheckpointSaved | Warned:
        progress, learner = self.progress, self.learner
        progress.seconds, progress.chunks, progress.caution = self.budget.used, learner.chunks, learner.caution
        return self.checkpoints.save_last(self.info, progress)

    def _measure(self, network: EfficientDet | None = None) -> Generator[Event, None, Measurement]:
        """Of `network`, or the average; without an evaluation where there are no validation images, or none with
        boxes.
        """
        if self.validation is None:
            return NOTHING
        began = time.monotonic()
        model = Model(network or self.learner.average.network, self.info)
        stop = self.out / STOP_FILE
        measured = measure(model, self.validation, self.learner.device, ranks=self.ranks, stopped=stop.exists)
        (seconds,) = self.ranks.broadcast_numbers((time.monotonic() - began,))  # all measure at the same steps
        self.progress.measuring = self.budget.reserve = max(self.budget.reserve, seconds)
        yield from self._tell(
            f"{message} It is left out of what is measured." for message in measured.failures.values()
        )
        return measured

    def _tell_measured(self, measured: Measurement, *, blended: bool = False) -> Iterator[Event]:
        step, evaluation = self.progress.step, measured.evaluation
        if measured.samples:
            yield SamplesFound(step, measured.samples)
        if evaluation is not None:
            yield Evaluated(step, evaluation.metrics, evaluation.class_ap, blended)

    def _tell(self, messages: Iterable[str]) -> Iterator[Warned]:
        """What went wrong with pictures, once each."""
        for message in messages:
            if message not in self.told:
                self.told.add(message)
                yield Warned(message, self.progress.step)

    def _fusion_weights(self, network: EfficientDet | None = None) -> FusionWeights:
        edges = snapshot(network or self.learner.average.network).edges
        raw, weights = tuple(edge.raw for edge in edges), tuple(edge.weight for edge in edges)
        return FusionWeights(self.progress.step, raw, weights, self.progress.reach)

    def _reestimate(self) -> None:
        """The average's BN statistics, over training images as inference sees them."""
        with closing(self.source.plain_batches()) as batches:
            reestimate_statistics(self.learner.average.network, map(self._statistics_input, batches))

    def _statistics_input(self, batch: Batch) -> torch.Tensor:
        self.interruption.look()
        return self.learner.normalise(torch.from_numpy(batch.images).permute(0, 3, 1, 2))
