"""The images in natural order, and those of them that the filter lets through."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from detector.data.images import natural_key
from detector.data.project.records import ProjectImage


class ImageList:
    """Ids of all images in natural order of their paths; `visible` are those that `accepts`."""

    def __init__(self, accepts: Callable[[int], bool]) -> None:
        self.order: list[int] = []
        self.visible: list[int] = []
        self._accepts = accepts
        self._keys: dict[int, object] = {}
        self._rank: dict[int, int] = {}

    def add(self, images: Sequence[ProjectImage]) -> None:
        """Put images in their places. Those that come in order are not sorted anew."""
        keys = {image.id: natural_key(image.path) for image in images if image.id not in self._keys}
        self._keys |= keys
        first = len(self.order)
        self.order.extend(keys)
        if any(self._keys[a] > self._keys[b] for a, b in zip(self.order[max(first - 1, 0) :], self.order[first:])):  # type: ignore[operator]  # noqa: B905
            self.order.sort(key=self._keys.__getitem__)  # type: ignore[arg-type]
        self._rank = {image_id: rank for rank, image_id in enumerate(self.order)}
        self.filter_anew()

    def filter_anew(self) -> None:
        """Ask of every image whether it is visible."""
        self.visible = [image_id for image_id in self.order if self._accepts(image_id)]

    def refilter(self, image_id: int) -> bool:
        """Ask of one image; whether that changed the list."""
        place = self.place(image_id)
        is_there = place < len(self.visible) and self.visible[place] == image_id
        belongs = self._accepts(image_id)
        if is_there and not belongs:
            del self.visible[place]
        elif belongs and not is_there:
            self.visible.insert(place, image_id)
        return belongs != is_there

    def place(self, image_id: int) -> int:
        """Where an image is, or would be, among the visible ones."""
        return bisect_left(self.visible, self._rank[image_id], key=self._rank.__getitem__)

    def onwards(self, image_id: int) -> Iterable[int]:
        """All images, visible ones first, from behind this one to the end, then from the start to before it."""
        for ids, here in ((self.visible, self.place(image_id)), (self.order, self._rank[image_id])):
            yield from (other for other in (*ids[here:], *ids[:here]) if other != image_id)
