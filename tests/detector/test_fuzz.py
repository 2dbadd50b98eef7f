"""Damaged and hostile pictures and checkpoints: each loads or is refused by name, quickly and in little memory."""

import io
import json
import math
import random
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from detector.model import checkpoint
from detector.model.checkpoint import Model
from detector.model.efficientdet import build
from detector.model.info import ModelInfo
from detector.model.variants import find_variant

ROUNDS, SLOW_ROUNDS = 3, 200  # of 100 files
SECONDS, HANGS, MEMORY = 5.0, 60.0, 2048  # of one file: of the processor, in all; MiB besides what the libraries take
Mutation = Callable[[bytes, random.Random], bytes]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")


def picture(kind: str, rng: random.Random) -> bytes:
    """A small valid picture file."""
    width, height = rng.randint(1, 90), rng.randint(1, 90)
    samples = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 256, (height, width, 4), np.uint8)
    modes = {".jpg": ["RGB", "L", "CMYK"], ".bmp": ["RGB", "L", "P"], ".webp": ["RGB", "RGBA"], ".gif": ["P", "L"]}
    mode = rng.choice(modes.get(kind, ["RGB", "L", "RGBA", "P", "I;16"]))
    if mode == "I;16":
        image = Image.fromarray(samples[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(samples[..., :3]).convert(mode)
    out, options = io.BytesIO(), {}
    if kind in (".jpg", ".png", ".webp") and rng.random() < 0.5:
        exif = Image.Exif()
        exif[0x0112] = rng.randint(0, 9)
        options["exif"] = exif
    if kind == ".tif":
        options["compression"] = rng.choice([None, "tiff_lzw", "tiff_deflate"])
    image.save(out, {".jpg": "JPEG", ".tif": "TIFF"}.get(kind, kind[1:].upper()), **options)
    return out.getvalue()


def tensors(rng: random.Random) -> dict[str, torch.Tensor]:
    kinds = [torch.float32, torch.float16, torch.int64, torch.uint8, torch.bfloat16]
    return {f"layer.{n}": torch.zeros(rng.randint(0, 9), rng.randint(1, 9), dtype=rng.choice(kinds)) for n in range(4)}


def safetensors(rng: random.Random) -> bytes:
    return save(tensors(rng), {"note": "x" * rng.randint(0, 50)})


@cache
def whole_model() -> bytes:
    """A checkpoint of our own, as the program writes it."""
    names = ("nut", "bolt")
    info = ModelInfo("d0", 512, names, (1, 2), thresholds={"nut": 0.4}, created="2026-01-31T12:00:00+00:00")
    with tempfile.TemporaryDirectory() as place:
        checkpoint.save(Model(build(find_variant("d0"), 2), info), Path(place) / "model.safetensors", half=True)
        return (Path(place) / "model.safetensors").read_bytes()


def pth(rng: random.Random) -> bytes:
    out = io.BytesIO()
    torch.save(tensors(rng), out, _use_new_zipfile_serialization=rng.random() < 0.8)
    return out.getvalue()


# Mutations of bytes


def flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_late(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(changed) * 3 // 4, len(changed))] = rng.randrange(256)
    return bytes(changed)


def append(data: bytes, rng: random.Random) -> bytes:
    return data + rng.randbytes(rng.randint(1, 500))


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def repeat(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + data[max(0, place - rng.randint(1, 200)) :]


def same(data: bytes, rng: random.Random) -> bytes:
    return data


# Mutations that know the format


def numbers(data: bytes, rng: random.Random) -> bytes:
    """A number in the head becomes one at a limit: sizes, offsets, counts, depths."""
    changed, width = bytearray(data), rng.choice([1, 2, 4])
    place = rng.randrange(2, max(3, min(len(data) - 4, 200)))
    value = rng.choice([0, 1, 2, 127, 255, 32767, 65535, 0x7FFFFFFF, 0xFFFFFFFF]) % (1 << 8 * width)
    changed[place : place + width] = value.to_bytes(width, rng.choice(["big", "little"]))
    return bytes(changed)


def png_chunk(data: bytes, rng: random.Random) -> bytes:
    """A chunk comes in, or the size changes, with a right checksum: what decoders look into."""
    if rng.random() < 0.4:
        size = struct.pack(">II", *(rng.choice([1, 90, 9000, 60_000, 1 << 30]) for _ in range(2)))
        head = b"IHDR" + size + bytes([rng.choice([1, 2, 4, 8, 16]), rng.choice([0, 2, 3, 4, 6]), 0, 0, 0])
        return data[:8] + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    bomb = zlib.compress(bytes(rng.choice([100, 50_000_000])))
    kind, body = rng.choice([(b"zTXt", b"a\0\0" + bomb), (b"iCCP", b"a\0\0" + bomb), (b"eXIf", rng.randbytes(40))])
    chunk = kind + body
    return data[:33] + struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def tiff_tag(data: bytes, rng: random.Random) -> bytes:
    """A tag's type, count or value changes."""
    changed = bytearray(data)
    (first,) = struct.unpack_from("<I", data, 4)
    entry = first + 2 + 12 * rng.randrange(struct.unpack_from("<H", data, first)[0])
    match rng.randrange(3):
        case 0:
            struct.pack_into("<H", changed, entry + 2, rng.randrange(14))
        case 1:
            struct.pack_into("<I", changed, entry + 4, rng.choice([0, 1, 3, 1 << 16, 1 << 31]))
        case _:
            struct.pack_into("<I", changed, entry + 8, rng.choice([0, 1, 2, 16, 32, 60_000, 1 << 30, 1 << 31]))
    return bytes(changed)


def tensor_header(data: bytes, rng: random.Random) -> bytes:
    """The table of a safetensors file says what is not so."""
    (length,) = struct.unpack_from("<Q", data)
    table, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    entry = table[rng.choice([name for name in table if name != "__metadata__"])]
    match rng.randrange(7):
        case 0:
            entry["dtype"] = rng.choice(["F64", "I8", "Q9", "", 3, None, "F8_E4M3"])
        case 1:
            entry["shape"] = rng.choice([[1 << 40, 1 << 40], [-1], [], [0], "x", [1.5], [[1]]])
        case 2:
            entry["data_offsets"] = rng.choice([[0, 1 << 62], [5, 1], [0, 0], [-4, 4], [0], "x", [1 << 64, 1 << 65]])
        case 3:
            table["__metadata__"] = rng.choice([{"a": "b" * 100_000}, {"a": 3}, [], {"a": {"b": "c"}}, "x"])
        case 4:
            table["again"] = dict(entry)
        case 5:
            table["\x1b[31m\0<img src=x>"] = table.pop(next(iter(table)))
        case _:
            head = struct.pack("<Q", rng.choice([0, 1, 1 << 20, 1 << 40, (1 << 64) - 1]))
            return head + data[8:]
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + body


def model_file(data: bytes, rng: random.Random) -> bytes:
    """Weights become NaN or infinite, or the description says what is not so."""
    (length,) = struct.unpack_from("<Q", data)
    if rng.random() < 0.3:
        changed = bytearray(data)
        place = 8 + length + 2 * rng.randrange((len(data) - 8 - length) // 2)
        changed[place : place + 2] = struct.pack("<e", rng.choice([math.nan, math.inf, -math.inf, 6e4]))
        return bytes(changed)
    table, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    ((key, text),) = table["__metadata__"].items()
    said = json.loads(text)
    odd = (None, -1, 0, 10**400, math.nan, "", "d9", "<b>x</b>", [], [None], {"nut": "x"}, [[1]], {}, "x" * 100_000)
    for _ in range(rng.choice((1, 1, 3))):
        said[rng.choice([*said, "new"])] = rng.choice(odd)
    table["__metadata__"][key] = rng.choice((json.dumps(said), json.dumps(said), text[: rng.randrange(len(text))]))
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + body


def webp_size(data: bytes, rng: random.Random) -> bytes:
    """A canvas of a size of its own around the picture, which decoders make room for."""
    width, height = (rng.choice([1, 90, 9000, 16_384, 1 << 24]) - 1 for _ in range(2))
    head = b"VP8X" + struct.pack("<II", 10, rng.choice([0, 2, 16])) + width.to_bytes(3, "little")
    body = b"WEBP" + head + height.to_bytes(3, "little") + data[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_size(data: bytes, rng: random.Random) -> bytes:
    """The screen, or the first frame on it, changes its size and place."""
    changed, frame = bytearray(data), data.find(b",", 13)
    place = 6 if rng.random() < 0.5 or frame < 0 else frame + 1
    sizes = (rng.choice([0, 1, 90, 9000, 65_535]) for _ in range(2 if place == 6 else 4))
    packed = b"".join(struct.pack("<H", size) for size in sizes)
    changed[place : place + len(packed)] = packed
    return bytes(changed)


def zip_member(data: bytes, rng: random.Random) -> bytes:
    """A member of a .pth file, which is a zip, is packed, swells or changes."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return flip(data, rng)
    out, kind = io.BytesIO(), rng.randrange(4)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            body = old.read(name)
            packed = zipfile.ZIP_DEFLATED if kind == 0 else zipfile.ZIP_STORED
            if name == chosen and kind == 1:
                continue
            if name == chosen and kind == 2 and body:
                body = flip(body, rng)
            if name == chosen and kind == 3:
                body, packed = bytes(rng.choice([1000, 300_000_000])), zipfile.ZIP_DEFLATED
            new.writestr(name, body, packed)
    return out.getvalue()


MILD: tuple[Mutation, ...] = (same, flip, flip_late, append, cut, repeat)
WHOLE = " model.safetensors"  # ends the name of a whole checkpoint of ours
SUFFIXES = (".png", ".jpg", ".tif", ".gif", ".webp", ".bmp", ".safetensors", ".pth")
AWARE: dict[str, Mutation] = {
    ".png": png_chunk,
    ".tif": tiff_tag,
    ".gif": gif_size,
    ".webp": webp_size,
    ".safetensors": tensor_header,
    ".pth": zip_member,
    WHOLE: model_file,
}


def mutant(suffix: str, rng: random.Random) -> bytes:
    """A file of a kind; half of them are changed by who knows the format."""
    make = {".safetensors": safetensors, ".pth": pth, WHOLE: lambda _: whole_model()}.get(suffix)
    data = make(rng) if make else picture(suffix, rng)
    if rng.random() < 0.5:
        return AWARE.get(suffix, numbers)(data, rng) if rng.random() < 0.7 else numbers(data, rng)
    return rng.choice(MILD)(data, rng)


class Reader:
    """Reads files in a process of its own, with limits."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.base = process, 0

    def read(self, path: Path) -> tuple[str, float, float, int]:
        """How it went, the seconds it took, of the processor and in all, and the memory so far in MiB."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{path} ended the process"
        said, computed, took, memory = line.rstrip("\n").rsplit("\t", 3)
        return said, float(computed), float(took), int(memory)


@pytest.fixture(scope="module")
def reader(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    command, pipe = [sys.executable, "-m", "tests.detector.fuzz_child"], subprocess.PIPE
    with subprocess.Popen(
        command, cwd=repository, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        own = Reader(process)
        path = tmp_path_factory.mktemp("first") / "first.png"
        path.write_bytes(picture(".png", random.Random(0)))
        said, _, _, own.base = own.read(path)
        assert said == "loaded"
        yield own
        assert process.stdin
        process.stdin.close()


@pytest.mark.parametrize(
    "seed", [*range(ROUNDS), *(pytest.param(n, marks=pytest.mark.slow) for n in range(ROUNDS, SLOW_ROUNDS))]
)
def test_each_loads_or_is_refused_with_its_name(seed: int, reader: Reader, tmp_path: Path) -> None:
    rng, outcomes = random.Random(seed), Counter[str]()
    for number in range(100):
        suffix = SUFFIXES[number % len(SUFFIXES)] if number % 25 else WHOLE
        path = tmp_path / f"fuzzed {number}{suffix}"
        path.write_bytes(mutant(suffix, rng))
        said, computed, took, memory = reader.read(path)
        outcomes[said] += 1
        assert said in ("loaded", "refused"), (path.name, said)
        assert computed < SECONDS, (path.name, computed)
        assert took < HANGS, (path.name, took)
        assert memory - reader.base < MEMORY, path.name
        path.unlink()
    assert outcomes["loaded"] >= 30
