"""Recordings of a function: by shape, from the second time on, a few at a time, and never where that fails."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from detector.inference.recording import KEPT, CudaGraphs, Function, Outputs, Recorded


class Tape:
    """Records as CUDA graphs do, without a device: a replay reads the fixed input and writes the same outputs."""

    def __init__(self, *, fails: bool = False) -> None:
        self.recorded: list[tuple[int, ...]] = []
        self.replays = 0
        self._fails = fails

    def __call__(self, function: Function, fixed: Tensor) -> Callable[[], Outputs]:
        if self._fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.recorded.append(tuple(fixed.shape))
        outputs = function(fixed)

        def replay() -> Outputs:
            self.replays += 1
            for kept, now in zip(outputs, function(fixed), strict=True):
                kept.copy_(now)
            return outputs

        return replay


def twice_and_sum(given: Tensor) -> Outputs:
    return 2 * given, given.sum(0)


def check(recorded: Recorded, given: Tensor) -> None:
    for found, wanted in zip(recorded(given), twice_and_sum(given), strict=True):
        torch.testing.assert_close(found, wanted)


def test_a_shape_is_recorded_once_as_it_comes_again() -> None:
    tape = Tape()
    recorded = Recorded(twice_and_sum, tape)
    for number in range(4):
        check(recorded, torch.full((2, 3), float(number)))
        check(recorded, torch.full((4, number + 5), 1.0))  # another each time
    assert tape.recorded == [(2, 3)]
    assert tape.replays == 3


def test_only_the_last_shapes_are_kept() -> None:
    tape = Tape()
    recorded = Recorded(twice_and_sum, tape)
    for _ in range(2):
        for size in range(1, KEPT + 3):
            check(recorded, torch.ones(size, 2))
    assert len(tape.recorded) == KEPT + 2
    check(recorded, torch.ones(KEPT + 2, 2))
    assert len(tape.recorded) == KEPT + 2
    check(recorded, torch.ones(1, 2))  # which was dropped
    assert tape.recorded[-1] == (1, 2)
    recorded.forget()
    check(recorded, torch.ones(1, 2))
    assert tape.recorded[-2:] == [(1, 2), (1, 2)]


def test_what_cannot_be_recorded_runs_as_it_is() -> None:
    recorded = Recorded(twice_and_sum, Tape(fails=True))
    for number in range(4):
        check(recorded, torch.full((2, 3), float(number)))


@pytest.mark.gpu
def test_cuda_graphs_give_what_the_function_gives() -> None:
    recorded = Recorded(twice_and_sum, CudaGraphs())
    for number in range(4):
        check(recorded, torch.full((2, 3), float(number), device="cuda"))
        check(recorded, torch.full((4, 1), float(number), device="cuda"))
