"""Which anchor learns which box."""

import torch
from effdet.anchors import AnchorLabeler, Anchors
from effdet.config import get_efficientdet_config

from detector.model.anchors import anchor_boxes, decode
from detector.model.variants import VARIANTS
from detector.training.targets import BACKGROUND, IGNORED, Truth, assign

SIZE = 256
D0 = VARIANTS["d0"]
ANCHORS = anchor_boxes(D0, SIZE, SIZE)


def truth(*rows: tuple[float, float, float, float, int], crowd: tuple[bool, ...] = ()) -> Truth:
    boxes = torch.tensor([row[:4] for row in rows], dtype=torch.float32).reshape(-1, 4)
    labels = torch.tensor([row[4] for row in rows], dtype=torch.int64)
    return Truth(boxes, labels, torch.tensor(crowd or [False] * len(rows), dtype=torch.bool))


def random_truth(seed: int, count: int) -> Truth:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 200
    side = 6 + torch.rand(count, 2, generator=generator) ** 2 * 150
    boxes = torch.cat([corner, (corner + side).clamp(max=SIZE)], dim=1)
    return Truth(boxes, torch.randint(0, 5, (count,), generator=generator), torch.zeros(count, dtype=torch.bool))


def test_assignment_equals_the_reference():
    config = get_efficientdet_config("tf_efficientdet_d0")
    config.image_size = (SIZE, SIZE)
    labeler = AnchorLabeler(Anchors.from_config(config), 5, match_threshold=0.5)
    for seed in range(6):
        given = random_truth(seed, 1 + 4 * seed)
        labels, boxes, positives = labeler.label_anchors(given.boxes[:, [1, 0, 3, 2]], given.labels.float() + 1)
        expected_labels = torch.cat([level.reshape(-1) for level in labels])
        expected_boxes = torch.cat([level.reshape(-1, 4) for level in boxes])
        ours = assign(ANCHORS, [given])
        assert torch.equal(ours.labels[0], expected_labels.long())
        torch.testing.assert_close(ours.regressions[0], expected_boxes, rtol=1e-4, atol=1e-5)
        assert ours.positives == positives


def test_positive_anchors_decode_to_their_boxes():
    given = truth((40, 60, 120, 150, 3))
    targets = assign(ANCHORS, [given])
    positive = targets.labels[0] == 3
    assert positive.sum() > 1
    decoded = decode(targets.regressions[0, positive], ANCHORS[positive])
    torch.testing.assert_close(decoded, given.boxes.expand_as(decoded), rtol=0, atol=1e-3)


def test_a_box_that_no_anchor_fits_still_gets_one():
    targets = assign(ANCHORS, [truth((100, 100, 104, 230, 1))])
    assert targets.positives == 1


def test_of_two_boxes_that_want_one_anchor_the_first_has_it():
    tiny = (100.0, 100.0, 101.0, 101.0)
    labels = assign(ANCHORS, [truth((*tiny, 0), (*tiny, 4))]).labels
    assert labels[labels >= 0].tolist() == [0]


def test_boxes_without_area_teach_nothing():
    targets = assign(ANCHORS, [truth((50, 50, 50, 90, 2), (60, 60, 40, 80, 2))])
    assert targets.positives == 0
    assert bool((targets.labels == BACKGROUND).all())
    assert bool(targets.regressions.isfinite().all())


def test_crowds_hide_their_anchors_but_not_the_objects_in_them():
    targets = assign(ANCHORS, [truth((0, 0, 200, 200, 0), (60, 60, 124, 124, 1), crowd=(True, False))])
    labels = targets.labels[0]
    inside = (ANCHORS[:, :2] >= 0).all(1) & (ANCHORS[:, 2:] <= 200).all(1)
    outside = (ANCHORS[:, :2] >= 200).any(1)
    assert bool((labels == 1).any())
    assert not bool((labels == 0).any())
    assert bool(((labels[inside] == IGNORED) | (labels[inside] == 1)).all())
    assert bool((labels[outside] == BACKGROUND).all())


def test_images_without_boxes_are_background():
    targets = assign(ANCHORS, [truth(), truth((10, 10, 90, 90, 2))])
    assert bool((targets.labels[0] == BACKGROUND).all())
    assert bool((targets.labels[1] == 2).any())
