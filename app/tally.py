"""Numbers over all images, kept at hand: states, boxes by class, proposals at the present threshold."""

from collections import Counter
from collections.abc import Collection, Mapping

from detector.data.project.proposals import ProposalIndex
from detector.data.project.records import Change, ProjectImage, State
from detector.data.project.store import Project


class Tally:
    """Follows what changes, image by image: nothing here takes time that grows with the number of images but `recount`.

    images: by id. states: images by state. boxes: by image and class id. classes: boxes by class id. proposals: by
    image, of those that have some; reviewed ones have none. offered: the sum of these.
    """

    def __init__(self) -> None:
        self.images: dict[int, ProjectImage] = {}
        self.states: Counter[State] = Counter()
        self.boxes: dict[int, Counter[int]] = {}
        self.classes: Counter[int] = Counter()
        self.proposals: dict[int, int] = {}
        self.offered = 0
        self._index = ProposalIndex()
        self._touched: set[int] = set()  # since a worker began to read the index

    def take_image(self, image: ProjectImage) -> None:
        """An image is new, or has changed."""
        before = self.images.get(image.id)
        if before is not None:
            self.states[before.state] -= 1
        self.states[image.state] += 1
        self.images[image.id] = image

    def take_boxes(self, counts: Mapping[int, Mapping[int, int]]) -> None:
        """Images have these boxes, by class id."""
        for image_id, of_image in counts.items():
            self.classes.subtract(self.boxes.get(image_id, {}))
            self.boxes[image_id] = Counter(of_image)
            self.classes.update(of_image)

    def take_change(self, change: Change) -> set[int]:
        """What a person's verb changes; the ids of the images that it concerns."""
        for before, after in change.boxes:
            for box, sign in ((before, -1), (after, 1)):
                if box is not None:
                    self.boxes.setdefault(box.image_id, Counter())[box.class_id] += sign
                    self.classes[box.class_id] += sign
        for _, image in change.images:
            self.take_image(image)
        touched = {row.image_id for pair in (*change.boxes, *change.rejections) for row in pair if row is not None}
        return touched | {image.id for _, image in change.images}

    def forget_touched(self) -> None:
        """A worker begins to read the index anew: what changes from now on it may not see."""
        self._touched.clear()

    def take_index(self, index: ProposalIndex, *, threshold: float | None) -> set[int]:
        """The proposals of all images; gives those that changed while it was read, which must be read again."""
        self._index = index
        touched, self._touched = self._touched, set()
        self.recount(threshold)
        return touched

    def recount(self, threshold: float | None) -> None:
        """Count the proposals of all images at another threshold."""
        self.proposals = self._index.counts(threshold)
        self.offered = sum(self.proposals.values())

    def reindex(self, project: Project, image_ids: Collection[int], *, threshold: float | None) -> list[int]:
        """Work out images' proposals anew; gives those that have more or fewer than before. Raises ProjectError."""
        self._touched.update(image_ids)
        return [image_id for image_id in image_ids if self._reindex(project, image_id, threshold)]

    def _reindex(self, project: Project, image_id: int, threshold: float | None) -> bool:
        image = self.images[image_id]
        found = None if image.state is State.REVIEWED else project.predictions(image_id)
        if found is None:
            self._index.remove(image_id)
        else:
            boxes, rejections = project.boxes(image_id), project.rejections(image_id)
            self._index.set(image_id, found, boxes, rejections, size=image.size)
        before, now = self.proposals.get(image_id, 0), self._index.count(image_id, threshold)
        self.offered += now - before
        if now:
            self.proposals[image_id] = now
        else:
            self.proposals.pop(image_id, None)
        return now != before
