"""A few validation images with what a model in training finds in them, for people to look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from detector.boxes import Detections
from detector.data.annotations import Box
from detector.events import SampleImage
from detector.training.dataset import ValidationSet

SAMPLES, MOST_BOXES = 3, 40  # images, and boxes of an image
LEAST_SCORE = 0.1  # a young model is hardly surer of what it finds


def choose(
    found: Mapping[int, Detections], validation: ValidationSet, names: Sequence[str | None]
) -> tuple[SampleImage, ...]:
    """The detections in some of the images that have boxes, the same ones each time, as far apart as they are listed.

    `names`: of the model's channels.
    """
    truth = validation.dataset.boxes_by_image()
    filled = [image_id for image_id in sorted(found) if truth.get(image_id)]
    number = min(SAMPLES, len(filled))
    chosen = [filled[place * (len(filled) - 1) // max(1, number - 1)] for place in range(number)]
    return tuple(
        _sample_image(validation.paths[image_id], found[image_id], truth[image_id], names) for image_id in chosen
    )


def _sample_image(path: Path, detections: Detections, truth: Sequence[Box], names: Sequence[str | None]) -> SampleImage:
    shown = detections.select(detections.scores >= LEAST_SCORE)
    shown = shown.select(np.arange(min(len(shown), MOST_BOXES)))
    return SampleImage(
        str(path),
        tuple(tuple(round(side, 1) for side in box) for box in shown.boxes.tolist()),
        tuple(round(score, 3) for score in shown.scores.tolist()),
        tuple(names[channel] or "" for channel in shown.channels.tolist()),
        tuple(box.xyxy for box in truth[:MOST_BOXES]),
    )
