"""Finding the pictures that a label file names, below one folder and nowhere else."""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePath, PurePosixPath

from detector.data.annotations import Dataset, ImageEntry
from detector.errors import LabelError

_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Matched:
    """Picture files by image id; names without a file; names that fit several files, or one that others fit as well."""

    paths: dict[int, Path]
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]


def match_images(dataset: Dataset, root: Path) -> Matched:
    """Finds the pictures of a data set below `root`; whatever a name says, no other file nor any address is opened.

    A name is a path below the root, or else fits the file of the same base name whose folders agree furthest with its
    own, read from the end; capitals count only where a file has them as the name does. No file serves two names.
    Raises LabelError if there is no such folder.
    """
    if not root.is_dir():
        raise LabelError(f"{root}: there is no such folder; name the one that holds the pictures.")
    local = [image for image in dataset.images if "://" not in image.path]
    below, place = _Below(os.path.realpath(root)), os.fspath(root)
    paths = {image.id: root / image.path for image in local if below.has(os.path.join(place, image.path))}
    fits = _fitting_files([image for image in local if image.id not in paths], root)
    unique = {image_id: files[0] for image_id, files in fits.items() if len(files) == 1}
    if unique:
        claims = Counter(map(os.path.realpath, [*paths.values(), *unique.values()]))
        paths |= {image_id: file for image_id, file in unique.items() if claims[os.path.realpath(file)] == 1}
    left = [image for image in dataset.images if image.id not in paths]
    return Matched(
        paths,
        missing=tuple(image.path for image in left if not fits.get(image.id)),
        ambiguous=tuple(image.path for image in left if fits.get(image.id)),
    )


def safe_path(name: str) -> str | None:
    """A relative POSIX path that stays below the folder it is added to, None where a name could lead elsewhere.

    What leads elsewhere on any system counts: absolute paths, "..", drives, shares, addresses, NUL.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    leads_out = path.is_absolute() or ".." in path.parts or "://" in name or "\0" in name or _DRIVE.match(name)
    return None if leads_out or not path.parts else path.as_posix()


def is_file_below(path: Path, real_root: str) -> bool:
    """Whether a path is that of a file which, links followed, lies below a root, given with its own links followed."""
    return os.path.isfile(path) and is_below(os.path.realpath(path), real_root)


class _Below:
    """Tells the files below a root as `is_file_below` does, for many: each folder's links are followed but once."""

    def __init__(self, real_root: str) -> None:
        self._real_root = real_root
        self._folders: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        """Whether it is the path of a file which, links followed, lies below the root."""
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return is_file_below(Path(path), self._real_root)
        except (OSError, ValueError):  # there is none, or none can be: a name of 300 letters, or with NUL
            return False
        folder = os.path.dirname(path)
        if folder not in self._folders:
            self._folders[folder] = is_below(os.path.realpath(folder), self._real_root)
        return self._folders[folder]


def is_below(real_path: str, real_root: str) -> bool:
    """Whether one real path is another one or lies below it."""
    return real_path == real_root or real_path.startswith(os.path.join(real_root, ""))


def _fitting_files(images: Sequence[ImageEntry], root: Path) -> dict[int, list[Path]]:
    """Image id → the files below `root` of the same base name that agree furthest with its path."""
    if not images:
        return {}  # the walk takes long where there are many files
    wanted = {image.id: parts for image in images if (parts := _composed_parts(PurePosixPath(image.path)))}
    files: dict[str, list[Path]] = {_folded(parts[-1]): [] for parts in wanted.values()}
    real_root = os.path.realpath(root)
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name[0] != "."]
        for name in names:
            same = files.get(_folded(name))
            if same is not None and is_file_below(path := Path(parent, name), real_root):
                same.append(path)
    return {image_id: _closest(parts, files[_folded(parts[-1])], root) for image_id, parts in wanted.items()}


def _closest(parts: list[str], files: Sequence[Path], root: Path) -> list[Path]:
    """Of files of one base name, those that share most parts with a path, read from the end; with the same capitals
    rather than with others.
    """
    parted = [_composed_parts(file.relative_to(root)) for file in files]
    exact = [place for place, own in enumerate(parted) if own[-1] == parts[-1]]
    chosen = exact or range(len(files))
    shared = {place: _shared_tail(parts, parted[place]) for place in chosen}
    return [files[place] for place, count in shared.items() if count == max(shared.values())]


def _shared_tail(a: Sequence[str], b: Sequence[str]) -> int:
    pairs = zip(reversed(a), reversed(b), strict=False)
    return sum(1 for _ in takewhile(lambda pair: _folded(pair[0]) == _folded(pair[1]), pairs))


def _folded(name: str) -> str:
    """What names have in common that some file systems take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _composed_parts(path: PurePath) -> list[str]:
    """The parts of a path with letters and accents composed: macOS takes them apart in file names."""
    return [unicodedata.normalize("NFC", part) for part in path.parts]
