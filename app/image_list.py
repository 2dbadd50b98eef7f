"""The images in natural order, and those of them that the filter lets through."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from itertools import count, pairwise
from typing import Any


class ImageList:
    """Ids of all images in natural order of their paths; `visible` are those that `accepts`."""

    def __init__(self, accepts: Callable[[int], bool]) -> None:
        self.order: list[int] = []
        self.visible: list[int] = []
        self._accepts = accepts
        self._keys: dict[int, Any] = {}
        self._rank: dict[int, int] = {}

    def add(self, keys: Mapping[int, Any]) -> None:
        """Put images in the places that their keys give them. Those that come in order are not sorted anew."""
        new = {image_id: key for image_id, key in keys.items() if image_id not in self._keys}
        first = max(len(self.order) - 1, 0)
        self._keys |= new
        self.order.extend(new)
        if any(self._keys[a] > self._keys[b] for a, b in pairwise(self.order[first:])):
            self.order.sort(key=self._keys.__getitem__)
            self._rank = {image_id: rank for rank, image_id in enumerate(self.order)}
        else:
            self._rank.update(zip(self.order[first:], count(first)))
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

    def all_from(self, image_id: int) -> list[int]:
        """All images, from this one on and round."""
        here = self._rank[image_id]
        return [*self.order[here:], *self.order[:here]]

    def onwards(self, image_id: int) -> Iterable[int]:
        """All images, visible ones first, from behind this one to the end, then from the start to before it."""
        for ids, here in ((self.visible, self.place(image_id)), (self.order, self._rank[image_id])):
            yield from (other for other in (*ids[here:], *ids[:here]) if other != image_id)
