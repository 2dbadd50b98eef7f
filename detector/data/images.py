"""The one way from a picture file to pixels, for canvas, inference and training: upright RGB uint8."""

import os
import re
import stat
import struct
from bisect import bisect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from detector.errors import ImageError

MAX_PIXELS = 300_000_000
AT_ONCE = 2000  # names that are sorted at once, about
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
_JPEG_START = b"\xff\xd8"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_TIFF_STARTS = (b"II\x2a\x00", b"MM\x00\x2a", b"II\x2b\x00", b"MM\x00\x2b")  # the latter two are BigTIFF
_ORIENTATION = 0x0112  # the EXIF and TIFF tag
_AS_STORED = (False, False, False)
# EXIF orientation → (swap rows and columns, then flip rows, then flip columns)
_TURNS = {
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
    """What a file says before its pixels: its size as displayed, and what is left to do to the decoded samples."""

    width: int
    height: int
    orientation: int  # EXIF's, 1 where the decoder applies it by itself
    deep: bool  # more than 8 bits a sample, or signed
    zero_is_white: bool = False


def decode(path: Path) -> NDArray[np.uint8]:
    """The picture (H, W, 3) RGB uint8 as displayed, C-contiguous and writable; of several frames the first.

    8-bit pictures are exactly what Pillow's `convert("RGB")` gives, which is what the reference sees; deeper ones are
    mapped linearly between their 0.1 and 99.9 percentiles. Raises ImageError for whatever cannot be decoded.
    """
    with _reading(path) as file:
        header = _header(file)
        if header.width * header.height > MAX_PIXELS:
            raise ImageError(
                f"{path}: {header.width} × {header.height} pixels are more than the {MAX_PIXELS // 1_000_000} "
                "megapixels that are read; scale it down or cut it into tiles."
            )
        pixels = _deep_pixels(file, header.zero_is_white) if header.deep else _shallow_pixels(file)
        return np.array(_turn_upright(pixels, header.orientation), order="C")


def decode_reduced(path: Path, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """As `decode`, with width and height as displayed. Of a JPEG whose longer side is at least twice as long as `side`
    the pixels are a copy of a half, a quarter or an eighth of the size, not below `side`, which is quicker to decode.
    """
    with _reading(path) as file:
        if file.read(2) == _JPEG_START and (reduced := _reduced_jpeg(file, side)):
            return reduced
    pixels = decode(path)
    return pixels, (pixels.shape[1], pixels.shape[0])


def size(path: Path) -> tuple[int, int]:
    """Width and height as displayed, read from the header alone. Raises ImageError."""
    with _reading(path) as file:
        header = _header(file)
        return header.width, header.height


def size_and_turn(path: Path) -> tuple[tuple[int, int], int]:
    """As `size`, with the EXIF orientation (1–8) that the picture is turned by; 1 where a decoder knows of none."""
    with _reading(path) as file:
        header = _header(file)
        return (header.width, header.height), header.orientation


def list_images(folder: Path) -> list[Path]:
    """Every picture file below a folder, in natural order (2 before 10). Raises ImageError as `find_images` does, and
    where there is no picture.
    """
    found = list(find_images(folder))
    if not found:
        raise ImageError(f"{folder}: holds no picture; the names of pictures end in {', '.join(SUFFIXES)}.")
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def find_images(folder: Path) -> Iterator[Path]:
    """The picture files below a folder, told by their suffixes, folder by folder as they are read; hidden ones are left
    out.

    Symbolic links out of the folder are followed, each place once. Raises ImageError where there is no such folder.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: there is no such folder; check the path.")
    root = Path(os.path.realpath(folder))
    entered = {root}

    def is_new(subfolder: str) -> bool:
        place = Path(os.path.realpath(subfolder))
        if place in entered or (os.path.islink(subfolder) and place.is_relative_to(root)):
            return False
        entered.add(place)
        return True

    for parent, folders, files in os.walk(folder, followlinks=True):
        shown = [name for name in folders if name[0] != "." and is_new(os.path.join(parent, name))]
        folders[:] = sorted(shown, key=_natural_part)
        yield from (Path(parent, name) for name in _in_order(filter(_is_image_name, files)))


def holds_image(folder: Path) -> bool:
    """Whether `find_images` would find one; folders of many thousands are not read to the end for it."""
    with suppress(OSError), os.scandir(folder) as entries:
        if any(_is_image_name(entry.name) and entry.is_file() for entry in entries):
            return True
    return next(find_images(folder), None) is not None


def natural_key(path: str) -> str:
    """What to sort relative POSIX paths by: folder by folder, numbers by their value, letters whatever their case."""
    return "".join(map(_natural_part, path.split("/")))


def _is_image_name(name: str) -> bool:
    return name[0] != "." and name.lower().endswith(SUFFIXES)


def _in_order(names: Iterable[str]) -> Iterator[str]:
    """Names sorted group by group: one sort of 100,000 would hold up all threads, the window's too, for 0.1 s."""
    keys = {name: _natural_part(name) for name in names}
    borders = sorted(islice(keys.values(), 0, None, AT_ONCE // 8))[8::8]  # of groups, told from a sample
    groups: list[list[str]] = [[] for _ in range(len(borders) + 1)]
    for name, key in keys.items():
        groups[bisect(borders, key)].append(name)
    for group in groups:
        yield from sorted(group, key=keys.pop)  # 100,000 keys are not needed any longer than that


def _natural_part(name: str) -> str:
    """Text and numbers in turn, letters whatever their case; the exact name decides between equals.

    One string, since 100,000 lists would take their memory and time. NUL, which no name has, ends each text, so that
    shorter ones come first; a number begins with how many digits it has, so that 2 comes before 10.
    """
    parts = re.split(r"([0-9]+)", name.casefold())
    for place in range(1, len(parts), 2):
        digits = parts[place].lstrip("0")
        parts[place] = f"\0{chr(len(digits) + 1)}{digits}"
    return f"{''.join(parts)}\0\0{name}\0"


class _PillowLimit:
    """Lifts Pillow's process-wide limit of size while any thread reads here, then restores it: `decode` has its own."""

    def __init__(self) -> None:
        self._lock, self._readers, self._saved = Lock(), 0, Image.MAX_IMAGE_PIXELS

    def __enter__(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._saved, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                Image.MAX_IMAGE_PIXELS = self._saved


_no_pillow_limit = _PillowLimit()


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """The open file; whatever goes wrong while it is read becomes an ImageError that names it."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait forever
            raise ImageError(f"{path}: is no file but a folder or a device; name a picture.")
        with open(path, "rb") as file, _no_pillow_limit:
            yield file
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file; check the path.") from error
    except PermissionError as error:
        raise ImageError(f"{path}: may not be read; change its permissions.") from error
    except MemoryError as error:
        raise ImageError(f"{path}: does not fit into this computer's memory; scale it down.") from error
    except Exception as error:  # on damaged files decoders raise nearly anything: OSError, SyntaxError, IndexError, …
        reason = "damaged, or no JPEG, PNG, BMP, GIF, WebP or TIFF"
        if not isinstance(error, Image.UnidentifiedImageError):
            reason = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
        raise ImageError(f"{path}: cannot be decoded ({reason}); replace, convert or remove the file.") from error


def _header(file: BinaryIO) -> _Header:
    start = file.read(32)
    if not start:
        raise ValueError("the file is empty")
    if start.startswith(_TIFF_STARTS):
        return _tiff_header(file, start)
    with Image.open(file, formats=_FORMATS) as image:
        orientation = _orientation(image, file)
        deep = start.startswith(_PNG_START) and start[24] == 16
        return _Header(*_displayed_size(image.width, image.height, orientation), orientation, deep)


def _tiff_header(file: BinaryIO, start: bytes) -> _Header:
    """From the tags themselves: Pillow opens only some of the deep TIFFs, and several at 8 bits."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(start[: 16 if 43 in start[2:4] else 8])
    file.seek(tags.next)
    tags.load(file)
    stored = tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH]
    width, height = _displayed_size(*stored, tags.get(_ORIENTATION, 1))
    photometric = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 0)
    unsigned = set(tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))) <= {1}
    deep = max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))) > 8 or not unsigned
    # Both decoders turn a TIFF upright by themselves. Deep CMYK and LAB are left to Pillow.
    return _Header(width, height, 1, deep and photometric in (0, 1, 2), zero_is_white=photometric == 0)


