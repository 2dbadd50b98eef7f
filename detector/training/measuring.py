"""Measuring a network in training on its validation images, each process its share of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch

from detector.boxes import Detections
from detector.inference.predictor import Failure, Predictor
from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model
from detector.training.dataset import ValidationSet
from detector.training.evaluation import Evaluation, evaluate_found
from detector.training.ranks import Ranks


class StopWantedError(Exception):
    """Somebody has asked the run to stop while it was measuring."""


@dataclass(frozen=True)
class Measurement:
    """What was measured, None where the images have no boxes; and what went wrong with images, by their paths."""

    evaluation: Evaluation | None
    failures: dict[str, str]


def measure(
    model: Model, validation: ValidationSet, device: torch.device, *, ranks: Ranks, stopped: Callable[[], bool]
) -> Measurement:
    """The model on all validation images that can be read. Every process gets the same result.

    Raises StopWantedError, in every process, as soon as `stopped` says so in one of them.
    """
    own = [image.id for image in validation.dataset.images if image.id in validation.paths][ranks.rank :: ranks.count]
    found: dict[int, Detections] | None = {}
    failures: dict[str, str] = {}
    predictor = Predictor(TorchEngine(model, device, floor=0.0))
    try:
        with closing(predictor.run(_until(stopped, (validation.paths[id] for id in own)))) as outcomes:
            for image_id, outcome in zip(own, outcomes, strict=True):
                if isinstance(outcome, Failure):
                    failures[str(outcome.source)] = str(outcome.error)
                else:
                    found[image_id] = outcome.detections
    except StopWantedError:
        found = None
    parts = ranks.gather((found, failures))
    if any(part is None for part, _ in parts):
        raise StopWantedError
    nothing = Measurement(None, {})
    return ranks.tell(_evaluate(parts, model, validation) if ranks.speaks else nothing)


def _until(stopped: Callable[[], bool], paths: Iterator[Path]) -> Iterator[Path]:
    for path in paths:
        if stopped():
            raise StopWantedError
        yield path


def _evaluate(parts, model: Model, validation: ValidationSet) -> Measurement:
    found = {image_id: detections for part, _ in parts for image_id, detections in part.items()}
    failures = {path: reason for _, part in parts for path, reason in part.items()}
    evaluation = evaluate_found(found, validation.dataset, dict(enumerate(model.info.category_ids)))
    return Measurement(evaluation if "AP" in evaluation.metrics else None, failures)
