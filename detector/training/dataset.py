"""A labelled data set as the trainer wants it: samples to learn from, and a set to be measured on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.data.annotations import Dataset
from detector.training.loader import Sample


@dataclass(frozen=True)
class ValidationSet:
    """Ground truth, and the picture file of each of its image ids."""

    dataset: Dataset
    paths: Mapping[int, Path]


def training_samples(dataset: Dataset, paths: Mapping[int, Path], class_ids: Sequence[int]) -> tuple[Sample, ...]:
    """The images that have a file, with the boxes of `class_ids`; a class's channel is its position there."""
    channels = {id: channel for channel, id in enumerate(class_ids)}
    samples = []
    for image_id, boxes in dataset.boxes_by_image().items():
        if image_id not in paths:
            continue
        kept = [box for box in boxes if box.class_id in channels]
        samples.append(
            Sample(
                paths[image_id],
                np.array([box.xyxy for box in kept], np.float32).reshape(-1, 4),
                np.array([channels[box.class_id] for box in kept], np.int64),
                np.array([box.iscrowd for box in kept], bool),
            )
        )
    return tuple(samples)
