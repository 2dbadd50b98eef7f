"""The engine that runs PyTorch: on CUDA, MPS and the CPU, and to the letter of the reference."""

from collections.abc import Collection, Sequence
from copy import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detector.boxes import Detections
from detector.device import describe, free_memory
from detector.errors import OptionsError
from detector.inference.engines import FLOOR, wanted_channels
from detector.inference.forward import Forward
from detector.inference.postprocess import detections
from detector.inference.preprocess import Prepared
from detector.model.anchors import anchor_boxes
from detector.model.checkpoint import Model
from detector.model.variants import find_variant

LARGEST_BATCH = 64  # on a GPU: with more the first result comes later
SHARE = 0.6  # of the free memory, for a batch


class TorchEngine:
    """See `Engine`. It works with a copy of the network as it is now: the caller's own stays as it was.

    On CUDA it computes in half precision, from CUDA graphs where an input shape comes again. With `exact` in float32
    without TF32's shortcuts, and the candidates are the reference's. floor: the lowest score that comes out.
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
        self._on_cuda = device.type == "cuda"
        half = self._on_cuda and not exact
        self._forward = Forward(
            model.network,
            model.info.normalisation,
            device,
            exact=exact,
            dtype=torch.float16 if half else torch.float32,
            wider=wider_half() if half else torch.float32,
            recorded=half,
        )
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
        try:
            return self._found(images)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            if len(images) == 1:
                raise _too_large(*images[0].pixels.shape[1::-1]) from error
        self._forward.forget()
        free_memory()  # out here: the exception would keep the failed batch alive
        half = self.batch = (len(images) + 1) // 2
        return self.detect(images[:half]) + self.detect(images[half:])

    def _found(self, images: Sequence[Prepared]) -> list[Detections]:
        outputs = self.outputs([image.pixels for image in images])
        anchors = anchor_boxes(find_variant(self.info.variant), *images[0].pixels.shape[:2])
        return detections(outputs, anchors, images, channels=self._channels, floor=self._floor, exact=self.exact)

    @torch.inference_mode()
    def outputs(self, images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """B RGB pictures (H, W, 3) → class logits (B, N, C) and regressions (B, N, 4), float32, on the device; with MPS
        on the CPU, which has all operators for what follows.

        Raises RuntimeError where the memory does not hold the batch.
        """
        # On CUDA a batch is filled up, so that few shapes come, and in memory that uploads without a stop.
        size = filled_up(len(images), self.batch) if self._on_cuda and not self.exact else len(images)
        host = torch.empty((size, *images[0].shape), dtype=torch.uint8, pin_memory=self._on_cuda)
        np.stack(list(images), out=host.numpy()[: len(images)])
        host[len(images) :] = 0
        logits, regression = self._forward(host.to(self._device, non_blocking=self._on_cuda))
        if self._device.type == "mps":
            logits, regression = logits.cpu(), regression.cpu()
        return logits[: len(images)], regression[: len(images)]

    def _usual_batch(self) -> int:
        """See the class; on CUDA one picture is tried. Raises OptionsError where not even that fits."""
        if not self._on_cuda:
            return 1 if self._device.type == "cpu" else 8
        self.batch = 1
        side, stride = self.info.image_size, find_variant(self.info.variant).stride
        side = -(-side // stride) * stride
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        self.detect([Prepared(np.zeros((side, side, 3), np.uint8), 1.0, side, side)])
        taken = torch.cuda.max_memory_allocated(self._device) - before
        free, _ = torch.cuda.mem_get_info(self._device)
        return fitting_batch(free, taken)


def wider_half() -> torch.dtype:
    """What a CUDA device computes in where float16 is too narrow."""
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32


def _is_out_of_memory(error: RuntimeError) -> bool:
    """CUDA and its libraries, and MPS, have no common kind of error for that."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in str(error) for words in ("out of memory", "STATUS_ALLOC_FAILED")
    )


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
