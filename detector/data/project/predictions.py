"""What the passes of a project found in its images, which the cache keeps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from detector.boxes import Detections
from detector.data.project.cache import Cache
from detector.data.project.database import Database
from detector.data.project.passes import Passes
from detector.data.project.records import Pass, ProjectImage
from detector.data.project.stamps import Stamps


@dataclass(frozen=True)
class Coverage:
    """Images that show a model's predictions now; and others that it has seen: image id → the pass that has them."""

    shown: frozenset[int]
    stored: Mapping[int, int]


class Predictions:
    """Of each image what passes found in it; the newest active pass that saw it counts."""

    def __init__(self, database: Database, cache: Cache, *, passes: Passes, stamps: Stamps) -> None:
        self._database, self._cache = database, cache
        self._passes, self._stamps = passes, stamps

    def of(self, image_id: int) -> tuple[Pass, Detections] | None:
        """What the newest active pass that saw the image found in it. Raises ProjectError."""
        active = self._passes.active()
        found = self._cache.predictions(image_id, list(active))
        return (active[found[0]], found[1]) if found else None

    def all(self) -> Iterator[tuple[int, Pass, Detections]]:
        """As `of`, for every image that has some, by id."""
        active = self._passes.active()
        for image_id, pass_id, found in self._cache.all_predictions(list(active)):
            yield image_id, active[pass_id], found

    def seen_by(self, pass_id: int) -> list[int]:
        """Ids of the images that a pass has seen."""
        return self._cache.images_of(pass_id)

    def put(self, pass_id: int, found: Sequence[tuple[int, Detections]]) -> None:
        """Stores what a pass found in images, by their ids, in one transaction. Raises ProjectError."""
        self._database.check_writable()
        stamps = {image_id: stamp for image_id, _ in found if (stamp := self._stamps.of_image(image_id))}
        self._cache.put_predictions(pass_id, found, stamps)

    def copy(self, pass_id: int, sources: Mapping[int, int]) -> None:
        """Gives a pass what other passes of its model found, image id → that pass, in one transaction.

        Raises ProjectError.
        """
        self._database.check_writable()
        self._cache.copy_predictions(pass_id, sources)

    def coverage(self, model_key: str, images: Sequence[ProjectImage]) -> Coverage:
        """Which of the images a model's predictions are stored for; files that have changed since count as unseen."""
        if not model_key:
            return Coverage(frozenset(), {})
        newest = self._cache.newest(self._passes.active())
        own = self._cache.newest([item.id for item in self._passes.all() if item.model_key == model_key])
        known = {
            image.id: own[image.id][0]
            for image in images
            if image.id in own and own[image.id][1] == self._stamps.of_path(image.path)
        }
        shown = frozenset(image_id for image_id, pass_id in known.items() if newest.get(image_id, (0,))[0] == pass_id)
        return Coverage(shown, {image_id: pass_id for image_id, pass_id in known.items() if image_id not in shown})
