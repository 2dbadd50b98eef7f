"""Which images the list shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from detector.data.project.records import ProjectImage, State


class FilterKind(StrEnum):
    """What the chips above the images list choose from."""

    ALL = "all"
    TO_REVIEW = "to review"
    REVIEWED = "reviewed"
    STARTED = "started"
    UNLABELLED = "unlabelled"


STATES = {
    FilterKind.REVIEWED: State.REVIEWED,
    FilterKind.STARTED: State.STARTED,
    FilterKind.UNLABELLED: State.UNLABELLED,
}


@dataclass(frozen=True)
class ImageFilter:
    """A kind, and text that the path or a class must contain, whatever the case."""

    kind: FilterKind = FilterKind.ALL
    text: str = ""

    def accepts(self, image: ProjectImage, *, proposals: int, classes: Iterable[str]) -> bool:
        """Whether the image is shown; `classes` names those of its boxes."""
        if self.kind is FilterKind.TO_REVIEW and not is_to_review(image, proposals):
            return False
        if self.kind in STATES and image.state is not STATES[self.kind]:
            return False
        wanted = self.text.strip().casefold()
        return not wanted or wanted in image.path.casefold() or any(wanted in name.casefold() for name in classes)


def is_to_review(image: ProjectImage, proposals: int) -> bool:
    """Whether a model has something to show here that nobody has vouched for."""
    return image.state is not State.REVIEWED and proposals > 0
