"""Which images the list shows."""

from collections.abc import Callable, Iterable, Mapping
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

    def matcher(
        self,
        images: Mapping[int, ProjectImage],
        *,
        proposals: Mapping[int, int],
        boxes: Mapping[int, Mapping[int, int]],
        names: Mapping[int, str],
    ) -> Callable[[int], bool]:
        """`accepts` for many images, by their ids, with all that does not depend on the image worked out once.

        proposals: number by image; boxes: number by image and class; names: of the classes.
        """
        of_kind, text = self._kind_matcher(images, proposals), self.text.strip().casefold()
        if not text:
            return of_kind
        meant = {class_id for class_id, name in names.items() if text in name.casefold()}

        def matches(image_id: int) -> bool:
            if not of_kind(image_id):
                return False
            if text in images[image_id].path.casefold():
                return True
            return bool(meant) and any(n > 0 and id in meant for id, n in boxes.get(image_id, {}).items())

        return matches

    def _kind_matcher(self, images: Mapping[int, ProjectImage], proposals: Mapping[int, int]) -> Callable[[int], bool]:
        if self.kind is FilterKind.TO_REVIEW:
            return lambda image_id: is_to_review(images[image_id], proposals.get(image_id, 0))
        if self.kind in STATES:
            state = STATES[self.kind]
            return lambda image_id: images[image_id].state is state
        return lambda _: True


def is_to_review(image: ProjectImage, proposals: int) -> bool:
    """Whether a model has something to show here that nobody has vouched for."""
    return image.state is not State.REVIEWED and proposals > 0
