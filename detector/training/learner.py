"""A network in training on one device: what one optimiser step does."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from detector.device import half_precision
from detector.errors import TrainingError
from detector.model.anchors import anchor_boxes
from detector.model.checkpoint import Model
from detector.training.averaging import WeightAverage
from detector.training.budget import Moment
from detector.training.interruption import StopWantedError
from detector.training.loader import Batch
from detector.training.losses import detection_losses
from detector.training.optimiser import make_optimiser, rate_share
from detector.training.options import FineTuneOptions, Freeze, Precision
from detector.training.ranks import Ranks
from detector.training.targets import Targets, Truth, assign

CLIP_NORM = 10.0
BN_TRAINS_FROM = 8  # images per step; fewer ruin the statistics
BN_MOMENTUM = (0.1, 0.03)  # of random weights, at the first and at the last step
ALL_FEATURES = 3  # P3, P4 and P5: what the whole backbone makes


@dataclass(frozen=True)
class StepLosses:
    """The losses of one step, as published, and the learning rate of new layers."""

    total: float
    class_loss: float
    box_loss: float
    learning_rate: float


class TooLargeError(TrainingError):
    """Not even one image of this size fits into the device's memory."""

    def __init__(self) -> None:
        super().__init__("One image does not fit into the device's memory; take a smaller variant.")


