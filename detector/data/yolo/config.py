"""What a YOLO data set says of itself: data.yaml, or a bare list of class names."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from detector.data.json_stream import read_text
from detector.data.matching import is_file_below
from detector.data.problems import Problems
from detector.data.yolo.rows import parse_rows
from detector.errors import LabelError

CONFIGS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
CLASS_FILES = ("classes.txt", "obj.names")
SPLITS = ("train", "val", "test")
LARGEST_CONFIG, LARGEST_TEXT = 2**20, 2**26  # bytes; reading more takes longer than anybody waits
DEEPEST = 20  # lists and mappings inside each other
_LOOKED_AT, _BEGINNING = 20, 4096  # label texts of a folder, which may hold many thousands; bytes of each
_NO_VALUE = ("", "~", "null", "None")


@dataclass(frozen=True)
class Config:
    """What data.yaml says: class names by number; by split its folders or lists of pictures, relative to `path`.

    keypoints: how many numbers of key points follow each box.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path: str = ""
    keypoints: int = 0


def read_config(path: Path) -> Config:
    """The config of a data.yaml, of a list of class names, or of a folder that holds one, or label texts at the least:
    numbers are the names there. Raises LabelError.
    """
    if path.is_file():
        if path.name in CLASS_FILES:
            return _config_of_names(path)
        return parse_config(read_text(path), str(path))
    for name in CONFIGS:
        if (path / name).is_file():
            return parse_config(read_text(path / name), str(path / name))
    for name in CLASS_FILES:
        if (path / name).is_file():
            return _config_of_names(path / name)
    if holds_texts(path):
        return Config()
    raise LabelError(f"{path}: holds no {CONFIGS[0]}; name the folder of a YOLO data set.")


def holds_texts(folder: Path) -> bool:
    """Whether the texts of a folder, or else those of its labels/, have a YOLO row, as far as one looks."""
    real_root = os.path.realpath(folder)
    for texts in (folder.glob("*.txt"), (folder / "labels").rglob("*.txt")):
        if any(is_file_below(path, real_root) and _begins_with_rows(path) for path in islice(texts, _LOOKED_AT)):
            return True
    return False


def parse_config(text: str, source: str) -> Config:
    """What a data.yaml says; `source` names it in errors. Raises LabelError."""
    if len(text) > LARGEST_CONFIG:
        raise LabelError(f"{source}: {len(text):,} characters are too many for a data.yaml; name the right file.")
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # only texts: no class is called “no” and becomes False
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):  # before it is built, which libyaml does without a limit
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise LabelError(f"{source}: lists lie too deep inside each other for a data.yaml; mend it.")
        document = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        what = " ".join(str(getattr(error, "problem", None) or error).split())
        raise LabelError(f"{source}: invalid YAML{line} ({what}); mend it or export it again.") from error
    except (RecursionError, ValueError) as error:
        raise LabelError(f"{source}: this YAML is no data set ({error}); export it again.") from error
    if not isinstance(document, Mapping):
        raise LabelError(f"{source}: this is no data.yaml of a YOLO data set; name one that has “names” and “train”.")
    splits = {split: _texts(document.get(split)) for split in SPLITS}
    splits["val"] = splits["val"] or _texts(document.get("valid"))
    return Config(
        _names(document.get("names"), document.get("nc"), source),
        {split: entries for split, entries in splits.items() if entries},
        _texts(document.get("path"))[0] if _texts(document.get("path")) else "",
        _keypoints(document.get("kpt_shape")),
    )


def bounded_text(path: Path) -> str:
    """The text of a file that is not too large for labels. Raises LabelError."""
    if path.stat().st_size > LARGEST_TEXT:
        raise LabelError(f"{path}: is too large for a label text; name the right folder.")
    return read_text(path)


def _begins_with_rows(path: Path) -> bool:
    text = ""
    with suppress(OSError), path.open("rb") as file:
        text = file.read(_BEGINNING).decode("utf-8-sig", errors="replace")
    return bool(parse_rows(text, path.name, Problems()))


def _config_of_names(path: Path) -> Config:
    names = [line.strip() for line in bounded_text(path).splitlines()]
    return Config({number: name for number, name in enumerate(names) if name})


def _names(names: Any, count: Any, source: str) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, Mapping):
        wanted = int(count) if isinstance(count, str) and count.isdecimal() and len(count) < 6 else 0
        return {number: str(number) for number in range(wanted)}
    numbered: dict[int, str] = {}
    for key, name in names.items():
        number = str(key).strip()
        if not number.isdecimal() or len(number) > 9 or not isinstance(name, str):
            raise LabelError(f"{source}: “names” must be a list, or names by number; mend it.")
        numbered[int(number)] = name if name.strip() else number
    return numbered


def _texts(value: Any) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    return tuple(entry for entry in entries if isinstance(entry, str) and entry.strip() not in _NO_VALUE)


def _keypoints(shape: Any) -> int:
    """How many numbers a pose has behind its box."""
    if not isinstance(shape, list) or len(shape) != 2:
        return 0
    sizes = [int(part) for part in shape if isinstance(part, str) and part.isdecimal() and len(part) < 5]
    return sizes[0] * sizes[1] if len(sizes) == 2 else 0
