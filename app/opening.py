"""Reading a project in a worker, so that the first picture shows while the rest still comes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from app.document import CURRENT
from detector.data.images import natural_key
from detector.data.project.proposals import ProposalIndex
from detector.data.project.records import ProjectImage, State
from detector.data.project.store import Project

FIRST, CHUNK = 50, 2000  # images that the window takes in at a time


@dataclass(frozen=True)
class ImagesRead:
    """Images of the store or of the folder, what to sort them by, and their number of boxes by image and class."""

    images: Sequence[ProjectImage]
    keys: Mapping[int, str]
    counts: Mapping[int, Mapping[int, int]]


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
            yield _read([current], {current.id: Counter(box.class_id for box in worker.boxes(current.id))})
        counts = worker.box_counts()
        stored = worker.images()
        for images in _chunks(image for image in stored if current is None or image.id != current.id):
            yield _read(images, counts)
        if project.read_only is None:
            for images in worker.scan():
                yield _read(images, {})
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
    for event in events:
        images += event.images
        keys |= event.keys
        counts |= event.counts
    return ImagesRead(images, keys, counts)


def _current(worker: Project) -> ProjectImage | None:
    """The image that was the current one: its picture need not wait for 100,000 others."""
    image_id = worker.setting(CURRENT)
    image = worker.find_image(image_id) if isinstance(image_id, int) else None
    return image if image is not None and (worker.folder / image.path).exists() else None


def _read(images: Sequence[ProjectImage], counts: Mapping[int, Mapping[int, int]]) -> ImagesRead:
    keys = {image.id: natural_key(image.path) for image in images}
    return ImagesRead(images, keys, {image.id: counts[image.id] for image in images if image.id in counts})


def _index(worker: Project, images: Mapping[int, ProjectImage], with_boxes: Collection[int]) -> ProposalIndex:
    index = ProposalIndex()
    for image_id, pass_, detections in worker.all_predictions():
        image = images.get(image_id)
        if image is not None and image.state is not State.REVIEWED:
            boxes = worker.boxes(image_id) if image_id in with_boxes else ()
            index.set(image_id, (pass_, detections), boxes, worker.rejections(image_id), size=image.size)
    return index


def _chunks(images: Iterable[ProjectImage]) -> Iterator[tuple[ProjectImage, ...]]:
    rest = iter(images)
    yield tuple(islice(rest, FIRST))
    while chunk := tuple(islice(rest, CHUNK)):
        yield chunk
