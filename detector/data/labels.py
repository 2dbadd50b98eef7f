"""Label files of any format: told apart, read, brought into line with their pictures, and written."""

import filecmp
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from detector.data import coco, labelme, voc, yolo
from detector.data.annotations import Dataset
from detector.data.box_layout import BoxLayout
from detector.data.formats import Format, Written
from detector.data.json_stream import walk
from detector.data.matching import is_below, safe_path
from detector.data.problems import Problem, Problems
from detector.errors import LabelError
from detector.files import replacing

_BEGINNING = 2**16  # bytes that tell what a JSON file is
_LOOKED_AT = 200  # files of a folder


@dataclass(frozen=True)
class Labels:
    """A data set as it was read: from where, in which format, below which folder its pictures are, and its faults."""

    source: Path
    format: Format
    root: Path
    dataset: Dataset
    problems: tuple[Problem, ...]


def read(path: Path, *, images: Path | None = None, layout: BoxLayout | None = None) -> Labels:
    """The labels of a file or folder, whatever their format.

    images: the folder of the pictures; by default the one that holds the labels. layout: of COCO boxes that are not
    COCO's. Raises LabelError.
    """
    kind, source = detect(path)
    root = images or default_root(source)
    if kind is Format.COCO:
        dataset, problems = coco.read(source, layout)
    elif kind is Format.YOLO:
        dataset, problems = yolo.read(source, root)
    elif kind is Format.VOC:
        dataset, problems = voc.read(source, root)
    else:
        dataset, problems = labelme.read(source, root)
    return Labels(source, kind, root, dataset, problems)


def default_root(source: Path) -> Path:
    """The folder below which the pictures of labels are where nobody says otherwise."""
    folder = source if source.is_dir() else source.parent
    return folder.parent if folder.name in (voc.ANNOTATIONS, "annotations", "labels") else folder


def detect(path: Path) -> tuple[Format, Path]:
    """The format of a file or folder, and the file or folder to read it from. Raises LabelError."""
    if path.is_dir():
        found = list(_in_folder(path)) or [(Format.YOLO, path)] * yolo.holds_texts(path)
        if len(found) > 1:
            names = " and ".join(f"{kind.upper()} ({source.name})" for kind, source in found[:3])
            raise LabelError(f"{path}: holds labels of several kinds, {names}; name one of them.")
        if not found:
            raise LabelError(f"{path}: holds no labels of COCO, YOLO, VOC or labelme; name another folder.")
        return found[0]
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml") or path.name in yolo.CLASS_FILES:
        return Format.YOLO, path
    if suffix == ".xml":
        return Format.VOC, path
    return (Format.LABELME if _kind_of_json(path) is Format.LABELME else Format.COCO), path


def write(
    dataset: Dataset, out: Path, written: Written, *, paths: Mapping[int, Path], copy_images: bool
) -> tuple[Problem, ...]:
    """Writes a data set: COCO as a file, the others as a new folder; gives what had to be left out. Raises LabelError.

    paths: image id → file. copy_images: beside a COCO file, in its folders; into the new folder otherwise.
    """
    if written is Written.YOLO:
        return yolo.write(dataset, out, paths, copy_images=copy_images)
    if written is Written.VOC:
        return voc.write(dataset, out, paths, copy_images=copy_images)
    coco.write(dataset, out)
    return _copy_images(dataset, out.parent, paths) if copy_images else ()


def _copy_images(dataset: Dataset, folder: Path, paths: Mapping[int, Path]) -> tuple[Problem, ...]:
    """Copies pictures into a folder under the paths that the data set has for them; gives those that were not."""
    problems = Problems()
    for image in dataset.images:
        name, source = safe_path(image.path), paths.get(image.id)
        if name is None or not is_below(os.path.realpath(folder / name), os.path.realpath(folder)):
            problems.add("its name leads out of the folder, so it is not copied", image.path)
        elif source is not None:
            target = folder / name
            try:
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with replacing(target) as temporary:
                        shutil.copyfile(source, temporary)
                elif not target.samefile(source) and not filecmp.cmp(target, source, shallow=False):
                    problems.add("another file is there already, so it is not copied", image.path)
            except OSError as error:
                raise LabelError(f"{target}: cannot be written ({error.strerror}); choose another place.") from error
    return problems.all()


def _in_folder(folder: Path) -> Iterable[tuple[Format, Path]]:
    """Every kind of labels that a folder holds."""
    for config in (*yolo.CONFIGS, *yolo.CLASS_FILES, *(f"labels/{name}" for name in yolo.CLASS_FILES)):
        if (folder / config).is_file():
            yield Format.YOLO, folder / config
            break
    for place, pattern in ((folder, "*.xml"), (folder / voc.ANNOTATIONS, "**/*.xml")):
        if place.is_dir() and next(place.glob(pattern), None) is not None:
            yield Format.VOC, place
            break
    kinds: dict[Format, list[Path]] = {Format.COCO: [], Format.LABELME: []}
    for place in (folder, folder / "annotations", folder / "labels"):
        if place.is_dir():
            for _, path in zip(range(_LOOKED_AT), sorted(place.glob("*.json")), strict=False):
                if kind := _kind_of_json(path):
                    kinds[kind].append(path)
    if kinds[Format.LABELME]:
        yield Format.LABELME, kinds[Format.LABELME][0].parent
    yield from ((Format.COCO, path) for path in kinds[Format.COCO])


def _kind_of_json(path: Path) -> Format | None:
    """What a JSON file is, told by its first keys; None for anything else."""
    keys = set[str]()
    with suppress(OSError, RecursionError, ValueError):  # the text breaks off, mostly
        with path.open("rb") as file:
            text = file.read(_BEGINNING).decode("utf-8-sig", errors="replace")
        for key, _, _ in walk(text, ("images", "annotations", "shapes")):
            keys.add(key)
            if key in ("images", "shapes"):
                break
    if "shapes" in keys:
        return Format.LABELME
    return Format.COCO if keys & {"images", "annotations"} else None
