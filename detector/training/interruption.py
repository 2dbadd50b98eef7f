"""Hears a stop also within what takes long: a step of a large variant takes a CPU minutes."""

import math
import time
from collections.abc import Callable

from torch import Tensor, nn

LOOK_SECONDS = 1.0


class StopWantedError(Exception):
    """Somebody has asked the run to stop in the middle of something."""


class Interruption:
    """Asks `stopped` now and then while `network` computes, forwards or backwards, and raises StopWantedError there.

    Copies of the network made earlier are left alone. Nothing is asked before the first `begin`.
    """

    def __init__(self, network: nn.Module, stopped: Callable[[], bool]) -> None:
        self._stopped, self._next = stopped, math.inf
        for module in network.modules():
            if isinstance(module, nn.SiLU | nn.Conv2d):  # every few maps
                module.register_forward_hook(self._on_map)

    def begin(self) -> None:
        """A step begins: one that is quick is not interrupted."""
        self._next = time.monotonic() + LOOK_SECONDS

    def look(self) -> None:
        """Raises StopWantedError where a stop is wanted; asks only after some time."""
        if time.monotonic() >= self._next:
            self.begin()
            if self._stopped():
                raise StopWantedError

    def _on_map(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self.look()
        if output.requires_grad:
            output.register_hook(self._on_gradient)

    def _on_gradient(self, _gradient: Tensor) -> None:
        self.look()
