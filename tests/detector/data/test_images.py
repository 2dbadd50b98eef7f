"""Every kind of picture file decodes to what a person would see, and whatever cannot be decoded says so by name."""

import io
import os
import struct
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from detector.data import images
from detector.errors import ImageError

pytestmark = pytest.mark.filterwarnings("error")  # above all ResourceWarning: no file stays open

PHOTOGRAPHS = Path(__file__).parents[4] / "shared" / "data" / "coco-person" / "val"

# Of orientation 1…8: the side of the picture where the stored rows begin, and where the columns do (EXIF 2.3, tag 274)
STORED_FROM = (
    "top left",
    "top right",
    "bottom right",
    "bottom left",
    "left top",
    "right top",
    "right bottom",
    "left bottom",
)


def picture(height: int = 24, width: int = 36) -> np.ndarray:
    """(H, W, 3) uint8 with a different smooth change in each direction and channel, so that no two corners agree."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x // width, 255 * y // height, 60 + 0 * x], axis=2).astype(np.uint8)


def stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """How a camera stores what is displayed as `pixels`, by the standard's table."""
    rows, columns = STORED_FROM[orientation - 1].split()
    if rows in ("left", "right"):
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(
        pixels[:: -1 if rows in ("bottom", "right") else 1, :: -1 if columns in ("bottom", "right") else 1]
    )


