"""Numbers over all images, kept at hand: how they stand, boxes by class and origin, proposals within the limits."""

from collections import Counter
from collections.abc import Collection, Mapping, Set
from dataclasses import replace

from detector.data.project.proposals import Limits, ProposalIndex
from detector.data.project.records import Change, Origin, ProjectImage, State
from detector.data.project.regrouping import Regrouped
from detector.data.project.store import Project


class Tally:
    """Follows what changes, image by image: nothing here takes time that grows with the number of images but `recount`.

    images: by id. states: ids of those that are not ignored, by state. ignored, noted, missing: ids of those that are,
    have a note, have no file. hidden: ids of images without a file that are ignored or that nobody has touched; they
    are in no other group. boxes: by image and class id. numbers: of boxes, of images with some. origins: the same by
    origin. classes: boxes by class id. proposals: by image, of those that have some; reviewed and ignored ones have
    none. offered: the sum of these.
    """

    def __init__(self) -> None:
        self.images: dict[int, ProjectImage] = {}
        self.states: dict[State, set[int]] = {state: set() for state in State}
        self.ignored: set[int] = set()
        self.noted: set[int] = set()
        self.missing: set[int] = set()
        self.hidden: set[int] = set()
        self.boxes: dict[int, Counter[int]] = {}
        self.numbers: dict[int, int] = {}
        self.origins: dict[Origin, dict[int, int]] = {origin: {} for origin in Origin}
        self.classes: Counter[int] = Counter()
        self.proposals: dict[int, int] = {}
        self.offered = 0
        self._index = ProposalIndex()
        self._limits = Limits()
        self._touched: set[int] = set()  # since a worker began to read the index
        self._of_class: tuple[int, set[int]] | None = None  # the class that was asked for last, until anything changes

    def take_image(self, image: ProjectImage) -> None:
        """An image is new, or has changed."""
        if image.id in self.images:
            for group in (*self.states.values(), self.ignored, self.noted, self.missing, self.hidden):
                group.discard(image.id)
        self.images[image.id] = image
        if image.missing and (image.ignored or self._is_untouched(image)):
            self.hidden.add(image.id)
            return
        (self.ignored if image.ignored else self.states[image.state]).add(image.id)
        if image.missing:
            self.missing.add(image.id)
        if image.note:
            self.noted.add(image.id)

    def take_boxes(
        self, counts: Mapping[int, Mapping[int, int]], origins: Mapping[Origin, Mapping[int, int]] | None = None
    ) -> None:
        """Images have these boxes, by class id and by origin."""
        self._of_class = None
        for image_id, of_image in counts.items():
            self.classes.subtract(self.boxes.get(image_id, {}))
            self.boxes[image_id] = Counter(of_image)
            self.classes.update(of_image)
            self.numbers[image_id] = sum(of_image.values())
            if image_id in self.hidden:
                self.take_image(self.images[image_id])
        for origin, of_origin in (origins or {}).items():
            self.origins[origin].update(of_origin)

    def take_change(self, change: Change) -> set[int]:
        """What a person's verb changes; the ids of the images that it concerns."""
        self._of_class = None
        for before, after in change.boxes:
            for box, sign in ((before, -1), (after, 1)):
                if box is not None:
                    self.boxes.setdefault(box.image_id, Counter())[box.class_id] += sign
                    self.classes[box.class_id] += sign
                    _add(self.numbers, box.image_id, sign)
                    _add(self.origins[box.origin], box.image_id, sign)
        for _, image in change.images:
            kept = replace(self.images[image.id], state=image.state, split=image.split)
            self.take_image(replace(kept, ignored=image.ignored, note=image.note))
        touched = {row.image_id for pair in (*change.boxes, *change.rejections) for row in pair if row is not None}
        return touched | {image.id for _, image in change.images}

    def of_class(self, class_id: int) -> Set[int]:
        """Images with a box or a proposal of a class."""
        if self._of_class is None or self._of_class[0] != class_id:
            found = {image_id for image_id, boxes in self.boxes.items() if boxes[class_id] > 0}
            self._of_class = class_id, found.union(self._index.with_class(class_id, self._limits))
        return self._of_class[1]

    def best_scores(self) -> dict[int, float]:
        """The highest score of an image's proposals, of images with some."""
        return self._index.best_scores(self._limits)

    def worst_scores(self) -> dict[int, float]:
        """The lowest score of an image's proposals, of images with some."""
        return self._index.worst_scores(self._limits)

    def doubts(self) -> dict[int, float]:
        """How near to the threshold the nearest prediction of an image is, of images that want a look."""
        return self._index.doubts(self._limits)

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
        self._of_class = None
        self._limits = limits
        self.proposals = self._index.counts(limits)
        self.offered = sum(self.proposals.values())

    def box_count(self, image_id: int) -> int:
        """Boxes of an image, without proposals."""
        return self.numbers.get(image_id, 0)

    def class_counts(self) -> dict[int, int]:
        """Class id → boxes in all images, of classes with some."""
        return dict(+self.classes)

    def proposals_by_class(self, limits: Limits) -> dict[int, int]:
        """Class id → proposals in all images; 0 for classes that would have some at lower limits."""
        return self._index.class_counts(limits)

    def proposal_total(self) -> tuple[int, int]:
        """Proposals, and the images that have some."""
        return self.offered, len(self.proposals)

    def take_regrouped(self, regrouped: Regrouped, *, source: int, into: int | None, back: bool = False) -> None:
        """All boxes of a class have got another class, or are gone (`into` None); or that was taken `back`."""
        self._of_class = None
        total = sum(regrouped.boxes.values())
        for class_id, sign in ((source, 1 if back else -1), (into, -1 if back else 1)):
            if class_id is not None:
                self.classes[class_id] += sign * total
                for image_id, number in regrouped.boxes.items():
                    self.boxes[image_id][class_id] += sign * number
        if into is None:
            for counts, changes in (
                (self.numbers, regrouped.boxes),
                *((self.origins[origin], of_origin) for origin, of_origin in regrouped.origins.items()),
            ):
                for image_id, number in changes.items():
                    _add(counts, image_id, number if back else -number)

    def restate(self, image_id: int, state: State) -> None:
        """An image has got another state."""
        self.take_image(replace(self.images[image_id], state=state))

    def reindex(self, project: Project, image_ids: Collection[int], limits: Limits) -> list[int]:
        """Work out images' proposals anew; gives those that have other ones than before, in number or in class.

        Raises ProjectError.
        """
        self._of_class = None
        self._touched.update(image_ids)
        return [image_id for image_id in image_ids if self._reindex(project, image_id, limits)]

    def _reindex(self, project: Project, image_id: int, limits: Limits) -> bool:
        image = self.images[image_id]
        found = project.predictions.of(image_id) if image.is_open else None
        shown_before = self._index.classes_shown(image_id, limits)
        if found is None:
            self._index.remove(image_id)
        else:
            boxes, rejections = project.boxes(image_id), project.rejections(image_id)
            self._index.set(image_id, found, boxes, rejections, size=image.size)
        shown = self._index.classes_shown(image_id, limits)
        before, now = self.proposals.get(image_id, 0), shown.total()
        self.offered += now - before
        if now:
            self.proposals[image_id] = now
        else:
            self.proposals.pop(image_id, None)
        return shown != shown_before

    def _is_untouched(self, image: ProjectImage) -> bool:
        has_work = image.state is not State.UNLABELLED or image.split is not None or image.note
        return not has_work and image.id not in self.numbers


def _add(counts: dict[int, int], key: int, number: int) -> None:
    """As in a Counter, but what comes to nothing goes."""
    now = counts.get(key, 0) + number
    if now:
        counts[key] = now
    else:
        counts.pop(key, None)
