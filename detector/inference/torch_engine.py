"""The engine that runs PyTorch: on CUDA, MPS and the CPU, and to the letter of the reference."""

from collections.abc import Collection, Sequence
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.backends import cudnn

from detector.boxes import Detections
from detector.device import describe
from detector.errors import OptionsError
from detector.inference.engines import FLOOR, wanted_channels
from detector.inference.postprocess import detections
from detector.inference.preprocess import Prepared
from detector.model.anchors import anchor_boxes
from detector.model.checkpoint import Model
from detector.model.variants import find_variant


class TorchEngine:
    """See `Engine`. It works with a copy of the network as it is now: the caller's own stays as it was.

    On CUDA the convolutions run in half precision; with `exact`, in float32 without TF32's shortcuts, and the
    candidates are the reference's. floor: the lowest score that comes out. channels: the model's channels to look for,
    None for all. batch: None: 1 on the CPU, where more are slower (the allocator takes new pages for each large feature
    map), else 8.
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
        self.batch = batch or (1 if device.type == "cpu" else 8)
        self._device, self._floor = device, floor
        self._channels = wanted_channels(model.info, channels)
        network = deepcopy(model.network).eval().requires_grad_(False)
        # Channels last is faster on the CPU too: a quarter for D0 at 512 px on one core.
        self._network = network.to(device).to(memory_format=torch.channels_last)
        norm = model.info.normalisation
        self._mean, self._std = (torch.tensor(v, device=device).view(3, 1, 1) * 255 for v in (norm.mean, norm.std))

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        return describe(self._device)

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
                lack = f"The GPU's memory does not hold one image of {width} × {height} px"
                raise OptionsError(f"{lack}; take a smaller model, or the CPU.") from error
        torch.cuda.empty_cache()  # out here: the exception would keep the failed batch alive
        half = self.batch = (len(images) + 1) // 2
        return self.detect(images[:half]) + self.detect(images[half:])

    @torch.inference_mode()
    def outputs(self, images: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """RGB pictures (B, H, W, 3) → class logits (B, N, C) and regressions (B, N, 4), float32, on the device.

        Raises torch.cuda.OutOfMemoryError where the batch does not fit.
        """
        pixels = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2)  # a view, already channels last
        half = torch.autocast(self._device.type, torch.float16, enabled=self._device.type == "cuda")
        with cudnn.flags(enabled=True, allow_tf32=False) if self.exact else half:
            logits, regression = self._network((pixels - self._mean) / self._std)
        return logits.float(), regression.float()
