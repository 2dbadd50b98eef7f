"""The processes that train together, started by torchrun; a run without it is one process of one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")


def local_rank() -> int:
    """Which of its machine's processes this is, and so which of its GPUs it takes."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_first() -> bool:
    """Whether this process is the one that speaks and writes, before the others are known, too."""
    return os.environ.get("RANK", "0") == "0"


@dataclass(frozen=True)
class Ranks:
    """This process, `rank` of `count`. With a count of one, nothing is sent anywhere."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def speaks(self) -> bool:
        """Whether this is the one process that tells events and writes files."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def sum_all(self, tensors: Sequence[Tensor]) -> None:
        """As `sum` for many tensors of one type, in one message."""
        if self.count == 1 or not tensors:
            return
        flat = self.sum(torch.cat([tensor.flatten() for tensor in tensors]))
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def as_first(self, values: Sequence[float]) -> list[float]:
        """What the first process gives here."""
        if self.count == 1:
            return list(values)
        sent = torch.tensor(values, dtype=torch.float64 if self.device.type != "mps" else None, device=self.device)
        distributed.broadcast(sent, 0)
        return sent.tolist()

    def tell(self, value: T) -> T:
        """What the first process gives here: any value, slower than `as_first`."""
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


def join(device: torch.device) -> Ranks:
    """Meet the other processes that torchrun has started, if it has. Over gloo on the CPU, over NCCL on GPUs."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks(device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Ranks(device, distributed.get_rank(), count)


def part(ranks: Ranks | None) -> None:
    """Leave the other processes, where there are any."""
    if ranks is not None and ranks.count > 1:
        distributed.destroy_process_group()
