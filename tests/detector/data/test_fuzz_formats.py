"""Label files that are damaged, malicious or merely odd: each loads or is an error of ours that names the file."""

import copy
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from detector.data import checks, labels
from detector.data.matching import match_images
from detector.errors import StudioError
from tests.detector.data.label_folders import pictures, write

IN_CI, ALL = 400, 20_000
SLOWEST = 5  # seconds of the processor, which others may use as well
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *("", " ", "0", "nut", "1e999", "../../x", "/etc/passwd", "C:\\x", "http://h/x", "a\0b", "\ud800", "é" * 300),
    *([], {}, [[]], [None], {"id": 1}, [1, 2, 3], [1, 2, 3, 4], ["a"] * 4, [[1, 2, 3, 4, 5, 6]], "x" * 100_000),
)
PIECES = (
    "\n",
    "\0",
    "\ufeff",
    "<",
    ">",
    "&",
    "]]>",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "-",
    "*a",
    "&a ",
    "<<: ",
    "!!python/x ",
)


def coco_document() -> dict[str, Any]:
    kinds = [{"id": n, "name": name, "supercategory": "part"} for n, name in enumerate(("nut", "bolt"), 1)]
    images = [{"id": n, "file_name": f"{n}.png", "width": 100, "height": 50} for n in (1, 2)]
    boxes = [
        {
            "id": n,
            "image_id": n % 2 + 1,
            "category_id": n % 2 + 1,
            "bbox": [n, 2, 30.5, 20],
            "area": 610.0,
            "iscrowd": 0,
        }
        | {"segmentation": [[1, 2, 9, 2, 9, 9]], "attributes": {"a": [1]}}
        for n in range(1, 6)
    ]
    return {"info": {"year": 1}, "images": images, "annotations": boxes, "categories": kinds, "licenses": []}


def labelme_document() -> dict[str, Any]:
    shapes = [
        {"label": "nut", "points": [[1, 2], [30, 40]], "shape_type": "rectangle", "flags": {"difficult": True}},
        {"label": "bolt", "points": [[1, 2], [30, 40], [5, 9]], "shape_type": "polygon", "group_id": 3},
        {"label": "nut", "points": [[20, 20], [25, 25]], "shape_type": "circle", "flags": {}},
    ]
    return {"version": "5", "shapes": shapes, "imagePath": "1.png", "imageHeight": 50, "imageWidth": 100}


XML = """<?xml version="1.0" encoding="utf-8"?>
<annotation><folder>x</folder><filename>1.png</filename>
<size><width>100</width><height>50</height><depth>3</depth></size>
<object><name>nut</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>
<object><name>bolt</name><bndbox><xmin>5.5</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>
</annotation>
"""
YAML = (
    "path: .\ntrain: images/train\nval: [images/val, list.txt]\nnc: 2\nnames:\n  0: nut\n  1: 'bolt'\nkpt_shape: [2, 3]"
)
ROWS = "0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.2 0.2 0.9\n0 .1 .2 .3 .2 .3 .6\n1 0.5 0.5 0.25 0.25\n"
Files = dict[str, bytes]


# ---- Mutations: half of them know the structure, half of them are of bytes


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a JSON document with every one of its keys or indices."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def change_document(document: Any, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 4))):
        container, key = rng.choice(list(places(document)) or [({}, None)])
        what = rng.randrange(5)
        if what == 0 and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        elif what == 1 and isinstance(container, dict):
            container[rng.choice(("id", "bbox", "x", "file_name", "shapes"))] = container.pop(key)
        elif what == 2:
            del container[key]
        else:
            container[key] = copy.deepcopy(rng.choice(ODD))
    return json.dumps(document).encode("utf-8", "surrogatepass")


def change_lines(text: str, rng: random.Random) -> bytes:
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        words = lines[at].replace(">", "> ").replace("<", " <").split(" ")
        what = rng.randrange(5)
        if what == 0:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif what == 1 and len(lines) > 1:
            del lines[at]
        elif what == 2:
            lines[at] = f"{lines[at]} {rng.choice(PIECES)}"
        else:
            words[rng.randrange(len(words))] = str(rng.choice(ODD))
            lines[at] = " ".join(words)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def change_bytes(content: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(content) + 1)
        what = rng.randrange(5)
        if what == 0:
            content = content[:at]
        elif what == 1:
            content = content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        elif what == 2:
            content = content[:at] + rng.choice(PIECES).encode() + content[at:]
        elif what == 3:
            content = content[:at] + content[at : at + 40] * rng.choice((2, 50)) + content[at:]
        else:
            content = content[:at] + content[at + rng.randrange(1, 30) :]
    return content


