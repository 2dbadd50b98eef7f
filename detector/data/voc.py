"""Pascal VOC label files: an XML for each picture, in Annotations/ with the pictures in JPEGImages/, or beside it.

VOC counts pixels from 1 and names the last one inside: xmin 1, xmax 10 are the first ten columns. Boxes here are the
edges of these, x1 = xmin − 1 and x2 = xmax, so that nothing moves. Written numbers are whole: at most half a pixel is
lost, more only of boxes thinner than one.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, indent, tostring
from xml.parsers import expat

from detector.data import folders
from detector.data.annotations import FLAGS, OURS, Box, Dataset, ImageEntry, ObjectClass, Rectangle, said
from detector.data.images import SUFFIXES
from detector.data.matching import is_file_below
from detector.data.problems import Problem, Problems
from detector.data.split import Side
from detector.errors import LabelError

ANNOTATIONS, PICTURES = "Annotations", "JPEGImages"
LARGEST_FILE = 2**24  # bytes
DEEPEST = 100  # elements inside each other
_KNOWN = {"name", "bndbox", *FLAGS}
_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # that XML cannot hold
_IN_CLASS = re.compile(r"\s+-?[01]$")


@dataclass(frozen=True)
class Found:
    """An object of a file: its class, xyxy in pixels, flags of FLAGS that are set, and the texts of other elements."""

    name: str
    xyxy: Rectangle
    flags: tuple[str, ...]
    extra: Mapping[str, str]


@dataclass(frozen=True)
class VocFile:
    """What one file says: the picture's base name, its size in pixels where it is said, and the objects."""

    filename: str
    size: tuple[int, int] | None
    objects: tuple[Found, ...]


# Reading


def read(path: Path, root: Path) -> tuple[Dataset, tuple[Problem, ...]]:
    """The data set of a folder of XML files, or of a single one, whose pictures are below `root`.

    A file that cannot be read is told and passed over. Raises LabelError where none can.
    """
    folder = path if path.is_dir() else path.parent
    names = folders.below(folder, ".xml") if path.is_dir() else [path.name]
    problems, read_files = Problems(), list[tuple[str, VocFile]]()
    for name in names:
        try:
            read_files.append((name, parse(_bytes(folder / name), name, problems)))
        except LabelError as error:
            problems.add(str(error).removeprefix(f"{name}: ").removeprefix(f"{folder / name}: "), name)
    if not read_files:
        raise LabelError(f"{path}: {problems.all()[0] if names else 'holds no XML file'}; name a folder of VOC labels.")
    return _dataset(read_files, folder, root), problems.all()


def parse(content: bytes, source: str, problems: Problems) -> VocFile:
    """What an XML file says; objects that cannot be used are told. Raises LabelError, also for any DOCTYPE."""
    tree = _tree(content, source)
    if tree.tag != "annotation":
        raise LabelError(f"{source}: this XML is no VOC annotation; leave it out.")
    width, height = (_number(tree.findtext(f"size/{side}")) for side in ("width", "height"))
    known = width is not None and height is not None and min(width, height) >= 1 and max(width, height) < 2**31
    size = (int(width), int(height)) if known and width and height else None
    objects: list[Found] = []
    for item in tree.iter("object"):
        found = _object(item)
        if isinstance(found, Found):
            objects.append(found)
        else:
            problems.add(f"{found}, so the object is left out", source, line=int(item.get("line", 1)))
    filename = (tree.findtext("filename") or "").strip().replace("\\", "/").rpartition("/")[2]
    return VocFile(filename, size, tuple(objects))


