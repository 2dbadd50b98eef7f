"""The images in natural order, and those of them that the filter lets through."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

Accepts = Callable[[int], bool]


class ImageList:
    """Ids of all images in natural order of their paths; `visible` are those that the filter accepts.

    `filtering` gives the filter as it is now: a list of 100,000 asks for it once, not for each image.
    """

    def __init__(self, filtering: Callable[[], Accepts]) -> None:
        self.order: list[int] = []
        self.visible: list[int] = []
        self._filtering = filtering
        self._keys: dict[int, str] = {}

    def add(self, keys: Mapping[int, str]) -> None:
        """Put images in the places that their keys give them, without a look at the others."""
        new = sorted((image_id for image_id in keys if image_id not in self._keys), key=keys.__getitem__)
        self._keys.update((image_id, keys[image_id]) for image_id in new)
        self._merge(self.order, new)
        self._merge(self.visible, list(filter(self._filtering(), new)))

    def filter_anew(self) -> None:
        """Ask of every image whether it is visible."""
        self.visible = list(filter(self._filtering(), self.order))

    def refilter(self, image_ids: Iterable[int]) -> bool:
        """Ask of some images; whether that changed the list."""
        accepts, changed = self._filtering(), False
        for image_id in image_ids:
            place = self.place(image_id)
            is_there = place < len(self.visible) and self.visible[place] == image_id
            belongs = accepts(image_id)
            if is_there and not belongs:
                del self.visible[place]
            elif belongs and not is_there:
                self.visible.insert(place, image_id)
            changed |= belongs != is_there
        return changed

    def place(self, image_id: int) -> int:
        """Where an image is, or would be, among the visible ones."""
        return self._place(self.visible, image_id)

    def before(self, image_id: int) -> int | None:
        """The image before this one among all."""
        here = self._place(self.order, image_id)
        return self.order[here - 1] if here else None

    def all_from(self, image_id: int) -> list[int]:
        """All images, from this one on and round."""
        here = self._place(self.order, image_id)
        return [*self.order[here:], *self.order[:here]]

    def onwards(self, image_id: int) -> Iterable[int]:
        """All images, visible ones first, from behind this one to the end, then from the start to before it."""
        for ids in (self.visible, self.order):
            here = self._place(ids, image_id)
            yield from (other for other in (*ids[here:], *ids[:here]) if other != image_id)

    def _place(self, ids: list[int], image_id: int) -> int:
        return bisect_left(ids, self._keys[image_id], key=self._keys.__getitem__)

    def _merge(self, ids: list[int], new: list[int]) -> None:
        """Put sorted ids between sorted ones. Mostly all of them go to one place, behind the others."""
        if not new:
            return
        place = self._place(ids, new[0])
        if place == len(ids) or self._keys[new[-1]] < self._keys[ids[place]]:
            ids[place:place] = new
        else:
            ids.extend(new)
            ids.sort(key=self._keys.__getitem__)  # two sorted runs, which are merged in one go
