"""A network in training on one device: what one optimiser step does."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from detector.errors import TrainingError
from detector.model.anchors import anchor_boxes
from detector.model.checkpoint import Model
from detector.training.averaging import WeightAverage
from detector.training.loader import Batch
from detector.training.losses import detection_losses
from detector.training.optimiser import make_optimiser, rate_share
from detector.training.options import FineTuneOptions, Freeze
from detector.training.targets import Targets, Truth, assign

CLIP_NORM = 10.0
BN_TRAINS_FROM = 8  # images per step; fewer ruin the statistics
BN_MOMENTUM = (0.1, 0.03)  # of random weights, at the first and at the last step


@dataclass(frozen=True)
class StepLosses:
    """The losses of one step, as published, and the learning rate of new layers."""

    total: float
    class_loss: float
    box_loss: float
    learning_rate: float


class Learner:
    """Network, optimiser and weight average. `start` itself is trained.

    `fresh` says that its weights are random: then every part learns at the full rate, and batch norms learn their
    statistics where a step has at least 8 images; the statistics of trained weights are kept.
    """

    def __init__(
        self, start: Model, options: FineTuneOptions, *, size: int, steps: int, device: torch.device, fresh: bool
    ) -> None:
        self.steps = steps
        self.device = device
        self.network = start.network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.freeze = options.freeze
        self.network.backbone.requires_grad_(options.freeze is not Freeze.BACKBONE)
        self.trains_statistics = fresh and options.batch >= BN_TRAINS_FROM
        self.optimiser = make_optimiser(self.network, options.learning_rate, fresh=fresh)
        self.average = WeightAverage(self.network, steps)
        self.anchors = anchor_boxes(start.network.variant, size, size).to(device)
        self.mean, self.std = (
            torch.tensor(values, device=device).view(1, 3, 1, 1) * 255
            for values in (start.info.normalisation.mean, start.info.normalisation.std)
        )
        self.chunks = 1
        on_cuda = device.type == "cuda"
        native = on_cuda and torch.cuda.is_bf16_supported(including_emulation=False)
        self.half = torch.bfloat16 if native else torch.float16
        self.scaler = torch.GradScaler(device.type, enabled=on_cuda and self.half is torch.float16)

    def learn(self, batch: Batch, step: int) -> StepLosses | None:
        """One optimiser step, the `step`-th from 0; None where the loss was not finite and nothing was learnt.

        Raises TrainingError where not even one image fits into the device's memory.
        """
        self._prepare(step)
        images, targets = self._to_device(batch)
        while True:
            try:
                class_loss, box_loss, total = self._backward(images, targets)
                break
            except torch.OutOfMemoryError as error:
                if self.chunks >= len(images):
                    raise TrainingError(
                        "One image does not fit into the device's memory; take a smaller --image-size or variant."
                    ) from error
                self.chunks *= 2  # the same batch in smaller pieces: same gradients, less memory
        if not self._update(total):
            return None
        self.average.update(self.network, step + 1)
        return StepLosses(total, class_loss, box_loss, max(group["lr"] for group in self.optimiser.param_groups))

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, S, S) → the network's input, on the device."""
        return (images.to(self.device).float() - self.mean) / self.std

    def _prepare(self, step: int) -> None:
        share = rate_share(step, self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * share
        self.network.train()
        if self.freeze is Freeze.BACKBONE:
            self.network.backbone.eval()
        first, last = BN_MOMENTUM
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                if self.trains_statistics:
                    module.momentum = first + (last - first) * step / self.steps
                else:
                    module.eval()

    def _to_device(self, batch: Batch) -> tuple[Tensor, Targets]:
        images = torch.from_numpy(batch.images).permute(0, 3, 1, 2)
        columns = zip(batch.boxes, batch.labels, batch.crowd, strict=True)
        truths = [Truth(*(torch.from_numpy(array).to(self.device) for array in arrays)) for arrays in columns]
        return images, assign(self.anchors, truths)

    def _backward(self, images: Tensor, targets: Targets) -> tuple[float, float, float]:
        """Gradients of the whole batch, made in `chunks` pieces; class loss, box loss and total."""
        self.optimiser.zero_grad()
        sums = torch.zeros(3, device=self.device)
        pieces = zip(*(x.chunk(self.chunks) for x in (images, targets.labels, targets.regressions)), strict=True)
        for pixels, labels, regressions in pieces:
            with torch.autocast(self.device.type, self.half, enabled=self.device.type == "cuda"):
                logits, regression = self.network(self.normalise(pixels))
            losses = detection_losses(logits, regression, Targets(labels, regressions), positives=targets.positives)
            self.scaler.scale(losses.total).backward()
            sums += torch.stack([losses.class_loss.detach(), losses.box_loss.detach(), losses.total.detach()])
        class_loss, box_loss, total = sums.tolist()
        return class_loss, box_loss, total

    def _update(self, total: float) -> bool:
        """Apply the gradients unless they, or the loss, are not finite."""
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM, foreach=True)
        sound = bool(torch.isfinite(norm)) and total - total == 0
        if sound or self.scaler.is_enabled():  # the scaler skips unsound steps by itself, and lowers its scale
            self.scaler.step(self.optimiser)
            self.scaler.update()
        return sound