def exif_bytes(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def png_bytes(samples: np.ndarray, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG of (H, W, C) samples, uint8 or uint16, with ready chunks before and after the pixels."""
    height, width, channels = samples.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, samples.itemsize * 8, colour, 0, 0, 0)
    lines = b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples)
    chunks = (
        png_chunk(b"IHDR", header) + before + png_chunk(b"IDAT", zlib.compress(lines)) + after + png_chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff_bytes(
    samples: np.ndarray, *, photometric: int = 1, orientation: int = 1, order: str = "<", big: bool = False
) -> bytes:
    """An uncompressed TIFF (or BigTIFF) of (H, W, C) samples of any type, written by the book."""
    height, width, channels = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    offset, count, room = ("Q", "Q", 8) if big else ("I", "H", 4)
    depths, kinds = [samples.itemsize * 8] * channels, [{"u": 1, "i": 2, "f": 3}[samples.dtype.kind]] * channels
    values = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", depths), 259: ("H", [1]), 262: ("H", [photometric]),
        273: ("I", [0]), 274: ("H", [orientation]), 277: ("H", [channels]), 278: ("I", [height]),
        279: ("I", [len(data)]), 339: ("H", kinds),
    }  # fmt: skip
    mark = b"II" if order == "<" else b"MM"
    start = struct.pack(f"{order}2sHHHQ", mark, 43, 8, 0, 16) if big else struct.pack(f"{order}2sHI", mark, 42, 8)
    entry = f"{order}HH{offset}"
    pixels_at = len(start) + struct.calcsize(f"{order}{count}{offset}") + len(values) * (struct.calcsize(entry) + room)
    packed = {tag: struct.pack(f"{order}{len(numbers)}{kind}", *numbers) for tag, (kind, numbers) in values.items()}
    tail_at = pixels_at
    pixels_at += sum(len(raw) for raw in packed.values() if len(raw) > room)
    packed[273] = struct.pack(f"{order}I", pixels_at)
    body = tail = b""
    for tag, raw in packed.items():
        kind, numbers = values[tag]
        body += struct.pack(entry, tag, 3 if kind == "H" else 4, len(numbers))
        body += raw.ljust(room, b"\0") if len(raw) <= room else struct.pack(f"{order}{offset}", tail_at + len(tail))
        tail += raw if len(raw) > room else b""
    return start + struct.pack(f"{order}{count}", len(values)) + body + struct.pack(f"{order}{offset}", 0) + tail + data


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(folder: Path, content: bytes, name: str = "picture") -> np.ndarray:
    """What `decode` makes of the file, after checking what holds for every file."""
    path = folder / name
    path.write_bytes(content)
    pixels = images.decode(path)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    assert images.size(path) == (pixels.shape[1], pixels.shape[0])
    return pixels


def stretched(samples: np.ndarray) -> np.ndarray:
    """The rule for deep pictures, written down a second time: 0.1 % → 0, 99.9 % → 255."""
    samples = samples.astype(np.float64)
    low, high = np.percentile(samples, [0.1, 99.9])
    return np.interp(samples, [low, high], [0, 255])


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="needs the photographs of ../shared/data")
def test_photographs_are_bit_identical_to_pillow() -> None:
    for path in images.list_images(PHOTOGRAPHS)[:25]:
        with Image.open(path) as image:
            assert np.array_equal(images.decode(path), np.asarray(ImageOps.exif_transpose(image.convert("RGB")))), path


def shallow_kinds() -> dict[str, tuple[Image.Image, str, dict[str, object]]]:
    """Name → (image, format, options) of every 8-bit kind."""
    rgb = Image.fromarray(picture())
    palette = rgb.quantize(16)
    grey = rgb.convert("L")
    alpha = Image.linear_gradient("L").resize(rgb.size)
    rgba = Image.merge("RGBA", (*rgb.split(), alpha))
    grey_alpha = Image.merge("LA", (grey, alpha))
    return {
        "jpeg": (rgb, "JPEG", {}),
        "jpeg progressive": (rgb, "JPEG", {"progressive": True}),
        "jpeg grey": (grey, "JPEG", {}),
        "jpeg CMYK": (rgb.convert("CMYK"), "JPEG", {}),
        "png": (rgb, "PNG", {}),
        "png bits": (rgb.convert("1"), "PNG", {}),
        "png grey": (grey, "PNG", {}),
        "png grey alpha": (grey_alpha, "PNG", {}),
        "png alpha": (rgba, "PNG", {}),
        "png palette": (palette, "PNG", {"bits": 4}),
        "png palette, one colour transparent": (palette, "PNG", {"transparency": 3}),
        "png palette, colours translucent": (palette, "PNG", {"transparency": bytes(range(0, 160, 10))}),
        "png grey, one level transparent": (grey, "PNG", {"transparency": 60}),
        "png one colour transparent": (rgb, "PNG", {"transparency": (0, 0, 60)}),
        "bmp": (rgb, "BMP", {}),
        "bmp palette": (palette, "BMP", {}),
        "gif": (palette, "GIF", {}),
        "gif transparent": (palette, "GIF", {"transparency": 2}),
        "webp": (rgb, "WEBP", {}),
        "webp alpha": (rgba, "WEBP", {"lossless": True}),
        "tiff": (rgb, "TIFF", {}),
        "tiff lzw": (rgb, "TIFF", {"compression": "tiff_lzw"}),
        "tiff jpeg": (rgb, "TIFF", {"compression": "jpeg"}),
        "tiff bits": (rgb.convert("1"), "TIFF", {"compression": "group4"}),
        "tiff palette": (palette, "TIFF", {}),
        "tiff alpha": (rgba, "TIFF", {}),
        "tiff CMYK": (rgb.convert("CMYK"), "TIFF", {}),
        "tiff YCbCr": (rgb.convert("YCbCr"), "TIFF", {"compression": "tiff_lzw"}),
    }


@pytest.mark.parametrize("kind", shallow_kinds())
def test_an_8_bit_picture_is_what_pillow_converts(kind: str, tmp_path: Path) -> None:
    image, file_format, options = shallow_kinds()[kind]
    content = encoded(image, file_format, **options)
    with Image.open(io.BytesIO(content)) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(opened.convert("RGB"))
    pixels = decoded(tmp_path, content)
    assert np.array_equal(pixels, expected)
    if image.mode not in ("1", "L", "LA", "P"):  # and that is the picture itself, but for lossy compression
        assert np.abs(pixels.astype(int) - picture()).mean() < 8


def test_lab_is_converted_through_its_profile(tmp_path: Path) -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.fromarray(picture()), to_lab)
    assert lab is not None
    pixels = decoded(tmp_path, encoded(lab, "TIFF"))
    assert np.abs(pixels.astype(int) - picture()).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "PNG 16", "TIFF 16", "PNG late", "PNG text"])
def test_exif_orientation_is_applied(kind: str, orientation: int, tmp_path: Path) -> None:
    pixels = stored(picture(), orientation)
    chunk = png_chunk(b"eXIf", exif_bytes(orientation).removeprefix(b"Exif\0\0"))
    deep = pixels.astype(np.uint16) * 257
    text = png_chunk(b"iTXt", f'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="{orientation}"/>'.encode())
    make: dict[str, Callable[[], bytes]] = {
        "PNG 16": lambda: png_bytes(deep, before=chunk),
        "TIFF 16": lambda: tiff_bytes(deep, photometric=2, orientation=orientation),
        "PNG late": lambda: png_bytes(pixels, after=chunk),
        "PNG text": lambda: png_bytes(pixels, before=text),
    }
    options = {"exif": exif_bytes(orientation)} | ({"quality": 95} if kind in ("JPEG", "WEBP") else {})
    content = make[kind]() if kind in make else encoded(Image.fromarray(pixels), kind, **options)
    shown = decoded(tmp_path, content)
    assert shown.shape == picture().shape
    assert np.abs(shown.astype(int) - picture()).mean() < 4


def test_damaged_exif_does_not_hide_the_picture(tmp_path: Path) -> None:
    for exif in (b"Exif\0\0", b"Exif\0\0MM", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 40):
        assert np.array_equal(decoded(tmp_path, encoded(Image.fromarray(picture()), "PNG", exif=exif)), picture())


def deep_samples(dtype: str, channels: int) -> np.ndarray:
    """(40, 50, C) of a skewed distribution with outliers, so that percentiles differ from extremes."""
    values = np.random.default_rng(3).gamma(2, 900, (40, 50, channels))
    values[0, :3] = [[20_000], [25_000], [30_000]]
    return (values - (500 if np.dtype(dtype).kind != "u" else 0)).astype(dtype)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["u2", "i2", "u4", "i4", "f4", "f8"])
@pytest.mark.parametrize("variant", ["little", "big", "BigTIFF"])
def test_deep_tiffs_are_mapped_between_percentiles(variant: str, dtype: str, channels: int, tmp_path: Path) -> None:
    if dtype == "u4" and int(cv2.__version__.split(".")[0]) < 5:
        pytest.skip("OpenCV 4 reads no unsigned 32-bit TIFF: a clear error there")
    samples = deep_samples(dtype, channels)
    order = ">" if variant == "big" else "<"
    content = tiff_bytes(samples, photometric=1 if channels == 1 else 2, order=order, big=variant == "BigTIFF")
    assert np.abs(decoded(tmp_path, content) - stretched(samples)).max() <= 0.501


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_is_mapped_between_percentiles_without_its_alpha(channels: int, tmp_path: Path) -> None:
    samples = deep_samples("u2", channels)
    visible = samples[:, :, : 1 if channels < 3 else 3]
    assert np.abs(decoded(tmp_path, png_bytes(samples)) - stretched(visible)).max() <= 0.501


@pytest.mark.parametrize("compression", [5, 8, 32946])  # LZW, deflate
def test_compressed_deep_tiffs(compression: int, tmp_path: Path) -> None:
    samples = deep_samples("u2", 3)
    ok, content = cv2.imencode(".tif", samples[:, :, ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    assert ok
    assert np.abs(decoded(tmp_path, content.tobytes()) - stretched(samples)).max() <= 0.501


def test_deep_grey_whose_zero_is_white_is_inverted(tmp_path: Path) -> None:
    ramp = np.linspace(0, 60_000, 500).astype(np.uint16).reshape(10, 50, 1)
    pixels = decoded(tmp_path, tiff_bytes(ramp, photometric=0))
    assert np.abs(pixels - (255 - stretched(ramp))).max() <= 1


def test_signed_bytes_are_not_read_as_unsigned(tmp_path: Path) -> None:
    ramp = np.arange(-100, 100, dtype=np.int8).reshape(10, 20, 1)
    assert np.abs(decoded(tmp_path, tiff_bytes(ramp)) - stretched(ramp)).max() <= 0.501


def test_deep_cmyk_keeps_its_colours(tmp_path: Path) -> None:
    cmyk = np.zeros((6, 8, 4), np.uint16)
    cmyk[:, :4, 1:3] = 65535  # magenta and yellow are red
    pixels = decoded(tmp_path, tiff_bytes(cmyk, photometric=5))
    assert (pixels[0, 0].tolist(), pixels[0, 7].tolist()) == ([255, 0, 0], [255, 255, 255])


def test_nan_and_infinity_count_for_no_percentile(tmp_path: Path) -> None:
    samples = np.linspace(10, 20, 600, dtype=np.float32).reshape(20, 30, 1)
    spoilt = samples.copy()
    spoilt[0, 0], spoilt[0, 1], spoilt[0, 2] = np.nan, np.inf, -np.inf
    pixels = decoded(tmp_path, tiff_bytes(spoilt))
    assert pixels[0, :3, 0].tolist() == [0, 255, 0]
    low, high = np.percentile(samples.reshape(-1)[3:], [0.1, 99.9])
    assert np.abs(pixels[1:] - np.interp(samples[1:], [low, high], [0, 255])).max() <= 0.501


@pytest.mark.parametrize("value", [0, 7, 65535, np.nan, np.inf])
def test_a_constant_deep_picture_is_black(value: float, tmp_path: Path) -> None:
    samples = np.full((4, 6, 1), value, np.float32)
    pixels = decoded(tmp_path, tiff_bytes(samples))
    assert not pixels.any()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_the_first_of_several_frames_is_decoded(kind: str, tmp_path: Path) -> None:
    first, second = Image.new("RGB", (16, 12), "red"), Image.new("RGB", (16, 12), "blue")
    pixels = decoded(tmp_path, encoded(first, kind, save_all=True, append_images=[second]))
    assert np.abs(pixels.astype(int) - [255, 0, 0]).max() < 8


def promising(width: int, height: int) -> dict[str, bytes]:
    """Headers of pictures of that size, with hardly a pixel behind them; a GIF's sides end at 65,535."""
    png = bytearray(png_bytes(picture()))
    png[16:24] = struct.pack(">II", width, height)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    tiff = bytearray(tiff_bytes(picture(), photometric=2))
    tiff[18:22], tiff[30:34] = struct.pack("<I", width), struct.pack("<I", height)
    bmp = bytearray(encoded(Image.new("RGB", (8, 8)), "BMP"))
    bmp[18:26] = struct.pack("<ii", width, height)
    made = {"png": bytes(png), "tiff": bytes(tiff), "bmp": bytes(bmp)}
    if max(width, height) < 65_536:
        gif = bytearray(encoded(Image.new("P", (8, 8)), "GIF"))
        gif[6:10] = struct.pack("<HH", width, height)
        made["gif"] = bytes(gif)
    return made


@pytest.mark.parametrize("side", [20_000, 65_000, 100_000])
@pytest.mark.parametrize("kind", promising(9, 9))
def test_more_than_300_megapixels_are_refused_from_the_header(kind: str, side: int, tmp_path: Path) -> None:
    if kind == "gif" and side > 65_535:
        pytest.skip("no GIF can say so")
    path = tmp_path / f"huge.{kind}"
    path.write_bytes(promising(side, side)[kind])
    tracemalloc.start()
    began = time.process_time()
    assert images.size(path) == (side, side)
    with pytest.raises(ImageError, match=rf"huge\.{kind}: {side} × {side} pixels are more than the 300 megapixels"):
        images.decode(path)
    with pytest.raises(ImageError, match=rf"huge\.{kind}: {side} × {side} pixels"):
        images.decode_reduced(path, 64)
    assert time.process_time() - began < 0.5
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize("side", [9000, 65_000, 1 << 24])
def test_a_webp_with_a_giant_canvas_is_refused_at_once(side: int, tmp_path: Path) -> None:
    body = encoded(Image.fromarray(picture()), "WEBP")[12:]
    canvas = b"VP8X" + struct.pack("<II", 10, 2) + 2 * (side - 1).to_bytes(3, "little")
    path = tmp_path / "huge.webp"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(canvas + body) + 4) + b"WEBP" + canvas + body)
    began = time.process_time()
    for read in (images.size, images.decode):
        with pytest.raises(ImageError, match=r"huge\.webp"):
            read(path)
    assert time.process_time() - began < 0.5


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights on Windows")
def test_a_link_that_leads_nowhere_or_to_itself_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "circle.png").symlink_to("circle.png")
    (tmp_path / "dangling.png").symlink_to("gone.png")
    for name in ("circle.png", "dangling.png"):
        with pytest.raises(ImageError, match=rf"{name}: (there is no such file|cannot be decoded)"):
            images.decode(tmp_path / name)
    assert {path.name for path in images.find_images(tmp_path)} <= {"circle.png", "dangling.png"}  # told when opened


