"""The processes that train together, started by torchrun; a run without it is one process of one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from detector.errors import OptionsError, StudioError

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process, `rank` of `count`. With a count of one, nothing is sent anywhere."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the one process that tells events and writes files."""
        return self.rank == 0

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def all_reduce_many(self, tensors: Sequence[Tensor]) -> None:
        """As `all_reduce` for many tensors of one type, in one message."""
        if self.count == 1 or not tensors:
            return
        flat = self.all_reduce(torch.cat([tensor.flatten() for tensor in tensors]))
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def broadcast_numbers(self, values: Sequence[float]) -> list[float]:
        """What the first process gives here."""
        if self.count == 1:
            return list(values)
        sent = torch.tensor(values, dtype=torch.float64 if self.device.type != "mps" else None, device=self.device)
        distributed.broadcast(sent, 0)
        return sent.tolist()

    def broadcast(self, value: T) -> T:
        """What the first process gives here: any value, slower than `broadcast_numbers`."""
        box = [value]
        if self.count > 1:
            distributed.broadcast_object_list(box, 0, device=self.device)
        return box[0]

    def gather(self, value: T) -> list[T]:
        """The values of all processes, in their order."""
        if self.count == 1:
            return [value]
        values: list[T] = [value] * self.count
        distributed.all_gather_object(values, value)
        return values


@contextmanager
def process_group(device: torch.device, *, longest: timedelta | None = None) -> Iterator[Ranks]:
    """This process among those that torchrun has started, if it has: over gloo on the CPU, over NCCL on GPUs, each
    with a GPU of its own. Only the first of them writes to the terminal meanwhile. longest: that one waits for
    another, PyTorch's default where it is None.

    Raises OptionsError where torchrun has started more than there are GPUs, StudioError where another process ended
    before they had found each other.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks(device)
        return
    if device.type == "cuda":
        _check_gpus(torch.cuda.device_count())
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=longest)
    except RuntimeError as error:
        raise StudioError("The processes did not all find each other; see what the others said.") from error
    ranks = Ranks(device, distributed.get_rank(), count)
    try:
        with ExitStack() as silenced:
            if not ranks.is_main:
                nowhere = silenced.enter_context(open(os.devnull, "w", encoding="utf-8"))
                silenced.enter_context(redirect_stdout(nowhere))
                silenced.enter_context(redirect_stderr(nowhere))
            yield ranks
    finally:
        distributed.destroy_process_group()


def _check_gpus(found: int) -> None:
    """Raises OptionsError where this machine has fewer GPUs than processes, in the first of these; the others end
    silently, and without a failure, for which torchrun would end the first one before it could speak.
    """
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    if here <= found:
        return
    if int(os.environ["LOCAL_RANK"]):
        raise SystemExit(0)
    raise OptionsError(
        f"torchrun has started {here} processes on this machine, which has {found} GPU{'s' * (found != 1)}: take "
        f"--nproc-per-node {found}, or --device cpu."
    )
