"""Reading a project in a worker, so that the first picture shows while the rest still comes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from app.document import CURRENT
from detector.data.images import natural_key
from detector.data.project.proposals import ProposalIndex
from detector.data.project.records import Origin, ProjectImage
from detector.data.project.store import Project

T = TypeVar("T")
FIRST, CHUNK = 50, 2000  # images that the window takes in at a time


@dataclass(frozen=True)
class ImagesRead:
    """Images of the store or of the folder, what to sort them by, and their number of boxes by image and class, and by
    origin and image.
    """

    images: Sequence[ProjectImage]
    keys: Mapping[int, str]
    counts: Mapping[int, Mapping[int, int]]
    origins: Mapping[Origin, Mapping[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class IndexRead:
    """The proposals of all images."""

    index: ProposalIndex


def read_project(project: Project) -> Iterator[ImagesRead | IndexRead]:
    """What the store holds, then what is new in the folder, then the proposals. Closing it ends the work."""
    worker = project.connect()
    try:
        current = _current(worker)
        if current is not None:
            yield _read_one(worker, current)
        counts, origins = worker.box_counts(), worker.origin_counts()
        stored = worker.images()
        for images in _chunks(image for image in stored if current is None or image.id != current.id):
            yield read_images(images, counts, origins)
        for images in worker.scan():
            yield read_images(images)
        yield IndexRead(_index(worker, {image.id: image for image in stored}, counts.keys()))
    finally:
        worker.close()


def read_index(project: Project, images: Mapping[int, ProjectImage]) -> Iterator[IndexRead]:
    """The proposals of images, after a pass was taken back or brought back."""
    worker = project.connect()
    try:
        yield IndexRead(_index(worker, images, worker.box_counts().keys()))
    finally:
        worker.close()


def together(events: Iterable[ImagesRead]) -> ImagesRead:
    """Images that were read one after the other, as if at once: showing more of them costs the window once."""
    images: list[ProjectImage] = []
    keys: dict[int, str] = {}
    counts: dict[int, Mapping[int, int]] = {}
    origins: dict[Origin, dict[int, int]] = {origin: {} for origin in Origin}
    for event in events:
        images += event.images
        keys |= event.keys
        counts |= event.counts
        for origin, of_origin in event.origins.items():
            origins[origin] |= of_origin
    return ImagesRead(images, keys, counts, origins)


def read_images(
    images: Sequence[ProjectImage],
    counts: Mapping[int, Mapping[int, int]] | None = None,
    origins: Mapping[Origin, Mapping[int, int]] | None = None,
) -> ImagesRead:
    """Images as the window takes them in, with those of the numbers of boxes that are theirs."""
    keys = {image.id: natural_key(image.path) for image in images}
    by_origin = {origin: _of(keys, numbers) for origin, numbers in (origins or {}).items()}
    return ImagesRead(images, keys, _of(keys, counts or {}), by_origin)


def _current(worker: Project) -> ProjectImage | None:
    """The image that was the current one: its picture need not wait for 100,000 others."""
    image_id = worker.settings.get(CURRENT)
    image = worker.find_image(image_id) if isinstance(image_id, int) else None
    return image if image is not None and (worker.folder / image.path).exists() else None


def _read_one(worker: Project, image: ProjectImage) -> ImagesRead:
    boxes = worker.boxes(image.id)
    origins = Counter(box.origin for box in boxes)
    by_origin = {origin: {image.id: number} for origin, number in origins.items()}
    return read_images([image], {image.id: Counter(box.class_id for box in boxes)} if boxes else {}, by_origin)


def _of(image_ids: Iterable[int], values: Mapping[int, T]) -> dict[int, T]:
    return {image_id: values[image_id] for image_id in image_ids if image_id in values}


def _index(worker: Project, images: Mapping[int, ProjectImage], with_boxes: Collection[int]) -> ProposalIndex:
    index = ProposalIndex()
    for image_id, pass_, detections in worker.predictions.all():
        image = images.get(image_id)
        if image is not None and image.is_open:
            boxes = worker.boxes(image_id) if image_id in with_boxes else ()
            index.set(image_id, (pass_, detections), boxes, worker.rejections(image_id), size=image.size)
    return index


def _chunks(images: Iterable[ProjectImage]) -> Iterator[tuple[ProjectImage, ...]]:
    rest = iter(images)
    yield tuple(islice(rest, FIRST))
    while chunk := tuple(islice(rest, CHUNK)):
        yield chunk
