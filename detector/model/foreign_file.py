"""What a foreign file says of its model, and what it leaves open. Known without torch."""

from dataclasses import dataclass
from pathlib import Path

from detector.errors import CheckpointError
from detector.model.coco_names import COCO_OUTPUTS
from detector.model.foreign import Naming

LARGEST_LIST = 1_000_000  # bytes; no list of class names is that long, and reading one must not take a while


@dataclass(frozen=True)
class ForeignFile:
    """An EfficientDet in another program's file.

    said: the variant by the file's name or hash (d0 … d7x, d0_ap … where it was trained with AdvProp), None where
    neither is known; fitting: the variants that its shapes fit; outputs: how many classes it has.
    """

    path: Path
    naming: Naming
    said: str | None
    fitting: tuple[str, ...]
    outputs: int

    @property
    def lacks_names(self) -> bool:
        """Whether nothing tells its classes: ninety outputs are COCO's."""
        return self.outputs != COCO_OUTPUTS

    @property
    def says_all(self) -> bool:
        """Whether nothing has to be asked."""
        return self.said is not None and not self.lacks_names


def class_names(text: str) -> tuple[str, ...]:
    """The names in a list with one a line; empty lines are none."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names in a text file. Raises CheckpointError where it cannot be read as one."""
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise CheckpointError(f"{path} is too large for a list of class names; choose a text file with one a line.")
        return class_names(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read as a list of class names ({error}).") from error
