"""convert: labels from one format to another, without a project and without a model."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from detector.commands.console import answer, warn
from detector.data.annotations import Dataset
from detector.data.box_layout import BoxLayout
from detector.data.formats import Written
from detector.data.matching import match_images
from detector.errors import OptionsError


def convert(
    source: Annotated[Path, Argument(metavar="IN", help="A COCO file, or a folder of YOLO, VOC or labelme labels.")],
    out: Annotated[Path, Argument(metavar="OUT", help="The COCO file, or the new folder, to write.")],
    to: Annotated[Written, Option(help="The format to write.")],
    images: Annotated[Path | None, Option(help="The folder of the pictures; default: that of the labels.")] = None,
    copy_images: Annotated[bool, Option("--copy-images", help="Copy the pictures, too.")] = False,
    boxes: Annotated[BoxLayout | None, Option(help="What the numbers of a COCO bbox are.")] = None,
    drop_unused: Annotated[bool, Option("--drop-unused", help="Leave out classes that no box has.")] = False,
) -> None:
    """Convert labels between COCO, YOLO and Pascal VOC; labelme's are read, too.

    Entries that cannot be used are left out and listed. Nothing that is there already is overwritten.
    """
    from detector.data import checks, labels

    _check_out(out, to)
    read = labels.read(source, images=images, layout=boxes)
    matched = match_images(read.dataset, read.root)
    dataset, mended = checks.upright(_renamed(read.dataset, matched.paths, read.root), matched.paths)
    warn([f"{problem}." for problem in (*read.problems, *mended, *checks.odd_entries(dataset))])
    _warn_of_pictures(matched.missing, f"not in {read.root}")
    _warn_of_pictures(matched.ambiguous, "ambiguous: several files have that name")
    if drop_unused:
        unused = checks.unused_classes(dataset)
        dataset = replace(dataset, classes=tuple(item for item in dataset.classes if item not in unused))
    out.parent.mkdir(parents=True, exist_ok=True)
    left_out = labels.write(dataset, out, to, paths=matched.paths, copy_images=copy_images)
    warn([f"{problem}." for problem in left_out])
    what = f"{len(dataset.boxes)} boxes in {len(dataset.images)} images, {len(dataset.classes)} classes"
    answer(f"{out}: {what}, from {read.format.upper()}")


def _check_out(out: Path, to: Written) -> None:
    """Raises OptionsError where something would be overwritten, or the name does not suit the format."""
    if to is Written.COCO and (out.suffix.lower() != ".json" or out.is_dir()):
        raise OptionsError(f"{out} is no name for a COCO file; name one that ends in .json.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OptionsError(f"{out} is there already; name another place, nothing is overwritten.")


def _renamed(dataset: Dataset, paths: Mapping[int, Path], root: Path) -> Dataset:
    """The data set with the paths of its pictures as they are below the root."""
    names = {image_id: Path(os.path.relpath(path, root)).as_posix() for image_id, path in paths.items()}
    return replace(
        dataset, images=tuple(replace(image, path=names.get(image.id, image.path)) for image in dataset.images)
    )


def _warn_of_pictures(names: tuple[str, ...], what: str) -> None:
    if len(names) > 0:
        more = f" and {len(names) - 1} more pictures are" if len(names) > 1 else " is"
        warn([f"{names[0]}{more} {what}."])
