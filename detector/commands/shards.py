"""auto-label in several processes, as torchrun starts them: each labels its share, the first writes what all found."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from detector.device import is_cpu
from detector.errors import StudioError

if TYPE_CHECKING:
    from detector.inference.predictor import Failure, Prediction, Predictor
    from detector.training.ranks import Ranks

LONGEST = timedelta(days=30)  # that one process may wait for another's share; where one ends, none waits


def is_shared() -> bool:
    """Whether torchrun has started several of this process."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def shards() -> Iterator["Ranks | None"]:
    """This process among those that label together; None where it is alone, and then no torch is loaded."""
    if not is_shared():
        yield None
        return
    import torch

    from detector.training.ranks import process_group

    with process_group(torch.device("cpu"), longest=LONGEST) as ranks:
        yield ranks


def own_device(wanted: str) -> str:
    """Where this process is to compute: on a CUDA device of its own where there are any, else as wanted. More processes
    than devices take turns at sharing them.
    """
    if "LOCAL_RANK" not in os.environ or wanted not in ("auto", "cuda") or is_cpu(wanted):
        return wanted
    import torch

    devices = torch.cuda.device_count()
    return f"cuda:{int(os.environ['LOCAL_RANK']) % devices}" if devices else wanted


def run_shared(
    predictor: "Predictor", sources: Sequence[Path], ranks: "Ranks | None", *, tiled: bool
) -> Iterable["Prediction | Failure"]:
    """What becomes of all sources, in their order, each looked at by one of the processes.

    Raises StudioError where another process ended before it had done its share.
    """
    if ranks is None:
        return predictor.run(sources, tiled=tiled)
    own = list(predictor.run(sources[ranks.rank :: ranks.count], tiled=tiled))
    try:
        shares = ranks.gather(own)
    except RuntimeError as error:  # the connection to it is gone
        raise StudioError("Another of the processes ended before its share was done; see what it said.") from error
    return [shares[place % ranks.count][place // ranks.count] for place in range(len(sources))]
