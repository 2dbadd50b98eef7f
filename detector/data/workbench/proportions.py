"""The ranges that shapes and lights are drawn from, and the part of them that training never sees."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

WITHHELD = (0.4, 0.6)  # of each range: the lamp's direction in it is the same for a picture and its mirror image


class Proportions(np.random.Generator):
    """Chance for shapes and lights: `uniform` leaves out the middle fifth of every range, or keeps to it.

    A model that is measured on `withheld` pictures has seen none of their proportions and none of their lights.
    """

    def __init__(self, seed: tuple[int, ...], *, withheld: bool) -> None:
        super().__init__(np.random.PCG64(np.random.SeedSequence(seed)))
        self._withheld = withheld

    def uniform(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0, size: Any = None) -> Any:
        """As numpy's, over the part of low…high that is meant."""
        low, high = np.asarray(low, float), np.asarray(high, float)
        share = self.random(np.broadcast(low, high).shape if size is None else size)
        first, last = WITHHELD
        if self._withheld:
            share = first + (last - first) * share
        else:
            share = share * (1 - (last - first))
            share = np.where(share < first, share, share + (last - first))
        drawn = low + (high - low) * share
        return drawn if drawn.ndim else float(drawn)