@pytest.mark.parametrize("name", ["n" * 300 + ".png", "folder/" * 1000 + "1.png"])
def test_a_path_longer_than_any_file_has_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"File name too long|no such file"):
        images.decode(tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends paths at 260 letters unless told otherwise")
def test_pictures_deep_down_in_long_folders_are_found_and_decoded(tmp_path: Path) -> None:
    folder, name = tmp_path, "n" * 200 + ".png"
    while len(os.fsencode(folder / ("ä" * 100) / name)) < os.pathconf(tmp_path, "PC_PATH_MAX"):
        folder /= "ä" * 100
    folder.mkdir(parents=True)
    Image.fromarray(picture()).save(folder / name)
    (found,) = images.list_images(tmp_path)
    assert images.decode(found).shape == picture().shape


def test_pillows_own_limit_neither_acts_nor_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(picture())
    paths = [tmp_path / f"{number}.{kind}" for number in range(8) for kind in ("png", "tif", "webp", "gif")]
    for path in paths:
        image.save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with ThreadPoolExecutor(8) as pool:
        shapes = {pixels.shape for pixels in pool.map(images.decode, paths)}
    assert shapes == {picture().shape}
    assert Image.MAX_IMAGE_PIXELS == 10


def damaged() -> dict[str, bytes]:
    whole = {
        kind: encoded(Image.fromarray(picture(90, 120)), kind) for kind in ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
    }
    whole["PNG 16"] = png_bytes(deep_samples("u2", 3))
    whole["TIFF 16"] = tiff_bytes(deep_samples("u2", 3), photometric=2)
    return {
        "empty": b"",
        "text": b"this is no picture\n" * 9,
        "zeros": bytes(500),
        "grey and alpha": tiff_bytes(deep_samples("u2", 2)),
        "5 bands": tiff_bytes(deep_samples("u2", 5)),
        "half floats": tiff_bytes(deep_samples("f2", 1)),
        **{
            f"{kind} cut at {part:.0%}": content[: int(len(content) * part)]
            for kind, content in whole.items()
            for part in (0.02, 0.5, 0.8)
        },
    }


@pytest.mark.parametrize("kind", damaged())
def test_what_cannot_be_decoded_is_an_error_with_the_files_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "Bäckerei 7.jpg"
    path.write_bytes(damaged()[kind])
    with pytest.raises(ImageError, match=r"Bäckerei 7\.jpg: .*cannot be decoded \(.{5,}\); .*remove") as raised:
        images.decode(path)
    assert "\n" not in str(raised.value)


def test_no_file_a_folder_and_a_pipe_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.png: there is no such file"):
        images.decode(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="no file but a folder"):
        images.size(tmp_path)
    with pytest.raises(ImageError, match="cannot be decoded"):
        images.decode(tmp_path / "a\0b.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ImageError, match=r"pipe\.png: is no file"):
            images.decode(tmp_path / "pipe.png")


def test_running_out_of_memory_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(picture()).save(tmp_path / "large.png")

    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "_shallow_pixels", refuse)
    with pytest.raises(ImageError, match=r"large\.png: does not fit into"):
        images.decode(tmp_path / "large.png")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")  # Pillow's warnings about damage
def test_whatever_bytes_a_file_holds_there_is_a_picture_or_an_error(data: st.DataObject, tmp_path: Path) -> None:
    kinds = ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"]
    kind = data.draw(st.sampled_from([*kinds, "PNG 16", "TIFF 16"]))
    make = {"PNG 16": lambda: png_bytes(deep_samples("u2", 3)), "TIFF 16": lambda: tiff_bytes(deep_samples("f4", 1))}
    content = bytearray(make[kind]() if kind in make else encoded(Image.fromarray(picture()), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, min(len(content) - 1, 300)))  # mostly in the headers
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzzed"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        pixels = images.decode(path)
    except ImageError:
        return
    assert pixels.shape == (*images.size(path)[::-1], 3)


@pytest.mark.parametrize("name", ["Übung ß.png", "写真 1.png", "снимок.png", "🦝.png", "a'b\"c.png", "%41 #1.png"])
@pytest.mark.parametrize("deep", [False, True])
def test_any_file_name_decodes(name: str, deep: bool, tmp_path: Path) -> None:
    samples = picture().astype(np.uint16 if deep else np.uint8)
    assert decoded(tmp_path, png_bytes(samples), name).shape == picture().shape


def test_size_reads_no_pixels(tmp_path: Path) -> None:
    for kind in ("JPEG", "PNG", "BMP", "GIF", "TIFF"):
        content = encoded(Image.fromarray(picture(300, 400)), kind)
        if kind != "TIFF":  # whose header may come last
            content = content[: len(content) // 2]
        path = tmp_path / kind
        path.write_bytes(content)
        assert images.size(path) == (400, 300)


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def listed(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in images.list_images(root)]


def test_pictures_are_listed_in_natural_order_below_the_folder(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "img10.jpg",
        "img2.JPG",
        "IMG1.png",
        "b/1.tif",
        "b/c/2.TIFF",
        "a12/x.webp",
        "a2/x.gif",
        "0.bmp",
        "é.jpeg",
    )
    touch(
        tmp_path,
        "notes.txt",
        "labels.json",
        "jpg",
        ".hidden.jpg",
        "._img2.JPG",
        ".git/x.jpg",
        ".efficientdet-studio/t.png",
    )
    assert listed(tmp_path) == [
        "0.bmp", "a2/x.gif", "a12/x.webp", "b/1.tif", "b/c/2.TIFF", "IMG1.png", "img2.JPG", "img10.jpg", "é.jpeg",
    ]  # fmt: skip


def test_numbers_written_alike_are_ordered_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "1.jpg", "01.jpg", "001.jpg", "1a.jpg", "a1b2.jpg", "a1b10.jpg")
    assert listed(tmp_path) == ["001.jpg", "01.jpg", "1.jpg", "1a.jpg", "a1b2.jpg", "a1b10.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights on Windows")
def test_links_are_followed_once_and_never_in_circles(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    touch(project, "own/1.jpg")
    touch(elsewhere, "deep/2.jpg")
    (project / "again").symlink_to(project / "own")
    (project / "own" / "up").symlink_to(project)
    (project / "linked").symlink_to(elsewhere)
    (project / "linked twice").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(tmp_path)
    (elsewhere / "circle").symlink_to(elsewhere)
    assert sorted(path.name for path in images.list_images(project)) == ["1.jpg", "2.jpg"]
    assert "own/1.jpg" in listed(project)


def test_no_folder_and_no_picture_are_errors(tmp_path: Path) -> None:
    touch(tmp_path, "labels.json")
    with pytest.raises(ImageError, match="holds no picture"):
        images.list_images(tmp_path)
    for path in (tmp_path / "gone", tmp_path / "labels.json"):
        with pytest.raises(ImageError, match=f"{path.name}: there is no such folder"):
            images.list_images(path)


def test_many_names_of_a_folder_come_in_natural_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "AT_ONCE", 16)
    names = [f"{letter}{number}{suffix}" for letter in "bA c" for number in range(60) for suffix in (".png", ".JPG")]
    for name in names:
        (tmp_path / name).touch()
    found = [path.name for path in images.find_images(tmp_path)]
    assert found == sorted(names, key=images.natural_key)
    assert len(found) == 480
