"""The images in order, and those of them that the filter lets through."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import inf, isnan, nan

import numpy as np

from app.image_filter import Accepts

AT_ONCE = 64  # images that are put in their places one by one; more of them cost sorting all


@dataclass(frozen=True)
class Sorting:
    """Numbers to sort by, by image id, as they were when the order was chosen; None: by name.

    otherwise: the number of images that have none; NaN, which an image may also have, puts it last either way. Images
    of one number go by name.
    """

    values: Mapping[int, float] | None = None
    descending: bool = False
    otherwise: float = nan


class ImageList:
    """Ids of all images in their `order`; `visible` are those that meet the conditions, and `kept` wherever it is.

    The order stays as it is while what it went by changes: nothing moves under the person who looks. `conditions` gives
    the filter as it is now: a list of 100,000 asks for it once, not for each image.
    """

    def __init__(self, conditions: Callable[[], Sequence[Accepts]]) -> None:
        self.visible: list[int] = []
        self.kept: int | None = None
        self._conditions = conditions
        self._names: dict[int, str] = {}
        self._by_name: list[int] = []
        self._sorting = Sorting()
        self._sorted: list[int] | None = None  # None: by name, going up

    @property
    def order(self) -> list[int]:
        """All images."""
        return self._by_name if self._sorted is None else self._sorted

    def add(self, keys: Mapping[int, str]) -> None:
        """Put images in the places that their keys give them; those that are there under another key are moved."""
        new = [image_id for image_id, key in keys.items() if self._names.get(image_id) != key]
        new.sort(key=keys.__getitem__)
        moved = {image_id for image_id in new if image_id in self._names}
        if moved:
            for ids in (self._by_name, self._sorted or [], self.visible):
                ids[:] = [image_id for image_id in ids if image_id not in moved]
        self._names.update((image_id, keys[image_id]) for image_id in new)
        self._merge(self._by_name, new)
        if self._sorted is None:
            self._merge(self.visible, self._accepted(new))
            self._keep()
        elif len(new) > AT_ONCE:
            self._sort()
        else:
            for image_id in new:
                self._sorted.insert(self._place(self._sorted, image_id), image_id)
            self.refilter(new)

    def sort(self, sorting: Sorting) -> None:
        """Put all images in another order."""
        self._sorting = sorting
        self._sort()

    def filter_anew(self) -> None:
        """Ask of every image whether it is visible."""
        self.visible = self._accepted(self.order)
        self._keep()

    def refilter(self, image_ids: Iterable[int]) -> bool:
        """Ask of some images; whether that changed the list."""
        needed, changed = self._conditions(), False
        for image_id in image_ids:
            place = self.place(image_id)
            is_there = place < len(self.visible) and self.visible[place] == image_id
            belongs = image_id == self.kept or all(accepts(image_id) for accepts in needed)
            if is_there and not belongs:
                del self.visible[place]
            elif belongs and not is_there:
                self.visible.insert(place, image_id)
            changed |= belongs != is_there
        return changed

    def accepts(self, image_id: int) -> bool:
        """Whether an image meets the conditions."""
        return all(accepts(image_id) for accepts in self._conditions())

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

    def _accepted(self, ids: Iterable[int]) -> list[int]:
        for accepts in self._conditions():
            ids = filter(accepts, ids)
        return list(ids)

    def _keep(self) -> None:
        if self.kept is not None and self.kept in self._names:
            self.refilter([self.kept])

    def _sort(self) -> None:
        """All images by what their order goes by now: some 20 ms for 100,000."""
        values, descending = self._sorting.values, self._sorting.descending
        if values is None:
            self._sorted = self._by_name[::-1] if descending else None
        else:
            numbers = map(values.get, self._by_name, repeat(self._sorting.otherwise))
            column = np.fromiter(numbers, float, len(self._by_name)) * (-1 if descending else 1)
            places = np.argsort(column, kind="stable")  # NaN comes last
            self._sorted = list(map(self._by_name.__getitem__, places.tolist()))
        self.filter_anew()

    def _value(self, image_id: int) -> float:
        """What an image's place goes by, smallest first."""
        assert self._sorting.values is not None
        value = self._sorting.values.get(image_id, self._sorting.otherwise)
        if isnan(value):
            return inf
        return -value if self._sorting.descending else value

    def _is_before(self, one: int, other: int) -> bool:
        names = self._names
        if self._sorted is None:
            return names[one] < names[other]
        if self._sorting.values is None:
            return names[one] > names[other]
        return (self._value(one), names[one]) < (self._value(other), names[other])

    def _place(self, ids: Sequence[int], image_id: int) -> int:
        low, high = 0, len(ids)
        while low < high:
            middle = (low + high) // 2
            if self._is_before(ids[middle], image_id):
                low = middle + 1
            else:
                high = middle
        return low

    def _merge(self, ids: list[int], new: list[int]) -> None:
        """Put ids between others, all by name. Mostly all of them go to one place, behind the others."""
        if not new:
            return
        names = self._names
        place = bisect_left(ids, names[new[0]], key=names.__getitem__)
        if place == len(ids) or names[new[-1]] < names[ids[place]]:
            ids[place:place] = new
        else:
            ids.extend(new)
            ids.sort(key=names.__getitem__)  # two sorted runs, which are merged in one go