def _tree(content: bytes, source: str) -> Element:
    """The element tree, each object with its line. No DTD is read, so no entity can grow or fetch anything."""
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(), 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise LabelError(f"{source}: elements lie too deep inside each other for VOC; leave it out.")
        builder.start(tag, {"line": str(parser.CurrentLineNumber)} if tag == "object" else attributes)

    def finish(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise LabelError(f"{source}: has a DOCTYPE, which is not read; take it out.")

    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(content, True)
        return builder.close()
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise LabelError(
            f"{source}: invalid XML at line {error.lineno} ({what}); mend it or export it again."
        ) from error
    except (ValueError, LookupError, AssertionError) as error:  # an encoding that is not known; no element at all
        raise LabelError(f"{source}: this XML cannot be read ({error}); save it as UTF-8.") from error


def _object(item: Element) -> Found | str:
    """An object, or why it is none."""
    name = (item.findtext("name") or "").strip()
    if not name:
        return "it has no name"
    corners = [_number(item.findtext(f"bndbox/{corner}")) for corner in ("xmin", "ymin", "xmax", "ymax")]
    xmin, ymin, xmax, ymax = corners
    if xmin is None or ymin is None or xmax is None or ymax is None:
        return f"“{name}” has no bndbox of four numbers"
    xyxy = (min(xmin, xmax) - 1, min(ymin, ymax) - 1, max(xmin, xmax), max(ymin, ymax))
    flags = tuple(flag for flag in FLAGS if _number(item.findtext(flag)))
    extra = {child.tag: (child.text or "").strip() for child in item if child.tag not in _KNOWN and not len(child)}
    return Found(name, xyxy, flags, {tag: text for tag, text in extra.items() if text})


def _dataset(files: list[tuple[str, VocFile]], folder: Path, root: Path) -> Dataset:
    sides, places = _stored_sides(folder), _Places(folder, root)
    names = sorted({found.name for _, file in files for found in file.objects})
    classes = {name: ObjectClass(number, name) for number, name in enumerate(names, 1)}
    images: list[ImageEntry] = []
    boxes: list[Box] = []
    for image_id, (name, file) in enumerate(files, 1):
        ours: dict[str, Any] = {} if file.objects else {"state": "started"}
        if side := _side(name, sides):
            ours["split"] = side.value
        size = file.size or (None, None)
        images.append(ImageEntry(image_id, places.picture(name, file.filename), *size, {OURS: ours} if ours else {}))
        for found in file.objects:
            extra: dict[str, Any] = dict(found.extra)
            if found.flags:
                extra[OURS] = dict.fromkeys(found.flags, True)
            boxes.append(Box(image_id, classes[found.name].id, found.xyxy, extra=extra))
    return Dataset(tuple(images), tuple(classes.values()), tuple(boxes))


class _Places:
    """Where the picture of a file is, relative to the root."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder, self._root, self._real_root = folder, root, os.path.realpath(root)

    def picture(self, name: str, filename: str) -> str:
        """The picture of a file by the name that it says or by the file's own; where there is none, a name alone."""
        for path in self._candidates(PurePosixPath(name), filename):
            if "\0" not in str(path) and is_file_below(path, self._real_root):
                return Path(os.path.relpath(path, self._root)).as_posix()
        return filename or PurePosixPath(name).stem

    def _candidates(self, name: PurePosixPath, filename: str) -> Iterator[Path]:
        parts = name.parent.parts
        mirrored = [Path(*(to if part == ANNOTATIONS else part for part in parts)) for to in (PICTURES, "images")]
        bases = [self._folder / parent for parent in (*mirrored, name.parent)]
        if self._folder.name == ANNOTATIONS:
            bases += [self._folder.parent / PICTURES / name.parent, self._folder.parent / "images" / name.parent]
        bases.append(self._root)
        if filename:
            yield from (base / filename for base in bases)
        yield from (base / f"{name.stem}{suffix}" for base in bases for suffix in SUFFIXES)


def _stored_sides(folder: Path) -> dict[str, Side]:
    """Side by what ImageSets/Main lists, where that is there: paths without their endings, and the names of these.

    A line may end in the 1, 0 or -1 of the lists that VOC keeps for each class; a name may as well.
    """
    top = folder.parent if folder.name == ANNOTATIONS else folder
    listed: list[tuple[str, Side]] = []
    for side in Side:
        path = top / "ImageSets" / "Main" / f"{side}.txt"
        if path.is_file() and path.stat().st_size <= LARGEST_FILE:
            lines = path.read_text("utf-8", errors="replace").splitlines()
            listed += [(line.strip(), side) for line in lines]
    sides = dict(listed)
    for line, side in listed:
        for name in (line, _IN_CLASS.sub("", line)):
            sides.setdefault(name, side)
            sides.setdefault(PurePosixPath(name).name, side)
    return sides


def _side(name: str, sides: Mapping[str, Side]) -> Side | None:
    """The side of a file, whose path is looked for first as a whole, then without its first folders."""
    parts = PurePosixPath(name).with_suffix("").parts
    tails = ("/".join(parts[place:]) for place in range(len(parts)))
    return next((sides[tail] for tail in tails if tail in sides), None)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LabelError(f"{path}: is too large for the labels of one picture; leave it out.")
        return path.read_bytes()
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); check the path.") from error


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


