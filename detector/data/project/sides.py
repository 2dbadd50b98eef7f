"""How many images of each class are for training and for validation, kept at hand: reviewing must not wait for it."""

from collections import Counter
from collections.abc import Collection, Iterable

from detector.data.project.database import Database
from detector.data.split import Side

_SQL = (
    "SELECT DISTINCT images.id, split, class_id FROM images JOIN boxes ON image_id = images.id "
    "WHERE split IS NOT NULL AND NOT iscrowd"
)


class SideCounts:
    """Counted once, then image by image. What other windows do meanwhile is not seen; it would shift no stored side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._images: dict[int, tuple[Side, set[int]]] = {}
        self._counts: dict[int, Counter[Side]] = {}
        self._add(database.rows(_SQL))

    def of(self, class_ids: Collection[int]) -> dict[int, Counter[Side]]:
        """Class id → images by side, for these classes."""
        return {class_id: self._counts.get(class_id, Counter()) for class_id in class_ids}

    def update(self, image_ids: Iterable[int]) -> None:
        """Counts images anew whose boxes or side changed. Raises ProjectError."""
        for image_id in image_ids:
            if before := self._images.pop(image_id, None):
                for class_id in before[1]:
                    self._counts[class_id][before[0]] -= 1
            self._add(self._database.rows(f"{_SQL} AND images.id = ?", (image_id,)))

    def _add(self, rows: Iterable[tuple[int, str, int]]) -> None:
        for image_id, side, class_id in rows:
            self._images.setdefault(image_id, (Side(side), set()))[1].add(class_id)
            self._counts.setdefault(class_id, Counter())[Side(side)] += 1