def mutated(files: dict[str, Any], rng: random.Random) -> Files:
    """The files with one of them changed."""
    chosen = rng.choice(sorted(files))
    result = {name: content if isinstance(content, str) else json.dumps(content) for name, content in files.items()}
    encoded = {name: text.encode() for name, text in result.items()}
    if rng.random() < 0.5:
        encoded[chosen] = change_bytes(encoded[chosen], rng)
    elif isinstance(files[chosen], str):
        encoded[chosen] = change_lines(files[chosen], rng)
    else:
        encoded[chosen] = change_document(json.loads(result[chosen]), rng)
    return encoded


SOURCES: dict[str, Callable[[], dict[str, Any]]] = {
    "coco": lambda: {"labels.json": coco_document()},
    "labelme": lambda: {"1.json": labelme_document()},
    "voc": lambda: {"Annotations/1.xml": XML, "ImageSets/Main/train.txt": "1\n"},
    "yolo": lambda: {
        "data.yaml": YAML,
        "labels/train/1.txt": ROWS,
        "labels/val/2.txt": ROWS,
        "list.txt": "images/val/2.png\n",
    },
}
PICTURES = ("1.png", "2.png", "JPEGImages/1.png", "images/train/1.png", "images/val/2.png")


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(mkdtemp())
    yield pictures(place, *PICTURES)
    shutil.rmtree(place)


def loads(folder: Path) -> bool:
    """Whether the labels of a folder load, whole or in part; anything but an error of ours fails."""
    began, message = time.process_time(), ""
    try:
        read = labels.read(folder)
        matched = match_images(read.dataset, read.root)
        dataset, _ = checks.upright(read.dataset, matched.paths)
        checks.odd_entries(dataset)
    except StudioError as error:
        message = str(error)
    assert time.process_time() - began < SLOWEST
    assert not message or (str(folder) in message and "\n" not in message)
    return not message


def run(name: str, count: int, folder: Path) -> None:
    loaded = 0
    for seed in range(count):
        files = mutated(SOURCES[name](), random.Random(f"{name} {seed}"))
        write(folder, dict(files))
        try:
            loaded += loads(folder)
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}: {error!r}") from error
    assert loaded >= 0.3 * count, f"only {loaded} of {count} load"


@pytest.mark.parametrize("name", SOURCES)
def test_damaged_files_load_or_are_an_error_that_names_them(name: str, folder: Path) -> None:
    run(name, IN_CI // len(SOURCES), folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_twenty_thousand_damaged_files_load_or_are_an_error_that_names_them(name: str, folder: Path) -> None:
    run(name, ALL // len(SOURCES), folder)


@pytest.mark.parametrize("name", SOURCES)
def test_undamaged_they_load_whole(name: str, folder: Path) -> None:
    source = SOURCES[name]()
    write(folder, {path: it if isinstance(it, str) else json.dumps(it) for path, it in source.items()})
    assert loads(folder)
    read = labels.read(folder)
    assert (read.format, len(read.problems) <= 1) == (name, True)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("labels.json", b"[" * 10**6),
        ("labels.json", b'{"images": [' + b"[" * 10**6),
        ("labels.json", b'{"images": [{"id": ' + b"9" * 10**6 + b"}]}"),
        ("labels.json", b'{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"bbox": ' + b"[" * 10**5),
        ("data.yaml", b"names: " + b"[" * 10**5),
        ("data.yaml", b"a: &a [x]\n" + b"\n".join(b"%c: &%c [*%c, *%c]" % (c, c, c - 1, c - 1) for c in b"bcdefghij")),
        ("data.yaml", b"\n".join(b"k%d: v" % n for n in range(100_000))),
        ("a.xml", b"<annotation>" + b"<a>" * 10**6),
        ("a.xml", b"<!DOCTYPE x [" + b"<!ENTITY a 'aaaa'>" * 10**5),
        ("a.xml", b"<annotation>" + b"<object/>" * 10**5 + b"</annotation>"),
        ("1.json", b'{"shapes": [' + b"{}," * 10**5 + b"{}]}"),
    ],
)  # fmt: skip
def test_what_is_made_to_take_long_is_refused_soon(path: str, content: bytes, folder: Path) -> None:
    write(folder, {path: content})
    loads(folder)
