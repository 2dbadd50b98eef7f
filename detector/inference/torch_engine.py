"""The engine that runs PyTorch: on CUDA, MPS and the CPU, and to the letter of the reference."""

from collections.abc import Collection, Sequence
from copy import copy, deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.backends import cudnn

from detector.boxes import Detections
from detector.device import describe
from detector.errors import OptionsError
from detector.inference.engines import FLOOR, wanted_channels
from detector.inference.postprocess import detections
from detector.inference.preprocess import Prepared
from detector.inference.recording import CudaGraphs, Recorded
from detector.model.anchors import anchor_boxes
from detector.model.checkpoint import Model
from detector.model.folding import fold_batch_norms
from detector.model.variants import find_variant

LARGEST_BATCH = 64  # on a GPU: with more the first result comes later
SHARE = 0.6  # of the free memory, for a batch


class TorchEngine:
    """See `Engine`. It works with a copy of the network as it is now: the caller's own stays as it was.

    On CUDA it computes in half precision, from CUDA graphs where an input shape comes again. With `exact` it does so in
    float32 without TF32's shortcuts, and the candidates are the reference's. floor: the lowest score that comes out.
    channels: the model's channels to look for, None for all. batch: None: 1 on the CPU, where more are slower (the
    allocator takes new pages for each large feature map), on CUDA what its free memory holds, else 8.
    """

    lanes = 1

    def __init__(
        self,
        model: Model,
        device: torch.device,
        *,
        exact: bool = False,
        floor: float = FLOOR,
        channels: Collection[int] | None = None,
        batch: int | None = None,
    ) -> None:
        self.info = model.info
        self.exact = exact
        self._device, self._floor = device, floor
        self._channels = wanted_channels(model.info, channels)
        network = deepcopy(model.network).eval().requires_grad_(False)
        if not exact:
            fold_batch_norms(network)
        # Channels last is faster on the CPU too: a quarter for D0 at 512 px on one core.
        self._network = network.to(device).to(memory_format=torch.channels_last)
        norm = model.info.normalisation
        self._mean, self._std = (torch.tensor(v, device=device).view(3, 1, 1) * 255 for v in (norm.mean, norm.std))
        self._dtype, self._recorded = torch.float32, None
        if device.type == "cuda" and not exact:
            self._dtype, self._recorded = torch.float16, Recorded(self._forward, CudaGraphs())
            halve(self._network, self._dtype)
        self.batch = batch or self._usual_batch()

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        return describe(self._device)

    def interrupt(self) -> None:
        """See `Engine`. PyTorch has no way to."""

    def with_floor(self, floor: float) -> "TorchEngine":
        """See `Engine`."""
        other = copy(self)
        other._floor = floor
        return other

    def detect(self, images: Sequence[Prepared]) -> list[Detections]:
        """See `Engine`. Where the GPU's memory does not hold all pictures, they come in halves from now on."""
        if len(images) > self.batch:
            return self.detect(images[: self.batch]) + self.detect(images[self.batch :])
        height, width = images[0].pixels.shape[:2]
        try:
            outputs = self.outputs(np.stack([image.pixels for image in images]))
            anchors = anchor_boxes(find_variant(self.info.variant), height, width)
            return detections(outputs, anchors, images, channels=self._channels, floor=self._floor, exact=self.exact)
        except torch.cuda.OutOfMemoryError as error:
            if len(images) == 1:
                raise _too_large(width, height) from error
        if self._recorded is not None:
            self._recorded.forget()
        torch.cuda.empty_cache()  # out here: the exception would keep the failed batch alive
        half = self.batch = (len(images) + 1) // 2
        return self.detect(images[:half]) + self.detect(images[half:])

    @torch.inference_mode()
    def outputs(self, images: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """RGB pictures (B, H, W, 3) → class logits (B, N, C) and regressions (B, N, 4), float32, on the device.

        Raises torch.cuda.OutOfMemoryError where the batch does not fit.
        """
        count, host = len(images), torch.from_numpy(images)
        if self._recorded is None:
            logits, regression = self._forward(host.to(self._device))
        else:  # a batch is filled up, so that few shapes come
            pinned = torch.zeros((filled_up(count, self.batch), *host.shape[1:]), dtype=torch.uint8, pin_memory=True)
            pinned[:count] = host
            logits, regression = self._recorded(pinned.to(self._device, non_blocking=True))
        return logits[:count].float(), regression[:count].float()

    def _forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images.permute(0, 3, 1, 2)  # a view, already channels last
        normalised = ((pixels - self._mean) / self._std).to(self._dtype)
        with cudnn.flags(enabled=True, benchmark=self._recorded is not None, allow_tf32=not self.exact):
            return self._network(normalised)

    def _usual_batch(self) -> int:
        """See the class; on CUDA one picture is tried. Raises OptionsError where not even that fits."""
        if self._device.type != "cuda":
            return 1 if self._device.type == "cpu" else 8
        side = self.info.image_size
        stride = find_variant(self.info.variant).stride
        side = -(-side // stride) * stride
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        try:
            with torch.inference_mode():
                self._forward(torch.zeros((1, side, side, 3), dtype=torch.uint8, device=self._device))
        except torch.cuda.OutOfMemoryError as error:
            raise _too_large(side, side) from error
        taken = torch.cuda.max_memory_allocated(self._device) - before
        free, _ = torch.cuda.mem_get_info(self._device)
        return fitting_batch(free, taken)


def _too_large(width: int, height: int) -> OptionsError:
    return OptionsError(
        f"The GPU's memory does not hold one image of {width} × {height} px; take a smaller model, or the CPU."
    )


def fitting_batch(free: int, taken: int) -> int:
    """A power of two: how many pictures at a time `free` bytes of a GPU are good for, where one has `taken` so many."""
    fitting = max(1, min(LARGEST_BATCH, int(SHARE * free) // max(1, taken)))
    return 1 << (fitting.bit_length() - 1)


def filled_up(count: int, most: int) -> int:
    """The size of the batch that `count` pictures come in: the next power of two, or `most`."""
    return min(most, 1 << (count - 1).bit_length())


def halve(network: nn.Module, dtype: torch.dtype) -> None:
    """Change a network so that its convolutions compute in a half precision; batch norms keep their statistics."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(dtype)
