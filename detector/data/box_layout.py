"""What the four numbers of a COCO bbox are, said or guessed: other programs write corners, or parts of the picture."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from detector.data.annotations import Box, ImageEntry, Rectangle
from detector.errors import LabelError

_OVER = 1.05  # times the picture's size: what a careless x, y, width, height does not reach


class BoxLayout(StrEnum):
    """What the four numbers of a bbox are. COCO's are x, y, width and height in pixels."""

    XYWH = "xywh"
    XYXY = "xyxy"
    XYWH_NORMALISED = "xywh-normalised"
    XYXY_NORMALISED = "xyxy-normalised"

    @property
    def is_normalised(self) -> bool:
        """Whether the numbers are parts of the picture's width and height."""
        return self in (BoxLayout.XYWH_NORMALISED, BoxLayout.XYXY_NORMALISED)

    @property
    def has_corners(self) -> bool:
        """Whether the last two numbers are a corner, not a size."""
        return self in (BoxLayout.XYXY, BoxLayout.XYXY_NORMALISED)


class LayoutError(LabelError):
    """Boxes that do not look like COCO's; `layouts` are what they may be."""

    def __init__(self, message: str, layouts: tuple[BoxLayout, ...]) -> None:
        super().__init__(message)
        self.layouts = layouts


def check_layout(boxes: Sequence[Box], images: Mapping[int, ImageEntry], source: str) -> None:
    """Raises LayoutError where boxes read as x, y, width, height in pixels must have been something else."""
    if _are_normalised(boxes, images):
        normalised = tuple(layout for layout in BoxLayout if layout.is_normalised)
        raise LayoutError(
            f"{source}: all boxes lie between 0 and 1, so they are normalised, while COCO's are in pixels; say what "
            f"they are with --boxes {normalised[0]} or --boxes {normalised[1]}.",
            normalised,
        )
    if _are_corners(boxes, images):
        raise LayoutError(
            f"{source}: as x, y, width, height many boxes end outside their pictures, as x1, y1, x2, y2 none does; say "
            f"what they are with --boxes {BoxLayout.XYXY}, or --boxes {BoxLayout.XYWH} if they are right.",
            (BoxLayout.XYXY, BoxLayout.XYWH),
        )


def _are_normalised(boxes: Sequence[Box], images: Mapping[int, ImageEntry]) -> bool:
    """Whether no number of any box exceeds 1, though pictures have more pixels than that."""
    judged = False
    for box in boxes:
        image = images[box.image_id]
        if (image.width or 9) > 2 and (image.height or 9) > 2:
            if max(map(abs, _as_written(box.xyxy))) > 1:
                return False
            judged = True
    return judged


def _are_corners(boxes: Sequence[Box], images: Mapping[int, ImageEntry]) -> bool:
    """Whether every box makes sense as two corners in its picture, and some reach far out of it otherwise."""
    over = False
    for box in boxes:
        image = images[box.image_id]
        if image.width is None or image.height is None:
            continue
        x1, y1, x2, y2 = _as_written(box.xyxy)
        if not (0 <= x1 < x2 <= image.width + 1 and 0 <= y1 < y2 <= image.height + 1):
            return False
        over |= box.xyxy[2] > image.width * _OVER or box.xyxy[3] > image.height * _OVER
    return over


def _as_written(xyxy: Rectangle) -> Rectangle:
    """The four numbers of a box that was read as x, y, width, height."""
    x1, y1, x2, y2 = xyxy
    return x1, y1, x2 - x1, y2 - y1
