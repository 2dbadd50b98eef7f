"""In a worker: what a fine-tuning of a project would learn from, and pictures on both sides that look alike."""

from collections.abc import Iterator, MutableMapping
from contextlib import closing, suppress
from dataclasses import dataclass

import cv2
import numpy as np

from detector.data.images import decode_reduced
from detector.data.near_duplicates import LOOK_SIDE, NOTHING, Signature, groups_across, signature
from detector.data.project.store import Project
from detector.data.project.training_data import read_training_data
from detector.data.training_data import Finding, TrainingData, near_duplicates_across
from detector.errors import ImageError, ProjectError

TOLD_EVERY = 100  # pictures
Looks = MutableMapping[int, Signature]  # by image id, kept from one check to the next


@dataclass(frozen=True)
class Compared:
    """So many pictures have been looked at, of `total`."""

    done: int
    total: int


@dataclass(frozen=True)
class NearDuplicatesSought:
    """All pictures are compared; `finding` where some of both sides look alike."""

    finding: Finding | None


CheckEvent = TrainingData | Compared | NearDuplicatesSought


def check_training_data(project: Project, looks: Looks) -> Iterator[CheckEvent]:
    """The table of the data at once; then, after seconds for thousands of pictures, which of them look alike."""
    with closing(project.connect()) as worker:
        of = read_training_data(worker.database)
        _ = of.sides, of.lasting  # worked out here, so that the window need not
        yield of
        paths = {image.id: image.path for image in worker.images()}
        ids = of.image_ids.tolist()
        if of.validates.all() or not of.validates.any():
            yield NearDuplicatesSought(None)
            return
        for done, image_id in enumerate(ids, 1):
            if image_id not in looks:
                looks[image_id] = _look(worker, image_id, paths.get(image_id, ""))
            if done % TOLD_EVERY == 0:
                yield Compared(done, len(ids))
    groups: list[list[int]] = []
    for found in groups_across([looks[image_id] for image_id in ids], of.validates.tolist()):
        groups = found
        yield Compared(len(ids), len(ids))
    yield NearDuplicatesSought(near_duplicates_across(of, [[ids[place] for place in group] for group in groups]))


def _look(project: Project, image_id: int, path: str) -> Signature:
    """From the store's small picture, else from the file; what cannot be read looks like nothing."""
    with suppress(ProjectError, cv2.error):
        kept = project.thumbnails.get(image_id)
        small = cv2.imdecode(np.frombuffer(kept, np.uint8), cv2.IMREAD_REDUCED_COLOR_2) if kept else None
        if small is not None:
            return signature(np.asarray(small[:, :, ::-1], np.uint8))
    try:
        return signature(decode_reduced(project.folder / path, LOOK_SIDE)[0])
    except ImageError:
        return NOTHING
