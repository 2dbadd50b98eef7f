"""What became of each object and each detection at the scores that are shown: found, taken for another class, missed,
or seen where nothing is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detector.boxes import Detections, area, clip, iou
from detector.data.annotations import Box, Dataset

SAME = 0.5  # IoU from which a detection is of an object


@dataclass(frozen=True, slots=True)
class Outcome:
    """In an image, an object of class `truth` was found as `found`: both are class ids, None for an object that was
    missed, and for a detection where no object is.
    """

    image_id: int
    truth: int | None
    found: int | None


def outcomes(
    found: Mapping[int, Detections],
    truth: Dataset,
    channel_to_class: Mapping[int, int],
    thresholds: Mapping[int, float],
) -> list[Outcome]:
    """What became of all objects in the images of `found`, and of the detections from `thresholds` on, by class id.

    Each object goes to one detection at most: first to those of its own class, then to others, those that overlap most
    first. Detections in crowd regions count for nothing.
    """
    told: list[Outcome] = []
    of_image = truth.boxes_by_image()
    for image_id, detections in found.items():
        channels = detections.channels.tolist()
        classes = [channel_to_class.get(channel) for channel in channels]
        scores = detections.scores.tolist()
        shown = [
            place
            for place, (kind, score) in enumerate(zip(classes, scores, strict=True))
            if kind is not None and score >= thresholds[kind]
        ]
        kept = detections.select(np.array(shown, np.int64))
        told += _of_image(image_id, kept, [classes[place] for place in shown], of_image.get(image_id, []))
    return told


def _of_image(
    image_id: int, detections: Detections, classes: Sequence[int | None], boxes: Sequence[Box]
) -> list[Outcome]:
    objects = [box for box in boxes if not box.iscrowd]
    pairs = _pairs(detections, classes, objects)
    by_object, by_detection = dict(pairs), {detection: place for place, detection in pairs}
    told = [
        Outcome(image_id, box.class_id, classes[by_object[place]] if place in by_object else None)
        for place, box in enumerate(objects)
    ]
    crowds = np.array([box.xyxy for box in boxes if box.iscrowd], np.float64).reshape(-1, 4)
    for place, kind in enumerate(classes):
        if place not in by_detection and not _is_within(detections.boxes[place], crowds):
            told.append(Outcome(image_id, None, kind))
    return told


def _pairs(detections: Detections, classes: Sequence[int | None], objects: Sequence[Box]) -> list[tuple[int, int]]:
    """(object, detection) of those that belong together."""
    overlaps = iou(np.array([box.xyxy for box in objects], np.float64).reshape(-1, 4), detections.boxes)
    candidates = [
        (objects[place].class_id != classes[detection], -overlaps[place, detection], place, detection)
        for place, detection in np.argwhere(overlaps >= SAME).tolist()
    ]
    pairs: list[tuple[int, int]] = []
    objects_left, detections_left = set(range(len(objects))), set(range(len(classes)))
    for *_, place, detection in sorted(candidates):
        if place in objects_left and detection in detections_left:
            objects_left.remove(place)
            detections_left.remove(detection)
            pairs.append((place, detection))
    return pairs


def _is_within(box: np.ndarray, regions: np.ndarray) -> bool:
    """Whether at least half of a box (4,) lies in one of the regions (N, 4)."""
    size = float(area(box[None])[0])
    shared = [float(area(clip(box[None] - [x1, y1, x1, y1], x2 - x1, y2 - y1))[0]) for x1, y1, x2, y2 in regions]
    return size > 0 and max(shared, default=0.0) >= SAME * size
