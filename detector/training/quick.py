"""Quick mode: the first layers keep their weights, so what they make of an image is computed once for each view of it.

What is left then trains in stages: first the pyramid and the heads, then also the last stages of the backbone.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from detector.training.augment import LabelledImage
from detector.training.learner import ALL_FEATURES, Learner
from detector.training.loader import Batch, Loader

VIEWS = 8  # of an image, where the memory holds so many
VIEW_STREAM = 2  # the last of five words of a seed: views are drawn from numbers of their own

Features = tuple[NDArray[np.float16], ...]


@dataclass(frozen=True)
class Stage:
    """Until this share of the budget the first `given` of P3, P4, P5 stay as they were; `trained` says what learns."""

    until: float
    given: int
    trained: str


STAGES = (
    Stage(0.3, 3, "the pyramid and the heads"),
    Stage(1.0, 2, "the pyramid, the heads and the backbone after P4"),
)


def stage_at(share: float) -> Stage:
    """The stage at a share 0..1 of the budget."""
    return next((stage for stage in STAGES if share < stage.until), STAGES[-1])


@dataclass(frozen=True)
class _View:
    labelled: LabelledImage  # without its pixels
    features: Features

    @property
    def size(self) -> int:
        """In bytes, but for the few of its boxes."""
        return sum(array.nbytes for array in self.features)


class FeatureLoader:
    """Batches of the backbone's features over a loader's samples, in the loader's order.

    Each sample has at most VIEWS random views, as many as `memory_limit` bytes hold of all samples, taken in turn; the
    features of a view are computed when it first comes up, and kept in half precision. Where the memory does not even
    hold one of each, the features of those that came too late are computed each time. What a step gets depends on the
    seed and the step alone.
    """

    def __init__(self, loader: Loader, learner: Learner, *, samples: int, seed: int, memory_limit: int) -> None:
        self._loader, self._learner, self._seed = loader, learner, seed
        self._samples, self._memory = samples, memory_limit
        self._views = 0
        self._kept: dict[tuple[int, int], _View] = {}

    def batches(self, start: int, stop: int) -> Generator[Batch]:
        """The batches of steps start … stop − 1. Raises ImageError where no picture can be read."""
        for step in range(start, stop):
            places = [self._loader.place(step, position) for position in self._loader.positions]
            yield self._collate(self._look_up(places))

    def _look_up(self, places: Sequence[tuple[int, int]]) -> list[_View]:
        """The views at these epochs of these samples."""
        if not self._views:
            self._views = self._affordable(places[0][1])
        keys = [(index, epoch % self._views) for epoch, index in places]
        missing = [key for key in dict.fromkeys(keys) if key not in self._kept]
        made = dict(zip(missing, self._make(missing), strict=True))
        self._keep(made)
        return [made[key] if key in made else self._kept[key] for key in keys]

    def _keep(self, made: Mapping[tuple[int, int], _View]) -> None:
        """As many as there is still memory for. None is given up for another: none is likelier to come again soon."""
        for key, view in made.items():
            if view.size <= self._memory:
                self._memory -= view.size
                self._kept[key] = view

    def _affordable(self, index: int) -> int:
        (view,) = self._make([(index, 0)])
        return max(1, min(VIEWS, self._memory // (view.size * self._samples)))

    def _make(self, keys: Sequence[tuple[int, int]]) -> list[_View]:
        if not keys:
            return []
        inputs = [self._loader.compose(index, self._rng(index, view)) for index, view in keys]
        nothing = np.empty((0, 0, 3), np.uint8)  # in place of the pixels, which take as much memory as the features
        return [
            _View(replace(labelled, image=nothing), features)
            for labelled, features in zip(inputs, self._features(inputs), strict=True)
        ]

    def _rng(self, index: int, view: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, index, view, 0, VIEW_STREAM))

    @torch.no_grad()
    def _features(self, inputs: Sequence[LabelledImage]) -> list[Features]:
        images = torch.from_numpy(np.stack([labelled.image for labelled in inputs])).permute(0, 3, 1, 2)
        backbone = self._learner.network.backbone.eval()  # with its statistics, whatever the step before was
        with self._learner.mixed_precision():
            maps = backbone.features(self._learner.normalise(images), ALL_FEATURES)
        arrays = [x.permute(0, 2, 3, 1).half().cpu().numpy() for x in maps]
        return list(zip(*arrays, strict=True))

    def _collate(self, views: Sequence[_View]) -> Batch:
        labelled = [view.labelled for view in views]
        columns = zip(*(view.features for view in views), strict=True)
        features = [np.stack(column) for column in columns][: self._learner.given]
        return Batch(
            np.empty((len(views), 0, 0, 3), np.uint8),
            [one.boxes for one in labelled],
            [one.labels for one in labelled],
            [one.crowd for one in labelled],
            features,
        )
