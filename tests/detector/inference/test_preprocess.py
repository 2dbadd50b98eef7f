"""Exact input is the reference's to the bit; the default input is the same picture with less padding."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from effdet.data.transforms import transforms_coco_eval
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from detector.inference.preprocess import prepare
from detector.model.info import ADVPROP, IMAGENET, ModelInfo

D0 = ModelInfo("d0", 512, ("thing",), (1,))
Pixels = NDArray[np.uint8]


def reference(image: Pixels, info: ModelInfo) -> tuple[Pixels, float]:
    """effdet's evaluation transform: square pixels (H, W, 3), and image pixels per input pixel."""
    fill = "mean" if info.normalisation == IMAGENET else info.normalisation.fill
    transform = transforms_coco_eval(info.image_size, use_prefetcher=True, fill_color=fill)
    pixels, annotation = transform(Image.fromarray(image), {})
    return np.moveaxis(pixels, 0, 2), annotation["img_scale"]


def assert_exact(image: Pixels, info: ModelInfo = D0) -> None:
    prepared, (pixels, scale) = prepare(image, info, exact=True), reference(image, info)
    assert prepared.pixels.dtype == np.uint8
    np.testing.assert_array_equal(prepared.pixels, pixels)
    assert (prepared.scale, prepared.width, prepared.height) == (scale, image.shape[1], image.shape[0])


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(width * 10_007 + height).integers(0, 256, (height, width, 3), np.uint8)


def photographs(folder: Path, count: int) -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in sorted((folder / "coco-person" / "val").iterdir())[:count]]


def test_photographs_are_prepared_exactly_as_the_reference_does(shared_data: Path) -> None:
    for photograph in photographs(shared_data, 25):
        assert_exact(np.asarray(photograph))


@pytest.mark.parametrize("width", [1500, 2048, 2751, 3333, 4000])
def test_large_photographs_are_prepared_exactly_as_the_reference_does(shared_data: Path, width: int) -> None:
    for photograph in photographs(shared_data, 2):
        enlarged = photograph.resize((width, photograph.height * width // photograph.width), Image.Resampling.BICUBIC)
        assert_exact(np.asarray(enlarged))


@pytest.mark.parametrize("side", [101, 197, 202, 394, 411, 415, 789])
@pytest.mark.parametrize("other", [1.0, 0.73, 0.11])
def test_truncation_is_the_references_in_both_directions(side: int, other: float) -> None:
    short = int(side * other)
    assert_exact(noise(side, short))
    assert_exact(noise(short, side))


def test_a_width_of_197_fills_511_columns_only() -> None:
    prepared = prepare(np.full((100, 197, 3), 255, np.uint8), D0, exact=True)
    assert (prepared.pixels[0, 510] == 255).all()
    assert tuple(prepared.pixels[0, 511]) == IMAGENET.fill


@pytest.mark.parametrize("variant", ["d1", "d7x"])
def test_other_sizes_and_normalisations_are_the_references(variant: str) -> None:
    size = {"d1": 640, "d7x": 1536}[variant]
    assert_exact(noise(333, 200), ModelInfo(variant, size, ("thing",), (1,), normalisation=ADVPROP))


@pytest.mark.parametrize(("width", "height"), [(384, 288), (640, 427), (427, 640), (1600, 1200), (3000, 4000)])
def test_the_default_is_the_same_picture_in_the_smallest_rectangle_that_fits(width: int, height: int) -> None:
    image = noise(width, height)
    default, exact = prepare(image, D0, exact=False), prepare(image, D0, exact=True)
    inner_height, inner_width = int(height * (512 / max(width, height))), int(width * (512 / max(width, height)))
    assert default.pixels.shape == (-(-inner_height // 128) * 128, -(-inner_width // 128) * 128, 3)
    assert (default.scale, default.width, default.height) == (exact.scale, width, height)
    inner = np.s_[:inner_height, :inner_width]
    assert np.abs(default.pixels[inner].astype(int) - exact.pixels[inner]).max() <= 2
    for padding in (default.pixels[inner_height:], default.pixels[:, inner_width:]):
        assert (padding == IMAGENET.fill).all()


@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    variant=st.sampled_from(["d0", "d7x"]),
    size=st.sampled_from([256, 512]),
)
@settings(max_examples=60)
def test_any_size_becomes_a_valid_input(width: int, height: int, variant: str, size: int) -> None:
    info = ModelInfo(variant, size, ("thing",), (1,))
    prepared = prepare(np.zeros((height, width, 3), np.uint8), info, exact=False)
    stride = 256 if variant == "d7x" else 128
    rows, columns = prepared.pixels.shape[:2]
    assert rows % stride == columns % stride == 0
    assert max(rows, columns) == size
    for side, inner in ((rows, height / prepared.scale), (columns, width / prepared.scale)):
        assert inner - 1 < side < inner + stride + 1  # no whole pixel is cut off, and none is padded without need
    assert prepare(np.zeros((height, width, 3), np.uint8), info, exact=True).pixels.shape == (size, size, 3)


@pytest.mark.parametrize("exact", [True, False])
def test_arrays_of_any_layout_are_read_as_they_look_and_left_alone(exact: bool) -> None:
    image = noise(300, 200)
    expected = prepare(image.copy(), D0, exact=exact).pixels
    read_only = image.copy()
    read_only.flags.writeable = False
    mirrored, transposed = image[:, ::-1].copy()[:, ::-1], image.swapaxes(0, 1).copy().swapaxes(0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for layout in (read_only, mirrored, transposed):
            np.testing.assert_array_equal(prepare(layout, D0, exact=exact).pixels, expected)
    np.testing.assert_array_equal(image, noise(300, 200))


def test_input_size_follows_the_model_not_the_variant() -> None:
    assert prepare(noise(300, 200), dataclasses.replace(D0, image_size=256), exact=False).pixels.shape == (256, 256, 3)
