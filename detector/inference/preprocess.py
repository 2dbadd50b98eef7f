"""A photograph becomes network input: resized with its aspect kept, then padded at the right and at the bottom."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
    stride = size if exact else find_variant(info.variant).stride
    pixels = np.full((*(-(-side // stride) * stride for side in inner), 3), info.normalisation.fill, np.uint8)
    pixels[: inner[0], : inner[1]] = (_pillow_bilinear if exact else _resized)(image, *inner)
    return Prepared(pixels, 1 / ratio, width, height)


def _pillow_bilinear(image: Pixels, height: int, width: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _resized(image: Pixels, height: int, width: int) -> Pixels:
    """As Pillow's, off by two levels of 255 at most: where pictures grow, OpenCV has the same filter and is
    quicker; where they shrink, it has none.
    """
    if height < image.shape[0] or width < image.shape[1]:
        return _pillow_bilinear(image, height, width)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
