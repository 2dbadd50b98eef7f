"""Auto-labelling a project: what a model finds in its images is stored as it is found."""

import time
from collections.abc import Generator, Sequence
from contextlib import closing

from detector.boxes import Detections
from detector.data.project.records import Pass, ProjectImage
from detector.data.project.store import Project
from detector.events import ImageFailed, ImagesLabelled, LabellingEvent
from detector.inference.predictor import Prediction, Predictor

LONGEST = 0.25  # seconds until a prediction is stored, while more of them come quickly
QUICK = 0.05  # seconds an image: up to that, storing each by itself would slow the work down


def label(
    project: Project, predictor: Predictor, pass_: Pass, images: Sequence[ProjectImage]
) -> Generator[LabellingEvent | None]:
    """Stores what the predictor finds in images, as predictions of a begun pass, and says which are done; None ten
    times a second while none is.

    Slow models have each image stored as it is done, quick ones several at once. Closing the generator ends the work
    at once, or where PyTorch computes within a batch; what was found is kept. `project` is the calling thread's own
    connection. Raises ProjectError where the store cannot be written to, OptionsError where the GPU's memory does not
    hold one image.
    """
    waiting: list[tuple[ProjectImage, Prediction]] = []
    began = stored = time.monotonic()
    left, done = iter(images), 0
    with closing(predictor.steps((project.folder / image.path for image in images), tiled=pass_.tiled)) as outcomes:
        try:
            for outcome in outcomes:
                if outcome is None:
                    yield None
                    continue
                image, done = next(left), done + 1
                if isinstance(outcome, Prediction):
                    waiting.append((image, outcome))
                else:
                    yield ImageFailed(image.id, image.path, str(outcome.error))
                now = time.monotonic()
                is_quick = (now - began) / done <= QUICK
                if done == len(images) or not is_quick or now - stored >= LONGEST:
                    stored, taken = now, tuple(image.id for image, _ in waiting)
                    _store(project, pass_, waiting)
                    waiting = []
                    yield ImagesLabelled(taken, done, len(images))
        finally:
            _store(project, pass_, waiting)


def _store(project: Project, pass_: Pass, outcomes: Sequence[tuple[ProjectImage, Prediction]]) -> None:
    found: list[tuple[int, Detections]] = [(image.id, outcome.detections) for image, outcome in outcomes]
    if found:
        project.predictions.put(pass_.id, found)
    for image, outcome in outcomes:
        if image.size != (outcome.width, outcome.height):
            project.note_decoded(image.id, width=outcome.width, height=outcome.height)
