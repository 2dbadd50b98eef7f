"""The training of the starter from random weights: a course of lessons that fill a given time."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from detector.device import describe
from detector.errors import TrainingError
from detector.events import CheckpointSaved, Evaluated, Event, RunFinished, RunStarted, StepDone, Warned
from detector.inference.predictor import Predictor
from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model, save
from detector.model.efficientdet import EfficientDet
from detector.model.variants import VARIANTS
from detector.starter.curriculum import KEPT, LEARNT, LESSONS, Lesson, lesson_at
from detector.starter.scenes import batches
from detector.training.averaging import reestimate_statistics
from detector.training.budget import Moment
from detector.training.dataset import ValidationSet
from detector.training.evaluation import Evaluation, evaluate_model
from detector.training.learner import Learner
from detector.training.loader import Batch, Sample
from detector.training.options import FineTuneOptions, Precision
from detector.training.ranks import Ranks
from detector.training.run_folder import LAST, STOP_FILE
from detector.training.state import STATE_FILE, Progress, load_state, save_state
from detector.training.transfer import adapt, random_model

GUESSED_STEPS = 400.0  # before the first step has shown how long one takes
SAVE_SECONDS = 120.0
MEASUREMENTS = 20
STATISTICS_IMAGES = 200
MOST_SKIPPED = 20  # steps in a row
SMALLEST_MEASURED = 384  # px: in smaller whole pictures parts are tinier than small inputs show them


@dataclass(frozen=True)
class Material:
    """What a course is taught and measured with: photographs of people, labelled with LEARNT's channels, and sets to
    be measured on, by name, whose class ids count KEPT from 1."""

    photographs: Sequence[Sample]
    measured: Mapping[str, ValidationSet]


@dataclass(frozen=True)
class Terms:
    """How long and how fast.

    seconds: the length of the course: the computing time of this process on a CPU, so that a busy machine costs
    nothing, and on a GPU the time of its steps. stop_after: the wall-clock seconds after which this sitting ends, to
    be gone on with by the same command. batch: inputs per step. learning_rate: at its highest. workers: processes that
    compose inputs.
    """

    seconds: float
    stop_after: float = float("inf")
    batch: int = 8
    learning_rate: float = 1e-3
    workers: int = 1
    seed: int = 0


class Course:
    """Trains a D0 in `out`, or goes on with the one there; last.safetensors is always the newest, for KEPT's classes.

    Another length given later stretches or shortens what is left.
    """

    def __init__(self, material: Material, terms: Terms, out: Path, *, device: torch.device) -> None:
        self.material, self.terms, self.out = material, terms, out
        self.options = FineTuneOptions(
            batch=terms.batch,
            learning_rate=terms.learning_rate,
            seed=terms.seed,
            half=True,
            precision=Precision.MIXED,
        )
        start = random_model(VARIANTS["d0"], LEARNT, range(1, len(LEARNT) + 1), seed=terms.seed)
        self.info = start.info
        self.size = LESSONS[0].size
        self.learner = Learner(start, self.options, size=self.size, ranks=Ranks(device), fresh=True)
        self.clock: Callable[[], float] = time.process_time if device.type == "cpu" else time.monotonic
        self.progress = Progress()
        self.skipped = 0
        self.step_seconds = 0.0  # of the last one
        self.is_fixed = False  # whether batch norms have their last statistics

    @property
    def share(self) -> float:
        """How much of the course is done, 0…1."""
        return min(1.0, self.progress.seconds / self.terms.seconds)

    def events(self) -> Iterator[Event]:
        """Learn until the course is over, the sitting's time is, or a file named "stop" lies in the folder.

        Raises TrainingError where the loss stays without a number or the state cannot be written or read.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / STATE_FILE).exists():
            self.progress = load_state(self.out, self.learner, self.options)
        began = saved = time.monotonic()
        yield self._started()
        # Steps differ in a resumed course, and so must the scenes.
        seed = self.terms.seed + self.progress.step
        feed = batches(self.material.photographs, self._wanted, seed=seed, workers=self.terms.workers)
        reason = "stopped"
        with closing(feed):
            for batch in feed:
                measured = int(self.share * MEASUREMENTS)
                yield from self._step(batch)
                if int(self.share * MEASUREMENTS) > measured:
                    yield from self._measure()
                if self.share >= 1:
                    reason = "done"
                    break
                now = time.monotonic()
                if now - saved > SAVE_SECONDS:
                    yield self._save()
                    saved = now
                if now - began > self.terms.stop_after or (self.out / STOP_FILE).exists():
                    break
        yield self._save()
        (self.out / STOP_FILE).unlink(missing_ok=True)
        yield RunFinished(
            self.progress.step, reason, time.monotonic() - began, str(self.out / LAST), self.progress.metrics
        )

    def _wanted(self) -> tuple[Lesson, int]:
        return lesson_at(self.share), self.terms.batch

    def _started(self) -> RunStarted:
        return RunStarted(
            variant=self.info.variant,
            classes=KEPT,
            image_size=lesson_at(self.share).size,
            train_images=len(self.material.photographs),
            validation_images=sum(len(one.paths) for one in self.material.measured.values()),
            steps=None,
            batch=self.terms.batch,
            device=describe(self.learner.device),
            step=self.progress.step,
            minutes=self.terms.seconds / 60,
        )

    def _moment(self) -> Moment:
        """Where in its lesson the course is. Its steps are the lesson's, so that the average over a share of them holds
        nothing of lessons before.
        """
        lesson = lesson_at(self.share)
        length, (first, last) = lesson.until - lesson.since, lesson.rate
        share = first + (last - first) * (self.share - lesson.since) / length
        steps = length * self.terms.seconds / self.step_seconds if self.step_seconds else GUESSED_STEPS
        return Moment(self.progress.step, share, steps)

    def _step(self, batch: Batch) -> Iterator[Event]:
        moment = self._moment()
        began, progress = self.clock(), self.progress
        if batch.images.shape[1] != self.size:
            self.size = batch.images.shape[1]
            self.learner.resize(self.size)
        if not (self.is_fixed or lesson_at(self.share).statistics):
            self._reestimate(self.learner.network)
            self.learner.trains_statistics, self.is_fixed = False, True
        losses = self.learner.learn(batch, moment)
        seconds = self.clock() - began
        self.step_seconds = seconds
        progress.seconds += seconds
        progress.step += 1
        if losses is None:
            self.skipped += 1
            yield Warned("The loss or its gradients were not finite; the step was skipped.", progress.step)
            if self.skipped == MOST_SKIPPED:
                raise TrainingError(f"The loss was not finite {MOST_SKIPPED} times in a row; take a lower --lr.")
            return
        self.skipped = 0
        pace = len(batch.images) / seconds
        rate = losses.learning_rate
        yield StepDone(progress.step, losses.total, losses.class_loss, losses.box_loss, rate, pace, self.share)

    def _measure(self) -> Iterator[Event]:
        """Measure the average on each set. Nothing is chosen by these numbers: the last checkpoint is what counts."""
        if not self.is_fixed:
            self._reestimate(self.learner.average.network)  # these very weights have never made any
        metrics: dict[str, float] = {}
        class_ap: dict[str, float] = {}
        thresholds: dict[str, float] = {}
        for name, truth in self.material.measured.items():
            evaluation = self._evaluate(truth)
            metrics |= {f"{name} {key}": evaluation.metrics[key] for key in ("AP", "AP50") if key in evaluation.metrics}
            class_ap |= evaluation.class_ap
            thresholds |= evaluation.thresholds
        self.progress.measured, self.progress.metrics, self.progress.thresholds = metrics, metrics, thresholds
        yield Evaluated(self.progress.step, metrics, class_ap)

    def _evaluate(self, truth: ValidationSet) -> Evaluation:
        engine = TorchEngine(self._model(), self.learner.device, floor=0.0)
        evaluation, _ = evaluate_model(
            Predictor(engine), truth.dataset, truth.paths, dict(enumerate(range(1, len(KEPT) + 1)))
        )
        return evaluation

    def _reestimate(self, network: EfficientDet) -> None:
        """A network's statistics, over inputs as in training."""
        lesson, count = lesson_at(self.share), -(-STATISTICS_IMAGES // self.terms.batch)
        with closing(
            batches(
                self.material.photographs,
                lambda: (lesson, self.terms.batch),
                seed=self.terms.seed + self.progress.step + 1,
                workers=self.terms.workers,
            )
        ) as feed:
            images = (
                self.learner.normalise(torch.from_numpy(batch.images).permute(0, 3, 1, 2))
                for batch, _ in zip(feed, range(count), strict=False)
            )
            reestimate_statistics(network, images)

    def _model(self) -> Model:
        """The average with KEPT's classes alone."""
        info = replace(
            self.info,
            image_size=max(self.size, SMALLEST_MEASURED),
            metrics=self.progress.measured,
            thresholds=self.progress.thresholds,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        kept = adapt(Model(self.learner.average.network, info), KEPT, range(1, len(KEPT) + 1))
        return replace(kept, info=replace(kept.info, metrics=info.metrics, thresholds=info.thresholds))

    def _save(self) -> CheckpointSaved:
        save_state(self.out, self.learner, self.progress, self.options)
        save(self._model(), self.out / LAST, half=True)
        return CheckpointSaved(self.progress.step, "last", str(self.out / LAST))
