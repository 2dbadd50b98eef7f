"""Finding the files of missing images again, by name and content, wherever a person says that they may be."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from detector.data.images import find_images, size
from detector.data.project.database import Database, bound
from detector.data.project.records import ProjectImage
from detector.data.project.rows import IMAGES
from detector.data.project.scanning import HAS_WORK
from detector.data.split import content_key
from detector.errors import ImageError


@dataclass(frozen=True)
class Searched:
    """How many of the files have been looked at."""

    done: int
    total: int


@dataclass(frozen=True)
class Relinked:
    """An image has a file again. `images`: its row, and that of an untouched image that had the file, now without."""

    images: tuple[ProjectImage, ...]


@dataclass(frozen=True)
class Outside:
    """The file of a missing image is not below the project's folder, where it would have to be."""

    image: ProjectImage
    file: Path


@dataclass
class _Search:
    """Missing images by file name, and by content where it is known."""

    keys: dict[int, str | None]
    by_name: dict[str, list[ProjectImage]] = field(default_factory=dict)
    by_key: dict[str, list[ProjectImage]] = field(default_factory=dict)

    def add(self, image: ProjectImage) -> None:
        self.by_name.setdefault(_name(image.path), []).append(image)
        if key := self.keys[image.id]:
            self.by_key.setdefault(key, []).append(image)

    def drop(self, image: ProjectImage) -> None:
        """It is found."""
        self.by_name[_name(image.path)].remove(image)
        if key := self.keys[image.id]:
            self.by_key[key].remove(image)

    def image_of(self, file: Path, *, is_only: bool) -> ProjectImage | None:
        """The missing image that a file shows: the same content; where that was never read, the same name and size,
        if no other file and no other missing image has the name.
        """
        named = self.by_name.get(_name(file.name), [])
        if any(self.by_key.values()):
            same = self.by_key.get(content_key(file), [])
            if same:
                return next((image for image in named if image in same), same[0])
        alone = named[0] if is_only and len(named) == 1 else None
        return alone if alone and self.keys[alone.id] is None and _has_size(file, alone) else None


def relink(database: Database, folder: Path, where: Path) -> Iterator[Searched | Relinked | Outside]:
    """Looks below `where` for the files of missing images with a person's work, and gives images their files again.

    Files of that name come first. A file that is known as an image of its own is taken from it unless somebody has
    worked on that one. Raises ProjectError; ImageError where there is no such folder.
    """
    search = _missing(database)
    files = list(find_images(where)) if search.keys else []
    names = Counter(_name(file.name) for file in files)
    files.sort(key=lambda file: _name(file.name) not in search.by_name)
    for number, file in enumerate(files):
        if not any(search.by_name.values()):
            break
        path = _path_below(folder, file)
        if path is None or not _has_work(database, path):
            image = search.image_of(file, is_only=names[_name(file.name)] == 1)
            if image is not None:
                search.drop(image)
                yield Outside(image, file) if path is None else Relinked(_give(database, image, path))
        yield Searched(number + 1, len(files))


def _missing(database: Database) -> _Search:
    images = IMAGES.select(database, f"WHERE missing AND NOT ignored AND {HAS_WORK}")
    keys = dict(database.rows("SELECT id, content_key FROM images WHERE missing"))
    search = _Search({image.id: keys[image.id] for image in images})
    for image in images:
        search.add(image)
    return search


def _has_work(database: Database, path: str) -> bool:
    sql = f"SELECT 1 FROM images WHERE path = CAST(? AS TEXT) AND NOT missing AND (ignored OR {HAS_WORK})"
    return bool(database.rows(sql, (bound(path),)))


def _give(database: Database, image: ProjectImage, path: str) -> tuple[ProjectImage, ...]:
    """The path becomes the image's; an image that had it gets the old path, where nothing is."""
    taken = "SELECT id FROM images WHERE path = CAST(? AS TEXT) AND id != ?"
    others = database.rows(taken, (bound(path), image.id))
    rename = "UPDATE images SET path = CAST(? AS TEXT), missing = ? WHERE id = ?"
    with database.transaction() as connection:
        for (other,) in others:
            connection.execute(rename, (bound(f"\0{other}"), True, other))  # for a moment: no two may have one path
        connection.execute(rename, (bound(path), False, image.id))
        for (other,) in others:
            connection.execute(rename, (bound(image.path), True, other))
    return _rows(database, [image.id, *(other for (other,) in others)])


def _rows(database: Database, image_ids: Sequence[int]) -> tuple[ProjectImage, ...]:
    return IMAGES.select(database, f"WHERE id IN ({', '.join('?' * len(image_ids))})", image_ids)


def _has_size(file: Path, image: ProjectImage) -> bool:
    """Whether a picture is as large as the image was, or nobody knows how large that was."""
    with suppress(ImageError):
        return image.size in (None, size(file))
    return False


def _name(path: str) -> str:
    return PurePosixPath(path).name.casefold()


def _path_below(folder: Path, file: Path) -> str | None:
    """The file's path relative to the folder, None where it is elsewhere."""
    for inner, outer in ((file.absolute(), folder), (Path(os.path.realpath(file)), Path(os.path.realpath(folder)))):
        if inner.is_relative_to(outer):
            return inner.relative_to(outer).as_posix()
    return None
