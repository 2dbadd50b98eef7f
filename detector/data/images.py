"""The one way from a picture file to pixels, for canvas, inference and training: upright RGB uint8, whatever the file holds."""

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

from detector.errors import ImageError

MAX_PIXELS = 300_000_000
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
STORE_FOLDER = ".efficientdet-studio"

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
_PNG_START = b"\x89PNG\r\n\x1a\n"
_TIFF_STARTS = (b"II\x2a\x00", b"MM\x00\x2a", b"II\x2b\x00", b"MM\x00\x2b")
_ORIENTATION = 0x0112
# EXIF orientation → (swap rows and columns, then flip rows, then flip columns)
_UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


@dataclass(frozen=True)
class _Header:
    """What a file says before its pixels: size as stored, EXIF orientation, and whether it has more than 8 bits a sample."""

    width: int
    height: int
    orientation: int
    deep: bool


def decode(path: Path) -> NDArray[np.uint8]:
    """The picture (H, W, 3) RGB uint8 as displayed, C-contiguous; the first frame where a file has several.

    8-bit pictures are exactly what Pillow's `convert("RGB")` gives; deeper ones are mapped linearly between their
    0.1 and 99.9 percentiles. Raises ImageError, which names the file, for whatever cannot be decoded.
    """
    with _reading(path) as file:
        header = _header(file)
        if header.width * header.height > MAX_PIXELS:
            megapixels = header.width * header.height / 1e6
            raise ImageError(
                f"{path}: {header.width} × {header.height} are {megapixels:.0f} megapixels, more than the "
                f"{MAX_PIXELS // 1_000_000} that are read; scale it down or cut it into tiles."
            )
        if header.deep:
            pixels, orientation = _stretch(_deep_samples(file.read())), header.orientation
        else:
            pixels, orientation = _shallow_pixels(file)
        return np.ascontiguousarray(_turn_upright(pixels, orientation))


def size(path: Path) -> tuple[int, int]:
    """Width and height as displayed, read from the header alone. Raises ImageError."""
    with _reading(path) as file:
        header = _header(file)
        swapped = _UPRIGHT.get(header.orientation, (False,))[0]
        return (header.height, header.width) if swapped else (header.width, header.height)


def list_images(folder: Path) -> list[Path]:
    """Every picture file below a folder by its suffix, in natural order (2 before 10); hidden folders are left out.

    Raises ImageError where there is no such folder or no picture in it.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: there is no such folder; check the path.")
    found: list[Path] = []
    visited: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:  # a symbolic link that leads back
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in files if Path(name).suffix.lower() in SUFFIXES]
    if not found:
        raise ImageError(f"{folder}: no picture in this folder or below; pictures end in {', '.join(sorted(SUFFIXES))}.")
    return sorted(found, key=lambda path: _natural_key(path.relative_to(folder)))


def _natural_key(path: Path) -> list[tuple[list[tuple[int, str]], str]]:
    """Sorts paths part by part, runs of digits by their value, letters whatever their case; ties by the exact text."""
    return [
        ([(int(digits or 0), text) for digits, text in re.findall(r"([0-9]+)|([^0-9]+)", part.casefold())], part)
        for part in path.parts
    ]


class _PillowLimit:
    """Lifts Pillow's process-wide size limit while one of our threads reads, and puts it back; ours is in `decode`."""

    def __init__(self) -> None:
        self.lock, self.readers, self.saved = Lock(), 0, Image.MAX_IMAGE_PIXELS

    def __enter__(self) -> None:
        with self.lock:
            if self.readers == 0:
                self.saved, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self.readers += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.readers -= 1
            if self.readers == 0:
                Image.MAX_IMAGE_PIXELS = self.saved


_pillow_limit = _PillowLimit()


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """The open file; whatever goes wrong while reading it becomes an ImageError that names it."""
    try:
        with open(path, "rb") as file, _pillow_limit:
            yield file
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{path}: there is no such picture; check the path.") from None
    except IsADirectoryError:
        raise ImageError(f"{path}: this is a folder, not a picture.") from None
    except PermissionError:
        raise ImageError(f"{path}: may not be read; check its permissions.") from None
    except MemoryError:
        raise ImageError(f"{path}: too large for this computer's memory; scale it down.") from None
    except Exception as error:  # decoders of damaged files raise nearly anything: OSError, SyntaxError, struct.error, …
        raise ImageError(f"{path}: cannot be decoded ({_reason(error)}); replace the file or remove it.") from error


def _reason(error: Exception) -> str:
    """One line that says why, without the repetition of the file's name."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a JPEG, PNG, BMP, GIF, WebP or TIFF picture"
    return " ".join(str(error).split()) or type(error).__name__


def _header(file: BinaryIO) -> _Header:
    start = file.read(32)
    file.seek(0)
    if not start:
        raise ValueError("the file is empty")
    if start.startswith(_TIFF_STARTS):
        header = _tiff_header(file, start)
    else:
        with Image.open(file, formats=_FORMATS) as image:
            orientation = Image.Image.getexif(image).get(_ORIENTATION, 1)
            deep = start.startswith(_PNG_START) and start[24] == 16
            header = _Header(image.width, image.height, orientation, deep)
    file.seek(0)
    return header


def _tiff_header(file: BinaryIO, start: bytes) -> _Header:
    """From the tags themselves: Pillow refuses to open several of the deep TIFFs."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(start[: 16 if 43 in start[2:4] else 8])
    file.seek(tags.next)
    tags.load(file)
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    orientation = tags.get(_ORIENTATION, 1)
    return _Header(tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH], orientation, max(bits) > 8)


def _shallow_pixels(file: BinaryIO) -> tuple[NDArray[np.uint8], int]:
    """Pixels (H, W, 3) RGB of an 8-bit picture, and the orientation that is still to be applied."""
    with Image.open(file, formats=_FORMATS) as image:
        image.load()
        orientation = image.getexif().get(_ORIENTATION, 1)  # after load: Pillow turns some TIFFs by itself
        if image.mode == "LAB":
            lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
            rgb = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        else:
            # Transparency is dropped, not composited: the reference does so, and one rule serves all who decode.
            image.info.pop("transparency", None)
            rgb = image.convert("RGB")
        assert rgb is not None
        return np.asarray(rgb), orientation


def _deep_samples(data: bytes) -> NDArray[np.generic]:
    """Samples (H, W, 1 or 3) RGB at full depth."""
    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise ValueError("damaged, or a kind of 16-bit or float picture that is not supported")
    if samples.ndim == 2:
        return samples[:, :, None]
    return samples[:, :, 2::-1] if samples.shape[2] >= 3 else samples[:, :, :1]


def _stretch(samples: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: linear between the 0.1 and 99.9 percentiles of all channels together, so that hues stay."""
    values = samples.astype(np.float32)
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (0.1, 99.9)) if finite.size else (0.0, 0.0)
    scale = 255 / (high - low) if high > low else 0.0
    stretched = np.clip((np.nan_to_num(values, nan=low) - low) * scale, 0, 255).round().astype(np.uint8)
    return np.broadcast_to(stretched, (*stretched.shape[:2], 3))


def _turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    swap, flip_rows, flip_columns = _UPRIGHT.get(orientation, (False, False, False))
    turned = pixels.swapaxes(0, 1) if swap else pixels
    return turned[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
