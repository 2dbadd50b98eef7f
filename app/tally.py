"""Numbers over all images, kept at hand: states, boxes by class, proposals within the present limits."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from detector.data.project.proposals import Limits, ProposalIndex
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

    def take_index(self, index: ProposalIndex, limits: Limits) -> set[int]:
        """The proposals of all images; gives those that changed while it was read, which must be read again."""
        self._index = index
        touched, self._touched = self._touched, set()
        self.recount(limits)
        return touched

    def recount(self, limits: Limits) -> None:
        """Count the proposals of all images within other limits."""
        self.proposals = self._index.counts(limits)
        self.offered = sum(self.proposals.values())

    def proposals_by_class(self, limits: Limits) -> dict[int, int]:
        """Class id → proposals in all images; 0 for classes that would have some at lower limits."""
        return self._index.class_counts(limits)

    def take_regrouped(self, boxes: Mapping[int, int], *, source: int, into: int | None) -> None:
        """So many boxes of a class, by image, have got another class, or are gone (`into` None)."""
        total = sum(boxes.values())
        for class_id, sign in ((source, -1), (into, 1)):
            if class_id is not None:
                self.classes[class_id] += sign * total
                for image_id, number in boxes.items():
                    self.boxes[image_id][class_id] += sign * number

    def restate(self, image_id: int, state: State) -> None:
        """An image has got another state."""
        self.take_image(replace(self.images[image_id], state=state))

    def take_brought_back(self, boxes: Mapping[int, int], *, source: int, into: int | None) -> None:
        """The opposite of take_regrouped."""
        self.take_regrouped({image_id: -number for image_id, number in boxes.items()}, source=source, into=into)

    def reindex(self, project: Project, image_ids: Collection[int], limits: Limits) -> list[int]:
        """Work out images' proposals anew; gives those that have more or fewer than before. Raises ProjectError."""
        self._touched.update(image_ids)
        return [image_id for image_id in image_ids if self._reindex(project, image_id, limits)]

    def _reindex(self, project: Project, image_id: int, limits: Limits) -> bool:
        image = self.images[image_id]
        found = None if image.state is State.REVIEWED else project.predictions(image_id)
        if found is None:
            self._index.remove(image_id)
        else:
            boxes, rejections = project.boxes(image_id), project.rejections(image_id)
            self._index.set(image_id, found, boxes, rejections, size=image.size)
        before, now = self.proposals.get(image_id, 0), self._index.count(image_id, limits)
        self.offered += now - before
        if now:
            self.proposals[image_id] = now
        else:
            self.proposals.pop(image_id, None)
        return now != before
