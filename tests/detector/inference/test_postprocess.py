"""Detections from raw outputs: what a plain slow reference finds, and effdet; broken outputs break nothing."""

import math
from collections.abc import Collection

import effdet
import numpy as np
import pytest
import torch
from effdet.anchors import Anchors
from effdet.bench import _batch_detection, _post_process
from torch import Tensor

from detector.boxes import Detections, Float32, clip, iou
from detector.inference.postprocess import DETECTIONS, detections, suppress
from detector.inference.preprocess import Prepared
from detector.model.anchors import anchor_boxes
from detector.model.variants import VARIANTS

NARROW = Prepared(np.zeros((128, 128, 3), np.uint8), 2.5, 320, 201)
WIDE = Prepared(np.zeros((128, 128, 3), np.uint8), 0.75, 40, 96)
ANCHORS = anchor_boxes(VARIANTS["d0"], 128, 128)
Outputs = tuple[Tensor, Tensor]


def random_outputs(seed: int, images: int, *, anchors: int = len(ANCHORS), channels: int = 5) -> Outputs:
    """Logits between −8 and 2, no two alike in an image, and regressions that move boxes by about their size."""
    rng = np.random.default_rng(seed)
    values = np.linspace(-8, 2, anchors * channels, dtype=np.float32)
    logits = np.stack([rng.permutation(values).reshape(anchors, channels) for _ in range(images)])
    return torch.from_numpy(logits), torch.from_numpy(rng.normal(0, 0.4, (images, anchors, 4)).astype(np.float32))


def slow_detections(
    logits: Float32, codes: Float32, image: Prepared, *, channels: Collection[int], floor: float, exact: bool
) -> Detections:
    """One image's detections, pair by pair: the definition."""
    sound = ~(np.isnan(logits) | np.isposinf(logits)).any(1)
    considered = range(logits.shape[1]) if exact else channels
    pairs = [
        (logits[a, c], a, c) for a in range(len(logits)) for c in considered if sound[a] and logits[a, c] > -math.inf
    ]
    if not exact:
        pairs = [pair for pair in pairs if 1 / (1 + math.exp(-pair[0])) >= floor]
    pairs = sorted(pairs, reverse=True)[:5000]

    kept: list[tuple[Float32, float, int, int]] = []
    for logit, a, c in pairs:
        box = slow_decode(codes[a], ANCHORS[a].numpy())
        if not np.isfinite([*codes[a], *box]).all():
            continue
        box = clip(box[None], image.width / image.scale, image.height / image.scale)
        empty = box[0, 0] >= box[0, 2] or box[0, 1] >= box[0, 3]
        rivals = [other for other, _, channel, _ in kept if channel == c]
        if not (empty and not exact) and all(iou(box, np.stack(rivals)).ravel() <= 0.5 if rivals else ()):
            kept.append((box[0], 1 / (1 + math.exp(-logit)), c, a))
        if len(kept) == 100:
            break
    kept = [row for row in kept if row[1] >= floor and row[2] in channels]
    boxes = np.array([box * image.scale for box, *_ in kept], np.float32).reshape(-1, 4)
    return Detections(boxes, *(np.array([row[i] for row in kept]) for i in (1, 2, 3)))


def slow_decode(code: Float32, anchor: Float32) -> Float32:
    """ty, tx, th, tw against an anchor → x1, y1, x2, y2."""
    x1, y1, x2, y2 = anchor
    ty, tx, th, tw = code
    with np.errstate(over="ignore", invalid="ignore"):
        x, y = tx * (x2 - x1) + (x1 + x2) / 2, ty * (y2 - y1) + (y1 + y2) / 2
        w, h = np.exp(tw) * (x2 - x1), np.exp(th) * (y2 - y1)
        return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2], np.float32)


def assert_same(found: Detections, expected: Detections) -> None:
    assert found.anchors.tolist() == expected.anchors.tolist()
    assert found.channels.tolist() == expected.channels.tolist()
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=2e-3)


def assert_as_slow(
    outputs: Outputs, images: list[Prepared], *, channels: Collection[int], floor: float, exact: bool
) -> None:
    found = detections(outputs, ANCHORS[: outputs[0].shape[1]], images, channels=channels, floor=floor, exact=exact)
    assert len(found) == len(images)
    for logits, codes, image, result in zip(*outputs, images, found, strict=True):
        expected = slow_detections(logits.numpy(), codes.numpy(), image, channels=channels, floor=floor, exact=exact)
        assert_same(result, expected)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(("channels", "floor"), [((0, 1, 2, 3, 4), 0.001), ((1, 3), 0.05), ((2,), 0.0), ((0, 4), 0.6)])
