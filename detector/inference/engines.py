"""What an engine is: a model that finds objects in prepared pictures, however it computes them."""

from collections.abc import Collection, Sequence
from typing import Protocol

from detector.boxes import Detections
from detector.errors import OptionsError
from detector.inference.preprocess import Prepared
from detector.model.info import ModelInfo

FLOOR = 0.05  # the lowest score that comes out, where no other is asked for


class Engine(Protocol):
    """A model at work. `detect` may be called from `lanes` threads at once, with at most `batch` pictures of one shape.

    info: what the checkpoint says. exact: whether pictures are to be prepared as the reference does.
    """

    info: ModelInfo
    exact: bool
    batch: int
    lanes: int

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        ...

    def detect(self, images: Sequence[Prepared]) -> list[Detections]:
        """What is in each picture. Raises OptionsError where the memory does not hold even one."""
        ...

    def interrupt(self) -> None:
        """Ask the calls of `detect` that other threads are in to end early, if they can; then they raise, whatever it
        is.
        """
        ...

    def with_floor(self, floor: float) -> "Engine":
        """The same engine, its network shared, for scores from another one on."""
        ...


def wanted_channels(info: ModelInfo, asked: Collection[int] | None) -> list[int]:
    """The channels to look for: those with a name, of `asked` if given. Raises OptionsError where none is left."""
    channels = [c for c, name in enumerate(info.classes) if name is not None and (asked is None or c in asked)]
    if not channels:
        raise OptionsError("None of the classes asked for is one of the model's; ask for some that are.")
    return channels
