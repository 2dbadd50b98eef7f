"""Which images are for training and which for validation: an image's first review decides."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from detector.data.project.database import Database
from detector.data.project.records import Change
from detector.data.project.scanning import portions
from detector.data.split import Side, content_key, next_side

AT_ONCE = 500  # images that one query is about
_SQL = (
    "SELECT DISTINCT images.id, split, class_id FROM images JOIN boxes ON image_id = images.id "
    "WHERE split IS NOT NULL AND NOT iscrowd"
)


class Sides:
    """The stored sides, and the ones that reviews will give. Counts are kept at hand: reviewing must not wait."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder
        self._counts: _Counts | None = None  # made when it is first needed

    def of(self, image_id: int, class_ids: Collection[int]) -> Side:
        """The side that an image has, or the one that its first review, with boxes of these classes, gives it.

        A copy of another image gets that one's side. Raises ProjectError.
        """
        return self.together({image_id: class_ids})[image_id]

    def together(self, wanted: Mapping[int, Collection[int]]) -> dict[int, Side]:
        """As `of`, for images (id → class ids) that are reviewed together: each one takes those before it into account.

        Reads the files whose content key is not known yet.
        """
        if self._counts is None:
            self._counts = _Counts(self._database)
        given: dict[int, Side] = {}
        added: dict[int, Counter[Side]] = {class_id: Counter() for ids in wanted.values() for class_id in ids}
        by_key: dict[str, Side] = {}
        stored = self._stored(list(wanted))
        for image_id, class_ids in wanted.items():
            side, key = stored[image_id]
            if side is None:
                counted = {id: counts + added[id] for id, counts in self._counts.of(class_ids).items()}
                side = by_key.get(key) or self._of_copy(key) or next_side(key, class_ids, counted)
                by_key[key] = side
                for class_id in class_ids:
                    added[class_id][side] += 1
            given[image_id] = side
        return given

    def follow(self, change: Change) -> None:
        """A change has been stored. Raises ProjectError."""
        if self._counts is not None:
            rows = [row for pair in change.boxes for row in pair if row is not None]
            self._counts.update({row.image_id for row in rows} | {after.id for _, after in change.images})

    def forget(self) -> None:
        """Many boxes have changed, maybe by a further connection: the counts are read anew when they are needed."""
        self._counts = None

    def _stored(self, image_ids: Sequence[int]) -> dict[int, tuple[Side | None, str]]:
        """The sides of images, None before their first review, and their content keys, stored where they were not."""
        found: dict[int, tuple[Side | None, str]] = {}
        for some in portions(image_ids, AT_ONCE):
            marks = ", ".join("?" * len(some))
            sql = f"SELECT id, path, split, content_key FROM images WHERE id IN ({marks})"
            rows = self._database.rows(sql, some)
            new = {id: content_key(self._folder / path) for id, path, side, key in rows if side is None and not key}
            self._keep(new)
            found |= {id: (None if side is None else Side(side), key or new.get(id, "")) for id, _, side, key in rows}
        return found

    def _keep(self, keys: Mapping[int, str]) -> None:
        if keys and self._database.read_only is None:
            with self._database.transaction() as connection:
                sql = "UPDATE images SET content_key = ? WHERE id = ?"
                connection.executemany(sql, [(key, image_id) for image_id, key in keys.items()])

    def _of_copy(self, key: str) -> Side | None:
        sql = "SELECT split FROM images WHERE content_key = ? AND split IS NOT NULL ORDER BY id LIMIT 1"
        twins = self._database.rows(sql, (key,))
        return Side(twins[0][0]) if twins else None


class _Counts:
    """How many images of each class are on each side, counted once, then image by image.

    What other windows do meanwhile is not seen; it would shift no stored side.
    """

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
