import effdet
import pytest
import torch
from effdet.anchors import Anchors, decode_box_outputs
from torch import Tensor

from detector.model.anchors import anchor_boxes, decode, encode
from detector.model.variants import VARIANTS

COUNTS = {
    "d0": 49_104,
    "d1": 76_725,
    "d2": 110_484,
    "d3": 150_381,
    "d4": 196_416,
    "d5": 306_900,
    "d6": 306_900,
    "d7": 441_936,
    "d7x": 442_260,
}
YXYX = [1, 0, 3, 2]


def reference_anchors(name: str, height: int, width: int) -> Tensor:
    config = effdet.get_efficientdet_config(f"tf_efficientdet_{name}")
    config.image_size = (height, width)
    return Anchors.from_config(config).get_buffer("boxes")[:, YXYX]


@pytest.mark.parametrize("name", VARIANTS)
def test_anchors_are_the_reference_s_to_the_last_bit(name: str) -> None:
    size = VARIANTS[name].image_size
    ours = anchor_boxes(VARIANTS[name], size, size)
    assert ours.shape == (COUNTS[name], 4)
    assert torch.equal(ours, reference_anchors(name, size, size))


@pytest.mark.parametrize(("name", "height", "width"), [("d0", 384, 640), ("d1", 640, 128), ("d7x", 256, 768)])
def test_anchors_of_a_rectangle_are_the_reference_s(name: str, height: int, width: int) -> None:
    assert torch.equal(anchor_boxes(VARIANTS[name], height, width), reference_anchors(name, height, width))


def some_regressions(count: int) -> Tensor:
    return torch.randn(2, count, 4, generator=torch.Generator().manual_seed(0))


def test_decoding_is_the_reference_s() -> None:
    anchors = anchor_boxes(VARIANTS["d0"], 128, 256)
    regressions = some_regressions(len(anchors))
    expected = [decode_box_outputs(image, anchors[:, YXYX], output_xyxy=True) for image in regressions]
    torch.testing.assert_close(decode(regressions, anchors), torch.stack(expected), rtol=1e-6, atol=1e-4)


def test_encoding_is_the_inverse_of_decoding() -> None:
    anchors = anchor_boxes(VARIANTS["d0"], 128, 256).double()
    regressions = some_regressions(len(anchors)).double()
    torch.testing.assert_close(encode(decode(regressions, anchors), anchors), regressions, rtol=1e-9, atol=1e-9)


def test_a_box_equal_to_its_anchor_has_no_regression() -> None:
    anchors = anchor_boxes(VARIANTS["d0"], 128, 128)
    assert encode(anchors, anchors).abs().max() < 1e-5
