"""Measuring a network in training on its validation images, each process its share of them."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import torch

from detector.boxes import Detections
from detector.events import SampleImage
from detector.inference.predictor import Failure, Predictor
from detector.inference.torch_engine import TorchEngine
from detector.model.checkpoint import Model
from detector.training.dataset import ValidationSet
from detector.training.evaluation import Evaluation, evaluate_found
from detector.training.interruption import StopWantedError
from detector.training.ranks import Ranks
from detector.training.samples import choose


@dataclass(frozen=True)
class Measurement:
    """What was measured, None where the images have no boxes; what went wrong with images, by their paths; and what
    was found in some, to be looked at.
    """

    evaluation: Evaluation | None
    failures: dict[str, str]
    samples: tuple[SampleImage, ...] = ()


NOTHING = Measurement(None, {})


def measure(
    model: Model, validation: ValidationSet, device: torch.device, *, ranks: Ranks, stopped: Callable[[], bool]
) -> Measurement:
    """The model on all validation images that can be read. Every process gets the same result.

    Raises StopWantedError, in every process, as soon as `stopped` says so in one of them.
    """
    own = [image.id for image in validation.dataset.images if image.id in validation.paths][ranks.rank :: ranks.count]
    found: dict[int, Detections] = {}
    failures: dict[str, str] = {}
    interrupted = False
    predictor = Predictor(TorchEngine(model, device, floor=0.0))
    with closing(predictor.run(validation.paths[id] for id in own)) as outcomes:
        for image_id, outcome in zip(own, outcomes, strict=True):
            if stopped():
                interrupted = True
                break
            if isinstance(outcome, Failure):
                failures[str(outcome.source)] = str(outcome.error)
            else:
                found[image_id] = outcome.detections
    if any(ranks.gather(interrupted)):
        raise StopWantedError
    parts = ranks.gather((found, failures))
    return ranks.broadcast(_evaluate(parts, model, validation) if ranks.is_main else NOTHING)


def _evaluate(
    parts: Sequence[tuple[dict[int, Detections], dict[str, str]]], model: Model, validation: ValidationSet
) -> Measurement:
    found = {image_id: detections for part, _ in parts for image_id, detections in part.items()}
    failures = {path: reason for _, part in parts for path, reason in part.items()}
    evaluation = evaluate_found(found, validation.dataset, dict(enumerate(model.info.category_ids)))
    samples = choose(found, validation, model.info.classes)
    return Measurement(evaluation if "AP" in evaluation.metrics else None, failures, samples)
