"""A photograph becomes network input: resized with its aspect kept, then padded at the right and at the bottom."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detector.inference.tiles import Window
from detector.model.info import ModelInfo
from detector.model.variants import find_variant

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Prepared:
    """One image as network input: pixels (H, W, 3) RGB uint8.

    An input coordinate times `scale` is an image coordinate; the image itself has width × height pixels.
    """

    pixels: Pixels
    scale: float
    width: int
    height: int


def prepare(image: Pixels, info: ModelInfo, *, exact: bool, displayed: tuple[int, int] | None = None) -> Prepared:
    """An image (H, W, 3) RGB uint8 as input for the model that `info` describes.

    displayed: width and height of the picture itself, where the pixels are a reduced copy of it.

    Exact: the reference's square of `info.image_size`, to the bit. Otherwise the smallest rectangle around the resized
    image that fits the variant's stride: the same picture, fewer pixels to compute.
    """
    width, height = displayed or (image.shape[1], image.shape[0])
    size = info.image_size
    ratio = min(size / height, size / width)
    # The reference truncates: a width of 197 px becomes 511, not 512. Where that gives 0, it fails; we keep one pixel.
    inner = max(1, int(height * ratio)), max(1, int(width * ratio))
    resized = (_pillow_bilinear if exact else _resized)(image, *inner)
    stride = size if exact else find_variant(info.variant).stride
    return Prepared(_padded(resized, info, stride), 1 / ratio, width, height)


def prepare_tile(image: Pixels, tile: Window, info: ModelInfo) -> Prepared:
    """A part of an image (H, W, 3) RGB uint8 as input, not resized; where nothing is to be padded, a view of it."""
    part = image[tile.top : tile.bottom, tile.left : tile.right]
    pixels = _padded(part, info, find_variant(info.variant).stride)
    return Prepared(pixels, 1.0, part.shape[1], part.shape[0])


def _padded(image: Pixels, info: ModelInfo, stride: int) -> Pixels:
    """The image, with fill at its right and bottom up to multiples of the stride."""
    height, width = (-(-side // stride) * stride for side in image.shape[:2])
    if image.shape[:2] == (height, width):
        return image
    pixels = np.full((height, width, 3), info.normalisation.fill, np.uint8)
    pixels[: image.shape[0], : image.shape[1]] = image
    return pixels


def _pillow_bilinear(image: Pixels, height: int, width: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _resized(image: Pixels, height: int, width: int) -> Pixels:
    """As Pillow's, off by two levels of 255 at most: where pictures grow, OpenCV has the same filter and is
    quicker; where they shrink, it has none.
    """
    if height < image.shape[0] or width < image.shape[1]:
        return _pillow_bilinear(image, height, width)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
