"""The network at work on a device: its copy in the precision and layout that suit it, replayed where shapes recur."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.backends import cudnn

from detector.inference.recording import CudaGraphs, Outputs, Recorded
from detector.model.efficientdet import EfficientDet
from detector.model.folding import fold
from detector.model.info import Normalisation


class Forward:
    """A copy of a network in evaluation: pictures (B, H, W, 3) uint8 RGB on its device → class logits (B, N, C) and
    regressions (B, N, 4), float32.

    dtype: what convolutions compute in. float16 has three bits more than bfloat16, but ends at 65,504: weights beyond
    that, or outputs that are not finite, change it for `wider` from then on. recorded: by CUDA graphs.
    """

    def __init__(
        self,
        network: EfficientDet,
        normalisation: Normalisation,
        device: torch.device,
        *,
        exact: bool = False,
        dtype: torch.dtype = torch.float32,
        wider: torch.dtype = torch.bfloat16,
        recorded: bool = False,
    ) -> None:
        self._exact, self.dtype, self._wider = exact, dtype, wider
        own = deepcopy(network).eval().requires_grad_(False)
        if not exact:
            fold(own)
        if dtype is torch.float16 and not _fits_half(own):
            self.dtype = wider
        # Channels last is faster on the CPU too: a quarter for D0 at 512 px on one core. Apple's GPU has had wrong
        # results with it (pytorch issue 180984).
        self._layout = torch.contiguous_format if device.type == "mps" else torch.channels_last
        self._network = convolve_in(self.dtype, own.to(device).to(memory_format=self._layout))
        self._mean, self._std = (
            torch.tensor(values, device=device).view(3, 1, 1) * 255
            for values in (normalisation.mean, normalisation.std)
        )
        self._recorded = Recorded(self._run, CudaGraphs()) if recorded else None

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Outputs:
        """The outputs. Raises RuntimeError where the device's memory does not hold the batch."""
        logits, regression = (self._recorded or self._run)(images)
        if self.dtype is torch.float16 and not bool(logits.isfinite().all() & regression.isfinite().all()):
            self.dtype = self._wider
            convolve_in(self.dtype, self._network)
            self.forget()
            logits, regression = self._run(images)
        return logits.float(), regression.float()

    def forget(self) -> None:
        """Free the memory of recordings."""
        if self._recorded is not None:
            self._recorded.forget()

    def _run(self, images: Tensor) -> Outputs:
        pixels = images.permute(0, 3, 1, 2)  # a view, already channels last
        normalised = ((pixels - self._mean) / self._std).to(self.dtype).contiguous(memory_format=self._layout)
        with cudnn.flags(enabled=True, benchmark=self._recorded is not None, allow_tf32=not self._exact):
            return self._network(normalised)


def convolve_in(dtype: torch.dtype, network: EfficientDet) -> EfficientDet:
    """The network itself, its convolutions changed to compute in a precision; batch norms keep their statistics."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(dtype)
    return network


def _fits_half(network: nn.Module) -> bool:
    """Whether float16 holds all weights of the convolutions."""
    most = torch.finfo(torch.float16).max
    convolutions = (module for module in network.modules() if isinstance(module, nn.Conv2d))
    return all(bool((weight.abs() <= most).all()) for module in convolutions for weight in module.parameters())
