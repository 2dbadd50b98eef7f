"""How good detections are, in COCO's numbers by pycocotools, and the score thresholds that suit them best."""

import io
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.boxes import Detections
from detector.data.annotations import Dataset
from detector.data.coco import to_document
from detector.inference.predictor import Failure, Predictor

METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
LOWEST_THRESHOLD = 0.05  # predictions below are not kept, so no threshold can show them


@dataclass(frozen=True)
class Evaluation:
    """COCO's measures in 0..1; what the truth leaves undefined (APs without small boxes, say) is left out.

    metrics: by the names of METRICS. class_ap: AP by class name. thresholds: by class name, the score with the best F1
    at IoU 0.5, not below LOWEST_THRESHOLD; only for classes that were found at all. curves: by class name, precision at
    recall 0, 0.01 … 1 and IoU 0.5.
    """

    metrics: Mapping[str, float]
    class_ap: Mapping[str, float]
    thresholds: Mapping[str, float]
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def evaluate(
    predictions: Iterable[tuple[int, Detections]], truth: Dataset, channel_to_class: Mapping[int, int]
) -> Evaluation:
    """Measures detections, given with their image's id, against all images of `truth`; crowd regions count as in COCO.

    An image that is not among the predictions has no detections. Detections on channels without a class are left out.
    """
    document = to_document(truth)  # numbered so that pycocotools takes no match for none
    numbers = {image.id: entry["id"] for image, entry in zip(truth.images, document["images"], strict=True)}
    found = ((numbers[image_id], detections) for image_id, detections in predictions)
    run = _coco_run(document, {**document, "annotations": _annotations(found, channel_to_class)})
    names = {item.id: item.name for item in truth.classes}
    class_ap, thresholds, curves = {}, {}, {}
    for k, class_id in enumerate(run.params.catIds):
        precision = run.eval["precision"][:, :, k, 0, -1]  # IoU × recall, at any size, with 100 detections an image
        if (precision >= 0).all():
            class_ap[names[class_id]] = float(precision.mean())
            curves[names[class_id]] = tuple(precision[0].tolist())
        if (threshold := best_f1_threshold(*_outcomes(run, k))) is not None:
            thresholds[names[class_id]] = threshold
    metrics = {name: float(value) for name, value in zip(METRICS, run.stats, strict=True) if value >= 0}
    return Evaluation(metrics, class_ap, thresholds, curves)


def evaluate_model(
    predictor: Predictor, truth: Dataset, paths: Mapping[int, Path], channel_to_class: Mapping[int, int]
) -> tuple[Evaluation, tuple[Failure, ...]]:
    """Runs a predictor over the images of `truth` that have a path, and measures it on those that can be read.

    For COCO's numbers the predictor's floor should be 0; a higher one costs some AP. The failures are the other images.
    """
    ids = [image.id for image in truth.images if image.id in paths]
    outcomes = list(zip(ids, predictor.run(paths[image_id] for image_id in ids), strict=True))
    found = {image_id: outcome.detections for image_id, outcome in outcomes if not isinstance(outcome, Failure)}
    failures = tuple(outcome for _, outcome in outcomes if isinstance(outcome, Failure))
    return evaluate_found(found, truth, channel_to_class), failures


def evaluate_found(found: Mapping[int, Detections], truth: Dataset, channel_to_class: Mapping[int, int]) -> Evaluation:
    """Measures detections, by image id, on these images of `truth` alone."""
    # An image without boxes and detections weighs nothing.
    readable = replace(truth, boxes=tuple(box for box in truth.boxes if box.image_id in found))
    return evaluate(found.items(), readable, channel_to_class)


def best_f1_threshold(scores: NDArray[np.floating], correct: NDArray[np.bool_], positives: int) -> float | None:
    """The score from which on detections give the best F1; half-way to the next lower one, to suit other images too.

    scores (N,) and whether each detection found an object (N,), of `positives` objects. None where nothing was found.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= LOWEST_THRESHOLD]
    scores, correct = scores[order].astype(np.float64), correct[order]
    if not correct.any():
        return None
    found = np.cumsum(correct)
    lower = np.append(scores[1:], LOWEST_THRESHOLD)
    f1 = 2 * found / (np.arange(1, len(scores) + 1) + positives)
    f1[:-1][scores[1:] == scores[:-1]] = 0  # no threshold parts equal scores
    best = int(f1.argmax())
    return float(scores[best] + lower[best]) / 2


def _annotations(found: Iterable[tuple[int, Detections]], channel_to_class: Mapping[int, int]) -> list[dict[str, Any]]:
    """Detections, given with their image's number, as COCO annotations."""
    rows = []
    for number, detections in found:
        channels = detections.channels.tolist()
        for channel, score, box in zip(channels, detections.scores.tolist(), detections.boxes.tolist(), strict=True):
            if channel in channel_to_class:
                x, y, width, height = box[0], box[1], box[2] - box[0], box[3] - box[1]
                bbox, kind = [x, y, width, height], channel_to_class[channel]
                row = {"image_id": number, "category_id": kind, "bbox": bbox, "area": width * height, "score": score}
                rows.append({**row, "id": len(rows) + 1, "iscrowd": 0})
    return rows


def _coco_run(truth: Any, found: Any) -> COCOeval:
    """pycocotools' finished run on two COCO documents. It prints much and has no switch for it."""
    truth_index, found_index = COCO(), COCO()
    truth_index.dataset, found_index.dataset = truth, found
    with redirect_stdout(io.StringIO()):
        truth_index.createIndex()
        found_index.createIndex()
        run = COCOeval(truth_index, found_index, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run


def _outcomes(run: COCOeval, k: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Class number k at IoU 0.5: scores (N,) of the detections that count, which are correct (N,), and how many objects
    there are."""
    images, areas = len(run.params.imgIds), len(run.params.areaRng)
    matches = [one for one in run.evalImgs[k * areas * images :][:images] if one is not None]  # boxes of any size
    if not matches:
        return np.zeros(0), np.zeros(0, bool), 0
    scores = np.concatenate([one["dtScores"] for one in matches])
    correct, ignored = (np.concatenate([one[key][0] for one in matches]) > 0 for key in ("dtMatches", "dtIgnore"))
    positives = sum(int(np.equal(one["gtIgnore"], 0).sum()) for one in matches)
    return scores[~ignored], correct[~ignored], positives