def test_detections_are_those_of_the_definition(
    seed: int, exact: bool, channels: tuple[int, ...], floor: float
) -> None:
    assert_as_slow(random_outputs(seed, 2), [NARROW, WIDE], channels=channels, floor=floor, exact=exact)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("anchors", [1, 7, 300])
def test_fewer_pairs_than_candidates(anchors: int, exact: bool) -> None:
    outputs = random_outputs(5, 2, anchors=anchors)
    assert_as_slow(outputs, [WIDE, NARROW], channels=(0, 2), floor=0.001, exact=exact)


@pytest.mark.parametrize("exact", [True, False])
def test_5000_pairs_compete_and_no_more(exact: bool) -> None:
    anchors = torch.tensor([[0.0, 0, 50, 50]]).repeat(5001, 1)
    anchors[4999:] += torch.tensor([[60.0], [75]])  # the only boxes that the first does not suppress
    outputs = torch.linspace(4, -2, 5001).view(1, -1, 1), torch.zeros(1, 5001, 4)
    (found,) = detections(outputs, anchors, [NARROW], channels=[0], floor=0.01, exact=exact)
    assert found.anchors.tolist() == [0, 4999]


@pytest.mark.parametrize("exact", [True, False])
def test_results_are_plain_arrays_in_the_images_bounds(exact: bool) -> None:
    for image, found in zip(
        [NARROW, WIDE],
        detections(random_outputs(6, 2), ANCHORS, [NARROW, WIDE], channels=range(5), floor=0.3, exact=exact),
        strict=True,
    ):
        dtypes = found.boxes.dtype, found.scores.dtype, found.channels.dtype, found.anchors.dtype
        assert dtypes == (np.float32, np.float32, np.int64, np.int64)
        assert len(found) == 100
        assert found.boxes.min() >= 0
        assert (found.boxes <= np.array([image.width, image.height] * 2) + 1e-3).all()
        assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("exact", [True, False])
def test_scores_below_the_floor_never_come_out(exact: bool) -> None:
    outputs = random_outputs(7, 1)
    for floor in (0.05, 0.35, 0.5, 0.88):
        (found,) = detections(outputs, ANCHORS, [NARROW], channels=range(5), floor=floor, exact=exact)
        assert len(found)
        assert (found.scores >= floor).all()
    (found,) = detections(outputs, ANCHORS, [NARROW], channels=range(5), floor=0.95, exact=exact)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_only_the_exact_way_lets_other_channels_crowd_out_what_was_asked_for() -> None:
    logits, regression = random_outputs(8, 1)
    logits[:, :, [1, 2]] += 20  # 6,138 pairs above all others
    (exact,) = detections((logits, regression), ANCHORS, [NARROW], channels=[0], floor=0.1, exact=True)
    (default,) = detections((logits, regression), ANCHORS, [NARROW], channels=[0], floor=0.1, exact=False)
    assert len(exact) == 0
    assert len(default) > 10
    assert set(default.channels) == {0}


@pytest.mark.parametrize("exact", [True, False])
def test_rows_that_are_not_finite_are_dropped_and_no_others(exact: bool) -> None:
    logits, regression = random_outputs(9, 3)
    rng = np.random.default_rng(9)
    for value in (math.nan, math.inf, -math.inf):
        rows, channels = rng.integers(0, len(ANCHORS), 400), rng.integers(0, 5, 400)
        logits[0, rows, channels] = value
        regression[0, rng.integers(0, len(ANCHORS), 400), rng.integers(0, 4, 400)] = value
    regression[0, :50, 2] = 1e4  # exp overflows
    logits[1] = math.nan
    outputs = logits, regression
    found = detections(outputs, ANCHORS, [NARROW, NARROW, WIDE], channels=range(5), floor=0.0, exact=exact)
    assert len(found[0]) > 20
    assert np.isfinite(found[0].boxes).all()
    assert len(found[1]) == 0
    for i, image in ((0, NARROW), (2, WIDE)):
        one = logits[i : i + 1], regression[i : i + 1]
        (alone,) = detections(one, ANCHORS, [image], channels=range(5), floor=0.0, exact=exact)
        assert_same(found[i], alone)
    expected = slow_detections(
        logits[0].numpy(), regression[0].numpy(), NARROW, channels=range(5), floor=0.0, exact=exact
    )
    assert_same(found[0], expected)