def _displayed_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    return (height, width) if _TURNS.get(orientation, _AS_STORED)[0] else (width, height)


def _orientation(image: Image.Image, file: BinaryIO) -> int:
    """The EXIF orientation, 1 where there is none or it is damaged; no pixel is decoded for it."""
    try:
        if image.format == "PNG" and "exif" not in image.info:
            image.info["exif"] = _late_exif(file)  # else getexif decodes all pixels to come by it
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF raises nearly anything, and the picture is still worth showing
        return 1


def _late_exif(file: BinaryIO) -> bytes | None:
    """The EXIF chunk of a PNG, wherever it is: writers may put it behind the pixels."""
    file.seek(len(_PNG_START))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            return file.read(length)
        file.seek(length + 4, os.SEEK_CUR)
    return None


def _shallow_pixels(file: BinaryIO) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) RGB of a picture of up to 8 bits a sample."""
    with Image.open(file, formats=_FORMATS) as image:
        return _rgb(image)


def _reduced_jpeg(file: BinaryIO, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]] | None:
    """See `decode_reduced`; None for a JPEG that is not large enough, or too large."""
    with Image.open(file, formats=("JPEG",)) as image:
        longer = max(image.size)
        if longer < 2 * side or image.width * image.height > MAX_PIXELS:
            return None
        orientation = _orientation(image, file)
        displayed = _displayed_size(image.width, image.height, orientation)
        image.draft("RGB", (-(-side * image.width // longer), -(-side * image.height // longer)))
        return np.array(_turn_upright(_rgb(image), orientation), order="C"), displayed


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    image.info.pop("transparency", None)  # else Pillow warns about some palettes
    # Alpha is dropped, not composited: the reference does so, and the pixels must not depend on who decodes.
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    swap, flip_rows, flip_columns = _TURNS.get(orientation, _AS_STORED)
    turned = pixels.swapaxes(0, 1) if swap else pixels
    return turned[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _deep_pixels(file: BinaryIO, zero_is_white: bool) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) RGB of a 16-bit or float picture; by OpenCV, since Pillow cuts 16-bit colour down to 8 bits."""
    file.seek(0)
    samples = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype == np.uint8:  # OpenCV gives grey with alpha as 8 bits of nothing
        raise ValueError("damaged, or of a kind of 16-bit or float samples that is not supported")
    if samples.ndim == 3:
        samples = samples[:, :, 2::-1]  # BGR or BGRA → RGB
    stretched = _stretch(np.atleast_3d(samples))
    pixels = 255 - stretched if zero_is_white else stretched
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _stretch(samples: NDArray[np.number]) -> NDArray[np.uint8]:
    """Samples (H, W, C) → uint8, linear between the 0.1 and 99.9 percentiles of all channels together: hues stay.

    NaN and infinite samples count for no percentile; NaN becomes 0. A constant picture becomes 0.
    """
    finite = samples[np.isfinite(samples)] if samples.dtype.kind == "f" else samples
    low, high = map(float, np.percentile(finite, (0.1, 99.9))) if finite.size else (0.0, 0.0)
    scale = 255 / (high - low) if high > low else 0.0
    stretched = np.empty(samples.shape, np.uint8)
    for target, row in zip(stretched, samples, strict=True):  # by rows: the whole picture as float64 would be huge
        values = np.nan_to_num(row.astype(np.float64), nan=low, posinf=high, neginf=low)
        target[:] = (np.clip(values, low, high) - low) * scale + 0.5
    return stretched
