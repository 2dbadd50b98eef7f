"""Random views of labelled images: scale jitter, flips, colour, mosaic. Pure functions; all chance comes from an rng.

Scale jitter with a random crop, and padding only at the bottom and right, follow Tan, Pang & Le 2020 (inference pads
there too); the mosaic follows Bochkovskiy et al. 2020.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.boxes import Float32, Int64, area, clip
from detector.errors import OptionsError

MIN_VISIBLE = 0.4  # of an object's area: a sliver of it teaches the wrong extent
MIN_SIDE = 4.0  # px in the input: half a cell of the finest level
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


@dataclass(frozen=True)
class Augmentation:
    """What may happen to an image on its way into a batch; with (1, 1), False and 0 it is only fitted into the input.

    scale: the image's longer side, as a multiple of the input's side, is drawn evenly between these two.
    flip: mirror left and right, half of the time.
    photometric: how far brightness, contrast and saturation may stray (0.2: ± 20%), and hue (0.2: ± 6°).
    mosaic: the chance that four images share one input.
    any_orientation: turn and mirror in all 8 ways, `flip` or not: for microscopes, aerial pictures and the like.
    """

    scale: tuple[float, float] = (0.5, 1.5)
    flip: bool = True
    photometric: float = 0.2
    mosaic: float = 0.0
    any_orientation: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise OptionsError(f"Scale jitter cannot be {self.scale}: give two positive numbers, the smaller first.")
        if not 0 <= self.photometric <= 1 or not 0 <= self.mosaic <= 1:
            raise OptionsError("The photometric strength and the chance of a mosaic must lie in 0…1.")


@dataclass(frozen=True)
class LabelledImage:
    """An image in memory with its boxes: image (H, W, 3) uint8 RGB; boxes (N, 4) float32 xyxy in its pixels;
    labels (N,) int64 0-based channels; crowd (N,) bool, regions to ignore."""

    image: NDArray[np.uint8]
    boxes: Float32
    labels: Int64
    crowd: NDArray[np.bool_]


def resize(image: NDArray[np.uint8], factor: float) -> tuple[NDArray[np.uint8], Float32]:
    """The image (H, W, 3) scaled by `factor` to whole pixels, at least one, antialiased where it shrinks; and the
    exact ratios (4,) by which its xyxy boxes grow."""
    height, width = image.shape[:2]
    new_width, new_height = max(1, round(width * factor)), max(1, round(height * factor))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, (new_width, new_height), interpolation=interpolation)
    return np.asarray(resized, np.uint8), np.array([new_width / width, new_height / height] * 2, np.float32)


def crop(labelled: LabelledImage, x: int, y: int, *, width: int, height: int) -> LabelledImage:
    """The part from (x, y) on, at most width × height pixels, which shares the image's memory.

    Boxes are cut at its borders; those of which less than MIN_VISIBLE is left, or less than MIN_SIDE pixels a side, go.
    A crowd region stays while a pixel of it is left, since what would be there without it is background.
    """
    image = labelled.image[y : y + height, x : x + width]
    whole = labelled.boxes - np.array([x, y, x, y], np.float32)
    boxes = clip(whole, image.shape[1], image.shape[0])
    visible = labelled.crowd | (area(boxes) >= MIN_VISIBLE * area(whole))
    keep = visible & ((boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= np.where(labelled.crowd, 1, MIN_SIDE))
    return LabelledImage(image, boxes[keep], labelled.labels[keep], labelled.crowd[keep])


def orient(labelled: LabelledImage, symmetry: int) -> LabelledImage:
    """One of the square's 8 symmetries: bit 0 mirrors left and right, bit 1 up and down, then bit 2 swaps x and y."""
    image, boxes = labelled.image, labelled.boxes
    height, width = image.shape[:2]
    if symmetry & 1:
        image, boxes = image[:, ::-1], np.abs(boxes[:, [2, 1, 0, 3]] - np.array([width, 0, width, 0], np.float32))
    if symmetry & 2:
        image, boxes = image[::-1], np.abs(boxes[:, [0, 3, 2, 1]] - np.array([0, height, 0, height], np.float32))
    if symmetry & 4:
        image, boxes = image.swapaxes(0, 1), boxes[:, [1, 0, 3, 2]]
    return replace(labelled, image=image, boxes=boxes)


def colour_matrix(strength: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random change of hue, saturation, contrast and brightness as one affine map (3, 4) of RGB 0..255, so that
    nothing is rounded or cut off in between. Hue turns the chroma plane of YIQ, where grey stays grey."""
    contrast, saturation = 1 + rng.uniform(-strength, strength, 2)
    brightness, hue = rng.uniform(-strength, strength, 2) * (128, math.pi / 6)
    cosine, sine = saturation * math.cos(hue), saturation * math.sin(hue)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    matrix = contrast * np.linalg.inv(TO_YIQ) @ turn @ TO_YIQ
    return np.column_stack([matrix, np.full(3, 128 - contrast * 128 + brightness)])


def view(
    labelled: LabelledImage, options: Augmentation, rng: np.random.Generator, *, size: int, width: int, height: int
) -> LabelledImage:
    """A random view for a window of width × height pixels in a size × size input; smaller where the image ends."""
    symmetry = int(rng.integers(8)) if options.any_orientation else int(options.flip and rng.integers(2))
    if symmetry & 4:
        width, height = height, width
    image, ratios = resize(labelled.image, size / max(labelled.image.shape[:2]) * rng.uniform(*options.scale))
    x, y = (int(rng.integers(max(0, spare) + 1)) for spare in (image.shape[1] - width, image.shape[0] - height))
    part = crop(replace(labelled, image=image, boxes=labelled.boxes * ratios), x, y, width=width, height=height)
    part = orient(part, symmetry)
    if options.photometric == 0:
        return part
    image = cv2.transform(np.ascontiguousarray(part.image), colour_matrix(options.photometric, rng))
    return replace(part, image=np.asarray(image, np.uint8))


def compose(
    images: Sequence[LabelledImage],
    options: Augmentation,
    rng: np.random.Generator,
    *,
    size: int,
    fill: tuple[int, int, int],
) -> LabelledImage:
    """One size × size input: a random view of one image at the top left on `fill`, or of four around a random point.

    The colours of `fill` never change, since inference pads with exactly these.
    """
    windows = [(0, 0, size, size)]
    if len(images) > 1:
        across, down = (int(c) for c in rng.integers(size // 4, size - size // 4 + 1, 2))
        columns, rows = ((0, across), (across, size - across)), ((0, down), (down, size - down))
        windows = [(x, y, width, height) for y, height in rows for x, width in columns]
    canvas = np.empty((size, size, 3), np.uint8)
    canvas[:] = fill
    views = []
    for labelled, (x, y, width, height) in zip(images, windows, strict=True):
        part = view(labelled, options, rng, size=size, width=width, height=height)
        canvas[y : y + part.image.shape[0], x : x + part.image.shape[1]] = part.image
        views.append((part.boxes + np.array([x, y, x, y], np.float32), part.labels, part.crowd))
    boxes, labels, crowd = (np.concatenate(parts) for parts in zip(*views, strict=True))
    return LabelledImage(canvas, boxes, labels, crowd)
