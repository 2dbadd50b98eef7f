"""Finding the pictures of a folder: new ones come in, renamed ones keep what is known about them, none is lost."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from detector.data.images import find_images, natural_key
from detector.data.project.database import Database, bound
from detector.data.project.records import ProjectImage
from detector.data.project.rows import IMAGES
from detector.data.split import content_key

FIRST, THEN = 64, 500  # images stored in one transaction, which takes some milliseconds
HAS_WORK = (
    "(state != 'unlabelled' OR note != '' OR split IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM boxes WHERE image_id = images.id)"
    " OR EXISTS (SELECT 1 FROM rejections WHERE image_id = images.id))"
)
LISTED = f"(NOT missing OR {HAS_WORK})"  # a picture that is gone stays in sight while a person's work is on it


def scan(database: Database, folder: Path) -> Iterator[tuple[ProjectImage, ...]]:
    """Walks the folder and stores the pictures that are new; gives these in chunks, as they are found.

    A file with the content of a stored image whose own file is gone is that image under a new name: it comes with its
    old id. At last come the images whose files are gone since the last look, or there again; of those that are gone
    the ones without a person's work are no longer listed. Raises ProjectError, and ImageError where the folder is gone.
    """
    absent = {path: image_id for image_id, path in database.rows("SELECT id, path FROM images")}
    root = len(os.path.join(folder, ""))  # cut off as text: for 100,000 paths half a second less than relative_to
    found = (str(path)[root:].replace(os.sep, "/") for path in find_images(folder))
    gone = _Gone()
    changed: set[int] = set()
    if absent:  # where nothing is known nothing can be gone, and the first chunk need not wait for the whole walk
        found = iter([path for path in found if absent.pop(path, None) is None])
        gone = _Gone.of(database, absent)
        changed = _mark_missing(database, set(absent.values()))
    size = FIRST
    while chunk := list(islice(found, 8 if gone else size)):  # each file is read in search of the gone ones
        images = _take_in(database, folder, chunk, gone)
        changed -= {image.id for image in images}
        yield images
        size = THEN
    for ids in portions(sorted(changed), THEN):
        yield IMAGES.select(database, f"WHERE id IN ({', '.join('?' * len(ids))})", ids)


def in_order(database: Database, condition: str = LISTED) -> list[ProjectImage]:
    """The images that a condition picks, in natural order of their paths. Raises ProjectError."""
    return sorted(IMAGES.select(database, f"WHERE {condition}"), key=lambda image: natural_key(image.path))


def note_decoded(database: Database, image_id: int, *, width: int, height: int, key: str) -> None:
    """Keeps what whoever decodes an image finds, the key unless it is empty; nothing where nothing may be written.

    Writes only what is new: most images are decoded many times. Raises ProjectError.
    """
    (before,) = database.rows("SELECT width, height, content_key FROM images WHERE id = ?", (image_id,))
    values = (width, height, key or before[2])
    if database.read_only is None and values != before:
        with database.transaction() as connection:
            sql = "UPDATE images SET width = ?, height = ?, content_key = ? WHERE id = ?"
            connection.execute(sql, (*values, image_id))


def mark_gone(database: Database, image_ids: Sequence[int]) -> None:
    """Notes that images have no file any more. Raises ProjectError."""
    with database.transaction() as connection:
        connection.executemany("UPDATE images SET missing = 1 WHERE id = ?", [(image_id,) for image_id in image_ids])


class _Gone:
    """Images whose files are gone, by their content as far as it was ever read; each is found again once."""

    def __init__(self) -> None:
        self._by_key: dict[str, dict[str, int]] = {}

    @classmethod
    def of(cls, database: Database, absent: dict[str, int]) -> "_Gone":
        made = cls()
        for key, path in database.rows("SELECT content_key, path FROM images WHERE content_key IS NOT NULL"):
            if path in absent:
                made._by_key.setdefault(key, {})[path] = absent[path]
        return made

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def claim(self, key: str, path: str) -> int | None:
        """The image with that content, of several the one that had the same file name; nobody gets it again."""
        copies = self._by_key.get(key)
        if not copies:
            return None
        name = PurePosixPath(path).name
        image_id = copies.pop(next((old for old in copies if PurePosixPath(old).name == name), next(iter(copies))))
        if not copies:
            del self._by_key[key]
        return image_id


def _take_in(database: Database, folder: Path, paths: Sequence[str], gone: _Gone) -> tuple[ProjectImage, ...]:
    """Stores new paths, or gives them to images that are gone."""
    keys = {path: content_key(folder / path) for path in paths} if gone else {}
    with database.transaction() as connection:
        for path in paths:
            image_id = gone.claim(keys.get(path, ""), path)
            if image_id is None:
                sql = "INSERT OR IGNORE INTO images (path, content_key) VALUES (CAST(? AS TEXT), ?)"
                connection.execute(sql, (bound(path), keys.get(path)))
            else:
                sql = "UPDATE images SET path = CAST(? AS TEXT), missing = 0 WHERE id = ?"
                connection.execute(sql, (bound(path), image_id))
    marks = ", ".join(["CAST(? AS TEXT)"] * len(paths))
    stored = IMAGES.select(database, f"WHERE path IN ({marks})", [bound(path) for path in paths])
    place = {path: number for number, path in enumerate(paths)}
    return tuple(sorted(stored, key=lambda image: place[image.path]))


def _mark_missing(database: Database, image_ids: set[int]) -> set[int]:
    """Notes which images have no file; images that have one again lose the mark. Gives those that changed."""
    before = {row[0] for row in database.rows("SELECT id FROM images WHERE missing")}
    changes = [(True, image_id) for image_id in image_ids - before]
    changes += [(False, image_id) for image_id in before - image_ids]
    if changes:
        with database.transaction() as connection:
            connection.executemany("UPDATE images SET missing = ? WHERE id = ?", changes)
    return {image_id for _, image_id in changes}


def portions(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Ids, so many at a time."""
    return (ids[start : start + size] for start in range(0, len(ids), size))