@pytest.mark.parametrize("exact", [True, False])
def test_ties_lose_nothing_and_double_nothing(exact: bool) -> None:
    logits = torch.full((1, 20, 3), -9.0)
    logits[0, [3, 4, 5]] = 1.5  # three anchors, equal in all classes
    regression = torch.zeros(1, 20, 4)
    anchors = torch.tensor([[0.0, 0, 50, 50]]).repeat(20, 1)
    anchors[5] += 60  # 3 and 4 are the same box
    (found,) = detections((logits, regression), anchors, [NARROW], channels=range(3), floor=0.5, exact=exact)
    assert sorted(found.channels.tolist()) == [0, 0, 1, 1, 2, 2]
    assert {anchor == 5 for anchor in found.anchors.tolist()} == {True, False}


@pytest.mark.parametrize("exact", [True, False])
def test_a_network_that_says_the_same_everywhere_gives_a_hundred_good_boxes(exact: bool) -> None:
    outputs = torch.full((1, len(ANCHORS), 5), -4.6), torch.zeros(1, len(ANCHORS), 4)
    (found,) = detections(outputs, ANCHORS, [NARROW], channels=range(5), floor=0.001, exact=exact)
    assert len(found) == 100
    for channel in range(5):
        boxes = found.boxes[found.channels == channel]
        assert (iou(boxes, boxes) - np.eye(len(boxes))).max(initial=0) <= 0.501


@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_the_exact_way_is_effdets(spread: float) -> None:
    """On outputs with all 90 channels alive, of which effdet emits the gaps too."""
    config = effdet.get_efficientdet_config("tf_efficientdet_d0")
    config.image_size = (128, 128)
    anchors = Anchors.from_config(config).boxes
    torch.manual_seed(0)
    logits, regression = torch.randn(2, len(anchors), 90) * spread - 5, torch.randn(2, len(anchors), 4) * 0.3
    sizes = [16, 8, 4, 2, 1]
    cells = [9 * n * n for n in sizes]
    levels = [
        [
            part.reshape(2, n, n, -1).permute(0, 3, 1, 2)
            for n, part in zip(sizes, output.split(cells, dim=1), strict=True)
        ]
        for output in (logits, regression)
    ]
    values, codes, indices, channels = _post_process(*levels, num_levels=5, num_classes=90)
    scale, size = torch.tensor([2.5, 0.75]), torch.tensor([[320.0, 201.0], [40.0, 96.0]])
    rows = _batch_detection(2, values, codes, anchors, indices, channels, scale, size)
    gaps = {11, 25, 28}
    ours = detections(
        (logits, regression), ANCHORS, [NARROW, WIDE], channels=set(range(90)) - gaps, floor=0.001, exact=True
    )
    for expected, found in zip(rows.numpy(), ours, strict=True):
        expected = expected[(expected[:, 4] >= 0.001) & ~np.isin(expected[:, 5] - 1, list(gaps))]
        assert len(expected) > 50
        np.testing.assert_array_equal(found.channels, expected[:, 5] - 1)
        np.testing.assert_allclose(found.scores, expected[:, 4], atol=1e-6)
        np.testing.assert_allclose(found.boxes, expected[:, :4], atol=1e-3)


def test_images_together_keep_what_each_keeps_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = 300 * torch.rand(6, 900, 2, generator=generator)
    boxes = torch.cat([corners, corners + 20 + 60 * torch.rand(6, 900, 2, generator=generator)], dim=2)
    scores, classes = torch.rand(6, 900, generator=generator), torch.randint(0, 3, (6, 900), generator=generator)
    usable = torch.rand(6, 900, generator=generator) < torch.tensor([1, 0.5, 0, 0.02, 0.9, 0.3])[:, None]
    owner, place = suppress(boxes, scores, classes, usable)
    assert owner.tolist() == sorted(owner.tolist())
    kept = [int((owner == image).sum()) for image in range(6)]
    assert kept[2] == 0 < kept[3] < DETECTIONS == kept[0]
    for image in range(6):
        one = slice(image, image + 1)
        _, alone = suppress(boxes[one], scores[one], classes[one], usable[one])
        assert place[owner == image].tolist() == alone.tolist()