# Writing


def write(dataset: Dataset, folder: Path, paths: Mapping[int, Path], *, copy_images: bool) -> tuple[Problem, ...]:
    """Writes a data set as a new folder, whole or not at all; gives what had to be left out. Raises LabelError.

    paths: image id → file. An image that is labelled gets an XML, with or without objects, one that nobody looked at
    gets none. Crowd regions become “difficult” objects, which VOC's measures pass over, too.
    """
    problems, names = Problems(), {item.id: item.name.strip() or str(item.id) for item in dataset.classes}
    listed: dict[Side, list[str]] = {side: [] for side in Side}
    with folders.writing(folder) as temporary:
        for part in (ANNOTATIONS, PICTURES):
            (temporary / part).mkdir()
        for placed in folders.place(dataset, paths, problems, without=folders.PICTURES):
            if placed.labelled:
                listed[placed.side].append(str(placed.name.with_suffix("")))
                target = temporary / ANNOTATIONS / placed.name.with_suffix(".xml")
                folders.write_text(target, _xml(placed, names))
            if copy_images and placed.file is not None:
                folders.copy(placed.file, temporary / PICTURES / placed.name)
        for side, lines in listed.items():
            text = "".join(f"{line}\n" for line in lines)
            folders.write_text(temporary / "ImageSets" / "Main" / f"{side}.txt", text)
    return problems.all()


def _xml(placed: folders.Placed, names: Mapping[int, str]) -> str:
    tree = Element("annotation")
    _add(tree, "folder", str(PurePosixPath(PICTURES, placed.name).parent))
    _add(tree, "filename", placed.name.name)
    size = SubElement(tree, "size")
    for tag, number in zip(("width", "height", "depth"), (*placed.size, 3), strict=True):
        _add(size, tag, str(number))
    _add(tree, "segmented", "0")
    for box, xyxy in placed.boxes:
        item, ours = SubElement(tree, "object"), said(box.extra)
        _add(item, "name", names[box.class_id])
        flags = {flag: bool(ours.get(flag)) for flag in FLAGS}
        flags["difficult"] |= box.iscrowd
        for flag, is_set in flags.items():
            _add(item, flag, str(int(is_set)))
        bndbox = SubElement(item, "bndbox")
        for tag, number in zip(("xmin", "ymin", "xmax", "ymax"), _pixels(xyxy), strict=True):
            _add(bndbox, tag, str(number))
    indent(tree)
    return tostring(tree, encoding="unicode") + "\n"


def _pixels(xyxy: Rectangle) -> tuple[int, int, int, int]:
    """The first and the last pixel of a box, from 1 on; at least one."""
    x1, y1, x2, y2 = (math.floor(edge + 0.5) for edge in xyxy)
    return x1 + 1, y1 + 1, max(x1 + 1, x2), max(y1 + 1, y2)


def _add(parent: Element, tag: str, text: str) -> None:
    """An element with a text."""
    SubElement(parent, tag).text = _FORBIDDEN.sub("?", text)
