"""Runs of a function at shapes that come again, recorded: on CUDA as graphs, which a small batch does not wait for."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

Outputs = tuple[Tensor, Tensor]
Function = Callable[[Tensor], Outputs]
KEPT = 8  # recordings: each holds the memory of its input and outputs


class Recorded:
    """A function of one tensor, which is recorded for a shape as that comes for the second time, and replayed then.

    The first time chooses kernels and takes memory. record: gives a replay of a function at a fixed input; where it
    fails with RuntimeError the function itself runs. What comes back is overwritten by the next call.
    """

    def __init__(self, function: Function, record: Callable[[Function, Tensor], Callable[[], Outputs]]) -> None:
        self._function, self._record = function, record
        self._seen: set[torch.Size] = set()
        self._kept: OrderedDict[torch.Size, tuple[Tensor, Callable[[], Outputs]]] = OrderedDict()
        self._failed: set[torch.Size] = set()

    def __call__(self, given: Tensor) -> Outputs:
        """What the function gives, maybe in tensors that it will give again."""
        shape = given.shape
        if shape in self._seen and shape not in self._kept and shape not in self._failed:
            self._keep(given)
        self._seen.add(shape)
        if shape not in self._kept:
            return self._function(given)
        self._kept.move_to_end(shape)
        fixed, replay = self._kept[shape]
        fixed.copy_(given)
        return replay()

    def forget(self) -> None:
        """Free the memory of all recordings."""
        self._kept.clear()

    def _keep(self, given: Tensor) -> None:
        fixed = given.clone()
        try:
            self._kept[given.shape] = fixed, self._record(self._function, fixed)
        except RuntimeError:
            self._failed.add(given.shape)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


class CudaGraphs:
    """Records on a CUDA device. All graphs share their memory: one runs after the other, on one stream."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Function, fixed: Tensor) -> Callable[[], Outputs]:
        """A replay of the function at a fixed input. Raises RuntimeError where something in it cannot be recorded."""
        beside = torch.cuda.Stream(fixed.device)
        beside.wait_stream(torch.cuda.current_stream(fixed.device))
        with torch.cuda.stream(beside):
            function(fixed)
        torch.cuda.current_stream(fixed.device).wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            outputs = function(fixed)

        def replay() -> Outputs:
            graph.replay()
            return outputs

        return replay
