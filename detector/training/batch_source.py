"""Where a run's batches come from: its pictures as the loader shows them, or in quick mode what the frozen part of the
network makes of them.
"""

import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

import psutil

from detector.device import cores
from detector.training.augment import Augmentation
from detector.training.budget import Moment
from detector.training.learner import Learner
from detector.training.loader import Batch, Loader, Replay, Sample
from detector.training.options import FineTuneOptions
from detector.training.quick import FeatureLoader, stage_at
from detector.training.ranks import Ranks

MOSAIC_ENDS = 0.8  # the last fifth sees whole pictures, as inference will
STATISTICS_IMAGES = 200
CACHE_SHARE = 0.25  # of the machine's memory, for decoded pictures; in quick mode as much again, for features


class BatchSource:
    """Batches of `batch` images of `train`, and of `replay` their share, on squares of `size` pixels; the bars around
    a picture have the colour `fill`. Raises OptionsError where there is nothing to train on.
    """

    def __init__(
        self,
        train: Sequence[Sample],
        replay: Sequence[Sample],
        options: FineTuneOptions,
        learner: Learner,
        *,
        batch: int,
        size: int,
        fill: tuple[int, int, int],
        ranks: Ranks,
    ) -> None:
        self._samples, self._options, self._learner, self._ranks = [*train, *replay], options, learner, ranks
        self._batch, self._fill = batch, fill
        self._replay = Replay(len(replay), options.replay_share if replay else 0.0)
        self._augmentation = Augmentation(
            scale=options.scale,
            flip=options.flip,
            photometric=options.photometric,
            mosaic=options.mosaic,
            any_orientation=options.any_orientation,
        )
        self.resize(size)

    def resize(self, size: int) -> None:
        """From now on inputs are squares of `size` pixels; batches that are being made are of the old size."""
        self._size = size
        memory = int(CACHE_SHARE * psutil.virtual_memory().total) // self._ranks.count
        self._loader = self._make_loader(self._augmentation, memory)
        self._features = FeatureLoader(
            self._loader, self._learner, samples=len(self._samples), seed=self._options.seed, memory_limit=memory
        )

    def failures(self) -> list[str]:
        """What went wrong with pictures so far, of this size."""
        return [message for _, message in self._loader.failures]

    def batches(self, moment: Moment, steps: int | None) -> Generator[Batch]:
        """The batches from here on, to the end of a run of `steps`."""
        whole = moment.share >= MOSAIC_ENDS
        self._loader.augmentation = replace(self._augmentation, mosaic=0.0) if whole else self._augmentation
        source = self._features if self._options.quick else self._loader
        return source.batches(moment.done, steps or sys.maxsize)

    def ends(self, before: Moment, after: Moment) -> bool:
        """Whether the batches made ahead are none for the next step: there the mosaics end, or a stage."""
        if self._options.quick:
            return stage_at(before.share) != stage_at(after.share)
        return self._options.mosaic > 0 and before.share < MOSAIC_ENDS <= after.share

    def plain_batches(self) -> Generator[Batch]:
        """About 200 training images as inference sees them, for batch statistics."""
        loader = self._make_loader(Augmentation(scale=(1.0, 1.0), flip=False, photometric=0.0), 0)
        with closing(loader.batches(0, -(-STATISTICS_IMAGES // self._batch))) as batches:
            yield from batches

    def _make_loader(self, augmentation: Augmentation, memory_limit: int) -> Loader:
        return Loader(
            self._samples,
            image_size=self._size,
            batch=self._batch,
            seed=self._options.seed,
            augmentation=augmentation,
            fill=self._fill,
            threads=max(1, min(8, cores() // 2)),
            memory_limit=memory_limit,
            share=(self._ranks.rank, self._ranks.count),
            replay=self._replay,
        )