class Learner:
    """Network, optimiser and weight average. `start` itself is trained.

    `fresh` says that its weights are random: then every part learns at the full rate, and batch norms learn their
    statistics where a step has at least 8 images; the statistics of trained weights are kept. `keeps_start`: so that
    the average can be blended with it.

    chunks: pieces that a batch is worked through in. caution: a factor of the learning rate, below 1 after losses that
    were not finite. given: how many of the backbone's P3, P4 and P5 do not learn, with all that makes them.
    """

    def __init__(
        self,
        start: Model,
        options: FineTuneOptions,
        *,
        size: int,
        ranks: Ranks,
        fresh: bool,
        keeps_start: bool = False,
    ) -> None:
        self.ranks, self.device = ranks, ranks.device
        self.network = start.network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trains_statistics = fresh and options.batch >= BN_TRAINS_FROM
        self.optimiser = make_optimiser(self.network, options.learning_rate, fresh=fresh)
        self.average = WeightAverage(self.network, keeps_start=keeps_start)
        self.given = 0
        self.freeze(ALL_FEATURES if options.freeze is Freeze.BACKBONE else 0)
        self.resize(size)
        self.mean, self.std = (
            torch.tensor(values, device=self.device).view(1, 3, 1, 1) * 255
            for values in (start.info.normalisation.mean, start.info.normalisation.std)
        )
        self.chunks = 1
        self.caution = 1.0
        self.half = half_precision(self.device) if _is_mixed(options, ranks) else None
        self.scaler = torch.GradScaler(self.device.type, enabled=self.half is torch.float16)

    def resize(self, size: int) -> None:
        """From now on inputs are squares of `size` pixels."""
        self.anchors = anchor_boxes(self.network.variant, size, size).to(self.device)

    def freeze(self, given: int) -> None:
        """Of the backbone, from now on only what comes after the first `given` of P3, P4, P5 learns."""
        self.given = given
        self.network.backbone.requires_grad_(True)
        for part in self.network.backbone.parts_before(given):
            part.requires_grad_(False)

    def learn(self, batch: Batch, moment: Moment) -> StepLosses | None:
        """One optimiser step; None where the loss was not finite and nothing was learnt.

        Raises TooLargeError where not even one image fits into the device's memory. A StopWantedError from within the
        network leaves everything as it was.
        """
        self._prepare(moment)
        statistics = [buffer.clone() for buffer in self._statistics()]
        try:
            sums = self._gradients(batch)
        except StopWantedError:
            self._put_back(statistics)
            raise
        class_loss, box_loss, total, failed = self.ranks.all_reduce(sums).tolist()
        if failed:
            raise TooLargeError
        self.ranks.all_reduce_many(
            [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        )
        if not self._update(total):
            self._put_back(statistics)  # the batch has passed the batch norms, whatever was wrong with it
            return None
        for buffer in (statistics := self._statistics()):
            buffer /= self.ranks.count
        self.ranks.all_reduce_many(statistics)
        self.average.update(moment.done + 1, moment.steps)
        return StepLosses(total, class_loss, box_loss, max(group["lr"] for group in self.optimiser.param_groups))

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, S, S) → the network's input, on the device."""
        return (images.to(self.device).float() - self.mean) / self.std

    def mixed_precision(self) -> AbstractContextManager[object]:
        """Within it the network computes in the device's 16-bit type, where the run is to and there is one."""
        return nullcontext() if self.half is None else torch.autocast(self.device.type, self.half)

    def _statistics(self) -> list[Tensor]:
        return [b for b in self.network.buffers() if b.is_floating_point()] if self.trains_statistics else []

    def _put_back(self, statistics: Sequence[Tensor]) -> None:
        for buffer, before in zip(self._statistics(), statistics, strict=True):
            buffer.copy_(before)

    def _prepare(self, moment: Moment) -> None:
        share = self.caution * rate_share(moment)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * share
        self.network.train()
        for part in self.network.backbone.parts_before(self.given):
            part.eval()
        first, last = BN_MOMENTUM
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                if self.trains_statistics:
                    module.momentum = first + (last - first) * moment.share
                else:
                    module.eval()

    def _inputs(self, batch: Batch) -> list[Tensor]:
        """The images (B, 3, S, S) uint8; or the features of the backbone's frozen part that the batch has instead."""
        if batch.features:
            return [torch.from_numpy(array).permute(0, 3, 1, 2).to(self.device) for array in batch.features]
        return [torch.from_numpy(batch.images).permute(0, 3, 1, 2)]

    def _targets(self, batch: Batch) -> Targets:
        columns = zip(batch.boxes, batch.labels, batch.crowd, strict=True)
        truths = [Truth(*(torch.from_numpy(array).to(self.device) for array in arrays)) for arrays in columns]
        return assign(self.anchors, truths)

    def _forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        if inputs[0].dtype == torch.uint8:
            return self.network(self.normalise(inputs[0]))
        return self.network.detect([features.float() for features in inputs])

    def _gradients(self, batch: Batch) -> Tensor:
        """This process's share of the gradients; class loss, box loss, total, and 1 where memory was too small for it
        even image by image, else 0.
        """
        inputs, targets = self._inputs(batch), self._targets(batch)
        positives = self.ranks.all_reduce(targets.positives.float())
        while True:
            try:
                return self._backward(inputs, targets, positives=positives)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not _lacks_memory(error):
                    raise
            # Out here, for the exception would keep the failed maps alive.
            if self.chunks >= len(targets.labels):
                return torch.tensor([0.0, 0.0, 0.0, 1.0], device=self.device)
            self.chunks *= 2  # the same batch in smaller pieces: same gradients, less memory

    def _backward(self, inputs: Sequence[Tensor], targets: Targets, *, positives: Tensor) -> Tensor:
        """Gradients of a batch, made in `chunks` pieces; class loss, box loss, total and 0."""
        self.optimiser.zero_grad()
        sums = torch.zeros(4, device=self.device)
        columns = (targets.labels, targets.regressions, *inputs)
        for labels, regressions, *piece in zip(*(x.chunk(self.chunks) for x in columns), strict=True):
            with self.mixed_precision():
                logits, regression = self._forward(piece)
            losses = detection_losses(logits, regression, Targets(labels, regressions), positives=positives)
            self.scaler.scale(losses.total).backward()
            sums[:3] += torch.stack([losses.class_loss.detach(), losses.box_loss.detach(), losses.total.detach()])
        return sums

    def _update(self, total: float) -> bool:
        """Apply the gradients unless they, or the loss, are not finite."""
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM, foreach=True)
        sound = bool(torch.isfinite(norm)) and total - total == 0
        if sound or self.scaler.is_enabled():  # the scaler skips unsound steps by itself, and lowers its scale
            self.scaler.step(self.optimiser)
            self.scaler.update()
        return sound


def _is_mixed(options: FineTuneOptions, ranks: Ranks) -> bool:
    """Whether to compute in 16 bits where that is quicker. Several CPUs need not all have the type for it."""
    if options.precision is Precision.AUTO:
        return ranks.device.type != "cpu" or (options.quick and ranks.count == 1)
    return options.precision is Precision.MIXED


def _lacks_memory(error: Exception) -> bool:
    """Whether it is for want of memory: a GPU's has an error of its own, the CPU's allocator only says so."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
