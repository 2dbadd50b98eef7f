"""Finding the pictures of a folder: new ones come in, renamed ones keep what is known about them, none is lost."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from detector.data.images import find_images
from detector.data.project.database import Database, bound
from detector.data.project.records import ProjectImage
from detector.data.project.rows import IMAGES
from detector.data.split import content_key

FIRST, THEN = 64, 500  # images stored in one transaction, which takes some milliseconds
_HAS_WORK = (
    "(state != 'unlabelled' OR ignored OR note != '' OR split IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM boxes WHERE image_id = images.id)"
    " OR EXISTS (SELECT 1 FROM rejections WHERE image_id = images.id))"
)
LISTED = f"(NOT missing OR {_HAS_WORK})"  # a picture that is gone stays in sight while a person's work is on it


def scan(database: Database, folder: Path) -> Iterator[tuple[ProjectImage, ...]]:
    """Walks the folder and stores the pictures that are new; gives these in chunks, as they are found.

    A file with the content of a stored image whose own file is gone is that image under a new name: it comes with its
    old id. At last the images without a file are marked, so that those without a person's work are no longer listed.
    Raises ProjectError, and ImageError where the folder is gone.
    """
    known = {path: image_id for image_id, path in database.rows("SELECT id, path FROM images")}
    found = (path.relative_to(folder).as_posix() for path in find_images(folder))
    gone: dict[str, int] = {}
    if known:  # where nothing is known nothing can be gone, and the first chunk need not wait for the whole walk
        listed = list(found)
        gone = _gone_by_content(database, known.keys() - set(listed))
        _mark_missing(database, {known[path] for path in known.keys() - set(listed)})
        found = iter(listed)
    new = (path for path in found if path not in known)
    size = FIRST
    while chunk := list(islice(new, 8 if gone else size)):  # each file is read in search of the gone ones
        yield _take_in(database, folder, chunk, gone)
        size = THEN


def _gone_by_content(database: Database, paths: set[str]) -> dict[str, int]:
    """Content key → id of images whose file is gone, as far as their content was ever read."""
    rows = database.rows("SELECT content_key, id, path FROM images WHERE content_key IS NOT NULL ORDER BY id DESC")
    return {key: image_id for key, image_id, path in rows if path in paths}


def _take_in(database: Database, folder: Path, paths: Sequence[str], gone: dict[str, int]) -> tuple[ProjectImage, ...]:
    """Stores new paths, or gives them to images that are gone, and takes these out of `gone`."""
    keys = {path: content_key(folder / path) for path in paths} if gone else {}
    with database.transaction() as connection:
        for path in paths:
            image_id = gone.pop(keys.get(path, ""), None)
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


def _mark_missing(database: Database, image_ids: set[int]) -> None:
    """Notes which images have no file; images that have one again lose the mark."""
    before = {row[0] for row in database.rows("SELECT id FROM images WHERE missing")}
    changes = [(True, image_id) for image_id in image_ids - before]
    changes += [(False, image_id) for image_id in before - image_ids]
    if changes:
        with database.transaction() as connection:
            connection.executemany("UPDATE images SET missing = ? WHERE id = ?", changes)
