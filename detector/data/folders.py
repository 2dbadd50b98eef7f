"""Label folders (YOLO, VOC): which picture and which label file goes where, so that none lies on top of another."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from detector.data.annotations import Box, Dataset, ImageEntry, Rectangle, said
from detector.data.images import size
from detector.data.matching import safe_path
from detector.data.problems import Problems
from detector.data.split import Side, content_key, split
from detector.errors import ImageError, LabelError
from detector.files import new_folder

PICTURES = ("JPEGImages", "images")  # folders that hold nothing but pictures


@dataclass(frozen=True)
class Placed:
    """A picture to write labels for.

    name: its POSIX path in the new folder, whatever it was called; boxes: cut off at its borders; labelled: whether
    somebody looked at it, so that having no boxes means that it is empty; file: where it is, if it is to be copied.
    """

    image: ImageEntry
    name: PurePosixPath
    size: tuple[int, int]
    boxes: tuple[tuple[Box, Rectangle], ...]
    side: Side
    labelled: bool
    file: Path | None


def place(
    dataset: Dataset, paths: Mapping[int, Path], problems: Problems, *, without: Sequence[str]
) -> Iterator[Placed]:
    """The pictures of a data set, each with the place of its own that it gets; those that can get none are told.

    paths: image id → file. without: folders that a name loses at its start, since the new folder has them anyway.
    """
    sides, taken = _sides(dataset, paths), set[str]()
    for image, boxes in zip(dataset.images, dataset.boxes_by_image().values(), strict=True):
        name = _shortened(safe_path(image.path), (*without, sides[image.id]))
        measured = _size(image, paths.get(image.id))
        stem = name and str(name.with_suffix("")).casefold()
        if name is None:
            problems.add("its name leads out of the folder, so it is left out", image.path)
        elif measured is None:
            problems.add("its size is not known and its file not to be read, so it is left out", image.path)
        elif stem in taken:
            problems.add("another picture has its name, but for the ending or capitals, so it is left out", image.path)
        else:
            taken.add(str(stem))
            cut = tuple((box, _clipped(box.xyxy, measured)) for box in boxes)
            inside = tuple((box, xyxy) for box, xyxy in cut if xyxy[0] < xyxy[2] and xyxy[1] < xyxy[3])
            if len(inside) < len(cut):
                problems.add(f"{len(cut) - len(inside)} of its boxes lie outside of it and are left out", image.path)
            labelled = bool(boxes) or said(image.extra).get("state") != "unlabelled"
            yield Placed(image, name, measured, inside, sides[image.id], labelled, paths.get(image.id))


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """The folder to write into, which becomes `folder`, whole or not at all. Raises LabelError."""
    try:
        with new_folder(folder) as temporary:
            yield temporary
    except FileExistsError as error:
        raise LabelError(f"{folder}: {error.strerror}; name a new one.") from error
    except OSError as error:
        raise LabelError(f"{folder}: cannot be written ({error.strerror}); choose another place.") from error


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8, with the folders that are needed. Lone surrogates, which UTF-8 has not, become question marks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def copy(source: Path, target: Path) -> None:
    """Copies a picture, with the folders that are needed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def below(root: Path, pattern: str) -> list[str]:
    """POSIX paths of the files below a folder with this suffix, but for hidden ones, sorted; links are not followed."""
    found: list[str] = []
    for parent, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name[0] != "."]
        relative = Path(os.path.relpath(parent, root))
        found += [(relative / name).as_posix() for name in files if name[0] != "." and name.lower().endswith(pattern)]
    return sorted(found)


def _sides(dataset: Dataset, paths: Mapping[int, Path]) -> dict[int, Side]:
    """The side of each image: the one that is stored, else the one that its content gives it."""
    stored = {image.id: said(image.extra).get("split") for image in dataset.images}
    sides = {image_id: Side(side) for image_id, side in stored.items() if side in tuple(Side)}
    sides |= {image_id: Side.VAL for image_id, side in stored.items() if side == "test"}  # not to be learnt from
    left = {image.id: set[int]() for image in dataset.images if image.id not in sides}
    for box in dataset.boxes:
        if box.image_id in left and not box.iscrowd:
            left[box.image_id].add(box.class_id)
    undecided = [image for image in dataset.images if image.id in left]
    keys = [content_key(paths[image.id]) if image.id in paths else image.path for image in undecided]
    return sides | dict(zip(left, split(keys, list(left.values())), strict=True))


def _shortened(name: str | None, without: Sequence[str]) -> PurePosixPath | None:
    """A path without these folders at its start."""
    if name is None:
        return None
    parts = PurePosixPath(name).parts
    for folder in without:
        if len(parts) > 1 and parts[0] == folder:
            parts = parts[1:]
    return PurePosixPath(*parts)


def _clipped(xyxy: Rectangle, size: tuple[int, int]) -> Rectangle:
    (x1, y1, x2, y2), (width, height) = xyxy, size
    return min(max(x1, 0), width), min(max(y1, 0), height), min(max(x2, 0), width), min(max(y2, 0), height)


def _size(image: ImageEntry, file: Path | None) -> tuple[int, int] | None:
    if image.width is not None and image.height is not None:
        return image.width, image.height
    try:
        return None if file is None else size(file)
    except ImageError:
        return None
