"""Which images of the list are chosen together, by clicks as file managers have them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageSelection:
    """Chosen images, none or several as a rule; `anchor`: where a range begins."""

    chosen: frozenset[int] = frozenset()
    anchor: int | None = None

    def toggled(self, image_id: int, *, current: int | None) -> "ImageSelection":
        """Ctrl-click: the image comes or goes; at first it joins the current one."""
        before = self.chosen or frozenset({current} if current is not None else ())
        return ImageSelection(before ^ {image_id}, image_id)

    def extended(self, image_id: int, listed: Sequence[int], *, current: int | None) -> "ImageSelection":
        """Shift-click: all from the anchor, or else the current image, to this one, as they are listed."""
        anchor = self.anchor if self.anchor in listed else current if current in listed else image_id
        first, last = sorted((listed.index(anchor), listed.index(image_id)))
        return ImageSelection(frozenset(listed[first : last + 1]), anchor)

    def among(self, listed: Sequence[int]) -> "ImageSelection":
        """Without images that are not listed any more: nobody should change what cannot be seen."""
        return ImageSelection(self.chosen.intersection(listed), self.anchor) if self.chosen else self
